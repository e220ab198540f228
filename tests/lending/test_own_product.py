"""A bank's own product from a file of its home, from application to end, on both stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.calendar import add_months, business_day, last_published_year
from puhui.kernel.clock import FixedClock
from puhui.lending.formats import shelf
from puhui.lending.formats.product import parse_product
from puhui.lending.nouns import Happening
from puhui.lending.rules.plan import plan_of
from puhui.lending.window import contract_row
from puhui.servicing import build_schedule, cost, noun
from puhui.servicing import plan as engine
from puhui.servicing.window import provisions_of
from tests.lending.bank import Bank, open_bank
from tests.lending.books import check_books
from tests.lending.second import decide, propose
from tests.lending.test_change import do, move, state_of
from tests.lending.test_desk_guard import code_of
from tests.lending.test_desk_money import fund
from tests.lending.test_loan import in_wallet
from tests.lending.test_race import signed
from tests.lending.test_terms import (
    GOOD,
    HOUSE,
    figure,
    in_force,
    kept,
    offer,
    own,  # noqa: F401
    with_schedule,
)

NAME = "bakers"
MONTHS = 12


def text_of(shift: str) -> str:
    """Drawn in parts, tens of yuan, on a day of the month that the borrower chooses, shifted."""
    schedule = (
        f"drawings = true\nchooses_due_day = true\ninstalment_multiple = {figure('10', 'CNY')}"
    )
    text = with_schedule(schedule, offered='equal_instalment = "act/365"')
    text = text.replace('name = "merchant_310"', f'name = "{NAME}"', 1)
    return text.replace("shifts_due_days = false", f'shifts_due_days = true\nshift = "{shift}"', 1)


@pytest.fixture
def open_own(
    store_url: str,
    open_at: Callable[..., Node],
    operator: Actor,
    tmp_path: Path,
    own: None,  # noqa: F811
) -> Callable[[str], Bank]:
    """Opens a bank in whose home the product lies, with a shift rule."""

    def open_one(shift: str) -> Bank:
        kept(tmp_path, NAME, text_of(shift))
        bank = open_bank(open_at(store_url), operator, tmp_path)
        in_force(bank, NAME)
        return bank

    return open_one


def test_an_own_product_from_application_to_its_end(
    open_own: Callable[[str], Bank], clock: FixedClock
) -> None:
    bank = open_own("next")
    assert NAME in shelf.product_names()
    party_id = bank.person()
    told = {"product": NAME, "term_months": MONTHS, "wanted": 2_000_000}
    assert code_of(bank.apply, party_id, "0", **told, due_day=29) == "lending.bad_due_day"
    other = {**told, "product": "merchant_310"}
    assert code_of(bank.apply, party_id, "00", **other, due_day=5) == "lending.bad_due_day"
    contract_id = signed(bank, party_id, "1", **told, due_day=20)
    with bank.node.read() as tx:
        text = contract_row(tx, contract_id).text
    assert "每月 20 日还款" in text and "10.00" in text and "顺延到下一个工作日" in text
    do(bank, "disburse", contract_id=contract_id, amount_minor=1_200_000)
    do(bank, "draw", contract_id=contract_id, amount_minor=300_000)
    state = state_of(bank, contract_id)
    assert state.outstanding_minor == 1_500_000
    assert all(row.due_minor % 1_000 == 0 for row in state.rows[:-1])
    assert not state.is_calendar_published, "due days of next year"
    assert state.rows[-1].due_on.year > last_published_year()
    fund(bank, party_id, 10_000_000)
    move(bank, clock, (state.rows[0].due_on - bank.today()).days, closes=True)
    paid = state_of(bank, contract_id).rows[0]
    assert paid.owed_minor == 0, "debited from the wallet"
    month_end = add_months(bank.today().replace(day=1), 1) - timedelta(days=1)
    move(bank, clock, (month_end - bank.today()).days, closes=True)
    with bank.node.read() as tx:
        found = provisions_of(tx, f"{month_end:%Y-%m}")
    assert sum(row.loans for row in found) == 1, "the end of the month provides for it"
    bank.repay(contract_id, 500_000, "early")
    assert state_of(bank, contract_id).outstanding_minor < 1_000_000
    for row in state_of(bank, contract_id).rows:
        if row.owed_minor and row.due_on > bank.today():
            move(bank, clock, (row.due_on - bank.today()).days, closes=True)
    ended = state_of(bank, contract_id)
    assert ended.status is noun.LoanStatus.PAID_OFF
    assert sum(row.principal_paid_minor for row in ended.rows) == 1_500_000
    assert in_wallet(bank, party_id) > 0
    check_books(bank.node)


@pytest.mark.parametrize("shift", ["next", "previous", "modified_next"])
def test_due_days_keep_clear_of_closed_days(open_own: Callable[[str], Bank], shift: str) -> None:
    """The 31st never is chosen; of the others the shift rule of the product holds in the store."""
    bank = open_own(shift)
    party_id = bank.person()
    contract_id = bank.lend(
        party_id, "1", product=NAME, term_months=MONTHS, wanted=2_000_000, due_day=28
    )
    state = state_of(bank, contract_id)
    planned = [add_months(bank.today(), n, 28) for n in range(1, MONTHS + 1)]
    moved = [row.due_on for row in state.rows]
    assert moved != planned, "some of them are closed"
    for was, is_ in zip(planned, moved, strict=True):
        assert business_day(is_).is_open
        if business_day(was).is_open:
            assert is_ == was
        elif shift == "previous":
            assert is_ < was
        elif shift == "next":
            assert is_ > was
        else:
            assert is_.month == was.month, "it never leaves its month"
    assert not state.is_calendar_published
    check_books(bank.node)


def test_a_four_eyes_drawing_of_an_own_product(
    open_own: Callable[[str], Bank], clock: FixedClock
) -> None:
    """Staff record an earlier drawing of it by two; what lies ahead stays in tens."""
    bank = open_own("next")
    party_id = bank.person()
    told = {"product": NAME, "term_months": MONTHS, "wanted": 2_000_000, "due_day": 20}
    contract_id = signed(bank, party_id, "1", **told)
    do(bank, "disburse", contract_id=contract_id, amount_minor=1_200_000)
    day = bank.today()
    move(bank, clock, 3, closes=True)
    more = {"contract_id": contract_id, "amount_minor": 200_000, "drawn_on": day.isoformat()}
    decide(bank, propose(bank, "record_drawing", **more).proposal_id)
    state = state_of(bank, contract_id)
    assert state.outstanding_minor == 1_400_000
    assert all(row.due_minor % 1_000 == 0 for row in state.rows[1:-1])
    check_books(bank.node)


def test_instalments_are_told_rounded_and_put_on_a_day() -> None:
    """12,000.00 over 12 months: 10 % then 5 % each, tens of yuan, the 15th of each month."""
    made = {}
    for name, day in (("shares", None), ("amounts", None), ("tens", None), ("own_day", 15)):
        schedule, more = GOOD[name]
        product = parse_product(with_schedule(schedule, **more))
        plan = plan_of(replace(offer(product), due_day=day), product)
        made[name] = build_schedule(plan, 1_200_000, date(2026, 1, 31))
    totals = {name: [row.total_minor for row in one.instalments] for name, one in made.items()}
    assert totals["shares"][:11] == [120_000] + [60_000] * 10
    assert totals["amounts"][:11] == [50_000] + [200_000] * 6 + [totals["amounts"][7], 0, 0, 0]
    assert all(total % 1_000 == 0 for total in totals["tens"][:11])
    assert [day.day for day in made["own_day"].due_on] == [15] * 12
    assert made["own_day"].due_on[0] == date(2026, 2, 15)


def test_a_longer_first_period_moves_no_apr() -> None:
    """Interest for the days there are: the apr of 12 % stays about 12 % whatever day is chosen."""
    schedule, more = GOOD["own_day"]
    product = parse_product(with_schedule(schedule, **more))
    for day in (1, 10, 20, 28):
        plan = plan_of(replace(offer(product), due_day=day), product)
        apr = cost(plan, build_schedule(plan, 1_200_000, date(2026, 1, 10))).apr
        assert abs(apr - Decimal("0.12")) < Decimal("0.002"), (day, apr)


def test_two_drawings_of_a_day_are_one() -> None:
    product = shelf.load_product(HOUSE)
    plan = plan_of(offer(product, months=24), product)
    day = date(2026, 1, 5)
    whole = [noun.PlanEvent("0", Happening.DRAWN, day, 1_200_000)]
    parts = [noun.PlanEvent(str(n), Happening.DRAWN, day, 400_000) for n in range(3)]
    rows = [engine.replay(plan, events, day).rows for events in (whole, parts)]
    assert [(row.principal_minor, row.interest_minor) for row in rows[0]] == [
        (row.principal_minor, row.interest_minor) for row in rows[1]
    ]
