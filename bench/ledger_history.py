"""A long history in the engine `log`: time to write, replay and verify it, and memory an id.

Ten million transfers of the workload of `bench/ledger.py`, with memory for ids bounded as it is set
(`PUHUI_LEDGER_IDS_MIB`), so that most ids are in runs on disk. Then the oldest and others are asked
for again and must answer that they exist, and new ones are created. Memory is what no file holds
(RssAnon); it counts accounts, pendings, the index by account and 16 MiB of newest records too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from bench.load.transfers import (  # noqa: E402
    START_NS,
    STEP_NS,
    Load,
    Progress,
    make_batch,
    make_load,
)
from puhui.ledger.arrays.record import CODES, Records, pack_accounts  # noqa: E402
from puhui.ledger.engines.log.engine import LogEngine  # noqa: E402
from puhui.ledger.engines.log.ids import ids_memory  # noqa: E402
from puhui.ledger.nouns import BATCH_MAX, Status  # noqa: E402
from puhui.ledger.window import verify_log  # noqa: E402

KEPT_EVERY = 100
"""One batch in so many is sent a second time at the end."""


def anonymous_mib() -> float:
    """Memory of this process that no file holds."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def batches(count: int) -> Iterator[Records]:
    """Batch after batch, made when it is asked for."""
    chance = np.random.default_rng(20261128)
    before: list[Records] = []
    for number in range(1, count + 1):
        before = [make_batch(chance, BATCH_MAX, number + 10, before)]
        yield before[0]


def write(engine: LogEngine, load: Load, count: int) -> tuple[dict[str, float], list[Records]]:
    """The history, two batches on their way; making the batches is not counted."""
    for start in range(0, len(load.accounts), BATCH_MAX):
        engine.create_accounts(pack_accounts(load.accounts[start : start + BATCH_MAX]), START_NS)
    for batch in load.opening:
        engine.create_transfers(batch, START_NS)
    progress = Progress("write", count * BATCH_MAX)
    seconds, cpu, on_way, kept = 0.0, time.process_time(), [], []
    for number, batch in enumerate(batches(count), 1):
        start = time.perf_counter()
        on_way.append(engine.submit(batch, START_NS + number * STEP_NS))
        if len(on_way) > 2:
            on_way.pop(0).wait()
        seconds += time.perf_counter() - start
        if number % KEPT_EVERY == 1:
            kept.append(batch)
        progress.add(BATCH_MAX)
    start = time.perf_counter()
    for one in on_way:
        one.wait()
    engine.settle_ids()
    seconds += time.perf_counter() - start
    cpu = time.process_time() - cpu
    return {"write_s": seconds, "write_and_make_cpu_s": cpu}, kept


def ask_again(engine: LogEngine, kept: list[Records], now_ns: int) -> dict[str, float]:
    """Old batches a second time: nothing is created; what a batch of old ids takes."""
    waits = []
    for batch in kept:
        start = time.process_time()
        status = engine.create_transfers(batch, now_ns).status
        waits.append(time.process_time() - start)
        assert (status != CODES[Status.CREATED]).all()
        assert (status == CODES[Status.EXISTS]).mean() > 0.8
    return {"old_batch_cpu_ms": float(np.median(waits)) * 1000}


def main() -> None:
    """Write, close, replay without a snapshot, ask, verify; print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--quick", action="store_true", help="a shorter run (500,000 transfers)")
    parser.add_argument("--transfers", type=int, help="transfers (10,000,000)")
    chosen = parser.parse_args()
    asked = chosen.transfers or (500_000 if chosen.quick else 10_000_000)
    count = -(-asked // BATCH_MAX)
    transfers = count * BATCH_MAX
    load = make_load(BATCH_MAX)
    figures: dict[str, float] = {"transfers": transfers}
    before = anonymous_mib()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with LogEngine(folder / "warm") as engine:
            write(engine, load, 2)
        engine = LogEngine(folder / "log")
        written, kept = write(engine, load, count)
        figures |= written
        engine.close()
        for path in (folder / "log").glob("snapshot-*"):
            path.unlink()
        start, cpu = time.perf_counter(), time.process_time()
        engine = LogEngine(folder / "log")
        figures["replay_s"] = time.perf_counter() - start
        figures["replay_cpu_s"] = time.process_time() - cpu
        figures["anonymous_mib"] = anonymous_mib() - before
        figures["bytes_per_id"] = engine.bytes_per_id
        figures |= ask_again(engine, kept, START_NS + (count + 1) * STEP_NS)
        engine.close()
        start, cpu = time.perf_counter(), time.process_time()
        frames, broken = verify_log(folder / "log")
        figures["verify_s"] = time.perf_counter() - start
        figures["verify_cpu_s"] = time.process_time() - cpu
        assert broken == (), broken
        assert frames > count
        sizes = dict.fromkeys(("segment", "ids", "postings"), 0)
        for path in (folder / "log").iterdir():
            if (kind := path.name.split("-")[0]) in sizes:
                sizes[kind] += path.stat().st_size
        figures |= {f"{kind}_bytes_per_transfer": n / transfers for kind, n in sizes.items()}
    print(f"{transfers:,} transfers; memory for ids: {ids_memory() >> 20} MiB")
    for figure, value in figures.items():
        print(f"{figure:40} {value:,.2f}")
    if chosen.json:
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


if __name__ == "__main__":
    main()
