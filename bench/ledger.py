"""Transfers per second of the ledger's engines, durable batch by batch, read back and verified.

One workload for all: 10,000 accounts with history and a balance limit, accounts drawn by a zipf
law (1.2), 81% plain transfers, 10% pending ones (half of them with a time-out), 9% that post or
void an earlier pending (three in ten void), 1% repeats. Every engine must answer each transfer
with the same status. After each run the sums of all accounts are held against sums made from the
answers, histories are read, and the ledger verifies itself.

`TIGERBEETLE_BIN` names TigerBeetle's binary; its own benchmark is then run in the same minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from bench.load.acts import run_acts  # noqa: E402
from bench.load.floors import copies_per_s, sync_ms  # noqa: E402
from bench.load.transfers import (  # noqa: E402
    ACCOUNTS,
    FUND,
    START_NS,
    STEP_NS,
    Load,
    Progress,
    make_load,
)
from puhui.kernel.act import Act  # noqa: E402
from puhui.kernel.node import Node  # noqa: E402
from puhui.kernel.store import Transaction, Writer  # noqa: E402
from puhui.ledger import (  # noqa: E402
    account_history,
    create_accounts,
    create_transfers,
    lookup_accounts,
    verify,
)
from puhui.ledger.arrays.layout import PENDING_FLAG, POST  # noqa: E402
from puhui.ledger.arrays.record import (  # noqa: E402
    CODES,
    id_halves,
    pack_accounts,
)
from puhui.ledger.desk.upkeep import (  # noqa: E402
    ExpirePendings,
    IndexTransfers,
    expire_pendings,
    index_transfers,
)
from puhui.ledger.nouns import BATCH_MAX, Posting  # noqa: E402
from puhui.ledger.window import LogEngine, Singles, verify_log  # noqa: E402
from puhui.node import open_node  # noqa: E402
from tests.database import database  # noqa: E402

RELEASED_EVERY = 15
"""After so many batches, five minutes by the clock of the load, upkeep releases what is due in
`sql`, as a worker does; this is timed too. Taking the transfers into the indexes by account is
upkeep as well, done when a store has time: it is timed by itself.
"""
WINDOW = 500
"""Single transfers that are asked for one by one before the first of them is waited for."""
HISTORIES = (1, 2, 3, 17, 999, 8_000)
"""Accounts whose histories are read back, the busiest first; by `sql` the last three."""


def expected_sums(load: Load, statuses: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """What was posted to the debits and the credits of each account, from the answers alone."""
    debits, credits = np.zeros(FUND + 1, np.uint64), np.zeros(FUND + 1, np.uint64)
    pendings: dict[tuple[int, int], tuple[int, int, int]] = {}
    for batch in load.opening:
        np.add.at(credits, batch["credit_lo"], batch["amount_lo"])
        debits[FUND] += batch["amount_lo"].sum()
    for batch, status in zip(load.batches, statuses, strict=True):
        done = batch[np.array(status) == CODES_CREATED]
        plain = done[done["flags"] == 0]
        np.add.at(debits, plain["debit_lo"], plain["amount_lo"])
        np.add.at(credits, plain["credit_lo"], plain["amount_lo"])
        for row in done[done["flags"] == PENDING_FLAG].tolist():
            pendings[row[0], row[1]] = (row[2], row[4], row[6])
        for row in done[done["flags"] == POST].tolist():
            debit, credit, amount = pendings[row[8], row[9]]
            debits[debit] += np.uint64(amount)
            credits[credit] += np.uint64(amount)
    return debits, credits


CODES_CREATED = next(code for status, code in CODES.items() if status.value == "created")


def check_answers(load: Load, statuses: list[list[int]]) -> str:
    """A digest of all answers, for the engines to be held against one another."""
    created = sum(status.count(CODES_CREATED) for status in statuses)
    assert created > 0.9 * load.transfers, (created, load.transfers)
    return hashlib.sha256(repr(statuses).encode()).hexdigest()


# The engine `log`.


def run_log(load: Load, folder: Path, *, is_pipelined: bool) -> tuple[dict[str, float], str]:
    """Batches one after another, each durable before it is answered; two are on their way."""
    engine = LogEngine(folder, ids=load.transfers)
    for start in range(0, len(load.accounts), BATCH_MAX):
        chunk = load.accounts[start : start + BATCH_MAX]
        assert not engine.create_accounts(pack_accounts(chunk), START_NS).status.any()
    for batch in load.opening:
        assert not engine.create_transfers(batch, START_NS).status.any()
    progress = Progress("log", load.transfers)
    answers, on_way = [], []
    wall, cpu = time.perf_counter(), time.process_time()
    for number, batch in enumerate(load.batches, 1):
        on_way.append(engine.submit(batch, START_NS + number * STEP_NS))
        if len(on_way) > 2 * is_pipelined:
            answers.append(on_way.pop(0).wait().status)
            progress.add(BATCH_MAX)
    answers += [one.wait().status for one in on_way]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    statuses = [status.tolist() for status in answers]
    figures = {
        "per_s": load.transfers / wall,
        "per_cpu_s": load.transfers / cpu,
        "bytes_per_id": engine.bytes_per_id,
    }
    check_log(engine, load, statuses)
    engine.close()
    begun = time.perf_counter()
    frames, broken = verify_log(folder)
    figures["verify_per_s"] = load.transfers / (time.perf_counter() - begun)
    assert frames > len(load.batches), frames
    assert not broken, broken
    return figures, check_answers(load, statuses)


def check_log(engine: LogEngine, load: Load, statuses: list[list[int]]) -> None:
    """Hold what the engine says of accounts, and their histories, against the answers."""
    debits, credits = expected_sums(load, statuses)
    now_ns = START_NS + (len(load.batches) + 1) * STEP_NS
    found = engine.lookup_accounts(id_halves(range(1, FUND + 1)), now_ns)
    assert (found["debits_posted_lo"] == debits[1:]).all()
    assert (found["credits_posted_lo"] == credits[1:]).all()
    assert found["debits_pending_lo"].sum() == found["credits_pending_lo"].sum()
    for account in HISTORIES:
        page = engine.account_transfers(
            account, after=-1, count=10**9, from_ns=0, until_ns=2**63 - 1
        )
        assert page.balances[-1] == int(credits[account]) - int(debits[account])


def run_replay(load: Load, folder: Path) -> dict[str, float]:
    """Open the ledger again without a snapshot: every frame is read, checked and judged."""
    for path in folder.glob("snapshot-*"):
        path.unlink()
    start = time.perf_counter()
    engine = LogEngine(folder, ids=load.transfers)
    seconds = time.perf_counter() - start
    events = engine.events
    engine.close()
    return {"replay_per_s": events / seconds}


def run_singles(load: Load, folder: Path, *, window: int, transfers: int) -> dict[str, float]:
    """Single transfers, ``window`` of them asked for one by one; from asking to being durable."""
    engine = LogEngine(folder, ids=1 << 20)
    for start in range(0, len(load.accounts), BATCH_MAX):
        engine.create_accounts(pack_accounts(load.accounts[start : start + BATCH_MAX]), START_NS)
    for batch in load.opening:
        engine.create_transfers(batch, START_NS)
    records = [r.tobytes() for batch in load.batches for r in batch[batch["flags"] == 0]]
    records = records[:transfers]
    clock = iter(range(START_NS + STEP_NS, START_NS * 2, 1_000_000))
    singles = Singles(engine, lambda: next(clock), group_max=window)
    waits: list[float] = []
    statuses: set[str] = set()
    start, tick = time.perf_counter(), time.perf_counter
    for first in range(0, len(records), window):
        asked = [(tick(), singles.submit(record)) for record in records[first : first + window]]
        singles.wait(asked[-1][1])
        durable = tick()
        statuses |= {singles.wait(single)[0].value for _, single in asked}
        waits += [durable - at for at, _ in asked]
    seconds = time.perf_counter() - start
    singles.close()
    engine.close()
    assert statuses <= {"created", "exists", "exceeds_credits"}, statuses
    cut = np.percentile(np.array(waits) * 1000, [50, 99])
    return {"p50_ms": float(cut[0]), "p99_ms": float(cut[1]), "per_s": len(records) / seconds}


def measure_singles(load: Load, root: Path, *, is_quick: bool) -> dict[str, float]:
    """Single transfers by the engine alone, then each as an act of a node; and what the disk takes
    for a frame of a window, and the memory for a copy, in the same minute.
    """
    floor = sync_ms(root, WINDOW)
    singles, acted = (20_000, 500) if is_quick else (50_000, 10_000)
    single = run_singles(load, root / "single", window=WINDOW, transfers=singles)
    again = sync_ms(root, WINDOW)
    figures = {
        "p50_ms_window_500_log": single["p50_ms"],
        "p99_ms_window_500_log": single["p99_ms"],
        "singles_per_s_window_500_log": single["per_s"],
        "floor_p50_ms_sync_of_500": (floor[0] + again[0]) / 2,
        "floor_p99_ms_sync_of_500": (floor[1] + again[1]) / 2,
        "floor_copies_per_s": copies_per_s(load),
    }
    for ledger, label in (("sql", "sqlite"), ("log", "beside_log")):
        (folder := root / f"acts-{label}").mkdir()
        acts = run_acts(load, folder, ledger=ledger, window=WINDOW, transfers=acted)
        figures[f"p50_ms_acts_window_500_{label}"] = acts["p50_ms"]
        figures[f"p99_ms_acts_window_500_{label}"] = acts["p99_ms"]
        figures[f"acts_per_s_window_500_{label}"] = acts["per_s"]
        figures[f"cpu_us_per_act_{label}"] = acts["cpu_us"]
    return figures


# The engine `sql`.


@contextlib.contextmanager
def in_act(node: Node, now_us: int) -> Iterator[Act]:
    """The store's own transaction, durable at its end, as `Node.act` gives it to a use case."""
    writer = node.store.writer()
    try:
        with in_act_of(node, writer, now_us) as act:
            yield act
    finally:
        writer.close()


@contextlib.contextmanager
def in_act_of(node: Node, writer: Writer, now_us: int) -> Iterator[Act]:
    """The next transaction of a writer."""
    writer.begin()
    writer.mark()
    yield Act(
        node=node, tx=writer.tx, name="bench", key=f"bench {now_us}", actor="bench",
        now_us=now_us, find=writer.find,
    )  # fmt: skip
    writer.commit()


def run_sql(load: Load, folder: Path, url: str | None, label: str) -> tuple[dict[str, float], str]:
    """Batches in the store's transaction, each committed before the next."""
    node = open_node(folder, store_url=url, writers=1)
    start_us = START_NS // 1000
    with in_act(node, start_us) as act:
        for first in range(0, len(load.accounts), BATCH_MAX):
            create_accounts(act, load.accounts[first : first + BATCH_MAX], strict=True)
    for number, batch in enumerate(load.opening):
        with in_act(node, start_us + number) as act:
            create_transfers(act, batch, strict=True)
    progress = Progress(label, load.transfers)
    writer = node.store.writer()
    answers = []
    wall, cpu = time.perf_counter(), time.process_time()
    for number, batch in enumerate(load.batches, 1):
        now_us = start_us + number * STEP_NS // 1000
        with in_act_of(node, writer, now_us) as act:
            answers.append(create_transfers(act, batch))
        if number % RELEASED_EVERY == 0:
            with in_act_of(node, writer, now_us + 1) as act:
                expire_pendings(act, ExpirePendings())
        progress.add(len(batch))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    begun = time.perf_counter()
    with in_act_of(node, writer, start_us + len(load.batches) * STEP_NS // 1000 + 2) as act:
        index_transfers(act, IndexTransfers(at_most=1000))
    index_s = time.perf_counter() - begun
    writer.close()
    statuses = [[CODES[status] for status in answer] for answer in answers]
    debits, credits = expected_sums(load, statuses)
    with node.read() as tx:
        report = verify(tx)
        found = lookup_accounts(tx, range(1, BATCH_MAX + 1))
        for account in HISTORIES[3:]:
            last = last_line(tx, account)
            assert last.balance_minor == int(credits[account]) - int(debits[account]), account
    assert report.is_sound, report.findings[:5]
    for own in found:
        assert own is not None
        assert own.debits_posted_minor == debits[own.id]
        assert own.credits_posted_minor == credits[own.id]
    node.close()
    figures = {
        "per_s": load.transfers / wall,
        "per_cpu_s": load.transfers / cpu,
        "index_us": index_s / load.transfers * 1e6,
    }
    return figures, check_answers(load, statuses)


def last_line(tx: Transaction, account_id: int) -> Posting:
    """The last line of an account's history, all of which is read."""
    page = account_history(tx, account_id, count=10_000)
    while more := account_history(tx, account_id, after=page[-1].position, count=10_000):
        page = more
    return page[-1]


def run_tigerbeetle(binary: str, transfers: int) -> float:
    """TigerBeetle's own benchmark on this machine: transfers a second."""
    done = subprocess.run(
        [binary, "benchmark", f"--transfer-count={transfers}", f"--account-count={ACCOUNTS}"],
        capture_output=True,
        text=True,
        timeout=1800,
        check=True,
    )
    found = re.search(r"load accepted = (\d+) tx/s", done.stdout + done.stderr)
    if found is None:
        raise SystemExit(f"{binary} benchmark said no rate:\n{done.stdout[-500:]}")
    return float(found[1])


def main() -> None:
    """Run everything and print ours beside the peer's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--quick", action="store_true", help="a shorter run (under 20 s)")
    parser.add_argument("--transfers", type=int, help="transfers (1,000,000; quick: 82,000)")
    chosen = parser.parse_args()
    transfers = chosen.transfers or (82_000 if chosen.quick else 1_000_000)
    load = make_load(transfers)
    small = Load(load.accounts, load.opening, load.batches[: 4 if chosen.quick else None])
    figures: dict[str, float | None] = {}
    digests: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        warm = Load(load.accounts, load.opening, load.batches[:2])
        run_log(warm, root / "warm", is_pipelined=True)
        found, digests["log"] = run_log(load, root / "log", is_pipelined=True)
        figures["transfers_per_s_log"] = found["per_s"]
        figures["transfers_per_cpu_s_log"] = found["per_cpu_s"]
        figures["bytes_per_id_log"] = found["bytes_per_id"]
        figures["verify_per_s_log"] = found["verify_per_s"]
        alone, digest = run_log(load, root / "alone", is_pipelined=False)
        assert digest == digests["log"]
        figures["transfers_per_s_log_one_at_a_time"] = alone["per_s"]
        figures |= run_replay(load, root / "log")
        figures["replay_per_s_log"] = figures.pop("replay_per_s")
        figures |= measure_singles(load, root, is_quick=chosen.quick)
        found, digests["sqlite"] = run_sql(small, root / "sqlite", None, "sqlite")
        figures["transfers_per_s_sqlite"] = found["per_s"]
        figures["transfers_per_cpu_s_sqlite"] = found["per_cpu_s"]
        figures["index_us_per_transfer_sqlite"] = found["index_us"]
        with database() as url:
            figures["transfers_per_s_postgres"] = None
            if url is not None:
                found, digests["postgres"] = run_sql(small, root / "node", url, "postgres")
                figures["transfers_per_s_postgres"] = found["per_s"]
                figures["transfers_per_cpu_s_postgres_client"] = found["per_cpu_s"]
                figures["index_us_per_transfer_postgres"] = found["index_us"]
    sql = [digests[name] for name in ("sqlite", "postgres") if name in digests]
    if small is load:
        sql.append(digests["log"])
    assert len(set(sql)) == 1, "the engines answered differently"
    binary = os.environ.get("TIGERBEETLE_BIN")
    figures["transfers_per_s_tigerbeetle"] = run_tigerbeetle(binary, transfers) if binary else None
    show(figures, transfers, as_json=chosen.json)


def show(figures: dict[str, float | None], transfers: int, *, as_json: bool) -> None:
    """Say what was measured, ratios first; the last line is JSON where it is asked for."""
    print(f"{transfers:,} transfers over {ACCOUNTS:,} accounts, batches of {BATCH_MAX:,}, durable")
    peer, ours = figures["transfers_per_s_tigerbeetle"], figures["transfers_per_s_log"]
    assert ours is not None
    print(f"log : TigerBeetle = {ours / peer:.1f} : 1" if peer else "TigerBeetle was not run")
    for store in ("sqlite", "postgres"):
        if rate := figures[f"transfers_per_s_{store}"]:
            print(f"log : sql on {store} = {ours / rate:.1f} : 1")
    single, floor = figures["p50_ms_window_500_log"], figures["floor_p50_ms_sync_of_500"]
    if single and floor:
        print(f"single transfers : writing and syncing as many bytes = {single / floor:.2f} : 1")
    if copies := figures["floor_copies_per_s"]:
        print(f"copying in memory : log = {copies / ours:.1f} : 1")
    for name, value in figures.items():
        print(f"{name:40} {'-' if value is None else f'{value:,.2f}'}")
    if as_json:
        print(json.dumps({k: v if v is None else round(v, 3) for k, v in figures.items()}))


if __name__ == "__main__":
    main()
