"""Closing the books of a day: of a ledger in the store (SQLite), and of a log beside it.

The workload is that of `bench/ledger.py`: transfers over 10,000 accounts, pendings, posts, voids
and repeats. Both ledgers get the same day; then `puhui close-day` marks, sums and closes it on
each, and both must come to the same digest over the same rows. What the worker sums during the day,
of a log beside the store, is summed first. Printed are transfers summed and closed a second, by
the wall and by the processor, and how long acts that move money wait for the mark.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.ledger import in_act
from bench.load.transfers import START_NS, STEP_NS, Load, make_load
from puhui.kernel import Node
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, business_date
from puhui.ledger import create_accounts, create_transfers
from puhui.ledger.arrays.record import pack_accounts
from puhui.ledger.desk.close import MarkBooks
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.nouns import BATCH_MAX
from puhui.ledger.window import booked_days, check_general
from puhui.node import open_node
from puhui.worker import close_day, keep_up

START_US = START_NS // 1000
DAY = business_date(START_US)
NEXT_US = START_US + 86_400_000_000


def fill_log(load: Load, folder: Path) -> Node:
    """The day in a log, straight into the engine; then the node that has it beside its store."""
    engine = LogEngine(folder / "ledger", ids=2 * load.transfers)
    for start in range(0, len(load.accounts), BATCH_MAX):
        engine.create_accounts(pack_accounts(load.accounts[start : start + BATCH_MAX]), START_NS)
    for batch in load.opening:
        engine.create_transfers(batch, START_NS)
    for number, batch in enumerate(load.batches, 1):
        engine.create_transfers(batch, START_NS + number * STEP_NS)
    engine.close()
    return open_node(folder, clock=FixedClock(NEXT_US), ledger="log")


def fill_sql(load: Load, folder: Path) -> Node:
    """The day in the tables of a store."""
    node = open_node(folder, clock=FixedClock(NEXT_US), writers=1)
    with in_act(node, START_US) as act:
        for first in range(0, len(load.accounts), BATCH_MAX):
            create_accounts(act, load.accounts[first : first + BATCH_MAX], strict=True)
    for number, batch in enumerate((*load.opening, *load.batches)):
        with in_act(node, START_US + number * STEP_NS // 1000) as act:
            create_transfers(act, batch)
    return node


def run(node: Node, transfers: int) -> tuple[dict[str, float], str]:
    """Mark the day, close it, check the books; the figures, and the digest of the day."""
    ahead, ahead_cpu = time.perf_counter(), time.process_time()
    assert keep_up(node) == ()
    ahead, ahead_cpu = time.perf_counter() - ahead, time.process_time() - ahead_cpu
    begun = time.perf_counter()
    node.act("ledger.mark_books", MarkBooks(DAY), key="mark", actor=SYSTEM)
    marked_s = time.perf_counter() - begun
    wall, cpu = time.perf_counter(), time.process_time()
    close_day(node, DAY)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    with node.read() as tx:
        (day,) = booked_days(tx, after=DAY - timedelta(days=1))
        assert check_general(tx) == ()
    node.close()
    figures = {
        "closed_per_s": transfers / (ahead + wall),
        "closed_per_cpu_s": transfers / (ahead_cpu + cpu),
        "mark_s": marked_s,
        "close_s": wall,
    }
    return figures, day.digest


def main() -> None:
    """Close the same day on both, and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--quick", action="store_true", help="a shorter run (under 20 s)")
    parser.add_argument("--transfers", type=int, help="transfers (1,000,000; quick: 100,000)")
    chosen = parser.parse_args()
    transfers = chosen.transfers or (100_000 if chosen.quick else 1_000_000)
    load = make_load(transfers)
    figures: dict[str, float] = {"transfers": transfers}
    digests = set()
    for name, fill in (("log", fill_log), ("sqlite", fill_sql)):
        with tempfile.TemporaryDirectory() as scratch:
            found, digest = run(fill(load, Path(scratch)), transfers)
        digests.add(digest)
        figures |= {f"{figure}_{name}": value for figure, value in found.items()}
    assert len(digests) == 1, "the same day came to different books"
    print(f"{transfers:,} transfers of one day, closed; both books are the same.")
    for name, value in figures.items():
        print(f"{name:28} {value:,.2f}")
    if chosen.json:
        print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
