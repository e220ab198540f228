"""Anything that can happen to a loan, in any order, on a real node: the books follow to the fen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.servicing import live, noun
from puhui.servicing.nouns import Early, Interest
from puhui.servicing.nouns.plan import Happening
from puhui.servicing.rules.replay import quote
from tests.servicing.ordeal import Ordeal
from tests.servicing.templates import HORIZONTAL, VERTICAL

NUMBERS = count(1)
LENT = 1_234_567
BASE = replace(HORIZONTAL, annual_rate=Decimal("0.12"), count=6)
PLANS = (
    BASE,
    replace(BASE, method=noun.Method.EQUAL_PRINCIPAL, early=Early.REDUCE_COUNT,
            day_count=noun.DayCount.ACT_365),
    replace(VERTICAL, annual_rate=Decimal("0.0725"), method=noun.Method.INTEREST_FIRST, count=4,
            day_count=noun.DayCount.ACT_ACT),
    replace(VERTICAL, annual_rate=Decimal("0.18"), count=5, day_count=noun.DayCount.THIRTY_360,
            early=Early.NEXT_REPAYMENT),
    replace(BASE, method=noun.Method.DRAW_AT_WILL, is_revolving=True,
            day_count=noun.DayCount.ACT_360),
    replace(BASE, grace_days=12, keeps_past_rates=True, count=12),
    replace(VERTICAL, annual_rate=Decimal("0.0725"), method=noun.Method.INTEREST_FIRST, count=4,
            grace_days=5, day_count=noun.DayCount.ACT_ACT, every=3, counts_each_year=True,
            keeps_past_rates=True),
    replace(BASE, interest=Interest.FLAT, count=3),
    replace(BASE, interest=Interest.FLAT, count=4, flat_counts_all=True, has_drawings=True),
)  # fmt: skip
PARTS = tuple(noun.Part)
PLAIN = {
    "re_amortise": Happening.RE_AMORTISED,
    "write_off": Happening.WRITTEN_OFF,
    "charge_off": Happening.CHARGED_OFF,
    "resume": Happening.RESUMED,
}
step = st.tuples(st.sampled_from(
    ["move", "close", "repay", "back_dated", "undo", "charge_back", "refund", "fee", "penalty",
     "waive", "re_age", "re_amortise", "reschedule", "rate", "due_day", "write_off", "pause",
     "resume", "draw", "month", "charge_off", "pay_off", "goodwill"]
), st.integers(0, 99), st.integers(1, 99))  # fmt: skip


def ending(loan: Ordeal, book: live.Book) -> int:
    """What ends a loan today, or on the day of its latest event, minor units."""
    return quote(book.plan, book.events, max(loan.today, book.last_on)).total_minor


def take(loan: Ordeal, name: str, a: int, b: int) -> None:
    """One step; numbers are read by what it is."""
    with loan.node.read() as tx:
        book = live.read_book(tx, loan.loan_id)
    state = book.state(max(loan.today, book.last_on))
    owed = max(1, state.owed_minor)
    coming = [row.due_on for row in state.rows if row.due_on > loan.today]
    match name:
        case "re_amortise" | "write_off" | "charge_off" | "resume":
            loan.happen(PLAIN[name])
        case "move":
            loan.move(b)
        case "close":
            loan.close()
        case "month":
            day = loan.today.replace(day=28) + timedelta(days=4)
            loan.move((day - timedelta(days=day.day) - loan.today).days)
            loan.close()
        case "repay":
            kind = Happening.RECOVERED if state.is_written_off else Happening.REPAID
            loan.happen(kind, amount_minor=max(1, owed * b // 60))
        case "back_dated":
            day = loan.start + (loan.today - loan.start) * a // 99
            loan.happen(Happening.REPAID, day, amount_minor=max(1, owed * b // 60))
        case "undo":
            wanted = str(a % len(book.events))
            undone = {event.undoes for event in book.events}
            kinds = {event.event_id: event.kind for event in book.events}
            if kinds[wanted] not in (Happening.DRAWN, Happening.UNDONE) and wanted not in undone:
                loan.happen(Happening.UNDONE, undoes=wanted)
        case "charge_back":
            wanted = str(a % len(book.events))
            if book.events[int(wanted)].kind is Happening.REPAID:
                amount = max(1, book.events[int(wanted)].amount_minor * b // 50)
                loan.happen(Happening.CHARGED_BACK, amount_minor=amount, undoes=wanted)
        case "refund":
            loan.happen(Happening.CREDIT_REFUNDED,
                        amount_minor=max(1, state.credit_minor * b // 60))  # fmt: skip
        case "fee":
            due = loan.today + timedelta(days=a) if a % 3 else None
            loan.happen(Happening.FEE_CHARGED, amount_minor=b * 7, due_on=due)
        case "penalty":
            due = state.rows[a % len(state.rows)].due_on
            kind = Happening.LATE_FEE_CHARGED if due < loan.today else Happening.PENALTY_CHARGED
            loan.happen(kind, amount_minor=b * 5, due_on=due)
        case "waive":
            loan.happen(Happening.WAIVED, amount_minor=b * b, part=PARTS[a % 4])
        case "re_age":
            due = loan.today + timedelta(days=1 + a)
            loan.happen(Happening.RE_AGED, due_on=due, count=1 + b % 6)
        case "reschedule":
            due = coming[a % len(coming)] if coming else loan.today
            rate = Decimal(b) / 400 if a % 2 else None
            loan.happen(Happening.RESCHEDULED, due_on=due, count=b % 4, grace=a % 3,
                        annual_rate=rate)  # fmt: skip
        case "rate":
            loan.happen(Happening.RATE_CHANGED, annual_rate=Decimal(b) / 400)
        case "due_day":
            due = coming[a % len(coming)] if coming else loan.today
            loan.happen(Happening.DUE_DAY_MOVED, due_on=due, moved_to=due + timedelta(days=b % 20))
        case "pay_off":
            loan.happen(Happening.PAID_OFF, amount_minor=ending(loan, book))
        case "goodwill":
            loan.happen(Happening.GOODWILL, amount_minor=max(1, owed * b // 200))
        case "pause":
            loan.happen(Happening.PAUSED, due_on=loan.today + timedelta(days=b))
        case "draw":
            if state.plan.is_revolving or state.plan.has_drawings:
                loan.happen(Happening.DRAWN, amount_minor=b * 1000)


@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(PLANS), st.booleans(), st.sampled_from([0, 24_691]),
       st.lists(step, min_size=4, max_size=24))  # fmt: skip
def test_the_books_follow_whatever_happens(
    sqlite_node: Node, clock: FixedClock, plan: noun.Plan, is_joint: bool, fee: int,
    steps: list[tuple[str, int, int]],
) -> None:  # fmt: skip
    loan_id = f"ordeal-{next(NUMBERS):06d}x"
    loan = Ordeal(sqlite_node, clock, loan_id, plan, lent=LENT, is_joint=is_joint, fee=fee)
    for one in steps:
        take(loan, *one)
