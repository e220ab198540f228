"""Collections, relief, charge-off, guarantees, pledges and the window, on both stores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

import tests.servicing.stand  # noqa: F401  registers a use case of tests
from puhui import servicing
from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.errors import Refused
from puhui.kernel.store import change
from puhui.ledger import lookup_accounts
from puhui.payment import own_account, wallet_account
from puhui.servicing import window
from puhui.servicing.tables import collect
from puhui.worker import close_day
from tests.servicing.book import Book, loan_id, party_id
from tests.servicing.templates import make_templates

DAY = date(2026, 3, 30)


def code_of(call: Callable[..., object], *args: Any, **more: Any) -> str:
    """The code by which a call is refused."""
    with pytest.raises(Refused) as refused:
        call(*args, **more)
    return refused.value.code


@pytest.fixture
def book(store_url: str, open_at: Callable[..., Node], clock: FixedClock, operator: Actor) -> Book:
    """120 loans after a day and the end of a month."""
    found = Book(open_at(store_url), DAY, make_templates(DAY, ages=12, offsets=10))
    found.load(120, with_events=True)
    for day in (DAY, DAY + timedelta(days=1)):
        at(clock, day, 20)
        close_day(found.node, day)
    found.operator = operator
    found.keys = iter(range(10_000))
    return found


def at(clock: FixedClock, day: date, hour: int) -> None:
    """Put the clock to an hour in China."""
    clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T{hour:02}:00:00+08:00")))


def act(book: Book, name: str, by: str = "tester", /, **input: Any) -> Any:
    """A use case under a key of its own, by somebody who holds every role."""
    actor = Actor(by, book.operator.roles)
    return book.node.act(name, input, key=f"k{next(book.keys)}", actor=actor)


def late(book: Book, *, stage: int = 0) -> str:
    """A loan with arrears, in a stage if one is asked for."""
    with book.node.read() as tx:
        rows = window.list_arrears(tx, count=200)
    return next(row.id for row in rows if stage in (0, row.stage))


def test_the_window_shows_the_book(book: Book) -> None:
    with book.node.read() as tx:
        arrears = window.list_arrears(tx, count=500)
        classes, buckets = window.class_table(tx), window.bucket_table(tx)
        provisions = window.provisions_of(tx, "2026-03")
        rolls = window.roll_rates(tx, "2026-03")
        moves = window.class_moves(tx, "2026-03")
        tasks = window.list_tasks(tx, count=500)
        names = ("loan_loss_allowance", "interest_receivable")
        allowance, receivable = lookup_accounts(tx, [own_account(n, "CNY") for n in names])
        live = servicing.live.count_live(tx)
    assert sum(row.loans for row in classes) == sum(row.loans for row in buckets) == live
    assert sum(row.loans for row in moves) == live
    kept = {row.risk_class for row in moves}
    assert kept == {row.risk_class for row in classes}, "where they stand is the class of today"
    assert sum(row.loans for row in provisions) == sum(row.loans for row in rolls) == live
    assert sum(row.posted_minor for row in provisions) == allowance.credit_balance_minor
    assert {row.id for row in arrears} == {task.loan_id for task in tasks}
    assert len(window.bucket_names()) == 10 and window.bucket_names()[2] == "3-29"
    assert window.RiskClass.LOSS == 4 and receivable is not None
    assert any(row.stage == 3 and row.risk_class >= 2 for row in provisions)


def test_a_second_close_posts_nothing(book: Book) -> None:
    with book.node.read() as tx:
        before = window.provisions_of(tx, "2026-03"), window.class_table(tx)
    close_day(book.node, DAY + timedelta(days=1))
    with book.node.read() as tx:
        assert (window.provisions_of(tx, "2026-03"), window.class_table(tx)) == before


def test_contacts_and_promises(book: Book, clock: FixedClock) -> None:
    loan, day = late(book), DAY + timedelta(days=2)
    at(clock, day, 10)
    told = {"loan_id": loan, "person": "borrower", "channel": "call", "result": "promised"}
    assert act(book, "servicing.record_contact", **told).left_today == 5
    for _ in range(5):
        act(book, "servicing.record_contact", **told)
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.contacted_enough"
    third = told | {"person": "employer"}
    assert code_of(act, book, "servicing.record_contact", **third) == "servicing.third_party"
    way = told | {"channel": "shout"}
    assert code_of(act, book, "servicing.record_contact", **way) == "servicing.bad_contact"
    at(clock, day, 23)
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.quiet_hours"
    with book.node.read() as tx:
        assert len(window.contacts_of(tx, loan)) == 6
    promised = {"loan_id": loan, "amount_minor": 100, "by": (day + timedelta(days=3)).isoformat()}
    far = promised | {"by": (day + timedelta(days=40)).isoformat()}
    assert code_of(act, book, "servicing.promise_to_pay", **far) == "servicing.bad_promise"
    act(book, "servicing.promise_to_pay", **promised)
    again = code_of(act, book, "servicing.promise_to_pay", **promised)
    assert again == "servicing.promised_already"
    later = day + timedelta(days=4)
    at(clock, later, 20)
    close_day(book.node, later)
    with book.node.read() as tx:
        (found,) = window.promises_of(tx, loan)
    assert found.status == "broken"
    second = {"loan_id": loan, "amount_minor": 100, "by": later.isoformat()}
    act(book, "servicing.promise_to_pay", **second)
    at(clock, later + timedelta(days=1), 20)
    close_day(book.node, later + timedelta(days=1))
    third_time = second | {"by": (later + timedelta(days=2)).isoformat()}
    refused = code_of(act, book, "servicing.promise_to_pay", **third_time)
    assert refused == "servicing.promises_broken"


def test_tasks_are_taken_once(book: Book) -> None:
    loan = late(book)
    assert act(book, "servicing.take_task", "anna", loan_id=loan).taken_by == "anna"
    assert code_of(act, book, "servicing.take_task", "ben", loan_id=loan) == "servicing.task_taken"
    assert code_of(act, book, "servicing.take_task", loan_id="x") == "servicing.no_task"
    with book.node.read() as tx:
        assert [task.loan_id for task in window.list_tasks(tx, taken_by="anna")] == [loan]


def test_nobody_is_contacted_about_a_loan_that_is_paid(book: Book) -> None:
    with book.node.read() as tx:
        owing = {row.id for row in window.list_arrears(tx, count=500)}
    fine = next(loan_id(n) for n in range(120) if loan_id(n) not in owing)
    told = {"loan_id": fine, "person": "borrower", "channel": "call", "result": "reached"}
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.nothing_owed"
    missing = told | {"loan_id": "loan-x"}
    assert code_of(act, book, "servicing.record_contact", **missing) == "servicing.no_loan"


def test_relief_is_decided_by_somebody_else(book: Book, clock: FixedClock) -> None:
    loan = late(book, stage=1)
    asked = {"loan_id": loan, "reason": "disaster", "days": 90}
    assert code_of(act, book, "servicing.ask_relief", **(asked | {"days": 999})) == (
        "servicing.bad_relief"
    )
    relief = act(book, "servicing.ask_relief", **asked).relief_id
    assert code_of(act, book, "servicing.ask_relief", **asked) == "servicing.relief_asked"
    grant = {"relief_id": relief, "is_granted": True, "days": 60}
    assert code_of(act, book, "servicing.decide_relief", **grant) == "party.four_eyes"
    assert act(book, "servicing.decide_relief", "officer", **grant).status == "granted"
    refused = code_of(act, book, "servicing.decide_relief", "officer", **grant)
    assert refused == "servicing.relief_decided"
    none = grant | {"relief_id": "x"}
    assert code_of(act, book, "servicing.decide_relief", "o", **none) == "servicing.no_relief"
    day = DAY + timedelta(days=40)
    at(clock, day, 20)
    close_day(book.node, day)
    with book.node.read() as tx:
        row = servicing.live.take_loan(tx, loan)
    assert (row.days_past_due, row.arrears_minor, row.stage, row.risk_class) == (0, 0, 2, 1)
    with book.node.read() as tx:
        state = servicing.live.read_book(tx, loan).state(day)
    assert state.outstanding_minor == row.outstanding_minor
    assert next(one for one in state.rows if one.owed_minor).due_on == (
        DAY + timedelta(days=1 + 60)
    )


def test_relief_of_a_loan_that_is_paid_takes_principal_off_for_a_while(
    book: Book, clock: FixedClock
) -> None:
    with book.node.read() as tx:
        owing = {row.id for row in window.list_arrears(tx, count=500)}
        fine = next(loan_id(n) for n in range(120) if loan_id(n) not in owing)
        before = servicing.live.read_book(tx, fine).state(DAY + timedelta(days=1))
    asked = {"loan_id": fine, "reason": "illness", "days": 60}
    relief = act(book, "servicing.ask_relief", **asked).relief_id
    act(book, "servicing.decide_relief", "officer", relief_id=relief, is_granted=True, days=60)
    with book.node.read() as tx:
        after = servicing.live.read_book(tx, fine).state(DAY + timedelta(days=1))
    assert len(after.rows) > len(before.rows)
    coming = next(row for row in after.rows if row.due_on > after.on)
    assert coming.principal_owed_minor == 0 and coming.interest_minor > 0
    assert after.outstanding_minor == before.outstanding_minor


@pytest.mark.parametrize("kind", ["interest_only", "longer", "lower"])
@pytest.mark.parametrize("is_late", [False, True])
def test_relief_lays_a_loan_out_anew(book: Book, kind: str, is_late: bool) -> None:
    """What was previewed is what is granted: nothing past due, principal as before."""
    today = DAY + timedelta(days=1)
    with book.node.read() as tx:
        owing = {row.id for row in window.list_arrears(tx, count=500)}
        found = []
        for n in range(120):
            state = servicing.live.read_book(tx, loan_id(n)).state(today)
            is_coming = any(r.due_on > today and r.principal_owed_minor for r in state.rows)
            is_level = state.plan.method.value.startswith("equal")
            if (loan_id(n) in owing) == is_late and is_coming and is_level:
                found.append((loan_id(n), state))
        loan, before = found[0]
        most = max(row.owed_minor for row in before.rows if row.due_on > today) * 3 // 4
        number = 0 if kind == "lower" else 4
        amount = most if kind == "lower" else 0
        terms = window.relief.ReliefTerms(window.relief.ReliefKind(kind), number, amount)
        preview = window.relief.preview_relief(tx, loan, terms, today)
    asked = {"loan_id": loan, "reason": "market", "kind": kind, "count": number,
             "amount_minor": amount}  # fmt: skip
    relief = act(book, "servicing.ask_relief", **asked).relief_id
    act(book, "servicing.decide_relief", "officer", relief_id=relief, is_granted=True)
    with book.node.read() as tx:
        after = servicing.live.read_book(tx, loan).state(today)
        row = window.relief_row(tx, relief)
        live = servicing.live.take_loan(tx, loan)
    assert tuple(one for one in after.rows if one.owed_minor > 0) == preview.after
    assert after.outstanding_minor == before.outstanding_minor == live.outstanding_minor
    assert after.arrears_minor == 0 and live.watch_until > today.toordinal()
    assert (row.kind, row.instalments, row.amount_minor) == (kind, number, amount)
    if kind == "lower":
        coming = [one.owed_minor for one in after.rows if one.due_on > today]
        assert max(coming[1:] if is_late else coming) <= most
    elif kind == "interest_only":
        assert [one.principal_owed_minor for one in preview.after[:4]] == [0] * 4


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "longer", "count": 61},
        {"kind": "interest_only", "count": 13},
        {"kind": "lower", "amount_minor": 0},
        {"kind": "lower", "amount_minor": 1},
        {"days": 0},
    ],
)
def test_relief_is_bounded(book: Book, told: dict[str, Any]) -> None:
    asked = {"loan_id": late(book, stage=1), "reason": "market", **told}
    assert code_of(act, book, "servicing.ask_relief", **asked) == "servicing.bad_relief"


def test_pauses_are_bounded(book: Book) -> None:
    loan = late(book)
    far = (DAY + timedelta(days=400)).isoformat()
    assert code_of(act, book, "servicing.pause_age", loan_id=loan, until=far) == (
        "servicing.bad_pause"
    )
    until = DAY + timedelta(days=11)
    assert act(book, "servicing.pause_age", loan_id=loan, until=until.isoformat()).until == until
    today = (DAY + timedelta(days=1)).isoformat()
    assert act(book, "servicing.pause_age", loan_id=loan, until=today).paused_days == 0


def test_guarantors_are_spoken_to_by_a_count_of_their_own(book: Book, clock: FixedClock) -> None:
    """A loan without a guarantor has none to speak to; each person has an own count."""
    loan, day = late(book), DAY + timedelta(days=2)
    at(clock, day, 10)
    told = {"loan_id": loan, "person": "guarantor", "channel": "call", "result": "reached"}
    name = "servicing.record_contact"
    assert code_of(act, book, name, **told) == "servicing.no_guarantor"
    with change(book.node.store) as tx:
        for n in (1, 2):
            tx.put(
                collect.INSERT_GUARANTEE, id=f"guarantee-{n}", loan_id=loan,
                guarantor_id=f"guarantor-{n}", share_millionths=100_000, premium_minor=0,
                called_minor=0, recovered_minor=0, call_after_days=91,
            )  # fmt: skip
    assert code_of(act, book, name, **told) == "servicing.no_guarantor", "which of the two?"
    stranger = told | {"guarantor_id": "party-00000099"}
    assert code_of(act, book, name, **stranger) == "servicing.third_party"
    borrower = told | {"person": "borrower"}
    mixed = borrower | {"guarantor_id": "guarantor-1"}
    assert code_of(act, book, name, **mixed) == "servicing.bad_contact"
    first = told | {"guarantor_id": "guarantor-1"}
    assert [act(book, name, **first).left_today for _ in range(6)] == [5, 4, 3, 2, 1, 0]
    assert code_of(act, book, name, **first) == "servicing.contacted_enough"
    assert act(book, name, **told | {"guarantor_id": "guarantor-2"}).left_today == 5
    assert act(book, name, **borrower).left_today == 5
    with book.node.read() as tx:
        assert len(window.contacts_of(tx, loan)) == 8


def charge_off_code(book: Book, loan: str) -> str:
    """By which code a charge-off is refused."""
    return code_of(act, book, "servicing.charge_off", "system", loan_id=loan)


def test_a_charge_off_is_an_event_that_can_be_undone(book: Book, clock: FixedClock) -> None:
    loan = late(book, stage=3)
    with book.node.read() as tx:
        before = servicing.live.take_loan(tx, loan)
    act(book, "servicing.charge_off", "system", loan_id=loan)
    with book.node.read() as tx:
        given_up = servicing.live.take_loan(tx, loan)
        events = servicing.live.events_of(tx, loan)
        state = servicing.live.read_book(tx, loan).state(DAY + timedelta(days=1))
    assert events[-1].kind == "charged_off" and given_up.events == before.events + 1
    assert state.is_charged_off and given_up.status == "charged_off"
    assert given_up.outstanding_minor == before.outstanding_minor, "the debt lives"
    assert given_up.booked_loss_minor == given_up.outstanding_minor
    undo = servicing.noun.PlanEvent(
        "", servicing.noun.Happening.UNDONE, DAY + timedelta(days=1), undoes=str(events[-1].number)
    )
    act(book, "bench.happen", "system", loan_id=loan, event=undo)
    with book.node.read() as tx:
        assert servicing.live.take_loan(tx, loan).status == "live"
    day = date(2026, 4, 30)
    at(clock, day, 20)
    close_day(book.node, day)
    with book.node.read() as tx:
        row = servicing.live.take_loan(tx, loan)
        rows = window.class_table(tx)
        (allowance,) = lookup_accounts(tx, [own_account("loan_loss_allowance", "CNY")])
    assert row.booked_loss_minor == row.expected_loss_minor < row.outstanding_minor
    assert allowance.credit_balance_minor == sum(one.booked_loss_minor for one in rows)


def test_a_charge_off_provides_for_all(book: Book, clock: FixedClock) -> None:
    loan = late(book, stage=3)
    assert act(book, "servicing.charge_off", "system", loan_id=loan).status == "charged_off"
    assert charge_off_code(book, loan) == "servicing.charged_off"
    assert charge_off_code(book, late(book, stage=1)) == "servicing.not_impaired"
    day = DAY + timedelta(days=2)
    at(clock, day, 20)
    close_day(book.node, day)
    with book.node.read() as tx:
        row = servicing.live.take_loan(tx, loan)
    assert row.booked_minor == 0 and row.is_suspended == 1
    assert row.expected_loss_minor == row.outstanding_minor == row.booked_loss_minor


def test_pledges_are_held_while_the_loan_lives(book: Book) -> None:
    loan = late(book)
    told = {"loan_id": loan, "kind": "machine", "value_minor": 100_000}
    pledge = act(book, "servicing.add_pledge", **told).pledge_id
    bad = told | {"kind": "soul"}
    assert code_of(act, book, "servicing.add_pledge", **bad) == "servicing.bad_pledge"
    assert code_of(act, book, "servicing.release_pledge", pledge_id=pledge) == (
        "servicing.pledge_needed"
    )
    assert code_of(act, book, "servicing.release_pledge", pledge_id="x") == "servicing.no_pledge"
    with book.node.read() as tx:
        assert [row.status for row in window.pledges_of(tx, loan)] == ["held"]


def test_guarantees_are_called_for_impaired_loans(book: Book) -> None:
    loan = late(book, stage=3)
    registered = act(
        book, "party.register_person", name="担保人", id_number="11010519491231002X",
        phone="13800000001",
    )  # fmt: skip
    told = {"loan_id": loan, "guarantor_id": registered.party_id, "share": 500_000}
    guarantee = act(book, "bench.stand_for", **told)
    over = told | {"share": 600_000}
    assert code_of(act, book, "bench.stand_for", **over) == "servicing.bad_guarantee"
    called = code_of(act, book, "servicing.call_guarantee", guarantee_id=guarantee)
    assert called == "servicing.wallet_short"
    act(book, "payment.open_wallet", party_id=registered.party_id, currency="CNY")
    with book.node.read() as tx:
        row = servicing.live.take_loan(tx, loan)
    assert wallet_account(registered.party_id, "CNY") != wallet_account(party_id(0), "CNY")
    assert row.arrears_minor > 0
    assert code_of(act, book, "servicing.call_guarantee", guarantee_id=guarantee) == (
        "servicing.wallet_short"
    )
    assert code_of(act, book, "servicing.call_guarantee", guarantee_id="x") == (
        "servicing.no_guarantee"
    )
