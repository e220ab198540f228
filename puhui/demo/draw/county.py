"""The county itself: its shops and who runs them, its suppliers, the people of its bank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from puhui.demo.draw.cohort import ended_badly
from puhui.demo.draw.facts import Block, draw_block
from puhui.demo.draw.flow import Movements, movements_of
from puhui.demo.draw.people import People
from puhui.demo.draw.trade import history_days
from puhui.demo.figures import read_figures
from puhui.demo.nouns import Figures, Firm, GuardCase, Merchant, Person
from puhui.kernel.errors import Refused

COUNTY_BLOCK = 0
PEOPLE_DICE = 3
SIZE_MIN, SIZE_MAX = 20, 9_000
EXPOSED_SCALE = 5.0
EXPOSED_WISH_MINOR = 20_000_000
"""Two applications of 200,000 yuan: together above what the product lends to one merchant."""

AGE_CASES = frozenset((GuardCase.UNDER_AGE, GuardCase.OVER_AGE, GuardCase.UNVERIFIED))
"""Cases that only a person can show, never a firm."""


@dataclass(frozen=True, slots=True)
class County:
    """Everything of a county before it enters a node; its history ends the evening before
    ``day``, and ``first`` is the first day of it.
    """

    seed: int
    day: date
    first: date
    merchants: tuple[Merchant, ...]
    suppliers: tuple[Firm, ...]
    staff: tuple[tuple[str, str, Person], ...]
    block: Block

    @property
    def movements(self) -> Movements:
        """The history as transfers, in order of time."""
        return movements_of(self.block.trading, self.first)

    @property
    def ended_badly(self) -> tuple[bool, ...]:
        """How a loan to each merchant will have ended: for judging decisions, never for making
        them; nothing of it enters a node.
        """
        return ended_badly(self.seed, COUNTY_BLOCK, len(self.merchants))


def draw_county(seed: int, size: int, day: date) -> County:
    """The county of ``seed`` with ``size`` merchants, as it stands on the morning of ``day``.

    The same seed, size and day give the same county. Refused: ``demo.bad_size``.
    """
    if not SIZE_MIN <= size <= SIZE_MAX:
        raise Refused("demo.bad_size", f"A county has {SIZE_MIN} to {SIZE_MAX:,} merchants.")
    figures = read_figures()
    dice = np.random.default_rng([seed, COUNTY_BLOCK, PEOPLE_DICE])
    cases = _draw_cases(dice, size, figures.guard_cases)
    scales = np.array([EXPOSED_SCALE if case is GuardCase.EXPOSED else 1.0 for case in cases])
    block = draw_block(seed, COUNTY_BLOCK, size, day, figures, scales)
    people = People(dice, figures)
    staff = tuple(
        (login, role, people.person(day, int(dice.integers(26, 56))))
        for login, role in figures.staff
    )
    suppliers = tuple(
        people.firm(number, "商贸", people.person(day, int(dice.integers(30, 60))))
        for number in range(figures.suppliers)
    )
    merchants = tuple(
        _draw_merchant(dice, figures, people, block, shop, case) for shop, case in enumerate(cases)
    )
    return County(
        seed=seed,
        day=day,
        first=history_days(day, figures.history_days)[0],
        merchants=merchants,
        suppliers=suppliers,
        staff=staff,
        block=block,
    )


def _draw_cases(
    dice: np.random.Generator, size: int, shares: Mapping[str, float]
) -> tuple[GuardCase, ...]:
    """Who shows which guard at work: at least one merchant for each case, the rest ordinary."""
    cases = [GuardCase.ORDINARY] * size
    order = iter(dice.permutation(size))
    for name, share in shares.items():
        for _ in range(max(1, round(share * size))):
            cases[int(next(order))] = GuardCase(name)
    return tuple(cases)


def _age_of(dice: np.random.Generator, case: GuardCase) -> int:
    if case is GuardCase.UNDER_AGE:
        return int(dice.integers(16, 18))
    if case is GuardCase.OVER_AGE:
        return int(dice.integers(68, 79))
    return int(np.clip(round(float(dice.normal(42, 10))), 21, 63))


def _draw_merchant(
    dice: np.random.Generator,
    figures: Figures,
    people: People,
    block: Block,
    shop: int,
    case: GuardCase,
) -> Merchant:
    owner = people.person(block.day, _age_of(dice, case))
    trade = int(block.shops.trade[shop])
    is_firm = float(dice.random()) < figures.firm_share and case not in AGE_CASES
    number = figures.suppliers + shop
    income_minor = int(block.income_yuan[shop]) * 100
    debt_minor, lenders = int(block.debt_yuan[shop]) * 100, int(block.lenders[shop])
    overdue_minor = overdue_days = 0
    if case is GuardCase.OVER_INDEBTED:
        debt_minor = round(income_minor * float(dice.uniform(3.2, 6.0)) / 10_000) * 10_000
        lenders = int(dice.integers(3, 8))
    elif case is GuardCase.EXPOSED:
        debt_minor = lenders = 0
    elif case is GuardCase.OVERDUE:
        overdue_minor = int(dice.integers(30, 200)) * 10_000
        overdue_days = int(dice.integers(5, 90))
        debt_minor, lenders = max(debt_minor, 2 * overdue_minor), max(lenders, 1)
    is_exposed = case is GuardCase.EXPOSED
    return Merchant(
        number=shop,
        owner=owner,
        firm=people.firm(number, figures.trades[trade].zh, owner) if is_firm else None,
        case=case,
        trade=trade,
        scale=float(block.shops.scale[shop]),
        pattern=int(block.shops.pattern[shop]),
        registered_on=block.day - timedelta(days=int(block.months[shop] * 30.4375)),
        yearly_income_minor=income_minor,
        existing_debt_minor=debt_minor,
        lenders=lenders,
        overdue_minor=overdue_minor,
        overdue_days=overdue_days,
        wanted_minor=EXPOSED_WISH_MINOR if is_exposed else int(block.wanted_yuan[shop]) * 100,
        past_instalments=block.past[shop],
    )
