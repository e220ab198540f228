"""A ledger is killed while it moves ids to disk and merges them: every id is known once.

Goal: whatever a kill -9 leaves of the files of ids, a transfer that was answered is never created
a second time, and one that was not is created once. Method: a process with memory for some forty
ids creates batches, so that runs are made and merged all the time, and tells each by a pipe; it is
killed at random moments, also while it opens; then all that was sent is sent again.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from puhui.ledger.arrays.record import CODES, TRANSFER, Records, id_halves, pack_accounts
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.engines.log.run import RunFile, RunHead, open_run
from puhui.ledger.engines.log.tiers import Tiers
from puhui.ledger.nouns import Account, Status
from tests.faults.conftest import Child
from tests.faults.outside import die, wrap

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
KILLS = 15
COUNT = 40
START_NS = 1_800_000_000 * 10**9


def opened(folder: Path) -> LogEngine:
    """A ledger that keeps some forty ids in memory."""
    return LogEngine(folder, segment_bytes=1 << 20, ids=16, ids_bytes=1)


def batch(number: int) -> Records:
    """The transfers of a batch that is known by its number; ids in no order at all."""
    made: Records = np.zeros(COUNT, dtype=TRANSFER)
    made["id_lo"] = np.random.default_rng(number).integers(1, 2**63, COUNT)
    made["debit_lo"], made["credit_lo"], made["amount_lo"] = 1, 2, 1
    made["ledger"], made["code"] = 156, 1
    return made


def create_until_killed(told: Connection, folder: str, first: int) -> None:
    """Create batches for ever; each that is durable is told by the pipe."""
    with contextlib.suppress(BrokenPipeError):
        engine = opened(Path(folder))
        told.send_bytes(b"open")
        while True:
            statuses = set(engine.create_transfers(batch(first), START_NS).named())
            assert statuses <= {Status.CREATED, Status.EXISTS}, statuses
            told.send_bytes(b"%d" % first)
            if first % 50 == 0:
                engine.snapshot()
            first += 1


def test_ids_outlive_kills(tmp_path: Path, start: Callable[..., Child]) -> None:
    dice = random.Random(29)
    with opened(tmp_path) as engine:
        engine.create_accounts(pack_accounts([Account(n, "CNY", 1) for n in (1, 2)]), START_NS)
    told = 0
    for kill in range(KILLS):
        child = start(create_until_killed, args=(str(tmp_path), told + 1))
        heard = []
        if kill % 5 != 4:  # each fifth is killed while it opens
            assert child.hear() == "open"
            heard = child.hear_until(dice.randrange(1, 30))
        heard += [word for word in child.kill() if word != "open"]
        told = max([told, *map(int, heard)])
    assert told > 5 * KILLS
    with opened(tmp_path) as engine:
        exists = CODES[Status.EXISTS]
        for number in range(1, told + 1):
            assert (engine.create_transfers(batch(number), START_NS).status == exists).all()
        last = engine.create_transfers(batch(told + 1), START_NS).status
        assert set(last.tolist()) in ({0}, {exists})
        found = engine.lookup_accounts(id_halves([2]), START_NS)
        assert found["credits_posted_lo"][0] == (told + 1) * COUNT
        engine.settle_ids()
        runs = [open_run(path) for path in sorted(tmp_path.glob("ids-*.run"))]
        assert all(run is not None and run.is_whole for run in runs)


def die_in_a_merge(told: Connection, folder: str, step: str) -> None:
    """As ``create_until_killed``, but the process dies at a step of the first large merge."""

    def if_large(_: RunFile, head: RunHead) -> None:
        if head.level == 2:
            die()

    if step == "after its rows":
        wrap(RunFile, "finish", before=if_large)
    elif step == "after its name":
        wrap(RunFile, "finish", after=if_large)
    else:
        wrap(Tiers, "_replace", before=lambda _, old, new: if_large(old, new.head))
    create_until_killed(told, folder, 1)


@pytest.mark.parametrize("step", ["after its rows", "after its name", "before its parts go"])
def test_a_kill_in_a_merge_loses_no_id(
    step: str, tmp_path: Path, start: Callable[..., Child]
) -> None:
    with opened(tmp_path) as engine:
        engine.create_accounts(pack_accounts([Account(n, "CNY", 1) for n in (1, 2)]), START_NS)
    heard = start(die_in_a_merge, args=(str(tmp_path), step)).hear_all()
    told = max(int(word) for word in heard if word != "open")
    with opened(tmp_path) as engine:
        exists = CODES[Status.EXISTS]
        for number in range(1, told + 1):
            assert (engine.create_transfers(batch(number), START_NS).status == exists).all()
        engine.settle_ids()
        runs = [open_run(path) for path in sorted(tmp_path.glob("ids-*.run"))]
        assert all(run is not None and run.is_whole for run in runs)
        assert max(run.head.level for run in runs if run is not None) >= 2
    assert not list(tmp_path.glob("ids-*.new"))
