"""What is judged and written before anybody waits for it, and durable when somebody does.

Goal: to begin early changes neither order nor what is acknowledged. Method: the syncs of the
writer are counted; folders are copied as they stand, as a stop at once would leave them; accounts
are looked up at places that collide.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from puhui.kernel import Fault
from puhui.ledger.arrays.find_named import find_sides
from puhui.ledger.arrays.record import TRANSFER, id_halves, pack_accounts
from puhui.ledger.arrays.table import find_accounts
from puhui.ledger.engines.log import singles as single
from puhui.ledger.engines.log import writer as writing
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.engines.log.frame import TRANSFERS
from puhui.ledger.engines.log.segment import FrameLog
from puhui.ledger.engines.log.singles import Singles
from puhui.ledger.engines.log.state import State
from puhui.ledger.engines.log.writer import Ticket
from puhui.ledger.nouns import Account, Status
from tests.ledger.chain import body, crash, fails, fill, holds, opened
from tests.ledger.test_singles import START_NS, made, posted


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The handles that the writer has had the disk take, one after another."""
    seen: list[int] = []
    real = os.fdatasync

    def count(handle: int) -> None:
        if threading.current_thread() is threading.main_thread():
            seen.append(handle)
        real(handle)

    monkeypatch.setattr(writing.os, "fdatasync", count)
    return seen


def begun(log: FrameLog, count: int) -> list[Ticket]:
    """So many frames that are in their file and that nobody has waited for."""
    tickets = []
    for _ in range(count):
        number = log.last_sequence + 1
        tickets.append(log.append(TRANSFERS, number * 10, 2, [body(number)], is_awaited=True))
        tickets[-1].begin()
    return tickets


def test_one_sync_makes_all_that_was_begun_durable(tmp_path: Path, syncs: list[int]) -> None:
    with opened(tmp_path / "a") as log:
        fill(log, 2)
        syncs.clear()
        tickets = begun(log, 3)
        assert (log.durable_sequence, syncs) == (2, [])
        with opened(crash(log, tmp_path / "b")) as other:
            # They were written, so a stop of the process alone does not lose them.
            holds(other, 1, 5)
        last = log.append(TRANSFERS, 60, 2, [body(6)], is_awaited=True)
        last.wait()
        assert (log.durable_sequence, len(syncs)) == (6, 1)
        assert all(ticket.is_done for ticket in tickets)
        holds(log, 1, 6)


def test_what_was_begun_is_durable_before_the_next_segment_is(
    tmp_path: Path, syncs: list[int]
) -> None:
    """Frames past the end of a segment are begun too: those before it reach the disk first."""
    with opened(tmp_path) as log:
        syncs.clear()
        tickets = begun(log, 30)
        assert 0 < log.durable_sequence < 30
        assert len(syncs) == log._kept.last.number - 1
        tickets[-1].wait()
        holds(log, 1, 30)
        assert log.verify().frames == 30


def test_what_nobody_waits_for_is_durable_when_the_log_is_closed(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        begun(log, 5)
    assert log.durable_sequence == 5
    with opened(tmp_path) as log:
        holds(log, 1, 5)


def test_a_failure_ends_what_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what was written well before it: what the disk has then is not known."""
    heard: list[Fault] = []
    log = FrameLog.open(tmp_path, segment_bytes=1 << 16, on_failure=heard.append)
    first, *_ = begun(log, 2)

    def fail(handle: int, parts: object, position: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write_all", fail)
    behind = log.append(TRANSFERS, 30, 2, [body(3)], is_awaited=True)
    behind.begin()
    assert len(heard) == 1
    for ticket in (first, behind):
        fails("ledger.log_failed", ticket.wait, "No space left")
    log.close()


# Single transfers.


@pytest.fixture
def engine(tmp_path: Path) -> LogEngine:
    engine = LogEngine(tmp_path, ids=16, on_failure=lambda fault: None)
    engine.create_accounts(pack_accounts([Account(n, "CNY", 1) for n in (1, 2)]), START_NS)
    return engine


def test_the_first_of_many_are_judged_while_others_come(
    engine: LogEngine, syncs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order they came, and all with one sync of whoever waits."""
    monkeypatch.setattr(single, "IDLE_S", 30.0)
    singles = Singles(engine, lambda: START_NS + engine.events + 1_000_000)
    before = engine.events
    asked = [singles.submit(made(n)) for n in range(1, single.EARLY_MIN + 1)]
    assert engine.events == before
    asked += [singles.submit(made(n)) for n in range(single.EARLY_MIN + 1, 201)]
    assert engine.events == before + single.EARLY_MIN
    assert syncs == []
    times = [singles.wait(one)[1] for one in reversed(asked)][::-1]
    assert len(syncs) == 1
    assert times == sorted(times)
    assert len(set(times)) == 200
    assert posted(engine) == 200
    # Of 400 at a time two fifths are judged early from then on.
    many = [singles.submit(made(n)) for n in range(201, 601)]
    singles.wait(many[-1])
    syncs.clear()
    judged = engine.events
    many = [singles.submit(made(n)) for n in range(601, 601 + 161)]
    assert engine.events == judged + 160
    singles.wait(many[-1])
    assert len(syncs) == 1
    singles.close()
    engine.close()
    with LogEngine(engine.folder) as again:
        assert posted(again) == 761


def test_a_failure_of_the_first_of_many_is_told_to_those_who_wait(
    engine: LogEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And to whoever was at it, as it was a mistake of the program; nobody waits for ever."""
    singles = Singles(engine, lambda: START_NS + 1_000_000)

    def fail(*words: object, **more: object) -> None:
        raise RuntimeError("a mistake of the program")

    monkeypatch.setattr(engine, "submit", fail)
    asked = [singles.submit(made(n)) for n in range(1, single.EARLY_MIN + 1)]
    with pytest.raises(RuntimeError):
        singles.submit(made(1000))
    asked.append(singles.submit(made(1001)))
    for one in asked[:3] + asked[-1:]:
        with pytest.raises(Fault, match="not judged"):
            singles.wait(one)
    singles.close()
    engine.close()


def test_a_disk_that_fails_under_the_first_of_many(
    engine: LogEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    singles = Singles(engine, lambda: START_NS + 1_000_000)

    def fail(handle: int, parts: object, position: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(writing, "write_all", fail)
    asked = [singles.submit(made(n)) for n in range(1, 200)]
    for one in (asked[0], asked[-1]):
        with pytest.raises(Fault, match="Input/output error"):
            singles.wait(one)
    singles.close()


def test_accounts_are_found_where_places_collide() -> None:
    """As one by one: those that are there, those that are not, and the id nought."""
    state, chance = State(ids=16), np.random.default_rng(11)
    ids = chance.permutation(np.arange(1, 6001))[:2000]
    state.add(pack_accounts([Account(int(n), "CNY", 1) for n in ids]))
    assert len(state.account_table) == 4096
    batch = np.zeros(8000, dtype=TRANSFER)
    halves = id_halves([0, *range(1, 8000)])
    batch["debit_lo"], batch["debit_hi"] = halves[:, 0], halves[:, 1]
    batch["credit_lo"], batch["credit_hi"] = halves[::-1, 0], halves[::-1, 1]
    found, wanted = np.empty((2, 8000), np.int64), np.empty((2, 8000), np.int64)
    find_sides(batch, 8000, state.account_table, state.slots, *found)
    for side, name in enumerate(("debit", "credit")):
        low, high = batch[f"{name}_lo"].copy(), batch[f"{name}_hi"].copy()
        find_accounts(state.account_table, state.slots, low, high, wanted[side])
    assert np.array_equal(found, wanted)
    assert (found[0] >= 0).sum() == 2000
    assert found[0, 0] == -1


def test_statuses_are_told_in_order(engine: LogEngine) -> None:
    """A repeat among those judged later says what the first of many has done."""
    singles = Singles(engine, lambda: START_NS + engine.events + 1_000_000)
    asked = [singles.submit(made(n % 150 + 1)) for n in range(300)]
    said = [singles.wait(one)[0] for one in asked]
    assert said == [Status.CREATED] * 150 + [Status.EXISTS] * 150
    singles.close()
    engine.close()
