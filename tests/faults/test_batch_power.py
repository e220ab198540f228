"""Batches in the store on SQLite under power cuts and torn writes: the contract of the log.

Goal: an answered batch of transfers is there whole, none is there twice, books balance, and the
store opens without help. Method: a process moves money in batches, large and small, on a disk that
loses blocks that were not synced or ends the process within a write; another one opens the store,
sums it up and asks for the last batch again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.bad_disk import BadDisk

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280), pytest.mark.xdist_group("bad_disk")]
CUTS = 18
ENDED = 86
"""What the shim ends a process with."""


def test_answered_batches_outlive_power_cuts(bad_disk: BadDisk, tmp_path: Path) -> None:
    done = bad_disk.run("batching:main", tmp_path, 0, CUTS)
    assert done.code == 0, done.out + done.error
    rounds = [tuple(map(int, line.split())) for line in done.out.splitlines()]
    assert len(rounds) == CUTS
    assert {code for _, code, _, _ in rounds} == {ENDED}
    assert rounds[-1][3] > 3 * CUTS
