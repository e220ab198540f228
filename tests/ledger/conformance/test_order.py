"""Everything can be read in order, a page at a time: accounts, and what projections are fed."""

from __future__ import annotations

import pytest

from puhui.ledger import Account
from puhui.ledger.arrays.record import unpack_accounts, unpack_transfers
from puhui.ledger.engines import Page
from tests.ledger.conformance.hand import Hand, pay
from tests.ledger.conformance.played import Played


def test_accounts_come_in_the_order_of_their_creation(played: Played) -> None:
    if not played.has_clock:
        pytest.skip("others' accounts stand in a live cluster")
    if played.has_holds:
        pytest.skip("it is asked through the desk, which has no such question")
    hand, others = Hand(played), 0
    while page := played.engine.accounts(after=others, count=8190, now_ns=hand.now_ns).tolist():
        others += len(page)
    ids = [7, 3, 9, 1, 8, 2, 6]
    hand.open(*(Account(number, "CNY", 1) for number in ids[:4]))
    hand.open(Account(9, "CNY", 1), *(Account(number, "CNY", 1) for number in ids[4:]))
    hand.book(pay(1, 7, 3, 5))
    for count in (1, 2, 3, 7, 100):
        found: list[int] = []
        while True:
            page = played.engine.accounts(
                after=others + len(found), count=count, now_ns=hand.now_ns
            )
            if not len(page):
                break
            assert len(page) <= count
            found += [a.id - played.offset for a in unpack_accounts(page)]
        assert found == ids
    (first,) = unpack_accounts(played.engine.accounts(after=others, count=1, now_ns=hand.now_ns))
    assert first.debits_posted_minor == 5
    low = played.offset & (1 << 64) - 1
    # Backwards as well, as whoever looks a page up again does.
    (fifth,) = played.engine.accounts(after=others + 4, count=1, now_ns=hand.now_ns)
    (second,) = played.engine.accounts(after=others + 1, count=1, now_ns=hand.now_ns)
    assert [int(fifth["id_lo"]), int(second["id_lo"])] == [8 + low, 3 + low]


def test_the_tail_is_every_created_transfer_in_order(played: Played) -> None:
    if not played.has_clock:
        pytest.skip("others' transfers stand in a live cluster")
    if played.has_holds:
        pytest.skip("it is asked through the desk, which has no such question")
    hand, others = Hand(played), -1
    while len((page := played.engine.tail(after=others, count=8190)).ordinals):
        others = int(page.ordinals[-1])
    hand.open(Account(1, "CNY", 1), Account(2, "CNY", 1))
    hand.book(pay(10, 1, 2, 5), pay(11, 1, 1, 5), pay(12, 1, 2, 5))
    hand.book(pay(10, 1, 2, 5), pay(13, 2, 1, 5))

    def told(page: Page) -> list[int]:
        return [hand.back(t).id for t in unpack_transfers(page.transfers)]

    whole = played.engine.tail(after=others, count=100)
    assert told(whole) == [10, 12, 13]
    assert len(whole.balances) == 0
    rest = played.engine.tail(after=int(whole.ordinals[0]), count=100)
    assert told(rest) == [12, 13]
    last = int(whole.ordinals[-1])
    assert len(played.engine.tail(after=last, count=100).ordinals) == 0
    hand.wait(60)
    since_ns = hand.now_ns
    hand.book(pay(14, 1, 2, 5))
    hand.wait(60)
    hand.book(pay(15, 1, 2, 5))
    period = {"from_ns": since_ns, "until_ns": hand.now_ns}
    assert told(played.engine.tail(after=others, count=100, **period)) == [14]
    assert told(played.engine.tail(after=others, count=100, until_ns=since_ns)) == [10, 12, 13]
    assert told(played.engine.tail(after=others, count=100, from_ns=since_ns)) == [14, 15]
    assert told(played.engine.tail(after=others, count=100, from_ns=hand.now_ns + 10**9)) == []
