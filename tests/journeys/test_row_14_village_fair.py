"""Row 14, digital cash without a network: a village fair, a day offline, statements right.

Goal: two phones and three stalls trade for a day without a network; they synchronise in another
order than they traded in, one of them twice, one phone having lost what it showed; every statement
then says what people remember, and what was not spent is back in the wallets.
"""

from __future__ import annotations

from puhui import ledger
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.offline import exposure
from tests.offline.fair import (
    DAY_US,
    HOUR_US,
    OPENED_MINOR,
    Device,
    act,
    balance_of,
    grant,
    people,
    sync,
)

TRADES = (
    (0, "Wang", "noodles", 1_200),
    (1, "Li", "noodles", 1_500),
    (1, "Wang", "seeds", 4_800),
    (3, "Li", "baskets", 3_000),
    (4, "Wang", "noodles", 600),
    (6, "Li", "seeds", 2_550),
    (8, "Wang", "baskets", 2_000),
)
"""Hour of the day, who pays, which stall, how much in fen."""


def lines_of(node: Node, device: Device) -> list[tuple[int, int]]:
    """A statement since the wallet was opened: what came or went, and what was there then."""
    with node.read() as tx:
        found = ledger.account_history(tx, device.account_id, after=0, count=100)
    return [
        (-line.amount_minor if line.is_debit else line.amount_minor, line.balance_minor)
        for line in found[1:]
    ]


def test_a_fair_without_a_network(node: Node, clock: FixedClock) -> None:
    names = ("Wang", "Li", "noodles", "seeds", "baskets")
    found = dict(zip(names, people(node, *names), strict=True))
    granted = {name: grant(node, found[name], 15_000) for name in ("Wang", "Li")}
    morning_us = clock.now_us()
    lost = ""
    for hour, payer, stall, amount in TRADES:
        # phones and stalls have clocks of their own, up to an hour apart
        pays_us, takes_us = morning_us + hour * HOUR_US, morning_us + hour * HOUR_US + HOUR_US // 2
        request = found[stall].ask(amount, takes_us)
        text = found[payer].pay(request, pays_us)
        found[stall].take(text, request, takes_us)
        if (payer, stall) == ("Li", "baskets"):
            lost = text
    assert [balance_of(node, found[stall].account_id) for stall in names[2:]] == [OPENED_MINOR] * 3

    clock.set_us(morning_us + DAY_US // 2)
    found["baskets"].texts.remove(lost)  # its phone was full, and lost one
    for stall in ("baskets", "seeds", "noodles"):
        done = sync(node, found[stall].texts[::-1])
        assert {one.status for one in done.vouchers} == {"paid"}
    assert sync(node, found["noodles"].texts).new_count == 0
    assert sync(node, [lost]).paid_minor == 3_000, "Li's phone still had it, and brought it in"

    for stall in ("noodles", "seeds", "baskets"):
        amounts = [amount for _, _, where, amount in TRADES if where == stall]
        lines = lines_of(node, found[stall])
        assert sorted(amount for amount, _ in lines) == sorted(amounts)
        assert lines[-1][1] == OPENED_MINOR + sum(amounts)

    clock.set_us(morning_us + 4 * DAY_US)
    for name in ("Wang", "Li"):
        told = {"allowance_id": granted[name].allowance_id}
        ended = act(node, "offline.close_allowance", told)
        spent = sum(amount for _, payer, _, amount in TRADES if payer == name)
        assert (ended.paid_minor, ended.returned_minor) == (spent, 15_000 - spent)
        assert ended.cover_used_minor == 0
        back = OPENED_MINOR - spent
        assert lines_of(node, found[name]) == [
            (-15_000, OPENED_MINOR - 15_000),
            (15_000 - spent, back),
        ]
    with node.read() as tx:
        seen = exposure(tx, "CNY")
    assert (seen.allowances, seen.escrow_minor, seen.difference_minor, seen.cases) == (0, 0, 0, 0)
