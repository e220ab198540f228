"""Ids beyond memory: in sorted runs on disk, found for ever, made again when they are damaged.

Goal: whatever becomes of the files of ids, an id that was used answers as it did. Method: a ledger
with so little memory for ids that nearly all are in runs; its files are deleted, cut, flipped,
swapped and left over as a disk, a crash or a person would.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from puhui.kernel import Refused
from puhui.ledger.arrays.layout import PENDING_FLAG, POST
from puhui.ledger.arrays.record import CODES, TRANSFER, Records, id_halves, pack_accounts
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.engines.log.ids import ids_memory
from puhui.ledger.engines.log.run import open_run
from puhui.ledger.engines.log.ship import Shipper, restore
from puhui.ledger.engines.log.tiers import FAN
from puhui.ledger.nouns import Account, Status
from puhui.ledger.window import verify_log
from tests.ledger.chain import fails

START_NS = 1_800_000_000 * 10**9
EXISTS = CODES[Status.EXISTS]
COUNT = 40
"""Transfers of a batch: a table is full with each."""


def opened(folder: Path) -> LogEngine:
    """A ledger that keeps some forty ids in memory."""
    return LogEngine(folder, segment_bytes=1 << 20, ids=16, ids_bytes=1)


def batch(number: int, count: int = COUNT) -> Records:
    """The transfers of a batch that is known by its number; ids in no order at all."""
    made: Records = np.zeros(count, dtype=TRANSFER)
    made["id_lo"] = np.random.default_rng(number).integers(1, 2**63, count)
    made["id_hi"] = np.random.default_rng(number + 10**6).integers(0, 3, count)
    made["debit_lo"], made["credit_lo"], made["amount_lo"] = 1, 2, 5
    made["ledger"], made["code"] = 156, 1
    return made


def fill(engine: LogEngine, first: int, last: int) -> None:
    """Create the batches of these numbers, all of them new."""
    for number in range(first, last + 1):
        done = engine.create_transfers(batch(number), START_NS)
        assert not done.status.any(), number
    engine.settle_ids()


def begun(folder: Path, batches: int) -> LogEngine:
    """A ledger with two accounts and so many batches."""
    engine = opened(folder)
    engine.create_accounts(pack_accounts([Account(n, "CNY", 1) for n in (1, 2)]), START_NS)
    fill(engine, 1, batches)
    return engine


def knows(engine: LogEngine, last: int) -> None:
    """Every id up to the batch ``last`` answers that it exists, with its fields, and is found."""
    events = engine.events
    for number in range(1, last + 1):
        again = batch(number)
        assert (engine.create_transfers(again, START_NS).status == EXISTS).all(), number
        other = again[:1].copy()
        other["amount_lo"] = 6
        assert engine.create_transfers(other, START_NS).named() == (
            Status.EXISTS_WITH_DIFFERENT_AMOUNT,
        )
        found = engine.lookup_transfers(np.column_stack([again["id_lo"], again["id_hi"]]))
        assert (found["id_lo"] == again["id_lo"]).all()
    assert engine.events == events + last * (COUNT + 1)


def runs_in(folder: Path) -> list[tuple[int, int]]:
    """What the files of ids say they are about, in order."""
    return [
        (int(first), int(end))
        for first, end in (path.stem.split("-")[1:] for path in sorted(folder.glob("ids-*.run")))
    ]


def flip(path: Path, position: int) -> None:
    """Turn one bit over where it stands, so that whoever has the file mapped sees it."""
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 0x10]))


def crash(engine: LogEngine, to: Path) -> Path:
    """The folder as it is now, while the ledger is open: what a stop at once would leave."""
    engine.settle_ids()
    engine._log._workshop.submit(int).result()
    shutil.copytree(engine.folder, to)
    return to


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LogEngine]:
    """A ledger with thirty batches, whose ids have been merged more than once."""
    engine = begun(tmp_path / "log", 30)
    yield engine
    engine.close()


def test_ids_of_long_ago_are_known(engine: LogEngine) -> None:
    """In few runs that follow one another; what they take of memory is a part of what it was."""
    runs = runs_in(engine.folder)
    assert [first for first, _ in runs] == [0, *(end for _, end in runs[:-1])]
    assert len(runs) < 2 * FAN
    assert runs[-1][1] >= 28 * COUNT
    assert {run.head.level for run in engine._tiers.runs} > {0, 1}
    assert engine.bytes_per_id < 8
    knows(engine, 30)


def test_they_are_known_after_opening_again(engine: LogEngine) -> None:
    """With a snapshot or without; the runs are the same files."""
    engine.close()
    before = {path.name: path.stat().st_ino for path in engine.folder.glob("ids-*")}
    for _ in range(2):
        with opened(engine.folder) as again:
            assert {p.name: p.stat().st_ino for p in engine.folder.glob("ids-*")} == before
            again.snapshot()
    with opened(engine.folder) as again:
        knows(again, 30)


@pytest.mark.parametrize("ids_bytes", (1, None))
def test_a_retry_comes_first_after_a_snapshot(tmp_path: Path, ids_bytes: int | None) -> None:
    """What the snapshot covers is read from the log: nothing of it is in memory yet."""
    with begun(tmp_path, 3) as engine:
        engine.snapshot()
    for number in (1, 3):
        with LogEngine(tmp_path, segment_bytes=1 << 20, ids_bytes=ids_bytes) as engine:
            assert (engine.create_transfers(batch(number), START_NS).status == EXISTS).all()
            engine.snapshot()


def test_old_pendings_are_ended(tmp_path: Path) -> None:
    """Found by an id that is in a run; posted once, and posted already the second time."""
    with begun(tmp_path, 0) as engine:
        pending = batch(0)
        pending["flags"] = PENDING_FLAG
        assert not engine.create_transfers(pending, START_NS).status.any()
        fill(engine, 1, 20)
    with opened(tmp_path) as engine:
        post = batch(99)
        post["pending_lo"], post["pending_hi"] = pending["id_lo"], pending["id_hi"]
        post["flags"], post["amount_lo"], post["amount_hi"] = POST, 2**64 - 1, 2**64 - 1
        for field in ("debit_lo", "credit_lo", "ledger", "code"):
            post[field] = 0
        assert not engine.create_transfers(post, START_NS).status.any()
        assert (engine.create_transfers(post, START_NS).status == EXISTS).all()
        post["id_lo"] += np.uint64(1)
        assert set(engine.create_transfers(post, START_NS).named()) == {
            Status.PENDING_TRANSFER_ALREADY_POSTED
        }


def test_ids_that_failed_stay_burnt(tmp_path: Path) -> None:
    """In runs as in memory; they are no transfers."""
    with begun(tmp_path, 0) as engine:
        lost = batch(0)
        lost["debit_lo"] = 7
        assert set(engine.create_transfers(lost, START_NS).named()) == {
            Status.DEBIT_ACCOUNT_NOT_FOUND
        }
        fill(engine, 1, 12)
        lost["debit_lo"] = 1
        assert set(engine.create_transfers(lost, START_NS).named()) == {Status.ID_ALREADY_FAILED}
        assert not len(engine.lookup_transfers(id_halves([int(lost["id_lo"][0])])))


Damage = Callable[[Path], object]


def _flipped(at: Callable[[int], int]) -> Damage:
    return lambda path: flip(path, at(path.stat().st_size))


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 64)


DAMAGE: dict[str, Damage] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": _cut,
    "magic": _flipped(lambda size: 3),
    "head": _flipped(lambda size: 20),
    "digest": _flipped(lambda size: 127),
    "first row": _flipped(lambda size: 128),
    "an ordinal": _flipped(lambda size: 128 + 17 * 24 + 16),
    "filter": _flipped(lambda size: size - 1),
    "fences": _flipped(lambda size: 128 + (size - 128 - 24 - 64) * 24 // (24 + 2) // 24 * 24),
}


@pytest.mark.parametrize("has_snapshot", (True, False))
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_run_is_made_again(tmp_path: Path, kind: str, has_snapshot: bool) -> None:
    """Whichever it is and whatever is wrong with it; nobody is answered wrongly on the way."""
    which = (list(DAMAGE).index(kind) + has_snapshot) % 3 - 1
    with begun(tmp_path, 23) as engine:
        if has_snapshot:
            engine.snapshot()
    path = sorted(tmp_path.glob("ids-*.run"))[which]
    DAMAGE[kind](path)
    with opened(tmp_path) as engine:
        knows(engine, 23)
        engine.settle_ids()
        assert all(run.is_whole for run in engine._tiers.runs)
    assert all(open_run(path) is not None for path in tmp_path.glob("ids-*.run"))


def test_a_run_that_is_damaged_while_it_is_used(engine: LogEngine) -> None:
    """Found by its check when it is read, by whoever asks or by the merging, and made again."""
    path = max(engine.folder.glob("ids-*.run"), key=lambda path: path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(128 + 24 * 200)
        file.write(b"\xff" * 16)
    knows(engine, 30)
    fill(engine, 31, 34)
    newest = max(engine.folder.glob("ids-*.run"))
    with newest.open("r+b") as file:
        file.seek(128)
        file.write(bytes(8))
    fill(engine, 35, 70)
    knows(engine, 70)


def test_damage_is_found_by_verifying(engine: LogEngine) -> None:
    """In words, while the ledger is open; nothing is changed."""
    folder = engine.folder
    frames, broken = verify_log(folder)
    assert frames > 30
    assert broken == ()
    for path, position in zip(sorted(folder.glob("ids-*.run"))[:2], (3, 140), strict=True):
        flip(path, position)
    _, broken = verify_log(folder)
    assert len(broken) == 2
    assert all("made again from the log" in words for words in broken)


def test_where_the_log_is_damaged_too_it_is_said(engine: LogEngine) -> None:
    """A run is not made from a frame that is not what was written."""
    engine.snapshot()
    engine.close()
    for path in engine.folder.glob("ids-*"):
        path.unlink()
    with opened(engine.folder) as again:
        path = max(engine.folder.glob("ids-*.run"), key=lambda path: path.stat().st_size)
        flip(engine.folder / "segment-0000000001.log", 4000)
        with path.open("r+b") as file:
            file.seek(128)
            file.write(b"\xff" * 24 * 200)
        fails("ledger.log_damaged", lambda: knows(again, 30), "Frame ")
        flip(engine.folder / "segment-0000000001.log", 4000)
        knows(again, 30)


def test_runs_go_further_than_the_snapshot(engine: LogEngine, tmp_path: Path) -> None:
    """A stop at once leaves runs of events that the snapshot does not have."""
    engine.snapshot()
    fill(engine, 31, 60)
    with opened(crash(engine, tmp_path / "crashed")) as again:
        knows(again, 60)
        fill(again, 61, 70)
        knows(again, 70)


def test_runs_go_further_than_the_log(engine: LogEngine, tmp_path: Path) -> None:
    """A log that was brought back from an earlier copy: what it lacks was never used."""
    before = crash(engine, tmp_path / "before")
    fill(engine, 31, 60)
    for path in before.glob("ids-*"):
        path.unlink()
    for path in engine.folder.glob("ids-*"):
        shutil.copy(path, before)
    with opened(before) as again:
        fill(again, 31, 31)
        knows(again, 31)


def test_runs_of_another_log_are_not_used(engine: LogEngine, tmp_path: Path) -> None:
    """Nor files that were being made."""
    with begun(tmp_path / "other", 2) as other:
        pass
    for path in engine.folder.glob("ids-*"):
        shutil.copy(path, other.folder)
    (other.folder / "ids-0000000000000-0000000000099.run.new").write_bytes(b"half")
    with opened(other.folder) as again:
        assert not list(other.folder.glob("*.new"))
        fill(again, 3, 12)
        knows(again, 12)


def test_both_sides_of_a_merge_are_there(engine: LogEngine, tmp_path: Path) -> None:
    """A stop between the name of the merged run and the end of those it was made of."""
    crashed = crash(engine, tmp_path / "crashed")
    fill(engine, 31, 60)
    engine.settle_ids()
    for path in crashed.glob("ids-*"):
        shutil.copy(path, engine.folder)
    engine.close()
    with opened(engine.folder) as again:
        runs = runs_in(engine.folder)
        assert [first for first, _ in runs] == [0, *(end for _, end in runs[:-1])]
        knows(again, 60)


def test_a_disk_that_does_not_take_runs(engine: LogEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay in memory, where they are found as well, until opening makes them again."""
    real = os.posix_fallocate

    def full(handle: int, start: int, size: int) -> None:
        if ".run.new" in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(28, "No space left on device")
        real(handle, start, size)

    monkeypatch.setattr(os, "posix_fallocate", full)
    before = runs_in(engine.folder)
    fill(engine, 31, 40)
    assert runs_in(engine.folder) == before
    assert not list(engine.folder.glob("*.new"))
    knows(engine, 40)
    monkeypatch.undo()
    engine.close()
    with opened(engine.folder) as again:
        again.settle_ids()
        assert runs_in(engine.folder)[-1][1] > before[-1][1]
        knows(again, 40)


def test_a_restored_copy_makes_its_runs(engine: LogEngine, tmp_path: Path) -> None:
    """Only segments are shipped."""
    Shipper(engine.folder, tmp_path / "copy").ship()
    assert not list((tmp_path / "copy").glob("ids-*"))
    restore(tmp_path / "copy", tmp_path / "new")
    with opened(tmp_path / "new") as again:
        knows(again, 30)


def test_how_much_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """In mebibytes; 256 of them where nothing is said."""
    monkeypatch.delenv("PUHUI_LEDGER_IDS_MIB", raising=False)
    assert ids_memory() == 256 << 20
    monkeypatch.setenv("PUHUI_LEDGER_IDS_MIB", "8")
    assert ids_memory() == 8 << 20
    for wrong in ("0", "-1", "1.5", "much", "９", str(1 << 40)):
        monkeypatch.setenv("PUHUI_LEDGER_IDS_MIB", wrong)
        with pytest.raises(Refused) as caught:
            ids_memory()
        assert caught.value.code == "ledger.bad_ids_memory"
