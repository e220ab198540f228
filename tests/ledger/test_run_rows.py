"""Rows of runs: the compiled functions that sort, merge and search them, beside lists and dicts."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.ledger.arrays.record import id_halves
from puhui.ledger.arrays.sorted_ids import find_ids, merge_rows, sort_rows
from puhui.ledger.arrays.table import BURNT_BIT, hash_ids
from puhui.ledger.engines.log.run import RunFile, RunHead, open_run, run_in_memory, run_path
from puhui.ledger.engines.log.tiers import FAN

ids = st.lists(
    st.one_of(st.integers(0, 40), st.integers(0, 2**128 - 1), st.integers(2**64 - 3, 2**64 + 3)),
    unique=True,
    max_size=400,
)


def rows_of(numbers: list[int]) -> np.ndarray:
    """Ids with their places as ordinals, every third of them burnt."""
    halves = id_halves(numbers)
    rows = np.empty((len(numbers), 3), dtype=np.uint64)
    rows[:, 0], rows[:, 1] = halves[:, 1], halves[:, 0]
    rows[:, 2] = [n | BURNT_BIT if n % 3 == 0 else n for n in range(len(numbers))]
    return rows


def sorted_rows(numbers: list[int]) -> np.ndarray:
    rows = rows_of(numbers)
    other = np.empty_like(rows)
    return other if sort_rows(rows, other) else rows


@settings(max_examples=60, deadline=None)
@given(ids, ids)
def test_a_run_finds_what_is_in_it(numbers: list[int], others: list[int]) -> None:
    """And nothing else, whatever the filter lets through; from memory and from its file."""
    rows = sorted_rows(numbers)
    head = RunHead(0, len(rows), 3, 9, 5, bytes(16), bytes(32))
    with tempfile.TemporaryDirectory() as folder:
        file = RunFile(run_path(Path(folder), 3, 9), len(rows))
        file.rows[:] = rows
        made = file.finish(head)
        read = open_run(run_path(Path(folder), 3, 9))
    assert read is not None
    asked = [*numbers, *others]
    halves = id_halves(asked)
    low, high = np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1])
    rows.flags.writeable = False
    until = len(numbers) // 2
    for run in (made, read, run_in_memory(head, rows)):
        assert run.head == head
        assert run.is_whole
        found = np.full(len(asked), -1, dtype=np.int64)
        if numbers:
            arrays = run.rows, run.fences, run.blooms
            assert find_ids(*arrays, low, high, hash_ids(low, high), until, found) == -1
        places = {n: place for place, n in enumerate(numbers) if place < until}
        expected = [places.get(number, -1) for number in asked]
        assert [n if n < 0 else n & (BURNT_BIT - 1) for n in found.tolist()] == expected
        there = [n for n in found.tolist() if n >= 0]
        assert [n >= BURNT_BIT for n in there] == [(n & (BURNT_BIT - 1)) % 3 == 0 for n in there]


@settings(max_examples=60, deadline=None)
@given(st.lists(ids, min_size=FAN, max_size=FAN))
def test_merged_runs_are_sorted(parts: list[list[int]]) -> None:
    """All that was in any, in the order of the ids."""
    runs = [sorted_rows(part) for part in parts]
    merged = np.empty((sum(map(len, runs)), 3), dtype=np.uint64)
    for run in runs:
        run.flags.writeable = False
    merge_rows(*runs, merged)
    assert sorted(map(tuple, merged.tolist())) == sorted(
        tuple(row) for run in runs for row in run.tolist()
    )
    keys = [(high, low) for high, low, _ in merged.tolist()]
    assert keys == sorted(keys)
    assert keys == sorted((n >> 64, n & (2**64 - 1)) for part in parts for n in part)
