"""Trees: equal to LightGBM to the last bit, monotone as declared, with exact reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from puhui.kernel.errors import Refused
from puhui.score import Model, Table, score_row, score_table, study, train
from puhui.score.arrays.contribution import contributions, paths_of
from puhui.score.arrays.forest import flatten_forest, forest_sum, forest_sums, forest_sums_plain
from puhui.score.arrays.vector import matrix_of
from puhui.score.engines.lightgbm import raw_contributions, raw_sums
from puhui.score.engines.scorer import scorer_of
from tests.score.made import MAPPING, bits, made_mapping, made_table


def test_trees_equal_lightgbm_to_the_last_bit(trees: Model) -> None:
    assert trees.forest is not None
    table = made_table(500, seed=15)
    columns = {**table.columns, "trade": ("zz", "", *table.columns["trade"][2:])}
    matrix, _ = matrix_of(Table(columns, 500), trees.signals, scorer_of(trees).codes)
    matrix = np.ascontiguousarray(matrix)
    forest = flatten_forest(trees.forest.text, len(trees.signals))
    assert forest.has_categories
    ours = forest_sums(forest, matrix)
    assert ours.tobytes() == raw_sums(trees.forest.text, matrix).tobytes()
    assert ours.tobytes() == forest_sums_plain(forest, matrix).tobytes()
    assert bits(*(forest_sum(forest, row) for row in matrix)) == ours.tobytes()


def test_trees_without_categories_equal_lightgbm_too() -> None:
    text = MAPPING.replace('[[signal]]\nname = "trade"\nkind = "category"\ncolumn = "trade"', (
        '[[signal]]\nname = "trade"\nkind = "number"\ncolumn = "age"'
    ))  # fmt: skip
    text = text.replace(
        'name = "sector"\nkind = "category"\noperation = "prefix"\ncolumn = "trade"\noperand = 1',
        'name = "sector"\nkind = "number"\noperation = "above"\ncolumn = "age"\noperand = 40',
    )
    model = train(made_table(700), made_mapping(text), "trees", 3)
    assert model.forest is not None
    forest = flatten_forest(model.forest.text, len(model.signals))
    assert not forest.has_categories
    dice = np.random.default_rng(0)
    matrix = dice.normal(size=(300, len(model.signals))) * 1000
    matrix[dice.random(matrix.shape) < 0.2] = np.nan
    ours = forest_sums(forest, matrix)
    assert ours.tobytes() == raw_sums(model.forest.text, matrix).tobytes()
    assert bits(*(forest_sum(forest, row) for row in matrix)) == ours.tobytes()


@pytest.fixture(scope="module")
def plain() -> Model:
    """A card whose signals are all numbers without bounds, which rows reach by a faster way."""
    head, _, _ = MAPPING.partition('[[signal]]\nname = "flow"')
    entry = '[[signal]]\nname = "{0}"\nkind = "number"\ncolumn = "{0}"\ndirection = "free"\n'
    titles = 'title = {{ zh = "{0}", en = "{0}" }}\n'
    text = head + "".join((entry + titles).format(name) for name in ("income", "age", "late"))
    return train(made_table(), made_mapping(text), "trees", 3)


@pytest.mark.parametrize(
    "value", ["41", " 41.5 ", "-0.0", "1,200", "", "nan", None, 41, 41.0, "1e308", "$5"]
)
def test_plain_rows_score_alike_by_the_faster_way(plain: Model, value: object) -> None:
    row: Mapping = {"income": "1e308", "age": value, "late": "0"}
    assert scorer_of(plain).plain == ("income", "age", "late")
    scores = score_table(plain, Table({name: (row[name],) for name in row}, 1))
    alone = score_row(plain, row)
    assert (alone.points, bits(alone.pd)) == (scores.points[0], bits(scores.pd[0]))


@pytest.mark.parametrize("value", ["4_1", "inf", "x", "1e999"])
def test_the_faster_way_refuses_what_the_rule_refuses(plain: Model, value: str) -> None:
    with pytest.raises(Refused, match=r"score\.bad_number"):
        score_row(plain, {"income": "5", "age": value, "late": "0"})


def test_trees_keep_the_declared_directions(trees: Model) -> None:
    row = made_table(3).row(0)
    by_flow = [score_row(trees, {**row, "flow": flow}).pd for flow in range(0, 6000, 150)]
    by_late = [score_row(trees, {**row, "late": late}).pd for late in range(8)]
    assert by_flow == sorted(by_flow, reverse=True)
    assert by_late == sorted(by_late)


def test_reasons_of_trees_are_exact_contributions(trees: Model) -> None:
    assert trees.forest is not None
    table = made_table(40, seed=16)
    matrix, _ = matrix_of(table, trees.signals, scorer_of(trees).codes)
    columns = {**table.columns, "trade": ("zz", "", *table.columns["trade"][2:])}
    odd, _ = matrix_of(Table(columns, 40), trees.signals, scorer_of(trees).codes)
    paths = paths_of(trees.forest.text, len(trees.signals))
    for asked in (matrix, odd):
        theirs = raw_contributions(trees.forest.text, np.ascontiguousarray(asked))
        assert contributions(paths, asked) == pytest.approx(theirs[:, :-1], abs=1e-12)
    parts = raw_contributions(trees.forest.text, np.ascontiguousarray(matrix))
    raw = raw_sums(trees.forest.text, np.ascontiguousarray(matrix))
    assert parts.sum(axis=1) == pytest.approx(raw, abs=1e-9)
    explained = study.explain_table(trees, table, range(40), reasons=3)
    factor = trees.scale.factor() * trees.calibration.slope
    for place, score in enumerate(explained):
        assert score == score_row(trees, table.row(place), reasons=3)
        dearest = float(np.max(parts[place, :-1])) * factor
        assert score.reasons[0].points == math.floor(dearest + 0.5)


def test_damaged_trees_are_refused() -> None:
    for text in ("", "tree\nTree=0\nnum_leaves=x\n", "\nTree=0\nnum_leaves=2\nleaf_value=1\n"):
        with pytest.raises(Refused, match=r"score\.model_damaged"):
            flatten_forest(text, 3)
