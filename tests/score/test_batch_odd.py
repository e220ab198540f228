"""Files that a bank did not mean to send: odd names, odd cells, places that cannot be written."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel.errors import Fault, Refused
from puhui.score import Model, Table, train
from puhui.score.window import score_parquet
from tests.score.made import MAPPING, made_mapping, made_table
from tests.score.test_batch import compare, raw_rows, typed_columns

arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="the extra scale is not installed")

ROWS = 40
CODE = """
[[signal]]
name = "code"
kind = "category"
column = "code"
title = { zh = "码", en = "code" }
"""


def written(path: Path, *more: tuple[str, Any], **changed: Any) -> Path:
    """A file of the made-up columns, some changed, with ``more`` in front of them."""
    columns = [*more, *(typed_columns(ROWS) | changed).items()]
    arrays, names = [one for _, one in columns], [name for name, _ in columns]
    parquet.write_table(arrow.Table.from_arrays(arrays, names=names), path)
    return path


def refusal(model: Model, source: Path, target: Path, *keep: str) -> Refused | Fault:
    with pytest.raises((Refused, Fault)) as no:
        score_parquet(model, source, target, keep=keep)
    assert not target.exists()
    assert isinstance(no.value, Refused | Fault)
    return no.value


def test_a_column_that_stands_twice_is_refused(card: Model, tmp_path: Path) -> None:
    """Which of the two would be read is chance; what nobody reads may stand twice."""
    source, target = tmp_path / "people.parquet", tmp_path / "scores.parquet"
    fives = arrow.array([5.0] * ROWS)
    no = refusal(card, written(source, ("flow", fives)), target, "id")
    assert (no.code, "'flow'" in no.reason) == ("score.column_twice", True)
    no = refusal(card, written(source, ("id", fives)), target, "id")
    assert (no.code, "'id'" in no.reason) == ("score.column_twice", True)
    for keep in (("Points",), ("PD",), ("id", "ID")):
        no = refusal(card, written(source, ("Points", fives), ("PD", fives), ("ID", fives)),
                     target, *keep)  # fmt: skip
        assert no.code == "score.column_twice"
    assert refusal(card, written(source, ("", fives)), target, "").code == "score.column_missing"
    assert score_parquet(card, written(source, ("id", fives)), target).rows == ROWS


def test_columns_are_found_by_their_own_name(card: Model, tmp_path: Path) -> None:
    """DuckDB tells no letters' cases apart, and renames what it takes for a second one."""
    source, target = tmp_path / "people.parquet", tmp_path / "scores.parquet"
    fives = arrow.array([5.0] * ROWS)
    score_parquet(card, written(source), target, keep=("id",))
    plain = parquet.read_table(target)
    inner = arrow.array([{"flow": 1.0, "id": [2]}] * ROWS)
    more = [("FLOW", fives), ("Late", fives), ("more", inner), ("Trade", inner)]
    score_parquet(card, written(source, *more), target, keep=("id",))
    assert parquet.read_table(target).equals(plain)
    marks = arrow.array([f"m{place}" for place in range(ROWS)])
    more = [("a", fives), ("a", fives), ("A", fives), ("a_1", marks), ("a_2", fives)]
    score_parquet(card, written(source, *more), target, keep=("id", "a_1"))
    kept = parquet.read_table(target)
    assert kept["a_1"].to_pylist() == marks.to_pylist()
    assert kept.drop_columns("a_1").equals(plain)


@pytest.mark.parametrize("cells", [
    arrow.array([-1_000_000] * ROWS, arrow.date32()),
    arrow.array([2_000_000_000, None] * (ROWS // 2), arrow.date32()),
    arrow.array([9 * 10**18, 0] * (ROWS // 2), arrow.timestamp("us")),
    arrow.array([5] * ROWS, arrow.time64("us")),
    arrow.array([5] * ROWS, arrow.duration("us")),
])  # fmt: skip
def test_days_beyond_the_calendar_refuse_their_rows(
    card: Model, tmp_path: Path, cells: Any
) -> None:
    source = written(tmp_path / "people.parquet", opened=cells)
    target = tmp_path / "scores.parquet"
    found = score_parquet(card, source, target, keep=("id",))
    told = parquet.read_table(target)["refused"].to_pylist()
    odd = ROWS - cells.null_count - sum(one.value == 0 for one in cells)
    assert sum("score.bad_date" in (one or "") for one in told) >= odd - 2  # two are bad before
    assert found.rows == ROWS
    assert found.refused_rows >= odd


@pytest.mark.parametrize("column, cells", [
    ("flow", arrow.nulls(ROWS)),
    ("trade", arrow.nulls(ROWS)),
    ("flow", arrow.array([True, False] * (ROWS // 2))),
    ("trade", arrow.array([True, None] * (ROWS // 2))),
    ("flow", arrow.array([2**64 - 1, 1] * (ROWS // 2), arrow.uint64())),
    ("flow", arrow.array([Decimal(5), None] * (ROWS // 2), arrow.decimal128(38, 2))),
    ("flow", arrow.array(["1,200", "abc", "", "Infinity", " ¥5 ", None, "1e400", "-0"] * 5)),
    ("trade", arrow.array(["a1", None] * (ROWS // 2), arrow.large_string())),
    ("opened", arrow.array([1, None] * (ROWS // 2), arrow.timestamp("us", tz="Asia/Shanghai"))),
])  # fmt: skip
def test_odd_types_score_as_their_rows(
    model: Model, tmp_path: Path, column: str, cells: Any
) -> None:
    source = written(tmp_path / "people.parquet", **{column: cells})
    target = tmp_path / "scores.parquet"
    score_parquet(model, source, target, keep=("id",))
    compare(model, raw_rows(source), parquet.read_table(target).to_pylist())


def test_long_codes_keep_every_digit(tmp_path: Path) -> None:
    """Whole numbers above 2^53 that differ in the last digit are not one category."""
    table, first = made_table(), 2**53 + 1
    is_bad = [value == "lost" for value in table.columns["outcome"]]
    codes = tuple(str(first + (bad + place) % 2) for place, bad in enumerate(is_bad))
    taught = Table({**table.columns, "code": codes}, table.rows)
    model = train(taught, made_mapping(MAPPING + CODE), "points", 7)
    cells = [None if place % 7 == 0 else first + place % 3 for place in range(ROWS)]
    source = written(tmp_path / "people.parquet", code=arrow.array(cells, arrow.int64()))
    target = tmp_path / "scores.parquet"
    score_parquet(model, source, target, keep=("id",))
    compare(model, raw_rows(source), parquet.read_table(target).to_pylist())


def test_places_that_cannot_be_read_or_written(card: Model, tmp_path: Path) -> None:
    source = written(tmp_path / "people.parquet")
    (tmp_path / "file").write_text("no folder")
    fault = refusal(card, source, tmp_path / "file" / "scores.parquet")
    assert (fault.code, "is no folder" in fault.reason) == ("score.not_written", True)
    fault = refusal(card, source, tmp_path / ("s" * 245 + ".parquet"))
    assert (fault.code, "too long" in fault.reason) == ("score.not_written", True)
    fault = refusal(card, source, Path("/proc/scores.parquet"))
    assert fault.code == "score.not_written"
    target = tmp_path / "scores.parquet"
    assert "is a folder" in refusal(card, tmp_path, target).reason
    for odd in (tmp_path, tmp_path / "a\0b"):
        assert refusal(card, odd, target).code == "score.file_missing"
    for name in ("link", "hard"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "hard").hardlink_to(source)
    before = source.read_bytes()
    for name in ("link", "hard"):
        with pytest.raises(Refused) as no:
            score_parquet(card, source, tmp_path / name)
        assert no.value.code == "score.same_file"
    assert source.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".draft")]
