"""Damage to the log: a torn end is cut, anything else is refused by name.

Goal: no byte that was acknowledged is ever dropped or changed in silence. Method: the folder of
an open log is copied, as a stop at once would leave it; then single bits are turned over, files
cut, swapped or removed, and the copy is opened.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from puhui.ledger.engines.log.file import segment_path
from puhui.ledger.engines.log.frame import ALIGNMENT, HEADER, TRANSFERS
from puhui.ledger.engines.log.reader import FrameReader
from puhui.ledger.engines.log.recovery import CLOSED, read_seal, seal_path
from tests.ledger.chain import SMALL, body, crash, fails, fill, flip, holds, opened

FIELDS = {name: HEADER.fields[name][1] for name in HEADER.names or ()}
PLACES = {
    **FIELDS,
    "last of header": ALIGNMENT - 1,
    "first of body": ALIGNMENT,
    "middle of body": 2 * ALIGNMENT,
    "last of body": 3 * ALIGNMENT - 1,
}
"""One byte of every class in a frame with a body of two records."""

EACH = (SMALL - ALIGNMENT) // (3 * ALIGNMENT)
"""Frames of one segment."""


def at(sequence: int, place: str = "magic") -> int:
    """The byte in its segment of a place in a frame."""
    return ALIGNMENT + (sequence - 1) % EACH * 3 * ALIGNMENT + PLACES[place]


def names(folder: Path, sequence: int) -> tuple[str, str, str]:
    """What a fault says of a damaged frame."""
    number = (sequence - 1) // EACH + 1
    return f"Frame {sequence} ", f"segment {number}", f"byte {at(sequence)} "


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """Two full segments and three frames of a third, as a stop at once would leave them."""
    with opened(tmp_path / "log") as log:
        fill(log, 2 * EACH + 3)
        return crash(log, tmp_path / "crashed")


@pytest.mark.parametrize("place", PLACES)
def test_the_last_frame_is_cut(crashed: Path, place: str) -> None:
    """A bit of the last frame: it may never have been acknowledged, and is cut and told."""
    last = 2 * EACH + 3
    flip(segment_path(crashed, 3), at(last, place))
    with opened(crashed) as log:
        assert (log.recovered.frames, log.last_sequence) == (1, last - 1)
        assert 2 * ALIGNMENT < log.recovered.size <= 3 * ALIGNMENT
        holds(log, 1, last - 1)
        fill(log, 20)
    with opened(crashed) as log:
        holds(log, 1, last + 19)
        assert log.verify().frames == last + 19


def test_an_earlier_frame_is_named(crashed: Path) -> None:
    """A later frame says that it was durable, so it is damage and not a torn end."""
    path, sequence = segment_path(crashed, 3), 2 * EACH + 2
    whole = path.read_bytes()
    for place in PLACES:
        flip(path, at(sequence, place))
        damaged = path.read_bytes()
        fails("ledger.log_damaged", lambda: opened(crashed), *names(crashed, sequence))
        assert path.read_bytes() == damaged
        path.write_bytes(whole)
    with opened(crashed) as log:
        holds(log, 1, 2 * EACH + 3)


@pytest.mark.parametrize("sequence", (1, 4, EACH, EACH + 1))
def test_a_frame_of_an_older_segment_is_named(crashed: Path, sequence: int) -> None:
    """By reading and by verifying; opening itself only looks at the seals."""
    number = (sequence - 1) // EACH + 1
    for place in PLACES:
        flip(segment_path(crashed, number), at(sequence, place))
        with opened(crashed) as log:
            fails("ledger.log_damaged", log.verify, *names(crashed, sequence))
            reading = log.frames(sequence - 1)
            fails("ledger.log_damaged", lambda reading=reading: list(reading), f"Frame {sequence} ")
            holds(log, number * EACH + 1, log.last_sequence)
        reader = FrameReader(crashed)
        fails(
            "ledger.log_damaged", lambda reader=reader: list(reader.frames()), f"Frame {sequence} "
        )
        flip(segment_path(crashed, number), at(sequence, place))
    with opened(crashed) as log:
        holds(log, 1, log.last_sequence)


def test_what_was_closed_in_order_is_not_cut(tmp_path: Path) -> None:
    """After a close the end is known: the last frame is named too, and so is one too many."""
    with opened(tmp_path / "log") as log:
        fill(log, 3)
        more = crash(log, tmp_path / "more")
    flip(segment_path(log.folder, 1), at(3))
    fails("ledger.log_damaged", lambda: opened(log.folder), *names(log.folder, 3))
    with opened(more) as log:
        fill(log, 1)
        unclosed = crash(log, tmp_path / "unclosed")
    shutil.copy(tmp_path / "log" / CLOSED, unclosed / CLOSED)
    fails("ledger.log_damaged", lambda: opened(unclosed), "frame 4", "closed at frame 3")


def test_a_group_that_reached_the_disk_in_part(tmp_path: Path) -> None:
    """Frames of one sync may be there without those before them: all of the group are cut."""
    with opened(tmp_path / "log") as log:
        fill(log, 2)
        before = crash(log, tmp_path / "before")
        # One group: while the writer has the first of them, the others wait together.
        tickets = [log.append(TRANSFERS, 100 + n, 2, [body(3 + n)]) for n in range(5)]
        for ticket in tickets:
            ticket.wait()
    whole = bytearray(segment_path(log.folder, 1).read_bytes())
    durable = [int.from_bytes(whole[at(n, "durable") :][:8], "little") for n in range(3, 8)]
    for lost in range(3, 8):
        content = bytearray(whole)
        content[at(lost) : at(lost) + 128] = bytes(128)
        segment_path(before, 1).write_bytes(content)
        copy = tmp_path / f"lost-{lost}"
        shutil.copytree(before, copy)
        if any(mark >= lost for mark in durable):
            fails("ledger.log_damaged", lambda copy=copy: opened(copy), f"Frame {lost} ")
            continue
        with opened(copy) as log:
            assert log.last_sequence == lost - 1
            assert log.recovered.frames == 8 - lost
            fill(log, 0)


def test_bytes_that_look_like_a_frame(tmp_path: Path) -> None:
    """A frame of another log within a torn body does not make it look acknowledged."""
    with opened(tmp_path / "other") as other:
        fill(other, 9)
        alien = segment_path(other.folder, 1).read_bytes()[at(9) : at(9) + 3 * ALIGNMENT]
    with opened(tmp_path / "log") as log:
        fill(log, 1)
        log.append(TRANSFERS, 20, 3, [alien]).wait()
        crashed = crash(log, tmp_path / "crashed")
    flip(segment_path(crashed, 1), at(2))
    with opened(crashed) as log:
        assert (log.last_sequence, log.recovered.frames) == (1, 1)


def test_the_header_of_a_segment(crashed: Path) -> None:
    """Damaged, it is told, whichever segment it is of."""
    for number in (1, 2, 3):
        words = "header of", f"egment {number}", "byte 0"
        for position in (0, 8, 16, 24, 32, 48, 64, 127):
            flip(segment_path(crashed, number), position)
            fails("ledger.log_damaged", lambda: opened(crashed), *words)
            flip(segment_path(crashed, number), position)
    with opened(crashed) as log:
        holds(log, 1, 2 * EACH + 3)


def test_segments_missing_and_in_the_wrong_place(crashed: Path, tmp_path: Path) -> None:
    """A gap, a beginning lost, two swapped, one copied over another, one shortened."""
    one, two, three = (segment_path(crashed, number) for number in (1, 2, 3))
    kept = {path: path.read_bytes() for path in (one, two, three)}

    def tried(changed: dict[Path, bytes | None], *words: str) -> None:
        for path, content in changed.items():
            path.unlink() if content is None else path.write_bytes(content)
        fails("ledger.log_damaged", lambda: opened(crashed), *words)
        for path, content in kept.items():
            path.write_bytes(content)

    tried({one: None}, "Segment 1 is missing")
    tried({two: None}, "Segment 2 is missing")
    tried({one: kept[two], two: kept[one]}, "Segment 1 ")
    tried({two: kept[one]}, "Segment 2 was written as segment 1")
    tried({three: kept[two]}, "Segment 3 was written as segment 2")
    tried({two: b""}, "Segment 2 has 0 bytes")
    tried({three: b""}, "Segment 3 has 0 bytes")
    tried({three: kept[three][:-7]}, "Segment 3 has 4089 bytes")
    tried({three: kept[three][:-128]}, "Segment 3 was written as segment 3 of 4096 bytes")
    with opened(crashed) as log:
        holds(log, 1, 2 * EACH + 3)
        spare = segment_path(crashed, 4)
        assert spare.exists()


def test_all_segments_lost(crashed: Path) -> None:
    """Seals that are left over say that this was no new log."""
    for path in crashed.glob("*.log"):
        path.unlink()
    fails("ledger.log_damaged", lambda: opened(crashed), "Segment 1 is missing")


def test_a_segment_of_another_log(crashed: Path, tmp_path: Path) -> None:
    """The same frames in the same place, but written by somebody else."""
    with opened(tmp_path / "other") as other:
        fill(other, 2 * EACH + 3)
        strange = crash(other, tmp_path / "strange")
    for number in (2, 3):
        shutil.copy(segment_path(strange, number), segment_path(tmp_path / "crashed", number))
        fails("ledger.log_damaged", lambda: opened(crashed), f"Segment {number} is of another log")
        shutil.copy(segment_path(tmp_path / "log", number), segment_path(crashed, number))
    (crashed / "segment-of-mine.log").write_bytes(b"")
    fails("ledger.log_damaged", lambda: opened(crashed), "segment-of-mine.log is no file of this")


def test_a_seal_that_is_lost_is_made_again(crashed: Path) -> None:
    """Only out of a segment that was read through; one that says otherwise is refused."""
    seal = read_seal(seal_path(crashed, 1))
    assert seal is not None
    for content in (b"", b"{}", seal.text().replace(b'"last": 10', b'"last": 11')):
        seal_path(crashed, 1).write_bytes(content)
        with opened(crashed) as log:
            holds(log, 1, log.last_sequence)
        assert read_seal(seal_path(crashed, 1)) == seal
    shutil.copy(seal_path(crashed, 2), seal_path(crashed, 1))
    fails("ledger.log_damaged", lambda: opened(crashed), "Segment 1 is another than was sealed")
    seal_path(crashed, 1).unlink()
    flip(segment_path(crashed, 1), at(3, "time_ns"))
    fails("ledger.log_damaged", lambda: opened(crashed), *names(crashed, 3))


def test_a_segment_that_was_just_begun(crashed: Path) -> None:
    """A header without frames, half a header, a file on its way: nothing was acknowledged."""
    last = 2 * EACH + 3
    with opened(crashed) as log:
        fill(log, EACH - 3)
        torn = crash(log, crashed.parent / "torn")
        fill(log, 1)
        begun = crash(log, crashed.parent / "begun")
    full = last + EACH - 3
    segment_path(torn, 4).write_bytes(b"PUHUISEG" + bytes(SMALL - 8))
    (torn / "segment-0000000005.log.new").write_bytes(b"half")
    with opened(torn) as log:
        assert (log.last_sequence, log.recovered.frames, log.recovered.size) == (full, 1, 8)
        fill(log, 3)
        holds(log, 1, full + 3)
    for cut in (ALIGNMENT, ALIGNMENT + 5):
        content = segment_path(begun, 4).read_bytes()[:cut]
        segment_path(begun, 4).write_bytes(content + bytes(SMALL - cut))
        with opened(begun) as log:
            assert (log.last_sequence, log.last_time_ns) == (full, full * 10)
            holds(log, 1, full)
        (begun / CLOSED).unlink()
