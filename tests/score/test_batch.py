"""Files of rows scored in blocks: each row as the one-row path scores it, to the last bit."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from puhui.kernel.errors import Fault, Refused
from puhui.score import Model, score_row
from puhui.score.engines.batch import BLOCK_ROWS
from puhui.score.window import Batch, score_parquet
from tests.score.made import MAPPING, TRADES, bits, made_mapping

arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="the extra scale is not installed")


def typed_columns(rows: int) -> dict[str, Any]:
    """Columns of many types: floats with gaps, integers, texts, dictionaries, days, decimals."""
    dice = np.random.default_rng(5)
    flow = dice.gamma(2.0, 800.0, rows)
    flow[::17] = np.nan
    flow[5::101] = -1.0
    late = [None if i % 13 == 0 else int(v) for i, v in enumerate(dice.poisson(1.0, rows))]
    late[4] = 98
    amount = [Decimal(int(v)) / 100 for v in dice.integers(500_000, 8_000_000, rows)]
    trade = [(*TRADES, "zz", "", None, " a1 ", "N/A")[i] for i in dice.integers(0, 11, rows)]
    town = [("east", "west", None)[i] for i in dice.integers(0, 3, rows)]
    day = [datetime.date(1999 + int(i), 3, 1) for i in dice.integers(0, 20, rows)]
    return {
        "id": arrow.array([f"r{i}" for i in range(rows)]),
        "flow": arrow.array(flow),
        "late": arrow.array(late, arrow.int32()),
        "income": arrow.array(dice.gamma(4.0, 2500.0, rows).astype(np.float32)),
        "amount": arrow.array(amount, arrow.decimal128(12, 2)),
        "trade": arrow.array(trade).dictionary_encode(),
        "town": arrow.array(town),
        "bank_town": arrow.array(["east"] * rows),
        "opened": arrow.array(day),
        "day": arrow.array([datetime.date(2025, 6, 30)] * rows),
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A Parquet file with several row groups."""
    path = tmp_path / "people [1]*.parquet"
    parquet.write_table(arrow.table(typed_columns(2_000)), path, row_group_size=300)
    return path


def raw_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file as a form would give them."""
    table = parquet.ParquetFile(path).read().to_pylist()
    return [{key: _plain(value) for key, value in row.items()} for row in table]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def compare(model: Model, rows: list[dict[str, Any]], scored: list[dict[str, Any]]) -> int:
    """Each scored row against the one-row path; how many were refused."""
    refused = 0
    for row, found in zip(rows, scored, strict=True):
        assert found["id"] == row["id"]
        try:
            alone = score_row(model, row)
        except Refused as no:
            refused += 1
            assert found["points"] is None
            assert found["pd"] is None
            assert no.code in found["refused"]
        else:
            assert found["points"] == alone.points
            assert bits(found["pd"]) == bits(alone.pd)
            assert found["refused"] is None
    return refused


def test_a_file_is_scored_as_its_rows_are(model: Model, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "scores.parquet"
    steps: list[tuple[int, int]] = []
    found = score_parquet(
        model, source, target, keep=("id",), progress=lambda *step: steps.append(step)
    )
    scored = parquet.read_table(target)
    assert scored.schema.names == ["id", "points", "pd", "refused"]
    refused = compare(model, raw_rows(source), scored.to_pylist())
    assert (found.rows, found.refused_rows) == (2_000, refused)
    assert refused == 20
    assert found.first[0].row == 5
    assert found.points_sum == sum(scored["points"].drop_null().to_pylist())
    assert steps[-1] == (2_000, 2_000)
    assert [path.name for path in target.parent.iterdir()] == ["scores.parquet"]


def test_plain_numbers_past_one_block_keep_their_order(card: Model, tmp_path: Path) -> None:
    rows = BLOCK_ROWS + 1_000
    source, target = tmp_path / "many.parquet", tmp_path / "scores.parquet"
    columns = typed_columns(1_000)
    many = {
        name: arrow.chunked_array([column] * (rows // 1_000)).combine_chunks()
        for name, column in columns.items()
    }
    many["id"] = arrow.array(range(len(many["flow"])))
    parquet.write_table(arrow.table(many), source)
    found = score_parquet(card, source, target, keep=("id",), threads=2)
    scored = parquet.read_table(target)
    assert found.rows == len(many["id"]) > BLOCK_ROWS
    assert scored["id"].to_pylist() == list(range(found.rows))
    points = scored["points"].to_pylist()
    assert points[:1_000] * (found.rows // 1_000) == points


def test_another_mapping_names_the_columns(card: Model, source: Path, tmp_path: Path) -> None:
    other = made_mapping(MAPPING.replace('column = "late"', 'column = "delays"'))
    table = parquet.ParquetFile(source).read()
    renamed = tmp_path / "renamed.parquet"
    names = ["delays" if name == "late" else name for name in table.schema.names]
    parquet.write_table(table.rename_columns(names), renamed)
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    score_parquet(card, source, one)
    score_parquet(card, renamed, two, mapping=other)
    assert parquet.read_table(one).equals(parquet.read_table(two))


def test_infinite_values_are_refused(card: Model, tmp_path: Path) -> None:
    columns = typed_columns(10)
    columns["flow"] = arrow.array([math.inf, -math.inf, *range(8)], arrow.float64())
    source, target = tmp_path / "inf.parquet", tmp_path / "scores.parquet"
    parquet.write_table(arrow.table(columns), source)
    found = score_parquet(card, source, target, keep=("id",))
    assert found.refused_rows == 2
    compare(card, raw_rows(source), parquet.read_table(target).to_pylist())


def test_an_empty_file_gives_an_empty_file(model: Model, source: Path, tmp_path: Path) -> None:
    empty, target = tmp_path / "empty.parquet", tmp_path / "scores.parquet"
    parquet.write_table(parquet.ParquetFile(source).read().slice(0, 0), empty)
    found = score_parquet(model, empty, target, keep=("id",))
    assert found == Batch()
    assert parquet.read_table(target).num_rows == 0


def test_what_cannot_be_scored_is_refused_and_leaves_nothing(
    card: Model, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "scores.parquet"
    few = tmp_path / "few.parquet"
    parquet.write_table(parquet.ParquetFile(source).read().drop_columns(["flow", "trade"]), few)
    junk = tmp_path / "junk.parquet"
    junk.write_bytes(b"no such thing")
    cases = [
        ("score.column_missing", few, target, ()),
        ("score.column_missing", source, target, ("nothing",)),
        ("score.column_twice", source, target, ("id", "id")),
        ("score.file_missing", tmp_path / "nowhere.parquet", target, ()),
        ("score.not_parquet", junk, target, ()),
        ("score.same_file", source, source, ()),
    ]
    for code, file, out, keep in cases:
        with pytest.raises(Refused) as no:
            score_parquet(card, file, out, keep=keep)
        assert no.value.code == code
        if file == few:
            assert "'flow', 'trade'" in no.value.reason or "'trade', 'flow'" in no.value.reason
    assert not target.exists()


def test_a_run_cut_short_leaves_the_earlier_file(card: Model, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "scores.parquet"
    score_parquet(card, source, target)
    earlier = target.read_bytes()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_parquet(card, source, target, keep=("id",), progress=stop)
    assert target.read_bytes() == earlier
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, target.name]
    score_parquet(card, source, target)
    assert parquet.read_table(target).num_rows == 2_000


def test_a_file_that_holds_no_scores_is_left_alone(
    card: Model, source: Path, tmp_path: Path
) -> None:
    table = parquet.ParquetFile(source).read()
    other, text, folder = tmp_path / "other.parquet", tmp_path / "text", tmp_path / "folder"
    parquet.write_table(table.slice(0, 3), other)
    text.write_text("what was there", "utf-8")
    folder.mkdir()
    for target in (other, text, folder):
        before = target.stat().st_mtime_ns, target.stat().st_size
        with pytest.raises(Refused) as no:
            score_parquet(card, source, target)
        assert no.value.code == "score.target_taken"
        assert (target.stat().st_mtime_ns, target.stat().st_size) == before
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("column", "cells", "word"),
    [
        ("flow", [[1.0]], "lists"),
        ("flow", [{"a": 1.0}], "records"),
        ("trade", [["a1"]], "lists"),
        ("trade", [b"a1"], "raw bytes"),
    ],
)
def test_cells_that_are_no_single_values_are_refused(
    card: Model, tmp_path: Path, column: str, cells: list[Any], word: str
) -> None:
    """A text kept as bytes would else pass for a category never seen."""
    columns = typed_columns(20)
    columns[column] = arrow.array(cells * 20)
    source, target = tmp_path / "odd.parquet", tmp_path / "scores.parquet"
    parquet.write_table(arrow.table(columns), source)
    with pytest.raises(Refused) as no:
        score_parquet(card, source, target)
    assert no.value.code == "score.column_type"
    assert word in no.value.reason
    assert column in no.value.reason
    assert not target.exists()
    # what no signal reads may be of any kind, and is carried over
    columns |= {column: typed_columns(20)[column], "more": arrow.array(cells * 20)}
    parquet.write_table(arrow.table(columns), source)
    assert score_parquet(card, source, target, keep=("more",)).rows == 20
    assert parquet.read_table(target)["more"].to_pylist() == cells * 20


def test_a_damaged_file_is_told_as_one(card: Model, source: Path, tmp_path: Path) -> None:
    """Wherever the damage lies: never a fault of ours, and nothing is left."""
    whole = source.read_bytes()
    bad, target = tmp_path / "bad.parquet", tmp_path / "scores.parquet"
    told = 0
    for start in range(0, len(whole) - 64, len(whole) // 12):
        bad.write_bytes(whole[:start] + bytes(64) + whole[start + 64 :])
        try:
            score_parquet(card, bad, target, keep=("id",))
        except Refused as no:
            told += 1
            assert no.code in ("score.not_parquet", "score.column_missing")
            assert not target.exists()
        target.unlink(missing_ok=True)
    bad.write_bytes(whole[:-100])
    with pytest.raises(Refused) as no:
        score_parquet(card, bad, target)
    assert no.value.code == "score.not_parquet"
    assert told > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.parquet", source.name]


def test_a_full_disk_is_a_fault_with_its_reason(card: Model, tmp_path: Path) -> None:
    """The limit on the size of files stands for the disk; a real write runs into it."""
    import resource
    import signal

    dice, rows = np.random.default_rng(3), 20_000
    columns = {
        name: arrow.chunked_array([column] * 10).combine_chunks()
        for name, column in typed_columns(2_000).items()
    }
    columns["id"] = arrow.array(dice.integers(0, 2**62, rows))
    large, target = tmp_path / "large.parquet", tmp_path / "out" / "scores.parquet"
    parquet.write_table(arrow.table(columns), large)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, old[1]))
    try:
        with pytest.raises(Fault) as no:
            score_parquet(card, large, target, keep=("id",))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert no.value.code == "score.not_written"
    assert str(target.parent) in no.value.reason
    assert not list(target.parent.iterdir())
    assert score_parquet(card, large, target, keep=("id",)).rows == rows
