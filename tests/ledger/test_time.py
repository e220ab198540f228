"""Expiry, watermarks, history and import: what time does to the books, on both stores."""

from __future__ import annotations

import pytest

from puhui import ledger
from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from tests.ledger.books import (
    ALICE,
    BOB,
    FUND,
    OTHER,
    advance,
    create_accounts,
    create_transfers,
    end,
    expire,
    pay,
    sums_of,
)


def test_a_pending_past_its_time_holds_nothing(books: Node, clock: FixedClock) -> None:
    create_transfers(books, pay(1, FUND, ALICE, 100))
    start_us = clock.now_us()
    hold = pay(2, ALICE, BOB, 80, Transfer.PENDING, timeout_s=10)
    longer = pay(3, ALICE, BOB, 20, Transfer.PENDING, timeout_s=20)
    assert create_transfers(books, hold, longer, pay(4, ALICE, BOB, 1)) == [
        "created",
        "created",
        "exceeds_credits",
    ]
    clock.set_us(start_us + 9_999_999)
    assert create_transfers(books, pay(5, ALICE, BOB, 1)) == ["exceeds_credits"]
    clock.set_us(start_us + 10_000_000)
    # Not yet released in the books, but no longer in the way, and not to be posted.
    assert sums_of(books, [ALICE]) == [(100, 0, 0, 100)]
    assert sums_of(books, [ALICE], clock.now_us()) == [(20, 0, 0, 100)]
    assert create_transfers(
        books, end(6, 2, Transfer.POST, Transfer.ALL), pay(7, ALICE, BOB, 80)
    ) == ["pending_transfer_expired", "created"]
    assert expire(books) == 1
    assert expire(books) == 0
    assert sums_of(books, [ALICE, BOB]) == [(20, 80, 0, 100), (0, 0, 20, 80)]
    assert sums_of(books, [ALICE], start_us + 9_999_999) == [(100, 0, 0, 100)]
    assert create_transfers(books, end(8, 2, Transfer.VOID)) == ["pending_transfer_expired"]
    assert create_transfers(books, end(9, 3, Transfer.POST, 5)) == ["created"]
    assert sums_of(books, [ALICE, BOB]) == [(0, 85, 0, 100), (0, 0, 0, 85)]


def test_expiry_takes_so_many_at_a_time(books: Node, clock: FixedClock) -> None:
    holds = [pay(n, FUND, ALICE, n, Transfer.PENDING, timeout_s=n) for n in range(1, 8)]
    create_transfers(books, *holds)
    clock.set_us(clock.now_us() + 5_000_000)
    assert [expire(books, 3), expire(books, 3), expire(books, 3)] == [3, 2, 0]
    assert sums_of(books, [ALICE]) == [(0, 0, 13, 0)]
    for at_most in (0, 8_191):
        with pytest.raises(Refused, match="batch_too_large"):
            expire(books, at_most)


def test_watermarks_change_no_sum_wherever_they_stand(books: Node, clock: FixedClock) -> None:
    expected = 0
    for n in range(1, 40):
        clock.set_us(clock.now_us() + 1_000)
        create_transfers(books, pay(n, FUND, OTHER, n))
        expected += n
        if n % 3 == 0:
            assert advance(books, 2)[1] in (0, 2)
        assert sums_of(books, [FUND, OTHER]) == [(0, expected, 0, 0), (0, 0, 0, expected)]
    now_us = clock.now_us()
    assert sums_of(books, [FUND], now_us - 1) == [(0, expected - 39, 0, 0)]
    advance(books)
    assert advance(books) == (0, 0)
    assert sums_of(books, [FUND], now_us - 1) == [(0, expected - 39, 0, 0)]
    for at_most in (0, 10_000_001):
        with pytest.raises(Refused, match="batch_too_large"):
            advance(books, at_most)


def test_history_pages_with_running_balances(books: Node, clock: FixedClock) -> None:
    start_us = clock.now_us()
    for n in range(1, 11):
        clock.set_us(start_us + n)
        create_transfers(books, pay(n, FUND, OTHER, 10 * n), pay(100 + n, OTHER, FUND, n))
    create_transfers(
        books, pay(200, FUND, OTHER, 1, Transfer.PENDING), end(201, 200, Transfer.POST)
    )
    for _ in range(2):
        with books.read() as tx:
            whole = ledger.account_history(tx, OTHER)
            pages, after = [], 0
            while page := ledger.account_history(tx, OTHER, after=after, count=7):
                pages += page
                after = page[-1].position
            some = ledger.account_history(tx, OTHER, from_us=start_us + 3, until_us=start_us + 5)
            none = ledger.account_history(tx, OTHER, from_us=start_us + 99)
            assert ledger.account_history(tx, OTHER, until_us=start_us) == ()
            assert ledger.account_history(tx, 12_345) == ()
        assert whole == tuple(pages)
        assert len(whole) == 22
        assert none == ()
        assert [line.balance_minor for line in whole[:4]] == [10, 9, 29, 27]
        assert whole[-1].balance_minor == whole[-3].balance_minor == 550 - 55
        assert [line.transfer_id for line in some] == [3, 103, 4, 104]
        assert some[0].balance_minor == 30 + 30 - 3
        assert (whole[0].is_debit, whole[0].other_account_id, whole[1].is_debit) == (
            False,
            FUND,
            True,
        )
        advance(books, 13)


def test_imported_history_keeps_its_own_times(books: Node, clock: FixedClock) -> None:
    now_us = clock.now_us()
    old = Account.IMPORTED
    accounts = [Account(10 + n, "CNY", 2011, old, time_us=now_us - 10_000 + n) for n in range(3)]
    assert create_accounts(books, *accounts) == ["created"] * 3
    late = Account(20, "CNY", 2011, old, time_us=now_us)
    assert create_accounts(books, late) == ["imported_event_timestamp_must_not_advance"]
    none = Account(20, "CNY", 2011, old)
    assert create_accounts(books, none) == ["imported_event_timestamp_out_of_range"]
    back = [Account(n, "CNY", 2011, old, time_us=now_us - n) for n in (30, 31)]
    assert create_accounts(books, *back) == ["created", "imported_event_timestamp_must_not_regress"]
    moved = Transfer.IMPORTED
    assert create_transfers(
        books,
        pay(1, 10, 11, 5, moved, time_us=now_us - 5_000),
        pay(2, 10, 11, 5, moved, time_us=now_us - 5_001),
        pay(3, 10, FUND, 5, moved, time_us=now_us - 4_000),
        pay(4, 10, 12, 7, moved, time_us=now_us - 4_000),
        pay(5, 12, 11, 7, moved, time_us=now_us),
        pay(6, 12, 11, 7, moved),
        pay(7, 12, 11, 7),
        pay(8, FUND, 12, 5, moved, time_us=now_us - 4_000),
    ) == [
        "created",
        "imported_event_timestamp_must_not_regress",
        "imported_event_timestamp_must_postdate_credit_account",
        "created",
        "imported_event_timestamp_must_not_advance",
        "imported_event_timestamp_out_of_range",
        "imported_event_expected",
        "imported_event_timestamp_must_postdate_debit_account",
    ]
    assert sums_of(books, [10], now_us - 5_000) == [(0, 5, 0, 0)]
    assert sums_of(books, [10]) == [(0, 12, 0, 0)]
