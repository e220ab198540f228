"""Frames of the log: durable in order, read back as written, refused where they are not.

Goal: what was acknowledged is found again, whatever became of the process; what is damaged is
named and never passed over. Method: small segments in a folder of the test, written by the real
writer, then cut, flipped, renamed or copied as a disk or a person would.
"""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui.kernel import Fault
from puhui.ledger.engines.log.file import segment_path
from puhui.ledger.engines.log.frame import ALIGNMENT, HEADER, PULSE, TRANSFERS
from puhui.ledger.engines.log.reader import FrameReader
from puhui.ledger.engines.log.segment import FrameLog
from tests.ledger.chain import SMALL, body, fails, fill, holds, opened


def test_a_header_is_128_bytes() -> None:
    """As the array of headers has it, so that NumPy reads what the writer packs."""
    assert HEADER.itemsize == ALIGNMENT


def test_frames_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Over many segments, from anywhere, and after opening again."""
    with opened(tmp_path) as log:
        fill(log, 60)
        holds(log, 1, 60)
        holds(log, 37, 60)
        assert list(log.frames(60)) == []
        assert len(list(tmp_path.glob("segment-*.log"))) > 4
    with opened(tmp_path) as log:
        assert (log.last_sequence, log.last_time_ns, log.recovered.size) == (60, 600, 0)
        holds(log, 1, 60)
        fill(log, 20)
        assert log.verify().frames == 80
        assert FrameReader(tmp_path).last_sequence() == 80


def test_a_log_that_is_closed_at_the_end_of_a_segment_goes_on(tmp_path: Path) -> None:
    """Whether the next one is begun or not; the time never goes back over the seam."""
    each = (SMALL - ALIGNMENT) // (3 * ALIGNMENT)
    for count in (each, 1, each - 1, 2 * each, 0, 1):
        with opened(tmp_path) as log:
            last = log.last_sequence
            assert log.last_time_ns == last * 10
            fill(log, count)
    with opened(tmp_path) as log:
        holds(log, 1, last + 1)


def test_frames_of_all_sizes_and_empty_ones(tmp_path: Path) -> None:
    """Nothing at all, a whole segment, and several buffers that are written as one body."""
    whole = np.arange(SMALL - 2 * ALIGNMENT, dtype=np.uint8)
    with opened(tmp_path) as log:
        log.append(PULSE, 1, 0, [])
        log.append(TRANSFERS, 1, 1, [whole])
        parts = [whole[:3], whole[3:100], b"", bytearray(whole[100:128])]
        log.append(TRANSFERS, 2, 9, parts).wait()
        bodies = [frame.body.tobytes() for frame in log.frames()]
    assert bodies == [b"", whole.tobytes(), whole[:128].tobytes()]


def test_what_a_frame_must_be(tmp_path: Path) -> None:
    """A body is whole records and fits a segment; time does not go back."""
    with opened(tmp_path) as log:
        fill(log, 2)
        for time_ns, size in ((19, 128), (20, 127), (20, SMALL - ALIGNMENT)):
            with pytest.raises(AssertionError):
                log.append(TRANSFERS, time_ns, 1, [bytes(size)])
        fill(log, 1)
        holds(log, 1, 3)


def test_many_writers_and_one_order(tmp_path: Path) -> None:
    """Tickets that wait together are durable together, and each is there."""
    with opened(tmp_path) as log:
        tickets = [log.append(TRANSFERS, n * 10, 2, [body(n)]) for n in range(1, 301)]
        waiting = [threading.Thread(target=ticket.wait) for ticket in tickets * 2]
        for thread in waiting:
            thread.start()
        for thread in waiting:
            thread.join(30)
        assert all(ticket.is_done for ticket in tickets)
        assert log.durable_sequence == 300
        holds(log, 1, 300)


def test_records_are_gathered_from_anywhere(tmp_path: Path) -> None:
    """By frame and byte, aligned or not, from old segments and from frames on their way."""
    dice = np.random.default_rng(7)
    with opened(tmp_path) as log:
        fill(log, 50)
        for number in range(51, 60):
            log.append(TRANSFERS, number * 10, 2, [body(number)])
        for width, step in ((128, 128), (16, 1), (1, 1)):
            sequences = dice.integers(1, 60, 200)
            offsets = dice.integers(0, (256 - width) // step + 1, 200) * step
            rows = log.gather(sequences, offsets, width)
            for sequence, offset, row in zip(sequences, offsets, rows, strict=True):
                assert row.tobytes() == body(int(sequence)).tobytes()[offset : offset + width]
        assert log.gather(np.empty(0, np.int64), np.empty(0, np.int64), 128).shape == (0, 128)
        assert log.read(7, 5, 9) == body(7).tobytes()[5:14]
        number, position = log.position_of(12)
        content = segment_path(tmp_path, number).read_bytes()
        assert content[position + ALIGNMENT :].startswith(body(12).tobytes())
        for sequence, offset in ((60, 0), (1, 129), (1, -1)):
            with pytest.raises(AssertionError):
                log.gather(np.array([sequence]), np.array([offset]), 128)


def test_few_segments_are_mapped_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were let go are mapped and indexed again."""
    monkeypatch.setattr("puhui.ledger.engines.log.kept.MAPS_MAX", 2)
    with opened(tmp_path) as log:
        fill(log, 80)
        assert log.read(3, 0, 8) == body(3).tobytes()[:8]
        holds(log, 1, 80)
        assert len(log._kept._maps) == 2


def test_checksums_name_a_state(tmp_path: Path) -> None:
    """Each frame's own; none for what is not there."""
    with opened(tmp_path) as log:
        assert log.checksum_of(0) is None
        fill(log, 30)
        sums = [log.checksum_of(number) for number in range(1, 31)]
        assert len(set(sums)) == 30
        assert sums[-1] == log.verify().checksum == log.frame(30).checksum
        assert log.checksum_of(31) is None


def test_one_process_writes(tmp_path: Path) -> None:
    """A second one is refused, and may open the log when the first is gone."""
    with opened(tmp_path):
        fails("ledger.log_in_use", lambda: opened(tmp_path), str(tmp_path))
    opened(tmp_path).close()


def test_a_reader_follows_the_writer(tmp_path: Path) -> None:
    """It sees each frame once, in order, over the ends of segments, also when it comes late."""
    reader, seen = FrameReader(tmp_path), []
    assert list(reader.frames()) == []
    with opened(tmp_path) as log:
        for count in (0, 1, 3, 11, 1, 40, 2):
            fill(log, count)
            seen += [frame.sequence for frame in reader.frames(len(seen))]
            assert len(seen) == log.last_sequence
        holds(reader, 30, 58)
        holds(FrameReader(tmp_path), 1, 58)
        assert list(reader.frames(70)) == []
        fill(log, 13)
        holds(reader, 71, 71)
    assert seen == list(range(1, 59))


def test_a_reader_beside_a_busy_writer(tmp_path: Path) -> None:
    """It never meets a frame that is half written, and gets to the end."""
    reader, seen = FrameReader(tmp_path), []
    with opened(tmp_path) as log:
        writer = threading.Thread(target=fill, args=(log, 400))
        writer.start()
        while writer.is_alive() or len(seen) < 400:
            for frame in reader.frames(len(seen)):
                assert frame.body.tobytes() == body(frame.sequence).tobytes()
                seen.append(frame.sequence)
    assert seen == list(range(1, 401))


def test_a_log_may_change_the_size_of_its_segments(tmp_path: Path) -> None:
    """New ones are as large as asked for; a spare of another size is made again."""
    for size in (SMALL, 2 * SMALL, SMALL):
        with FrameLog.open(tmp_path, segment_bytes=size) as log:
            fill(log, 25)
    with opened(tmp_path) as log:
        holds(log, 1, 75)
    sizes = {path.stat().st_size for path in tmp_path.glob("segment-*.log")}
    assert sizes == {SMALL, 2 * SMALL}


@given(st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_history_is_read_back(sizes: list[list[int]]) -> None:
    """Whatever sizes, groups and reopenings: the bodies in order, and one chain."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = []
        for group in sizes:
            with opened(Path(folder)) as log:
                for size in group:
                    wanted.append(body(len(wanted), size).tobytes())
                    log.append(TRANSFERS, len(wanted), size, [wanted[-1]])
        with opened(Path(folder)) as log:
            assert [frame.body.tobytes() for frame in log.frames()] == wanted
            assert log.verify().frames == len(wanted)


def test_a_log_that_failed_stays_so(tmp_path: Path) -> None:
    """Those who wait, those behind them and those to come hear of it; the hook hears it once."""
    heard: list[Fault] = []
    log = FrameLog.open(tmp_path, segment_bytes=SMALL, on_failure=heard.append)
    fill(log, 3)
    handle, log._writer._place.handle = log._writer._place.handle, os.open(tmp_path, os.O_RDONLY)
    tickets = [log.append(TRANSFERS, 40, 2, [body(4)])]
    for ticket in tickets:
        fails("ledger.log_failed", ticket.wait, "cannot be written")
        fails("ledger.log_failed", ticket.wait)
    fails("ledger.log_failed", lambda: log.append(TRANSFERS, 50, 2, [body(5)]))
    assert [fault.code for fault in heard] == ["ledger.log_failed"]
    assert log.durable_sequence == 3
    log.close()
    log.close()
    os.close(handle)
    with opened(tmp_path) as log:
        holds(log, 1, 3)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A file in its place is told as trouble of the disk."""
    (tmp_path / "segment-0000000001.log").mkdir()
    fails("ledger.log_failed", lambda: opened(tmp_path), "cannot be opened")
