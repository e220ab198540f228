"""Everything can be read in order, a page at a time: accounts, and what projections are fed."""

from __future__ import annotations

import pytest

from puhui.ledger import Account
from puhui.ledger.arrays.record import unpack_accounts, unpack_transfers
from tests.ledger.conformance.conftest import Played
from tests.ledger.conformance.hand import Hand, pay


def test_accounts_come_in_the_order_of_their_creation(played: Played) -> None:
    if not played.has_clock:
        pytest.skip("others' accounts stand in a live cluster")
    hand = Hand(played)
    ids = [7, 3, 9, 1, 8, 2, 6]
    hand.open(*(Account(number, "CNY", 1) for number in ids[:4]))
    hand.open(Account(9, "CNY", 1), *(Account(number, "CNY", 1) for number in ids[4:]))
    hand.book(pay(1, 7, 3, 5))
    for count in (1, 2, 3, 7, 100):
        found: list[int] = []
        while True:
            page = played.engine.accounts(after=len(found), count=count, now_ns=hand.now_ns)
            if not len(page):
                break
            assert len(page) <= count
            found += [a.id - played.offset for a in unpack_accounts(page)]
        assert found == ids
    (first,) = unpack_accounts(played.engine.accounts(after=0, count=1, now_ns=hand.now_ns))
    assert first.debits_posted_minor == 5
    # Backwards as well, as whoever looks a page up again does.
    (fifth,) = played.engine.accounts(after=4, count=1, now_ns=hand.now_ns)
    (second,) = played.engine.accounts(after=1, count=1, now_ns=hand.now_ns)
    assert [int(fifth["id_lo"]), int(second["id_lo"])] == [8, 3]


def test_the_tail_is_every_created_transfer_in_order(played: Played) -> None:
    if played.is_store or not played.has_clock:
        pytest.skip("the store feeds projections by its events; a live cluster has others' too")
    hand = Hand(played)
    hand.open(Account(1, "CNY", 1), Account(2, "CNY", 1))
    hand.book(pay(10, 1, 2, 5), pay(11, 1, 1, 5), pay(12, 1, 2, 5))
    hand.book(pay(10, 1, 2, 5), pay(13, 2, 1, 5))
    whole = played.engine.tail(after=-1, count=100)
    assert [t.id for t in unpack_transfers(whole.transfers)] == [10, 12, 13]
    assert len(whole.balances) == 0
    rest = played.engine.tail(after=int(whole.ordinals[0]), count=100)
    assert [t.id for t in unpack_transfers(rest.transfers)] == [12, 13]
    assert len(played.engine.tail(after=int(whole.ordinals[-1]), count=100).ordinals) == 0
