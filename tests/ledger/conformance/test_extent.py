"""What every engine takes and what it does not: accounts, amounts, imports, batches, histories.

Source: as ``test_decisions``.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from puhui.kernel import Refused
from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import pack_accounts, pack_transfers, unpack_accounts
from puhui.ledger.nouns import AMOUNT_MAX, ID_MAX
from tests.ledger.conformance.hand import (
    ALICE,
    BOB,
    FUND,
    LIMITED,
    SECOND_NS,
    SHOP,
    START_NS,
    Hand,
    end,
    needs_clock,
    pay,
)
from tests.ledger.conformance.played import Played

P, ALL = Transfer.PENDING, Transfer.ALL


def test_an_amount_of_more_than_62_bits_is_refused(hand: Hand) -> None:
    """Added here: amounts stand in 64-bit columns."""
    large = AMOUNT_MAX + 1
    linked = Transfer.LINKED
    assert hand.book(
        pay(10, FUND, BOB, large),
        pay(11, FUND, BOB, 2**64),
        pay(12, FUND, BOB, ID_MAX, P),
        pay(13, FUND, BOB, 1, linked),
        pay(14, FUND, BOB, large),
        pay(15, FUND, FUND, large),
        pay(16, FUND, 99, large),
        replace(pay(17, FUND, BOB, large), ledger="USD"),
        pay(18, 0, BOB, large),
        replace(pay(19, FUND, BOB, large), ledger=""),
    ) == [
        "amount_must_not_exceed_62_bits",
        "amount_must_not_exceed_62_bits",
        "amount_must_not_exceed_62_bits",
        "linked_event_failed",
        "amount_must_not_exceed_62_bits",
        "accounts_must_be_different",
        "credit_account_not_found",
        "transfer_must_have_the_same_ledger_as_accounts",
        "debit_account_id_must_not_be_zero",
        "ledger_must_not_be_zero",
    ]
    # It says nothing of the state of the books, so the id stays free; one that was used is told.
    assert hand.book(pay(10, FUND, BOB, 3), pay(10, FUND, BOB, large)) == [
        "created",
        "exists_with_different_amount",
    ]
    assert hand.book(pay(16, FUND, BOB, large)) == ["id_already_failed"]
    assert hand.sums(BOB) == [(0, 0, 0, 3)]


def test_the_largest_amount_is_taken(hand: Hand) -> None:
    assert hand.book(pay(10, FUND, BOB, AMOUNT_MAX)) == ["created"]
    assert hand.sums(BOB) == [(0, 0, 0, AMOUNT_MAX)]


def test_history_is_imported_with_its_own_times(played: Played) -> None:
    hand = Hand(played)
    needs_clock(hand)
    past_us = START_NS // 1000 - 10_000
    account = Account(FUND, "CNY", 1, Account.IMPORTED, time_us=past_us)
    assert hand.open(account, replace(account, id=BOB, time_us=past_us + 1)) == ["created"] * 2
    assert (
        hand.open(replace(account, id=SHOP), Account(ALICE, "CNY", 1))
        == [
            "created",
            "imported_event_expected",
        ]
        or not played.is_store
    )
    imported = pay(10, FUND, BOB, 5, Transfer.IMPORTED, time_us=past_us + 5)
    assert hand.book(
        imported,
        replace(imported, id=11, time_us=past_us + 4),
        replace(imported, id=12, time_us=past_us + 1),
        replace(imported, id=13, time_us=0),
        replace(imported, id=14, time_us=START_NS // 1000 + 1_000_000),
        replace(imported, id=15, flags=imported.flags | P, timeout_s=1, time_us=past_us + 6),
        pay(16, FUND, BOB, 1),
        replace(imported, id=17, time_us=past_us + 7),
    ) == [
        "created",
        "imported_event_timestamp_must_not_regress",
        "imported_event_timestamp_must_not_regress",
        "imported_event_timestamp_out_of_range",
        "imported_event_timestamp_must_not_advance",
        "imported_event_timeout_must_be_zero",
        "imported_event_expected",
        "created",
    ]
    assert [t.time_us for t in hand.transfers(10, 17)] == [past_us + 5, past_us + 7]
    assert hand.book(pay(18, FUND, BOB, 1), replace(imported, id=19)) == [
        "created",
        "imported_event_not_expected",
    ]
    assert hand.book(pay(20, FUND, BOB, 1, time_us=1)) == ["timestamp_must_be_zero"]
    assert hand.book(imported) == ["exists"]


def test_accounts_are_created_once(hand: Hand) -> None:
    linked, both = Account.LINKED, LIMITED | Account.CREDITS_MUST_NOT_EXCEED_DEBITS
    assert hand.open(
        Account(FUND, "CNY", 1),
        Account(FUND, "CNY", 2),
        Account(FUND, "USD", 1),
        Account(FUND, "CNY", 1, Account.HISTORY),
        Account(FUND, "CNY", 1, user_data_64=1),
        Account(0, "CNY", 1),
        Account(ID_MAX, "CNY", 1),
        Account(30, "CNY", 1, both),
        Account(30, "", 1),
        Account(30, "CNY", 0),
        Account(30, "CNY", 1, 1 << 9),
        Account(30, "CNY", 1, credits_posted_minor=1),
        Account(30, "CNY", 1, linked),
        Account(31, "CNY", 0, linked),
        Account(32, "CNY", 1),
        Account(30, "CNY", 1, linked),
        Account(31, "CNY", 1),
        Account(32, "CNY", 1, linked),
    ) == [
        "exists",
        "exists_with_different_code",
        "exists_with_different_ledger",
        "exists_with_different_flags",
        "exists_with_different_user_data_64",
        "id_must_not_be_zero",
        "id_must_not_be_int_max",
        "flags_are_mutually_exclusive",
        "ledger_must_not_be_zero",
        "code_must_not_be_zero",
        "reserved_flag",
        "credits_posted_must_be_zero",
        "linked_event_failed",
        "code_must_not_be_zero",
        "linked_event_failed",
        "created",
        "created",
        "linked_event_chain_open",
    ]
    found = unpack_accounts(hand.found_accounts(32, 31, FUND, 30))
    assert [a.id - hand.played.offset for a in found] == [31, FUND, 30]


def test_an_account_tells_its_transfers_and_balances(hand: Hand) -> None:
    hand.book(pay(10, FUND, BOB, 100), pay(11, FUND, ALICE, 50))
    hand.wait(1)
    middle_ns = hand.now_ns - SECOND_NS // 2
    hand.book(pay(12, BOB, FUND, 30, P), end(13, 12, Transfer.POST, 20), pay(14, BOB, ALICE, 10))
    lines = [(10, 100), (12, 100), (13, 80), (14, 70)]
    page, told = hand.history(BOB)
    assert told == lines
    assert hand.history(BOB, count=3)[1] == lines[:3]
    assert hand.history(BOB, after=int(page.ordinals[1]), count=1)[1] == lines[2:3]
    assert hand.history(BOB, after=int(page.ordinals[3]))[1] == []
    # An account without history tells the same.
    of_fund = [(10, -100), (11, -150), (12, -150), (13, -130)]
    page, told = hand.history(FUND)
    assert told == of_fund
    after = -1
    for line in of_fund:
        page, told = hand.history(FUND, after=after, count=1)
        assert told == [line]
        after = int(page.ordinals[0])
    assert hand.history(FUND, after=int(page.ordinals[0]))[1] == []
    assert hand.history(99)[1] == []
    if hand.played.has_clock and not hand.played.has_holds:  # others' acts are far ahead there
        assert hand.history(BOB, from_ns=middle_ns)[1] == lines[1:]
        assert hand.history(BOB, until_ns=middle_ns)[1] == lines[:1]
        assert hand.history(FUND, from_ns=middle_ns, count=1)[1] == of_fund[2:3]


def test_a_batch_has_its_end(hand: Hand) -> None:
    for create, pack, noun in (
        (hand.engine.create_accounts, pack_accounts, Account(50, "CNY", 1)),
        (hand.engine.create_transfers, pack_transfers, pay(50, FUND, BOB, 1)),
    ):
        batch = pack([hand.moved(noun) if isinstance(noun, Transfer) else noun] * 8190)
        assert create(batch[:0], hand.now_ns).named() == ()
        too_many = pack([noun]).repeat(8191)
        with pytest.raises(Refused) as refused:
            create(too_many, hand.now_ns)
        assert refused.value.code == "ledger.batch_too_large"


def test_a_whole_batch_is_taken(hand: Hand) -> None:
    batch = [pay(1000 + n, FUND, BOB, 1 + n % 3) for n in range(8190)]
    assert set(hand.book(*batch)) == {"created"}
    assert hand.sums(BOB) == [(0, 0, 0, sum(t.amount_minor for t in batch))]
    assert len(hand.transfers(*range(1000, 1000 + 8190))) == 8190
