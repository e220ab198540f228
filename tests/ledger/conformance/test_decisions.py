"""What every engine decides the same way: worked by hand from the reference of each operation.

Source: TigerBeetle, reference of create_accounts, create_transfers and of the operations that
look up, 0.16; what is added here is said at the test.
"""

from __future__ import annotations

from dataclasses import replace

from puhui.ledger import Transfer
from tests.ledger.conformance.hand import (
    ALICE,
    BOB,
    FUND,
    SECOND_NS,
    SHOP,
    START_NS,
    Hand,
    end,
    needs_clock,
    pay,
)

P, ALL = Transfer.PENDING, Transfer.ALL


def test_a_retry_is_told_that_it_exists(hand: Hand) -> None:
    first, (time_ns, _) = hand.result(pay(10, FUND, ALICE, 70), pay(11, ALICE, BOB, 20))
    assert first == ["created", "created"]
    assert time_ns > 0
    again, times = hand.result(pay(10, FUND, ALICE, 70), pay(11, ALICE, BOB, 20))
    assert again == ["exists", "exists"]
    assert times == [0, 0]
    assert hand.sums(FUND, ALICE, BOB) == [(0, 70, 0, 0), (0, 20, 0, 70), (0, 0, 0, 20)]
    assert hand.transfers(10)[0].time_us == time_ns // 1000
    told = {
        "flags": replace(pay(10, FUND, ALICE, 70), flags=P),
        "debit_account_id": pay(10, BOB, ALICE, 70),
        "credit_account_id": pay(10, FUND, BOB, 70),
        "amount": pay(10, FUND, ALICE, 71),
        "user_data_128": pay(10, FUND, ALICE, 70, user_data_128=1),
        "user_data_64": pay(10, FUND, ALICE, 70, user_data_64=1),
        "user_data_32": pay(10, FUND, ALICE, 70, user_data_32=1),
        "ledger": replace(pay(10, FUND, ALICE, 70), ledger="USD"),
        "code": replace(pay(10, FUND, ALICE, 70), code=5),
    }
    assert hand.book(*told.values()) == [f"exists_with_different_{name}" for name in told]


def test_one_batch_may_hold_an_id_twice(hand: Hand) -> None:
    assert hand.book(pay(10, FUND, ALICE, 5), pay(10, FUND, ALICE, 5), pay(10, FUND, ALICE, 6)) == [
        "created",
        "exists",
        "exists_with_different_amount",
    ]
    assert hand.sums(ALICE) == [(0, 0, 0, 5)]


def test_a_failure_that_may_pass_burns_the_id(hand: Hand) -> None:
    assert hand.book(
        pay(10, ALICE, BOB, 5), pay(11, FUND, 99, 5), pay(12, 98, FUND, 5), end(13, 97, 4)
    ) == [
        "exceeds_credits",
        "credit_account_not_found",
        "debit_account_not_found",
        "pending_transfer_not_found",
    ]
    hand.book(pay(20, FUND, ALICE, 100))
    assert (
        hand.book(
            pay(10, ALICE, BOB, 5),
            pay(11, FUND, BOB, 5),
            pay(12, FUND, BOB, 5),
            pay(13, FUND, BOB, 5),
        )
        == ["id_already_failed"] * 4
    )
    # Nor may it name a pending one.
    assert hand.book(end(14, 10, Transfer.VOID)) == ["pending_transfer_not_found"]
    assert hand.transfers(10, 11, 12, 13) == []


def test_a_failure_of_form_leaves_the_id_free(hand: Hand) -> None:
    assert hand.book(
        pay(10, FUND, FUND, 5), replace(pay(11, FUND, BOB, 5), ledger="USD"), pay(12, 0, BOB, 5)
    ) == [
        "accounts_must_be_different",
        "transfer_must_have_the_same_ledger_as_accounts",
        "debit_account_id_must_not_be_zero",
    ]
    assert hand.book(*(pay(number, FUND, BOB, 5) for number in (10, 11, 12))) == ["created"] * 3


def test_chains_happen_whole_or_not_at_all(hand: Hand) -> None:
    linked = Transfer.LINKED
    assert hand.book(
        pay(10, FUND, ALICE, 9, linked),
        pay(11, ALICE, BOB, 10, linked),
        pay(12, FUND, BOB, 1),
        pay(13, FUND, ALICE, 3, linked),
        pay(14, ALICE, BOB, 2),
        pay(15, FUND, BOB, 1, linked),
    ) == [
        "linked_event_failed",
        "exceeds_credits",
        "linked_event_failed",
        "created",
        "created",
        "linked_event_chain_open",
    ]
    assert hand.sums(ALICE, BOB) == [(0, 2, 0, 3), (0, 0, 0, 2)]
    # Only the one that failed by itself has burnt its id.
    assert hand.book(
        pay(10, FUND, BOB, 1), pay(11, FUND, BOB, 1), pay(12, FUND, BOB, 1), pay(15, FUND, BOB, 1)
    ) == ["created", "id_already_failed", "created", "created"]


def test_a_chain_sees_what_it_did_itself(hand: Hand) -> None:
    linked = Transfer.LINKED
    assert (
        hand.book(
            pay(10, FUND, ALICE, 9, P | linked),
            replace(end(11, 10, Transfer.POST, ALL), flags=Transfer.POST | linked),
            pay(12, ALICE, BOB, 9),
        )
        == ["created"] * 3
    )
    assert hand.sums(ALICE) == [(0, 9, 0, 9)]


def test_a_pending_is_posted_in_part_voided_or_kept(hand: Hand) -> None:
    hand.book(pay(10, FUND, ALICE, 100))
    assert (
        hand.book(*(pay(number, ALICE, BOB, 30, P) for number in (11, 12, 13))) == ["created"] * 3
    )
    assert hand.book(pay(14, ALICE, BOB, 11)) == ["exceeds_credits"]
    assert hand.book(
        end(21, 11, Transfer.POST, 31),
        end(22, 11, Transfer.POST, 10),
        end(23, 12, Transfer.VOID, 29),
        end(24, 12, Transfer.VOID),
        end(25, 11, Transfer.POST, ALL),
        end(26, 12, Transfer.POST, ALL),
        end(27, 10, Transfer.VOID),
        end(28, 28, Transfer.VOID),
    ) == [
        "exceeds_pending_transfer_amount",
        "created",
        "pending_transfer_has_different_amount",
        "created",
        "pending_transfer_already_posted",
        "pending_transfer_already_voided",
        "pending_transfer_not_pending",
        "pending_id_must_be_different",
    ]
    assert hand.sums(ALICE, BOB) == [(30, 10, 0, 100), (0, 0, 30, 10)]
    # What a post leaves open is its pending transfer's.
    (posted,) = hand.transfers(22)
    assert (posted.debit_account_id, posted.credit_account_id) == (ALICE, BOB)
    assert (posted.amount_minor, posted.ledger, posted.code) == (10, "CNY", 4)
    assert hand.book(end(22, 11, Transfer.POST, 10), end(24, 12, Transfer.VOID)) == ["exists"] * 2


def test_a_pending_past_its_time_is_over(hand: Hand) -> None:
    needs_clock(hand)
    hand.book(pay(10, FUND, ALICE, 100))
    assert hand.book(pay(11, ALICE, BOB, 80, P, timeout_s=5)) == ["created"]
    assert hand.book(pay(12, ALICE, BOB, 30)) == ["exceeds_credits"]
    hand.wait(6)
    assert hand.sums(ALICE, BOB) == [(0, 0, 0, 100), (0, 0, 0, 0)]
    assert (
        hand.book(end(13, 11, Transfer.POST, ALL), end(14, 11, Transfer.VOID))
        == ["pending_transfer_expired"] * 2
    )
    assert hand.book(pay(15, ALICE, BOB, 100)) == ["created"]
    assert hand.book(pay(16, FUND, BOB, 1, timeout_s=1)) == [
        "timeout_reserved_for_pending_transfer"
    ]


def test_a_clock_that_goes_back_takes_nothing_back(hand: Hand) -> None:
    needs_clock(hand)
    _, (first_ns,) = hand.result(pay(10, FUND, BOB, 1))
    hand.now_ns -= 3600 * SECOND_NS
    statuses, (second_ns,) = hand.result(pay(11, FUND, BOB, 2, P, timeout_s=5))
    assert statuses == ["created"]
    if hand.played.is_store:
        # An act is given its own time, and the order of the journal is that of acts.
        assert second_ns < first_ns
    else:
        assert second_ns > first_ns
        assert hand.sums(BOB) == [(0, 0, 2, 1)]
    hand.now_ns = START_NS + 10 * SECOND_NS
    assert hand.sums(BOB) == [(0, 0, 0, 1)]


def test_balancing_takes_what_there_is(hand: Hand) -> None:
    hand.book(pay(10, FUND, ALICE, 100), pay(11, ALICE, BOB, 30, P))
    assert (
        hand.book(
            pay(12, ALICE, BOB, ALL, Transfer.BALANCING_DEBIT),
            pay(13, ALICE, BOB, 5, Transfer.BALANCING_DEBIT),
            pay(14, SHOP, BOB, 40),
            pay(15, FUND, SHOP, 25, Transfer.BALANCING_CREDIT),
            pay(16, FUND, SHOP, ALL, Transfer.BALANCING_CREDIT | P),
        )
        == ["created"] * 5
    )
    assert [t.amount_minor for t in hand.transfers(12, 13, 15, 16)] == [70, 0, 25, 15]
    assert hand.sums(ALICE, SHOP) == [(30, 70, 0, 100), (0, 40, 15, 25)]
    # A retry may ask for as much or more than there was then.
    assert hand.book(
        pay(12, ALICE, BOB, ALL, Transfer.BALANCING_DEBIT),
        pay(12, ALICE, BOB, 69, Transfer.BALANCING_DEBIT),
    ) == ["exists", "exists_with_different_amount"]


def test_closing_closes_until_it_is_voided(hand: Hand) -> None:
    flags = P | Transfer.CLOSING_CREDIT
    assert hand.book(pay(10, FUND, BOB, 0, Transfer.CLOSING_CREDIT)) == [
        "closing_transfer_must_be_pending"
    ]
    assert hand.book(pay(11, FUND, BOB, 7), pay(12, FUND, BOB, 0, flags)) == ["created"] * 2
    assert hand.is_closed(BOB)
    assert hand.book(pay(13, FUND, BOB, 1), pay(14, BOB, FUND, 1)) == [
        "credit_account_already_closed",
        "debit_account_already_closed",
    ]
    assert hand.book(end(15, 12, Transfer.VOID)) == ["created"]
    assert not hand.is_closed(BOB)
    assert hand.book(pay(16, FUND, BOB, 1)) == ["created"]
    # A closed account burns ids; a post keeps it closed.
    assert hand.book(pay(13, FUND, BOB, 1)) == ["id_already_failed"]
    assert hand.sums(BOB) == [(0, 0, 0, 8)]


def test_closing_ends_with_its_time(hand: Hand) -> None:
    needs_clock(hand)
    assert hand.book(pay(10, BOB, FUND, 0, P | Transfer.CLOSING_DEBIT, timeout_s=5)) == ["created"]
    assert hand.is_closed(BOB)
    hand.wait(6)
    assert not hand.is_closed(BOB)
    assert hand.book(pay(11, BOB, FUND, 1)) == ["created"]
