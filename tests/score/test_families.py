"""XGBoost's trees and additive tables, served without their libraries: equal sums and reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from puhui.kernel import Actor, Node
from puhui.kernel.errors import Refused
from puhui.score import Model, Table, load_model, save_model, score_row, score_table, train
from puhui.score.arrays.additive import (
    additive_parts,
    additive_sums,
    additive_sums_plain,
    flatten_additive,
)
from puhui.score.arrays.contribution import contributions, paths_of
from puhui.score.arrays.forest import (
    _last_below,
    flatten_forest,
    forest_sum,
    forest_sums,
    forest_sums_plain,
)
from puhui.score.arrays.target import codes_from, ordered_shares, shares_of
from puhui.score.engines import ebm, xgboost
from puhui.score.engines.family import families_here, family_of
from puhui.score.engines.scorer import losses_of, scorer_of
from puhui.score.nouns import Additive, AdditiveAxis, AdditiveTerm, RegisterModel, Signal
from puhui.score.window import score_parquet
from tests.score.made import bits, made_mapping, made_table

Floats = NDArray[np.float64]
ANALYST = Actor("li", frozenset({"risk_analyst"}))
SIGNALS = (
    Signal("x", "number", "copy", ("x",), "甲", "x", direction="up"),
    Signal("y", "number", "copy", ("y",), "乙", "y"),
    Signal("z", "category", "copy", ("z",), "丙", "z"),
    Signal("w", "category", "copy", ("w",), "丁", "w"),
)
CATEGORIES = ((), (), ("a", "b", "c", "d"), tuple(f"w{n}" for n in range(42)))
LEVELS = tuple(len(texts) for texts in CATEGORIES)
"""Two categories of the last are in no row that learns."""


def rows(count: int, seed: int) -> tuple[Floats, Floats]:
    """Two numbers and two categories, some missing; the outcome hangs on all of them."""
    dice = np.random.default_rng(seed)
    matrix = np.column_stack(
        [dice.normal(size=(count, 2)), dice.integers(0, 4, count), dice.integers(0, 40, count)]
    )
    odds = matrix[:, 0] - 0.5 * matrix[:, 1] ** 2 + (matrix[:, 2] == 1) + (matrix[:, 3] % 3 == 0)
    bad = (dice.random(count) < 1 / (1 + np.exp(0.8 - odds))).astype(np.float64)
    matrix[dice.random(matrix.shape) < 0.06] = np.nan
    return matrix, bad


def asked(count: int) -> Floats:
    """Rows that no training saw: missing, unseen categories (-1) and numbers far outside."""
    dice = np.random.default_rng(77)
    matrix, _ = rows(count, 78)
    matrix[dice.random(count) < 0.1, 2] = -1.0
    matrix[dice.random(count) < 0.1, 3] = -1.0
    matrix[:20, 0] = dice.normal(size=20) * 1e9
    matrix[20:40, 1] = -1.0
    matrix[40:60, 3] = 41.0
    return np.ascontiguousarray(matrix)


@pytest.fixture(scope="module")
def booster() -> xgboost.Fitted:
    pytest.importorskip("xgboost", reason="the extra models is not installed")
    return xgboost.fit_boosters(*rows(1500, 1), SIGNALS, LEVELS, seed=3)


@pytest.fixture(scope="module")
def machine() -> Any:
    pytest.importorskip("interpret", reason="the extra models is not installed")
    return ebm.fit_machine(*rows(900, 1), SIGNALS, seed=3)


def test_trees_of_xgboost_give_its_sums(booster: xgboost.Fitted) -> None:
    flat = flatten_forest(xgboost.trees_text(booster), len(SIGNALS))
    matrix = asked(3000)
    ours = forest_sums(flat, matrix)
    assert float(np.abs(ours - xgboost.raw_sums(booster, matrix)).max()) < 2e-5, "300 singles"
    theirs = 1 / (1 + np.exp(-xgboost.raw_sums(booster, matrix)))
    assert float(np.abs(1 / (1 + np.exp(-ours)) - theirs).max()) < 1e-6
    assert ours.tobytes() == forest_sums_plain(flat, matrix).tobytes()
    assert bits(*(forest_sum(flat, row) for row in matrix)) == ours.tobytes()


def test_reasons_of_xgboost_are_exact(booster: xgboost.Fitted) -> None:
    """Contributions add up to the sum, and are those of the library (TreeSHAP)."""
    matrix = asked(60)
    few = xgboost.fit_boosters(*rows(1500, 1), SIGNALS, (0, 0, 4, 0), seed=3)
    assert all(one.shares for one in booster.members)
    assert not any(one.shares for one in few.members)
    found = contributions(paths_of(xgboost.trees_text(few), len(SIGNALS)), matrix)
    data = xgboost.data_of(matrix, SIGNALS)
    theirs = [one.booster.predict(data, pred_contribs=True)[:, :-1] for one in few.members]
    assert float(np.abs(found - np.mean(theirs, axis=0)).max()) < 2e-4
    for one in (booster, few):
        text = xgboost.trees_text(one)
        found = contributions(paths_of(text, len(SIGNALS)), matrix)
        rest = forest_sums(flatten_forest(text, len(SIGNALS)), matrix) - found.sum(axis=1)
        assert float(np.ptp(rest)) < 1e-9


def test_a_row_never_tells_its_own_outcome() -> None:
    """Turning an outcome round moves a row's own number by the overall share alone, and those
    of rows of its category that come after it by more.
    """
    dice = np.random.default_rng(4)
    codes, weights = dice.integers(0, 30, 400), np.ones(400)
    bad = (dice.random(400) < 0.3).astype(np.float64)
    before, moved = ordered_shares(codes, bad, weights, seed=9), 0
    for row in range(400):
        turned = bad.copy()
        turned[row] = 1.0 - turned[row]
        drift = np.abs(ordered_shares(codes, turned, weights, seed=9) - before)
        assert drift[row] <= 1 / 400 + 1e-12
        assert (drift[codes != codes[row]] <= 1 / 400 + 1e-12).all()
        moved += int((drift > 1 / 400 + 1e-12).sum())
    assert moved > 400


def test_shares_by_hand() -> None:
    """Two rows of a, one of b, one missing; c was never seen; the overall share counts once."""
    codes = codes_from(np.array([0.0, 0.0, 1.0, np.nan, -1.0, 7.0]), 3)
    assert codes.tolist() == [0, 0, 1, 3, 3, 3]
    outcomes, weights = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 2.0, 0.0])
    found = shares_of(codes[:4], outcomes, weights, 3)
    prior = 0.75
    assert found.tolist() == [(1 + prior) / 3, (2 + prior) / 3, prior, prior]
    ordered = ordered_shares(codes[:4], outcomes, weights, seed=1)
    assert ordered[2] == ordered[3] == prior
    assert sorted(ordered[:2].tolist())[0] in (prior / 2, prior)


def test_a_bound_in_single_precision_is_met_from_both_sides() -> None:
    """What XGBoost sends left, we send left: also halfway between two singles."""
    dice = np.random.default_rng(5)
    for bound in dice.normal(size=200).astype(np.float32):
        last = _last_below(float(bound))
        assert np.float32(last) < bound
        assert not np.float32(np.nextafter(last, np.inf)) < bound


def test_tables_of_the_machine_give_its_sums(machine: Any) -> None:
    model = ebm.additive_of(machine, SIGNALS, CATEGORIES)
    assert any(len(term.axes) == 2 for term in model.terms)
    flat, matrix = flatten_additive(model, len(SIGNALS)), asked(3000)
    ours = additive_sums(flat, matrix)
    assert float(np.abs(ours - ebm.raw_sums(machine, matrix, SIGNALS)).max()) < 1e-9
    assert ours[:300].tobytes() == additive_sums_plain(model, matrix[:300]).tobytes()
    assert bits(*(additive_sums(flat, row[None, :])[0] for row in matrix)) == ours.tobytes()
    parts = additive_parts(flat, matrix)
    assert float(np.abs(model.intercept + parts.sum(axis=1) - ours).max()) < 1e-9


def test_declared_directions_hold_in_the_whole_sum(booster: xgboost.Fitted, machine: Any) -> None:
    """Signal x is declared to raise the chance of default, whatever the others are."""
    tables = flatten_additive(ebm.additive_of(machine, SIGNALS, CATEGORIES), len(SIGNALS))
    forest = flatten_forest(xgboost.trees_text(booster), len(SIGNALS))
    ladder = np.linspace(-4, 4, 120)
    for row in asked(60):
        matrix = np.repeat(row[None], len(ladder), axis=0)
        matrix[:, 0] = ladder
        assert (np.diff(additive_sums(tables, matrix)) >= -1e-12).all()
        assert (np.diff(forest_sums(forest, matrix)) >= -1e-12).all()


@settings(deadline=None)  # the first example waits for the compiler
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
def test_a_table_by_hand(values: list[float]) -> None:
    """At or above an edge is the next bin; missing is the first, never the last of a number."""
    axis = AdditiveAxis(0, 5, False, (0.0, 1.0), ())
    model = Additive(0.5, (AdditiveTerm((axis,), (10.0, 20.0, 30.0, 40.0, 50.0)),))
    matrix = np.array(values)[:, None]
    expected = [
        0.5 + (10.0 if v != v else 20.0 if v < 0 else 30.0 if v < 1 else 40.0) for v in values
    ]
    assert additive_sums(flatten_additive(model, 1), matrix).tolist() == expected
    assert additive_sums_plain(model, matrix).tolist() == expected


@pytest.mark.parametrize(
    "axis",
    [
        AdditiveAxis(3, 3, False, (0.0,), ()),
        AdditiveAxis(0, 1, False, (), ()),
        AdditiveAxis(0, 3, True, (), (1, 3)),
        AdditiveAxis(0, 3, False, (0.0, 1.0), ()),
    ],
)
def test_tables_that_do_not_fit_are_refused(axis: AdditiveAxis) -> None:
    with pytest.raises(Refused) as no:
        flatten_additive(Additive(0.0, (AdditiveTerm((axis,), (0.0,) * axis.size),)), 1)
    assert no.value.code == "score.model_damaged"
    short = AdditiveTerm((AdditiveAxis(0, 3, False, (0.0,), ()),), (0.0,))
    with pytest.raises(Refused):
        flatten_additive(Additive(0.0, (short,)), 1)


@pytest.mark.parametrize("text", ["{", "{}", '{"start":0,"trees":[{}]}', '{"start":0,"trees":3}'])
def test_trees_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(Refused) as no:
        flatten_forest(text, 2)
    assert no.value.code == "score.model_damaged"


@pytest.fixture(scope="module", params=["xgboost", "pairs", "ebm"])
def made(request: pytest.FixtureRequest) -> Model:
    """A model of each family that needs a library to learn and none to serve."""
    if request.param not in families_here():
        pytest.skip("the extra models is not installed")
    return train(made_table(700), made_mapping(), request.param, 7, trained_on="2026-01-01")


def test_one_row_scores_as_many_with_reasons(made: Model) -> None:
    assert made.kind == ("trees" if made.forest is not None else "additive")
    table = made_table(200, seed=15)
    columns = {**table.columns, "trade": ("zz", "", *table.columns["trade"][2:])}
    table = Table(columns, 200)
    many = score_table(made, table)
    for place in range(200):
        row = {name: values[place] for name, values in columns.items()}
        if place in {one.row for one in many.refusals}:
            continue
        one = score_row(made, row, reasons=4)
        assert (one.points, one.pd) == (many.points[place], many.pd[place])
        assert len(one.reasons) <= 4
    scorer = scorer_of(made)
    matrix = np.full((1, len(made.signals)), np.nan)
    assert losses_of(scorer, matrix).shape == (1, len(made.signals))


def test_it_is_saved_registered_and_served_like_any_other(
    made: Model, node: Node, tmp_path: Path
) -> None:
    save_model(node.home / "models", made)
    assert load_model(node.home / "models", made.digest) == made
    asked = RegisterModel("merchants", made.digest)
    node.act("score.register_model", asked, key="r", actor=ANALYST)
    duckdb = pytest.importorskip("duckdb")
    table = made_table(300, seed=3)
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    names = list(table.columns)
    lines = [
        dict(zip(names, row, strict=True)) for row in zip(*table.columns.values(), strict=True)
    ]
    arrow = pytest.importorskip("pyarrow")
    pages = arrow.Table.from_pylist(lines)
    assert pages.num_rows == 300
    duckdb.from_arrow(pages).to_parquet(str(source))
    score_parquet(made, source, target)
    expected = score_table(made, table)
    found = duckdb.read_parquet(str(target)).fetchall()
    points = [-1 if row[-3] is None else row[-3] for row in found]
    assert points == expected.points.tolist()


def test_a_kind_without_its_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused) as no:
        family_of("oracle")
    assert no.value.code == "score.kind_unknown"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Refused) as no:
        family_of("ebm")
    assert no.value.code == "score.engine_missing"
    assert families_here() == ()
