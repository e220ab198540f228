"""A second copy of the log: how fresh it is, that it is whole, and the way back.

Goal: losing the first folder costs no more than the frames that the copy was said to lack.
Method: ship while the log is written, restore into a new folder, go on writing there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from puhui.ledger.engines.log.file import segment_path
from puhui.ledger.engines.log.recovery import seal_path
from puhui.ledger.engines.log.ship import Shipped, Shipper, open_path, prune, restore
from tests.ledger.chain import SMALL, crash, fails, fill, flip, holds, opened


def test_a_copy_is_as_fresh_as_its_last_shipping(tmp_path: Path) -> None:
    """Each frame is copied once as part of an open segment, and once with the full one."""
    shipper = Shipper(tmp_path / "log", tmp_path / "copy")
    shipped = []
    with opened(tmp_path / "log") as log:
        for count in (0, 1, 4, 0, 30, 2):
            fill(log, count)
            crash(log, tmp_path / f"at-{len(shipped)}")
            assert shipper.behind() == count
            shipped.append(shipper.ship())
        assert [done.sequence for done in shipped] == [0, 1, 5, 5, 35, 37]
        assert {done.behind for done in shipped} == {0}
        assert [done.copied_bytes for done in shipped[:4]] == [128, 384, 4 * 384, 0]
        assert shipped[4].copied_bytes > 3 * SMALL
        assert shipper.ship() == Shipped(37, 0, 0)
    # Another process goes on with the same copy.
    with opened(tmp_path / "log") as log:
        fill(log, 3)
        again = Shipper(tmp_path / "log", tmp_path / "copy")
        assert again.ship().sequence == 40
        assert restore(tmp_path / "copy", tmp_path / "new") == 40


def test_full_segments_alone(tmp_path: Path) -> None:
    """Cheaper, and behind by what stands in the open one."""
    with opened(tmp_path / "log") as log:
        fill(log, 25)
        crash(log, tmp_path / "now")
        done = Shipper(tmp_path / "log", tmp_path / "copy").ship(with_open=False)
        assert (done.sequence, done.behind, done.copied_bytes) == (20, 5, 2 * SMALL)
    assert restore(tmp_path / "copy", tmp_path / "new") == 20


@pytest.mark.parametrize("count", (1, 9, 10, 11, 20, 34))
def test_a_restored_log_goes_on(tmp_path: Path, count: int) -> None:
    """The same frames, byte for byte, and new ones behind them in the same chain."""
    with opened(tmp_path / "log") as log:
        fill(log, count)
        Shipper(tmp_path / "log", tmp_path / "copy").ship()
        fill(log, 2)
        checksum = log.checksum_of(count)
    assert restore(tmp_path / "copy", tmp_path / "new") == count
    with opened(tmp_path / "new") as log:
        assert (log.last_sequence, log.checksum_of(count)) == (count, checksum)
        holds(log, 1, count)
        fill(log, 15)
        holds(log, 1, count + 15)
        log.verify()
    fails("ledger.folder_in_use", lambda: restore(tmp_path / "copy", tmp_path / "new"))
    fails(
        "ledger.log_damaged", lambda: restore(tmp_path / "nothing", tmp_path / "newer"), "no copy"
    )


def test_damage_is_not_shipped(tmp_path: Path) -> None:
    """A full segment that is not what was sealed never gets its name in the copy."""
    with opened(tmp_path / "log") as log:
        fill(log, 25)
        crashed = crash(log, tmp_path / "crashed")
    flip(segment_path(crashed, 1), 700)
    shipper = Shipper(crashed, tmp_path / "copy")
    fails("ledger.log_damaged", shipper.ship, "Frame 2 ", "segment 1")
    assert not segment_path(tmp_path / "copy", 1).exists()
    flip(segment_path(crashed, 1), 700)
    assert shipper.ship().sequence == 25
    shutil.copytree(tmp_path / "copy", tmp_path / "flipped")
    flip(segment_path(tmp_path / "flipped", 2), 700)
    fails(
        "ledger.log_damaged", lambda: restore(tmp_path / "flipped", tmp_path / "new"), "Frame 12 "
    )


def test_a_copy_that_was_cut_short(tmp_path: Path) -> None:
    """Shipping stopped half way: what is whole is restored, and the next shipping mends it."""
    with opened(tmp_path / "log") as log:
        fill(log, 25)
        copy = tmp_path / "copy"
        Shipper(log.folder, copy).ship()
        part = open_path(copy, 3)
        content = part.read_bytes()
        for size, whole in ((len(content) - 1, 24), (128, 20), (60, 20), (0, 20)):
            part.write_bytes(content[:size])
            assert restore(copy, tmp_path / f"new-{size}") == whole
            with opened(tmp_path / f"new-{size}") as new:
                holds(new, 1, whole)
        Shipper(log.folder, copy).ship()
        assert part.read_bytes() == content


def test_copies_are_of_one_log(tmp_path: Path) -> None:
    """The copy of another log, or one that knows more, is left alone."""
    for name, count in (("log", 25), ("other", 25), ("short", 3), ("strange", 3)):
        with opened(tmp_path / name) as log:
            fill(log, count)
            Shipper(log.folder, tmp_path / f"copy-{name}").ship()
    for folder, copy in (("other", "log"), ("strange", "short"), ("short", "log")):
        shipper = Shipper(tmp_path / folder, tmp_path / f"copy-{copy}")
        fails("ledger.log_damaged", shipper.ship, "another log")
    with opened(tmp_path / "short") as log:
        crashed = crash(log, tmp_path / "less")
        fill(log, 2)
        Shipper(log.folder, tmp_path / "copy-short").ship()
    fails("ledger.log_damaged", Shipper(crashed, tmp_path / "copy-short").ship, "goes further")


def test_segments_are_given_up_when_they_are_elsewhere(tmp_path: Path) -> None:
    """Those that a snapshot covers and the copy holds; the log goes on behind them."""
    folder, copy = tmp_path / "log", tmp_path / "copy"
    with opened(folder) as log:
        fill(log, 45)
        fails("ledger.log_in_use", lambda: prune(folder, copy, before=40))
    fails("ledger.not_shipped", lambda: prune(folder, copy, before=40), "Segment 1 ")
    Shipper(folder, copy).ship()
    assert prune(folder, copy, before=10) == 0
    assert prune(folder, copy, before=25) == 2
    assert not segment_path(folder, 2).exists()
    assert not seal_path(folder, 1).exists()
    with opened(folder) as log:
        assert [log.checksum_of(number) is None for number in (20, 21)] == [True, False]
        holds(log, 21, 45)
        fill(log, 5)
        assert log.verify().frames == 30
        assert Shipper(folder, copy).ship().sequence == 50
    flip(segment_path(copy, 3), 700)
    fails("ledger.log_damaged", lambda: prune(folder, copy, before=40), "Frame 22 ")
    flip(segment_path(copy, 3), 700)
    assert prune(folder, copy, before=40) == 1
    assert restore(copy, tmp_path / "new") == 50
    with opened(tmp_path / "new") as log:
        holds(log, 1, 50)


def test_what_is_kept_of_pruned_segments_is_held_against_the_log(tmp_path: Path) -> None:
    """A beginning that was not given up in order is missing."""
    folder, copy = tmp_path / "log", tmp_path / "copy"
    with opened(folder) as log:
        fill(log, 35)
    Shipper(folder, copy).ship()
    prune(folder, copy, before=25)
    mark = folder / "segment-0000000002.pruned"
    kept = mark.read_bytes()
    mark.write_bytes(kept[:-2])
    fails("ledger.log_damaged", lambda: opened(folder), "pruned segment 2")
    mark.unlink()
    fails("ledger.log_damaged", lambda: opened(folder), "Segment 2 is missing")
    mark.write_bytes(kept)
    segment_path(folder, 3).unlink()
    fails("ledger.log_damaged", lambda: opened(folder), "Segment 3 is missing")
