"""Ids while they grow past a table or are merged: known all the time, and nobody waits.

Goal: neither a longer table nor a merge stops a writer. Method: what takes long is made to last.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from puhui.ledger.arrays.record import pack_accounts
from puhui.ledger.engines.log import ids
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.engines.log.tiers import FAN, Tiers
from puhui.ledger.nouns import Account
from tests.ledger.test_runs import COUNT, EXISTS, START_NS, batch, begun, knows


@pytest.mark.parametrize("size", [1, COUNT])
def test_ids_are_found_while_their_table_is_copied(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is too short is searched until all of it is in the longer one."""
    monkeypatch.setattr(ids, "COPIED_WHOLE", 0)
    copied = 0
    with LogEngine(tmp_path, segment_bytes=1 << 20, ids=16) as engine:
        engine.create_accounts(pack_accounts([Account(n, "CNY", 1) for n in (1, 2)]), START_NS)
        count = 1_600 // size
        for number in range(1, count + 1):
            assert not engine.submit(batch(number, size), START_NS).results.status.any()
            copied += engine._state.ids._leaving is not None
            again = engine.submit(batch(1 + number * 7919 % number, size), START_NS)
            assert (again.results.status == EXISTS).all()
        assert copied > 0
        for number in range(1, count + 1):
            again = engine.submit(batch(number, size), START_NS)
            assert (again.results.status == EXISTS).all()


def test_a_writer_never_waits_for_a_merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long merging takes, batches go on, and every id is known meanwhile and afterwards."""
    is_over = threading.Event()
    real = Tiers._merge
    monkeypatch.setattr(Tiers, "_merge", lambda tiers: is_over.wait(60) and real(tiers))
    engine = begun(tmp_path, 0)
    for number in range(1, 31):
        assert not engine.create_transfers(batch(number), START_NS).status.any()
    knows(engine, 30)
    assert {run.head.level for run in engine._tiers.runs} == {0}
    is_over.set()
    engine.settle_ids()
    assert len(engine._tiers.runs) < 2 * FAN
    knows(engine, 30)
    engine.close()
