"""The segment made ahead: little by little while there is time, at once where somebody waits.

Goal: making it never holds a frame up longer than it must. Method: the pace is asked part by part
with the use of the segment before it set by the test; the rests are counted, not timed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.ledger.engines.log.file import PART_BYTES
from puhui.ledger.engines.log.spare import LITTLE_BYTES, REST_S, Pace, ready_spare

SIZE = 4 << 20


def parts(pace: Pace, rests: list[float], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How a segment of ``SIZE`` is written by a pace; its rests are noted and not taken."""

    def rest(seconds: float) -> bool:
        rests.append(seconds)
        return pace._is_pressing.is_set()

    monkeypatch.setattr(pace._is_pressing, "wait", rest)
    made, taken = 0, []
    while made < SIZE:
        taken.append(min(pace.part(made), SIZE - made))
        made += taken[-1]
    return taken


def test_it_keeps_ahead_of_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rest while less is made than is used and a quarter; a rest before each part after."""
    taken: list[float] = []
    assert parts(Pace(lambda: 0), taken, monkeypatch) == [LITTLE_BYTES] * 16
    assert taken == [REST_S] * 15

    half: list[float] = []
    behind = SIZE // 2 + SIZE // 8 - LITTLE_BYTES
    written = parts(Pace(lambda: SIZE // 2), half, monkeypatch)
    assert written[:2] == [LITTLE_BYTES, behind]
    assert set(written[2:]) == {LITTLE_BYTES}
    assert half == [REST_S] * len(written[2:])

    full: list[float] = []
    assert parts(Pace(lambda: SIZE), full, monkeypatch) == [LITTLE_BYTES, SIZE - LITTLE_BYTES]
    assert not full


def test_who_waits_presses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left then comes in whole parts, with no rest that is longer than a moment."""
    pace = Pace(lambda: 0)
    pace.press()
    assert pace.part(LITTLE_BYTES) == PART_BYTES


def test_a_spare_is_made_whole(tmp_path: Path) -> None:
    """Nothing but noughts, of the size asked for, whatever its parts; and is taken as it is."""
    pace = Pace(lambda: SIZE)
    path = ready_spare(tmp_path, 7, LITTLE_BYTES * 3 + 128, pace)
    assert path.read_bytes() == bytes(LITTLE_BYTES * 3 + 128)
    before = path.stat().st_ino
    assert ready_spare(tmp_path, 7, LITTLE_BYTES * 3 + 128).stat().st_ino == before
