"""How often is paid, where the borrower chooses: what may be chosen, and a loan that lives so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from puhui.kernel.clock import FixedClock
from puhui.kernel.errors import Refused
from puhui.lending.formats import shelf
from puhui.lending.formats.product import parse_product
from puhui.lending.nouns import Method, Offer, Rhythm
from puhui.lending.rules.plan import months_of, plan_of
from puhui.servicing import build_schedule
from tests.lending.bank import Bank
from tests.lending.test_change import do, move, state_of
from tests.lending.test_desk_guard import code_of
from tests.lending.test_desk_money import fund
from tests.lending.test_race import signed
from tests.lending.test_terms import STALL, figure, in_force, share, with_schedule

RHYTHMS = 'rhythms = ["week", "month"]'


@pytest.mark.parametrize(
    "schedule",
    [
        'rhythms = ["month"]',
        'rhythms = ["month", "month"]',
        'rhythms = ["month", "year"]',
        'rhythms = ["week", "fortnight"]',
        f"{RHYTHMS}\ngrace_principal = {figure('1', 'period')}",
        f"{RHYTHMS}\nfixed_instalment = {share('0.1')}",
        f"{RHYTHMS}\nvariable_shares = {figure('[0.1]', 'share of amount')}",
    ],
)
def test_rhythms_that_do_not_go_together(schedule: str) -> None:
    """One alone is no choice, the product's own must be among them, periods must mean one thing."""
    parse_product(with_schedule(RHYTHMS))
    with pytest.raises(Refused) as refused:
        parse_product(with_schedule(schedule))
    assert refused.value.code == "lending.bad_product"


@pytest.mark.parametrize(
    ("rhythm", "months", "count"),
    [(None, 6, 26), (Rhythm.WEEK, 6, 26), (Rhythm.FORTNIGHT, 6, 13), (Rhythm.MONTH, 6, 6),
     (Rhythm.MONTH, 3, 3)],
)  # fmt: skip
def test_a_plan_follows_the_rhythm_that_was_chosen(
    rhythm: Rhythm | None, months: int, count: int
) -> None:
    """The same amount and rate: as many instalments as the term has, all of it paid, and the term
    is as long.
    """
    product = shelf.load_product(STALL)
    offer = Offer(1_200_000, "CNY", Decimal("0.12"), months, Method.EQUAL_PRINCIPAL, 0, False,
                  rhythm=rhythm)  # fmt: skip
    plan = plan_of(offer, product)
    schedule = build_schedule(plan, offer.principal_minor, date(2026, 3, 2))
    rows = schedule.instalments
    assert len(rows) == count
    assert sum(row.principal_minor for row in rows) == offer.principal_minor
    assert abs((rows[-1].due_on - date(2026, 3, 2)).days - months * 365 / 12) < 4
    assert months_of(plan) == months


def test_a_loan_lives_in_the_rhythm_that_was_chosen(bank: Bank, clock: FixedClock) -> None:
    """From the application to the end; what the product has not is refused."""
    party_id = bank.person()
    told = {"product": STALL, "term_months": 6, "wanted": 1_300_000}
    wrong = [
        ({**told, "rhythm": "day"}, "bad_rhythm"),
        ({**told, "rhythm": "fortnight", "term_months": 3}, "bad_rhythm"),
        ({**told, "product": "merchant_310", "rhythm": "month"}, "bad_rhythm"),
        ({**told, "rhythm": "month", "due_day": 5}, "bad_due_day"),
    ]
    for number, (one, code) in enumerate(wrong):
        assert code_of(bank.apply, party_id, f"w{number}", **one) == f"lending.{code}", one
    in_force(bank, STALL)
    contract_id = signed(bank, party_id, "1", **told, rhythm="fortnight")
    do(bank, "disburse", contract_id=contract_id)
    state = state_of(bank, contract_id)
    assert len(state.rows) == 13
    first, second = state.rows[0].due_on, state.rows[1].due_on
    assert (second - first).days == 14
    fund(bank, party_id, 10_000_000)
    move(bank, clock, (first - bank.today()).days, closes=True)
    assert state_of(bank, contract_id).rows[0].owed_minor == 0
