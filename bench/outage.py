"""Six hours of payments through the loss of the primary: what is lost, doubled and delayed.

A primary and its standby (synchronous replication, fsync on both) and two node processes that enter
payments in batches of 8,190 by ``payment.pay_batch``. At a random point all processes of the
primary get SIGKILL. A watchdog sees it and promotes the standby; meanwhile the nodes accept batches
into their queues on disk. Then a new standby is made and the rest is entered. A process of its own
keeps what was acknowledged in a file, synced line by line; at the end it is compared payment by
payment with what the surviving server has, and every wallet with its acknowledged payments.

The six hours are logical: the nodes' clock moves by the share of payments entered.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psycopg  # noqa: E402

from puhui.kernel import Fault  # noqa: E402
from puhui.kernel.clock import FixedClock  # noqa: E402
from puhui.kernel.forward import Answer, Forwarder, State  # noqa: E402
from puhui.kernel.store.promotion import promote  # noqa: E402
from puhui.node import load_rooms, open_node  # noqa: E402
from puhui.payment.nouns.pay import PayBatch  # noqa: E402
from tests.faults.drill import (  # noqa: E402
    BATCH,
    DRILL,
    KEYS,
    START_US,
    Drill,
    compare,
    found_bank,
    warm_up,
)
from tests.faults.pair import Pair  # noqa: E402

HOURS = 6
DISK_BYTES_MAX = 10 * 10**9
LOOK_S = 0.25
MISSES = 4
SILENT_S_MAX = 180.0
REBUILD_BATCHES_MIN = 20
"""With fewer batches left than this a new standby would come too late to matter."""
END = b"end"
SETTINGS = (
    "random_page_cost = 1.1",
    "wal_compression = on",
    "checkpoint_timeout = 30min",
    "max_wal_size = 512MB",
)


def say(text: str) -> None:
    """Progress, beside the result."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def enter(drill: Drill, number: int, told: Connection) -> None:
    """One node: enter its batches in order, queue while the store is off, tell every answer."""
    clock = FixedClock(START_US)
    home = Path(drill.root) / f"node-{number}"
    warm_up(home / "warm", clock)  # while the servers are made
    told.recv_bytes()
    node = open_node(home, store_url=drill.url, keys=KEYS, clock=clock, writers=1)
    forwarder = Forwarder(node, home / "queue", use_cases=("payment.pay_batch",), bytes_max=10**9)
    span_us = HOURS * 3_600_000_000

    def tell(answer: Answer, started: float, is_late: bool) -> None:
        batch = int(answer.key.rpartition(":")[2])
        refused = [place for place, _ in answer.outcome.refused] if answer.outcome else []
        words = (answer.state.value, batch, started, is_late, refused)
        told.send_bytes(json.dumps(words).encode())

    def drain() -> None:
        started = time.monotonic()
        forwarder.drain(tell=lambda answer: tell(answer, started, True))

    for batch in range(number, drill.batches, drill.nodes):
        clock.set_us(START_US + span_us * batch // drill.batches)
        given = drill.batch(batch)
        started = time.monotonic()
        tell(ask(forwarder, given, f"drill:{drill.seed}:{batch}"), started, False)
        while forwarder.waiting:
            drain()
            if forwarder.waiting < drill.queue_max:
                break
            time.sleep(0.05)
    while forwarder.waiting:
        drain()
        time.sleep(0.05)
    node.close()
    told.send_bytes(END)  # ends of pipes are shared among forked processes: closing tells nothing


def ask(forwarder: Forwarder, given: PayBatch, key: str) -> Answer:
    """Ask until there is an answer, with the same key."""
    for _ in range(200):
        try:
            return forwarder.act("payment.pay_batch", given, key=key, actor=DRILL)
        except Fault as fault:
            say(f"{key} is asked again: {fault}")
            time.sleep(0.1)
    raise AssertionError("no answer")


def keep(path: str, tellers: list[Connection], director: Connection) -> None:
    """The keeper: write each answer down and sync it; then tell the director."""
    open_ones = list(tellers)
    with open(path, "wb", buffering=0) as file:
        while open_ones:
            for one in wait(open_ones):
                assert isinstance(one, Connection)
                words = one.recv_bytes()
                if words == END:
                    open_ones.remove(one)
                    continue
                file.write(words + b"\n")
                os.fdatasync(file.fileno())
                director.send((time.monotonic(), json.loads(words)))
    director.send(None)


class Director:
    """Hears the keeper, kills, watches and promotes."""

    def __init__(self, drill: Drill, pair: Pair, keeper: Connection) -> None:
        self.drill = drill
        self.pair = pair
        self._keeper = keeper
        dice = random.Random(drill.seed)
        self.kill_at = int(drill.batches * dice.uniform(0.3, 0.7))
        self._fraction = dice.random()
        self.killed_s = self.rto_s = 0.0
        self.posted = self.late = 0
        self._begun = self._last_said = time.monotonic()
        self._is_rebuilt = False

    def run(self) -> None:
        """Until every node has ended."""
        say(f"seed {self.drill.seed}: the primary dies after batch {self.kill_at}")
        silent_s = 0.0
        while silent_s < SILENT_S_MAX:
            if self._keeper.poll(1.0):
                heard = self._keeper.recv()
                if heard is None:
                    return
                self._hear(*heard)
                silent_s = 0.0
            else:
                silent_s += 1.0
            if not self.killed_s and self.posted >= self.kill_at:
                self._kill()
            left = self.drill.batches - self.posted
            if self.rto_s and not self._is_rebuilt and left > REBUILD_BATCHES_MIN:
                self._rebuild()
        raise AssertionError("no node told anything for too long")

    def _hear(self, heard_s: float, words: tuple[str, int, float, bool, list[int]]) -> None:
        state, _, started, is_late, _ = words
        self.posted += state == State.POSTED
        self.late += state == State.POSTED and is_late
        if self.killed_s and not self.rto_s and state == State.POSTED and started > self.killed_s:
            self.rto_s = heard_s - self.killed_s
            say(f"payments are posted again after {self.rto_s:.2f} s")
        if heard_s - self._last_said > 10:
            self._last_said = heard_s
            rate = self.posted * BATCH / (heard_s - self._begun)
            used = used_bytes(self.pair.root)
            say(f"{self.posted:,} of {self.drill.batches:,} batches posted, {rate:,.0f} payments/s,"
                f" {used / 1e9:.1f} GB")  # fmt: skip
            assert used < DISK_BYTES_MAX, "more room than the drill may take"

    def _kill(self) -> None:
        """SIGKILL at a random moment of a batch; then what a watchdog does."""
        mean_s = (time.monotonic() - self._begun) / max(1, self.posted)
        time.sleep(self._fraction * min(2.0, mean_s))
        self.killed_s = time.monotonic()
        self.pair.primary.kill()
        say(f"killed after {self.posted:,} posted batches and {self._fraction:.3f} of a batch")
        misses = 0
        while misses < MISSES:
            try:
                self.pair.primary.execute("SELECT 1")
                misses = 0
            except psycopg.OperationalError:
                misses += 1
            time.sleep(LOOK_S)
        epoch = promote(self.drill.url, is_alone=True)
        say(f"promoted after {time.monotonic() - self.killed_s:.2f} s, epoch {epoch.number}")
        self.pair.promoted()

    def _rebuild(self) -> None:
        """A new standby in the place of the lost server; commits wait for it again."""
        self._is_rebuilt = True
        begun = time.monotonic()
        self.pair.copy(self.pair.primary, self.pair.standby)
        self.pair.hold_to_standby()
        say(f"a new standby after {time.monotonic() - begun:.1f} s")


def used_bytes(folder: Path) -> int:
    """How much room the servers take."""
    total = 0
    for path, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(path, file)).st_blocks * 512
    return total


def run(drill: Drill) -> dict[str, object]:
    """The drill from the first server to the last comparison."""
    context = multiprocessing.get_context("fork")
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix="puhui-outage-"))
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        pair = Pair(settings=SETTINGS, is_begun=False)
        stack.callback(pair.stop)
        drill = replace(drill, url=pair.url_of("bank"), root=str(root))
        pipes = [context.Pipe() for _ in range(drill.nodes)]
        ours, theirs = context.Pipe()
        path = root / "acknowledged"
        keeper = context.Process(
            target=keep, args=(str(path), [one for one, _ in pipes], theirs), daemon=True
        )
        nodes = [
            context.Process(target=enter, args=(drill, n, pipes[n][1]), daemon=True)
            for n in range(drill.nodes)
        ]
        for process in (keeper, *nodes):
            process.start()
            stack.callback(process.kill)
        theirs.close()
        for _, end in pipes:
            end.close()
        pair.begin()  # while the nodes load what they will run
        found_bank(pair, drill)
        say(f"{drill.wallets:,} wallets after {time.monotonic() - begun:.1f} s")
        entered = time.monotonic()
        for one, _ in pipes:
            one.send_bytes(b"go")
            one.close()
        director = Director(drill, pair, ours)
        director.run()
        seconds = time.monotonic() - entered
        for process in nodes:
            process.join(60)
            assert process.exitcode == 0, f"a node ended with {process.exitcode}"
        say(f"all {director.posted:,} batches are posted after {seconds:.1f} s; comparing")
        figures: dict[str, object] = dict(compare(drill, pair, path))
        say("compared")
        figures["seconds"] = round(time.monotonic() - begun, 1)
    figures["rto_s"] = round(director.rto_s, 2)
    figures["payments_per_s"] = round(drill.payments / seconds)
    figures["seed"] = drill.seed
    return figures


def main() -> None:
    """Run the drill; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--payments", type=int, default=5_000_000)
    parser.add_argument("--wallets", type=int, default=4_000)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--seed", type=int, help="default: drawn, and printed")
    parser.add_argument("--quick", action="store_true", help="few payments, under 20 s")
    parser.add_argument("--json", action="store_true", help="the last line is JSON in any case")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    drill = Drill(asked.payments, asked.wallets, asked.nodes, queue_max=10, seed=seed)
    if asked.quick:
        drill = Drill(8 * BATCH, 500, 2, queue_max=2, seed=seed)
    load_rooms()
    signal.signal(signal.SIGTERM, lambda got, frame: sys.exit(128 + got))  # servers are stopped
    figures = run(drill)
    print(f"{figures['payments']:,} payments in {HOURS} logical hours, the primary killed once")
    print(f"acknowledged {figures['acknowledged']:,}, lost {figures['lost']}, doubled "
          f"{figures['doubled']}, delayed {figures['delayed']:,}, refused {figures['refused']}; "
          f"wallets that differ {figures['wallets_differing']}; "
          f"posting again after {figures['rto_s']} s")  # fmt: skip
    print(json.dumps(figures))
    bad = ("lost", "doubled", "unacknowledged", "wallets_differing")
    sys.exit(any(figures[name] for name in bad))


if __name__ == "__main__":
    main()
