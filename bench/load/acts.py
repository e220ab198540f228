"""Single transfers as the platform sends them: each an act of a node, grouped by the node.

Every act is journalled with its input, can be repeated by its key and replayed; what ``singles``
measures is the engine alone, as a switch in front of it would use it.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from bench.load.transfers import START_NS, Load
from puhui.kernel.act import Actor
from puhui.kernel.clock import FixedClock
from puhui.ledger.arrays.record import unpack_transfers
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.nouns import BATCH_MAX
from puhui.node import open_node

_BENCH = Actor("bench", frozenset({"system"}))


def run_acts(
    load: Load, folder: Path, *, ledger: str, window: int, transfers: int
) -> dict[str, float]:
    """Acts of one transfer each, ``window`` of them submitted one by one; milliseconds from
    submitting to the answer, which is durable. ``ledger`` is ``sql`` or ``log``, on SQLite.
    """
    clock = FixedClock(START_NS // 1000)
    node = open_node(folder, store_url=f"sqlite:///{folder / 'acts.sqlite'}", clock=clock,
                     ledger=ledger)  # fmt: skip
    for start in range(0, len(load.accounts), BATCH_MAX):
        accounts = CreateAccounts(load.accounts[start : start + BATCH_MAX])
        node.act("ledger.create_accounts", accounts, key=f"accounts {start}", actor=_BENCH)
    for number, batch in enumerate(load.opening):
        opening = CreateTransfers(tuple(unpack_transfers(batch)))
        node.act("ledger.create_transfers", opening, key=f"opening {number}", actor=_BENCH)
    plain = [batch[batch["flags"] == 0] for batch in load.batches]
    asked = [t for batch in plain for t in unpack_transfers(batch)][:transfers]
    waits: list[float] = []
    tick = time.perf_counter
    begun, cpu = tick(), time.process_time()
    for first in range(0, len(asked), window):
        on_way = [
            (
                tick(),
                node.submit(
                    "ledger.create_transfers", CreateTransfers((one,)), key=f"{first} {place}",
                    actor=_BENCH,
                ),
            )
            for place, one in enumerate(asked[first : first + window])
        ]  # fmt: skip
        for at, pending in on_way:
            pending.result()
            waits.append(tick() - at)
    seconds, cpu = tick() - begun, time.process_time() - cpu
    node.close()
    cut = np.percentile(np.array(waits) * 1000, [50, 99])
    return {
        "p50_ms": float(cut[0]),
        "p99_ms": float(cut[1]),
        "per_s": len(asked) / seconds,
        "cpu_us": cpu / len(asked) * 1e6,
    }
