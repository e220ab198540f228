"""The generator: same seed same county, every guard has its case, money is kept, nobody is real."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from puhui.demo import draw_county, read_figures
from puhui.demo.draw.cohort import observed_of
from puhui.demo.draw.county import County
from puhui.demo.draw.trade import KINDS_IN, history_days
from puhui.demo.nouns import GuardCase, Person
from puhui.demo.rules.season import day_factors, is_before_festival, is_market_day
from puhui.kernel.errors import Refused

DAY = date(2026, 3, 2)
SIZE = 120


@pytest.fixture(scope="module")
def county() -> County:
    """A county of some size, drawn once."""
    return draw_county(7, SIZE, DAY)


def people_of(county: County) -> list[Person]:
    """Every person of a county."""
    staff = [person for _, _, person in county.staff]
    return (
        staff + [f.representative for f in county.suppliers] + [m.owner for m in county.merchants]
    )


def test_the_same_seed_draws_the_same_county(county: County) -> None:
    """People, facts and every transfer agree; another seed draws others."""
    again, other = draw_county(7, SIZE, DAY), draw_county(8, SIZE, DAY)
    assert again.merchants == county.merchants
    assert again.suppliers == county.suppliers
    for name in ("shop", "day", "second", "amount_minor", "payer", "tickets", "supplier"):
        ours, theirs = getattr(county.movements, name), getattr(again.movements, name)
        assert np.array_equal(ours, theirs), name
    assert other.merchants != county.merchants
    assert other.movements.amount_minor.sum() != county.movements.amount_minor.sum()


def test_the_default_county_has_the_stated_size() -> None:
    """400 merchants over 120 days make 100,000 to 170,000 transfers."""
    figures = read_figures()
    county = draw_county(1, figures.merchants, DAY)
    assert len(county.merchants) == 400
    assert county.first == history_days(DAY, 120)[0] == date(2025, 11, 2)
    assert 100_000 < len(county.movements.shop) < 170_000
    assert 20 < sum(merchant.firm is not None for merchant in county.merchants) < 70


@pytest.mark.parametrize("size", [0, 19, 9_001])
def test_sizes_out_of_range_are_refused(size: int) -> None:
    """A county too small for all cases, or too large for its numbers, is not drawn."""
    with pytest.raises(Refused) as refused:
        draw_county(1, size, DAY)
    assert refused.value.code == "demo.bad_size"


@pytest.mark.parametrize("size", [20, SIZE])
def test_every_guard_meets_a_case(size: int) -> None:
    """Each case is there, and looks like what it stands for."""
    merchants = draw_county(3, size, DAY).merchants
    assert {merchant.case for merchant in merchants} == set(GuardCase)
    for merchant in merchants:
        born = merchant.owner.birth_date
        age = DAY.year - born.year - ((DAY.month, DAY.day) < (born.month, born.day))
        assert (age < 18) == (merchant.case is GuardCase.UNDER_AGE)
        assert (age > 65) == (merchant.case is GuardCase.OVER_AGE)
        over = merchant.existing_debt_minor > 3 * merchant.yearly_income_minor
        assert over or merchant.case is not GuardCase.OVER_INDEBTED
        is_overdue = merchant.overdue_minor > 0
        assert is_overdue == (merchant.case is GuardCase.OVERDUE)
        assert is_overdue == (merchant.overdue_days > 0)


def test_people_are_nobody(county: County) -> None:
    """Right check characters, a region and a range of phones that were never assigned, names that
    show what they are; no number stands twice.
    """
    people = people_of(county)
    for person in people:
        number = person.id_number
        remainder = 0
        for character in number:
            remainder = (remainder * 2 + (10 if character == "X" else int(character))) % 11
        assert remainder == 1, "ISO 7064 MOD 11-2 leaves 1"
        assert number[2:4] == "99"
        assert number[6:14] == person.birth_date.strftime("%Y%m%d")
        assert person.phone.startswith("154")
        assert len(person.phone) == 11
        assert person.name[1] == "样"
    assert len({person.id_number for person in people}) == len(people)
    assert len({person.phone for person in people}) == len(people)
    firms = [*county.suppliers, *(m.firm for m in county.merchants if m.firm)]
    assert all(firm.uscc[2:8] == "149999" for firm in firms)
    assert len({firm.uscc for firm in firms}) == len(firms)


def test_wallets_keep_every_fen(county: County) -> None:
    """Opening balance and flows make the balance, which is never below nought."""
    trading = county.block.trading
    amounts = trading.amounts.sum(axis=2)
    expected = trading.opening + amounts[:KINDS_IN].sum(axis=0) - amounts[KINDS_IN:].sum(axis=0)
    for observed, before, end in zip(
        observed_of(county.block), trading.opening, expected, strict=True
    ):
        flows = observed.flows
        assert flows.balance_minor[-1] == end
        assert flows.balance_minor.min() >= 0
        assert flows.balance_minor[0] == before + flows.amount_minor[0]
    assert (trading.amounts >= 0).all()


def test_paid_invoices_are_what_suppliers_got(county: County) -> None:
    """Each invoice that is paid left the wallet on that day, to that supplier; not before."""
    trading = county.block.trading
    shop, place = np.nonzero(trading.paid >= 0)
    paid_on = trading.paid[shop, place]
    assert np.array_equal(trading.amounts[3, shop, paid_on], trading.billed[shop, place])
    assert np.array_equal(trading.supplier[shop, paid_on], trading.biller[shop, place])
    assert (paid_on > trading.issued[shop, place]).all()
    assert trading.amounts[3].sum() == trading.billed[shop, place].sum()


def test_seasons_show_in_the_takings(county: County) -> None:
    """Shops take more on their market days, and hardly anything while the new year is kept."""
    figures, days = read_figures(), history_days(DAY, 120)
    takings = county.block.trading.amounts[:KINDS_IN].sum(axis=0)
    pattern = county.block.shops.pattern
    at_market = np.array([[is_market_day(day, int(p)) for day in days] for p in pattern])
    assert takings[at_market].mean() > 1.15 * takings[~at_market].mean()
    new_year = days.index(date(2026, 2, 17))
    assert takings[:, new_year : new_year + 3].sum() == 0
    assert is_before_festival(date(2026, 2, 10), figures)
    assert not is_before_festival(date(2026, 2, 18), figures)
    factors = day_factors((date(2026, 4, 1),), figures)
    assert factors.shape == (len(figures.trades), 4, 1)
