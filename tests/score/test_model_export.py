"""Trees and additive tables written for other systems score there as here, on real files."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from puhui.score import Model, Table, study, train
from puhui.score.arrays.logit import fit_calibration
from puhui.score.arrays.vector import matrix_of
from puhui.score.engines.family import families_here, family_of
from puhui.score.engines.lesson import Lesson
from puhui.score.engines.scorer import score_matrix, scorer_of
from puhui.score.engines.trainer import read_lesson
from puhui.score.formats.model_json import seal
from puhui.score.rules.value import MISSING_TEXTS
from puhui.score.window import model_document, model_sql
from tests.score.made import made_mapping, made_table

Floats = NDArray[np.float64]
Finder = Callable[..., Path]
SETS = {
    "german_credit": "germancredit.csv",
    "sba_case": "sba_case.csv",
    "small_loans": "small_loans_20k.csv",
    "sba_national": "sba_national_sample.csv",
}
KINDS = ("trees", "xgboost", "pairs", "ebm")
SMALL = ("german_credit", "sba_case")
WRITTEN = [(name, kind) for kind in KINDS for name in SETS if kind != "pairs" or name == "sba_case"]
"""Pairs of categories matter in one of the sets; elsewhere they would only take long."""
ROWS_MAX = {"trees": 4_000, "xgboost": 4_000, "pairs": 4_000, "ebm": 800}
"""Rows to learn from: what is tried is the writing, not the learning."""
TOLD_MAX = 6_000


@dataclass(frozen=True)
class Told:
    """A model, values (n, k) with what our kernels say of them, and the same values as cells."""

    model: Model
    matrix: Floats
    points: NDArray[np.int64]
    pd: Floats
    is_outside: NDArray[np.bool_]

    def cells(self) -> Iterator[list[Any]]:
        """A row as another system would hold it: number and texts, None where missing."""
        texts = self.model.categories
        is_category = [signal.kind == "category" for signal in self.model.signals]
        for place, row in enumerate(self.matrix.tolist()):
            made: list[Any] = [place]
            for at, value in enumerate(row):
                if value != value:
                    made.append((None, "", " n/a ")[place % 3] if is_category[at] else None)
                elif is_category[at]:
                    own = texts[at][int(value)] if value >= 0 else "never 'seen'"
                    made.append(f"\u3000 {own}\t")
                else:
                    made.append(value)
            yield made


def told_of(model: Model, matrix: Floats) -> Told:
    outside = np.zeros(len(matrix), dtype=np.bool_)
    for place, signal in enumerate(model.signals):
        if signal.least is not None:
            outside |= matrix[:, place] < signal.least
        if signal.most is not None:
            outside |= matrix[:, place] > signal.most
    points, pd = score_matrix(scorer_of(model), matrix)
    return Told(model, matrix, points, pd, outside)


@lru_cache(maxsize=16)
def real(path: Path, name: str, kind: str) -> Told:
    """A model of a real file and its rows, at most 6,000; then rows with gaps and unseen texts."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        table = Table.of_rows(next(rows), rows)
    mapping = study.read_mapping(name)
    lesson, _, _ = read_lesson(table, mapping)
    dice = np.random.default_rng(3)
    if len(lesson.outcomes) > ROWS_MAX[kind]:
        lesson = lesson.take(np.sort(dice.permutation(len(lesson.outcomes))[: ROWS_MAX[kind]]))
    model = learnt(lesson, kind)
    matrix, refusals = matrix_of(table, model.signals, scorer_of(model).codes)
    matrix = np.delete(matrix, [one.row for one in refusals], axis=0)
    matrix = matrix[np.sort(dice.permutation(len(matrix))[:TOLD_MAX])]
    few = matrix[:2_000].copy()
    for place, signal in enumerate(model.signals):
        few[dice.random(len(few)) < 0.2, place] = np.nan
        if signal.kind == "category":
            few[dice.random(len(few)) < 0.2, place] = -1.0
        else:
            few[dice.random(len(few)) < 0.05, place] *= -1e6
    return told_of(model, np.ascontiguousarray(np.vstack([matrix, few])))


def learnt(lesson: Lesson, kind: str) -> Model:
    """A model of the lesson without the folds of a proper training."""
    blank = train(made_table(), made_mapping(), "points", 7)
    found = family_of(kind)(lesson, 5)
    slope, intercept = fit_calibration(found.predict(lesson.matrix), lesson.outcomes)
    return seal(
        replace(
            blank,
            kind="additive" if found.additive else "trees",
            signals=lesson.signals,
            categories=lesson.categories,
            calibration=replace(blank.calibration, slope=slope, intercept=intercept),
            card=None,
            forest=found.forest,
            additive=found.additive,
            digest="",
        )
    )


def columns_of(model: Model) -> list[tuple[str, str]]:
    kinds = {"category": "VARCHAR(200)", "number": "DOUBLE PRECISION"}
    return [("id", "INTEGER"), *((s.name, kinds[s.kind]) for s in model.signals)]


def compare(told: Told, found: list[Any]) -> None:
    """Points exact, probabilities to 1e-9, nothing where a value is outside its bounds."""
    assert len(found) == len(told.points)
    points = np.array([-1 if row[1] is None else row[1] for row in found])
    pd = np.array([math.nan if row[2] is None else row[2] for row in found])
    assert [row[0] for row in found] == list(range(len(found)))
    assert (points == np.where(told.is_outside, -1, told.points)).all()
    assert (np.isnan(pd) == told.is_outside).all()
    assert float(np.nanmax(np.abs(pd - told.pd))) < 1e-12


def answer(connection: Any, told: Told) -> list[Any]:
    query = f"SELECT * FROM ({model_sql(told.model, 'applicants')}) AS scored ORDER BY id"
    return [tuple(one) for one in connection.execute(query).fetchall()]


def created(model: Model) -> str:
    named = ", ".join(f'"{name}" {kind}' for name, kind in columns_of(model))
    return f"CREATE TABLE applicants ({named})"


def in_sqlite(told: Told) -> list[Any]:
    with sqlite3.connect(":memory:") as connection:
        connection.execute(created(told.model))
        marks = ", ".join("?" * len(columns_of(told.model)))
        connection.executemany(f"INSERT INTO applicants VALUES ({marks})", told.cells())
        found = answer(connection, told)
    connection.close()
    return found


def in_duckdb(told: Told) -> list[Any]:
    duckdb = pytest.importorskip("duckdb", reason="the extra scale is not installed")
    arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
    names = [name for name, _ in columns_of(told.model)]
    columns = zip(*told.cells(), strict=True)
    applicants = arrow.table(dict(zip(names, map(list, columns), strict=True)))
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("applicants", applicants)
        return answer(connection, told)


def kinds_here(kind: str) -> None:
    if kind not in families_here():
        pytest.skip("the extra models is not installed")


@pytest.mark.parametrize(("name", "kind"), WRITTEN)
def test_databases_score_real_files_alike(reference_data: Finder, name: str, kind: str) -> None:
    """DuckDB every file; SQLite, which goes row by row, the two small ones."""
    kinds_here(kind)
    told = real(reference_data("credit", SETS[name]), name, kind)
    assert len(told.points) >= 2_000
    compare(told, in_duckdb(told))
    if name in SMALL:
        compare(told, in_sqlite(told))


@pytest.mark.parametrize("kind", KINDS)
def test_postgresql_scores_a_real_file_alike(
    reference_data: Finder, postgres: Any, kind: str
) -> None:
    import psycopg

    kinds_here(kind)
    told = real(reference_data("credit", SETS["sba_case"]), "sba_case", kind)
    with postgres.empty_database() as url:
        plain = url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(plain) as connection:
            connection.execute(created(told.model))
            with connection.cursor() as cursor, cursor.copy("COPY applicants FROM STDIN") as copy:
                for row in told.cells():
                    copy.write_row(row)
            compare(told, answer(connection, told))


@pytest.mark.parametrize(("name", "kind"), WRITTEN)
def test_the_document_scores_real_files_alike(reference_data: Finder, name: str, kind: str) -> None:
    kinds_here(kind)
    told = real(reference_data("credit", SETS[name]), name, kind)
    compare(told, read_scores(json.loads(model_document(told.model)), told))


def read_scores(document: dict[str, Any], told: Told) -> list[Any]:
    """A reader of the document by its docstring alone, many rows at once."""
    cells = list(zip(*told.cells(), strict=True))
    values: dict[str, Any] = {}
    outside = np.zeros(len(told.points), dtype=np.bool_)
    for signal, cell in zip(document["signals"], cells[1:], strict=True):
        if signal["dataType"] == "string":
            texts = [(one or "").strip() for one in cell]
            values[signal["name"]] = np.array(
                ["" if one.lower() in document["missingTexts"] else one for one in texts],
                dtype=object,
            )
        else:
            numbers = np.array([math.nan if one is None else one for one in cell])
            values[signal["name"]] = numbers
            for bad in signal["invalid"]:
                is_low = bad["operator"] == "lessThan"
                outside |= numbers < bad["value"] if is_low else numbers > bad["value"]
    listed = {signal["name"]: signal["categories"] for signal in document["signals"]}
    for pair in document["pairs"]:
        known = {(one, other): share for one, other, share in pair["rows"]}
        both = zip(*(values[field] for field in pair["fields"]), strict=True)
        values[pair["name"]] = np.array(
            [known.get((one or None, other or None), pair["defaultValue"]) for one, other in both]
        )
    raw = np.zeros(len(told.points))
    for root in document["segments"]:
        walk(root, np.arange(len(raw)), values, listed, raw)
    if document["additive"] is not None:
        raw += document["additive"]["intercept"]
        for term in document["additive"]["terms"]:
            raw += looked_up(term, values, listed)
    own = document["calibration"]
    log_odds = own["slope"] * raw + own["intercept"]
    exact = document["scale"]["offset"] - document["scale"]["factor"] * log_odds
    points = np.clip(np.floor(exact + 0.5), document["scoreMin"], document["scoreMax"])
    pd = 1 / (1 + np.exp(-log_odds))
    return [
        (place, None, None) if outside[place] else (place, int(points[place]), float(pd[place]))
        for place in range(len(raw))
    ]


def walk(
    node: dict[str, Any], rows: NDArray[np.int64], values: dict[str, Any], listed: Any, raw: Floats
) -> None:
    if "score" in node:
        raw[rows] += node["score"]
        return
    value, wanted = values[node["field"]][rows], node["predicate"]["value"]
    if node["predicate"]["operator"] == "isIn":
        default = ~np.isin(value, listed[node["field"]])
        yes = np.isin(value, wanted)
    else:
        default = np.isnan(value)
        yes = value <= wanted
    yes = np.where(default, node["defaultChild"] == "then", yes)
    walk(node["then"], rows[yes], values, listed, raw)
    walk(node["otherwise"], rows[~yes], values, listed, raw)


def looked_up(term: dict[str, Any], values: dict[str, Any], listed: Any) -> Floats:
    place: Any = 0
    for axis in term["axes"]:
        value = values[axis["field"]]
        if axis["is_category"]:
            bins = dict(zip(listed[axis["field"]], axis["bins"], strict=True))
            own = np.array([0 if v == "" else bins.get(v, axis["size"] - 1) for v in value])
        else:
            own = 1 + np.searchsorted(axis["edges"], value, side="right")
            own = np.where(np.isnan(value), 0, own)
        place = place * axis["size"] + own
    return np.array(term["scores"])[place]


def test_a_made_up_table_with_every_kind_of_signal(trees: Model) -> None:
    """Bounds, special values, marks of missing texts; more trees than are added at a time."""
    dice = np.random.default_rng(4)
    count = 1_500
    matrix = np.full((count, len(trees.signals)), np.nan)
    for place, signal in enumerate(trees.signals):
        size = len(trees.categories[place])
        if signal.kind == "category":
            matrix[:, place] = dice.integers(-1, size, count)
        else:
            matrix[:, place] = dice.normal(size=count) * 10.0 ** dice.integers(-2, 5, count)
        matrix[dice.random(count) < 0.1, place] = np.nan
    told = told_of(trees, matrix)
    assert told.is_outside.any()
    compare(told, in_sqlite(told))
    compare(told, read_scores(json.loads(model_document(trees)), told))


def test_sums_longer_than_a_step_are_the_same(
    trees: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = np.random.default_rng(6)
    matrix = dice.normal(size=(300, len(trees.signals))) * 50
    for place, signal in enumerate(trees.signals):
        if signal.kind == "category":
            matrix[:, place] = dice.integers(-1, len(trees.categories[place]), 300)
    told = told_of(trees, matrix)
    whole = in_sqlite(told)
    monkeypatch.setattr("puhui.score.formats.model_sql.TERMS_MAX", 7)
    assert in_sqlite(told) == whole
    assert in_duckdb(told)


def test_a_card_is_written_as_a_card(card: Model) -> None:
    assert json.loads(model_document(card))["format"] == "puhui-scorecard-1"
    assert "MATERIALIZED" not in model_sql(card, "applicants")
    assert "" in MISSING_TEXTS
