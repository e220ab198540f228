"""Receipts of loans: the loan's own page and the wallet's statement tell the same number."""

from __future__ import annotations

from datetime import date

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock, business_date, start_of_day_us
from puhui.kernel.store.browse import position_at
from puhui.lending import loan_state
from puhui.lending.window import applications_of, loan_events, receipts
from puhui.payment import numbers, statement
from puhui.payment.rules import receipt as rules
from puhui.worker import close_day
from tests.lending.bank import Bank

NOON_US = 12 * 3_600_000_000
MINUTE_US = 60_000_000


def lines_of(node: Node, party_id: str, day: date) -> dict[str, set[str]]:
    """The receipts of the lines of a wallet's month by what the lines are."""
    with node.read() as tx:
        lines = statement(tx, party_id, "CNY", day)
    found: dict[str, set[str]] = {}
    for one in lines:
        found.setdefault(one.kind, set()).add(one.receipt)
    return found


def test_one_act_has_one_number_in_the_wallet_and_on_the_loan(
    bank: Bank, clock: FixedClock
) -> None:
    """Money taken, paid back in parts and taken by the day: each is found by its number."""
    node = bank.node
    party_id = bank.person()
    contract_id = bank.lend(party_id, "one")
    other = bank.lend(bank.person(), "two")
    clock.set_us(clock.now_us() + 20 * 24 * 60 * MINUTE_US)
    bank.repay(contract_id, 200_000, "part")
    with node.read() as tx:
        due = loan_state(tx, contract_id, business_date(clock.now_us())).rows[0].due_on
    clock.set_us(start_of_day_us(due) + NOON_US)
    close_day(node, due)
    node.store.settle_positions()
    with node.read() as tx:
        events = loan_events(tx, contract_id)
        assert [one.kind for one in events] == ["drawn", "repaid", "repaid"]
        numbers_of = [one.receipt for one in events]
        assert len(set(numbers_of)) == 3
        assert all(rules.is_receipt(one) for one in numbers_of)
        for event in events:
            found = receipts.events_numbered(tx, event.receipt, now_us=clock.now_us())
            assert event in found, event
            shown = numbers.grouped_digits(event.receipt)
            assert receipts.own_events_numbered(tx, shown, party_id) == (event,)
            stranger = loan_events(tx, other)[0].party_id
            assert receipts.own_events_numbered(tx, shown, stranger) == ()
        drawn, part, taken = events
        lines = numbers.own_lines(tx, part.receipt, party_id, "CNY", now_us=clock.now_us())
        assert {one.kind for one in lines} == {"principal_repayment", "interest_repayment"}
        assert sum(one.amount_minor for one in lines) == -part.amount_minor
        lines = numbers.own_lines(tx, taken.receipt, party_id, "CNY", now_us=clock.now_us())
        assert sum(one.amount_minor for one in lines) == -taken.amount_minor
        (line,) = numbers.own_lines(tx, drawn.receipt, party_id, "CNY", now_us=clock.now_us())
        assert (line.kind, line.amount_minor) == ("disbursement", drawn.amount_minor)
        alone = rules.receipt_of(rules.number_at(line.time_us, int(line.id, 16)))
        assert numbers.own_lines(tx, alone, party_id, "CNY", now_us=clock.now_us()) == (line,), (
            "the number that an older release printed is still found"
        )
        unused = rules.receipt_of((clock.now_us() // 1000 - 5_000) << 80 | 7)
        assert receipts.events_numbered(tx, unused, now_us=clock.now_us()) == ()
    assert taken.receipt in lines_of(node, party_id, due)["principal_repayment"]


def test_an_application_is_found_by_its_number_alone(bank: Bank, clock: FixedClock) -> None:
    """Of several applications of one second, each has its own; others are not among them."""
    parties = [bank.person() for _ in range(3)]
    for place, party_id in enumerate(parties):
        bank.lend(party_id, f"loan {place}")
    later = bank.person()
    clock.set_us(clock.now_us() + MINUTE_US)
    bank.lend(later, "later")
    with bank.node.read() as tx:
        made = [applications_of(tx, party_id)[0].id for party_id in (*parties, later)]
        shown = [numbers.receipt(one) for one in made]
        assert len(set(shown)) == 4
        for id, number in zip(made, shown, strict=True):
            found = receipts.applications_numbered(tx, number, now_us=clock.now_us())
            assert [row.id for row in found] == [id]
        early = numbers.receipt(f"application-{clock.now_us() // 1000 - 5_000:011x}{7:021x}")
        assert receipts.applications_numbered(tx, early, now_us=clock.now_us()) == ()


def test_what_moves_no_money_of_a_wallet_has_none(sqlite_bank: Bank) -> None:
    contract_id = sqlite_bank.lend(sqlite_bank.person(), "one")
    told = {"contract_id": contract_id, "annual_rate": "0.05"}
    sqlite_bank.act("lending.change_rate", "rate", **told)
    with sqlite_bank.node.read() as tx:
        assert [bool(one.receipt) for one in loan_events(tx, contract_id)] == [True, False]


def test_the_place_of_a_time_in_the_journal(sqlite_bank: Bank, clock: FixedClock) -> None:
    """Found by halves: nothing of that time or later stands before it."""
    begun = clock.now_us()
    for step in range(5):
        clock.set_us(begun + step * MINUTE_US)
        sqlite_bank.person()
    with sqlite_bank.node.read() as tx:
        places = [position_at(tx, begun + step * MINUTE_US) for step in range(6)]
        assert places == sorted(set(places))
        assert position_at(tx, 0) <= 1


@pytest.mark.parametrize(
    "carried, id, wanted",
    [
        (7_000 << 80 | 5, 7_000 << 80 | 9, 7_000 << 80 | 5),
        (1 << 127 | 3, 7_001 << 80 | 9, rules.number_at(7_000_500, 7_001 << 80 | 9)),
        (0, 1 << 127 | 9, rules.number_at(7_000_500, 1 << 127 | 9)),
        (0, 6_999 << 80 | 9, rules.number_for(6_999_000, 11)),
    ],
)
def test_a_number_always_begins_with_the_time_of_its_line(
    carried: int, id: int, wanted: int
) -> None:
    """What a transfer carries may be an id without a time, as that of a voucher."""
    found = rules.number_of_line(carried, id, 7_000_500, 11)
    assert found == wanted
    assert abs((found >> 80) - 7_000) <= 1
