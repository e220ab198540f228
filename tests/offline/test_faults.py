"""Kills and replays: what was answered stays, a voucher is never posted twice, journals replay.

Goal: a process killed between any two steps of a synchronisation costs nothing but asking again.
Method: a process synchronises single vouchers and tells each answer through a pipe; it is killed,
the store is opened again, everything is sent once more, and totals are as if nothing had happened.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.replay import replay
from puhui.node import open_node
from puhui.offline import exposure
from puhui.offline.window import write_voucher
from tests.conftest import KEYS
from tests.offline.fair import (
    DAY_US,
    OPENED_MINOR,
    STAFF,
    act,
    balance_of,
    branches,
    grant,
    people,
    resigned,
    sync,
)


def sync_and_tell(url: str, home: str, now_us: int, texts: list[str], pipe: Connection) -> None:
    """In a process of its own: synchronise one text after another, and tell of each answer."""
    node = open_node(Path(home), store_url=url, clock=FixedClock(now_us), keys=KEYS)
    for place, text in enumerate(texts):
        told = {"texts": (text,)}
        done = node.act("offline.sync_vouchers", told, key=f"voucher {place}", actor=STAFF)
        pipe.send((place, done.vouchers[0].paid_minor))
    os._exit(0)


@pytest.mark.faults
@pytest.mark.parametrize("heard", [1, 4, 9])
def test_a_killed_synchronisation_is_sent_again(
    store_url: str,
    tmp_path: Path,
    clock: FixedClock,
    open_at: Callable[..., Node],
    heard: int,
) -> None:
    node = open_at(store_url)
    payer, *payees = people(node, "A", "B", "C")
    grant(node, payer, 10_000)
    now_us = clock.now_us()
    chosen = [payees[n % 2] for n in range(12)]
    vouchers = branches(payer, chosen, [100 + n for n in range(12)], now_us)
    fork = branches(payer, payees[::-1], [2_000, 2_000], now_us)
    texts = [write_voucher(one) for one in (*vouchers, *fork)]
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(
        target=sync_and_tell, args=(store_url, str(tmp_path / "child"), now_us, texts, there)
    )
    child.start()
    answers = []
    for _ in range(heard):
        assert here.poll(60)
        answers.append(here.recv())
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join(60)
    while here.poll(0):
        answers.append(here.recv())
    for place, paid_minor in answers:
        done = sync(node, [texts[place]], key=f"voucher {place}")
        assert done.vouchers[0].paid_minor == paid_minor, "the answer given stands"
    for place, text in enumerate(texts):
        sync(node, [text], key=f"voucher {place}")
    assert sync(node, texts).new_count == 0
    gained = sum(balance_of(node, one.account_id) - OPENED_MINOR for one in payees)
    assert gained == sum(one.amount_minor for one in (*vouchers, *fork))
    with node.read() as tx:
        seen = exposure(tx, "CNY")
    assert (seen.difference_minor, seen.cases, seen.wallets_revoked) == (0, 2, 1)


def test_a_journal_of_offline_payments_replays(
    node: Node, clock: FixedClock, tmp_path: Path
) -> None:
    payer, first, second = people(node, "A", "B", "C")
    act(node, "offline.fund_cover", {"currency": "CNY", "amount_minor": 5_000})
    granted = grant(node, payer, 3_000)
    now_us = clock.now_us()
    one, two = branches(payer, [first, second], [2_000, 500], now_us)
    other = resigned(payer.secret, one, payee_account_id=second.account_id, amount_minor=2_999)
    for voucher in (two, other, one, one):
        sync(node, [write_voucher(voucher)])
    sync(node, ["PHV1:nothing"])
    clock.set_us(now_us + 3 * DAY_US + 1)
    act(node, "offline.close_allowance", {"allowance_id": granted.allowance_id})
    wallet = {"party_id": payer.party_id, "currency": "CNY"}
    act(node, "offline.reinstate_wallet", wallet)
    target = open_node(
        tmp_path / "replayed",
        store_url=f"sqlite:///{tmp_path / 'replayed.sqlite'}",
        clock=clock,
        keys=KEYS,
        writers=1,
    )
    try:
        report = replay(node, target)
    finally:
        target.close()
    assert report.differences == ()
    assert report.acts > 8
