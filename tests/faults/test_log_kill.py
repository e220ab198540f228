"""The process that writes the log is killed, a hundred times: what was told is there.

Goal: acknowledged means recovered, whenever kill -9 comes; nobody has to help. Method: a process
appends and tells each durable group by another pipe, which outlives it; it is killed at random
moments and its folder is opened, read and held against what was told.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Child
from tests.faults.framing import append_until_killed, check

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
KILLS = 100


def test_what_was_durable_outlives_kills(tmp_path: Path, start: Callable[..., Child]) -> None:
    dice = random.Random(17)
    told = ahead = 0
    for kill in range(KILLS):
        child = start(append_until_killed, args=(str(tmp_path), 1 + kill % 9))
        heard = []
        if kill % 10 != 9:  # each tenth is killed while it opens or recovers
            assert child.hear() == "open"
            heard = child.hear_until(dice.randrange(1, 12))
        heard += [word for word in child.kill() if word != "open"]
        told = max([told, *map(int, heard)])
        last = check(tmp_path, told)
        ahead += last > told
        told = last
    assert told > 5 * KILLS
    assert ahead, "no kill came while a group was on its way"
