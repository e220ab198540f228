"""Cut-offs by profit, bins that hold over time, refused applicants, and the contest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.score import Table, train
from puhui.score.arrays.binning import BinRules, bin_category, bin_number
from puhui.score.arrays.profit import best_earnings, cut_off_curve
from puhui.score.arrays.reject import fuzzy_weights, parcel
from puhui.score.arrays.stable import merge_unstable
from puhui.score.engines.challenger import (
    Standing,
    candidates_for,
    champion_of,
    hold_contest,
    hold_nested,
)
from puhui.score.engines.lesson import Lesson, Refusals, guess, joined
from puhui.score.nouns import Signal
from puhui.score.window import Nested, RefusedTable, choose_kind
from tests.score.made import MAPPING, made_mapping, made_table

SIGNAL = Signal("x", "number", "copy", ("x",), "甲", "x", direction="up")


def made_lesson(rows: int = 800) -> Lesson:
    """Two numbers and a category, of which the first two matter."""
    dice = np.random.default_rng(4)
    matrix = np.column_stack([dice.normal(size=(rows, 2)), dice.integers(0, 3, rows)])
    bad = dice.random(rows) < 1 / (1 + np.exp(1.0 - 1.5 * matrix[:, 0] - matrix[:, 1]))
    signals = (
        SIGNAL,
        Signal("y", "number", "copy", ("y",), "乙", "y", direction="up"),
        Signal("z", "category", "copy", ("z",), "丙", "z"),
    )
    return Lesson(matrix, bad.astype(np.float64), signals, ((), (), ("a", "b", "c")))


def test_the_best_cut_off_by_hand() -> None:
    pd = np.array([0.1, 0.2, 0.2, 0.3, 0.9])
    bad = np.array([0.0, 1.0, 0.0, 0.0, 1.0])
    assert best_earnings(pd, bad, 1.0, 1.5).tolist() == [1.0, -1.5, 1.0, 1.0, 0.0]
    assert best_earnings(pd, np.ones(5), 1.0, 1.5).tolist() == [0.0] * 5
    assert best_earnings(pd[:0], bad[:0], 1.0, 1.5).tolist() == []
    assert best_earnings(pd[1:3], bad[1:3], 1.0, 1.5).tolist() == [0.0, 0.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 80), st.integers(0, 2**32 - 1))
def test_a_curve_adds_up_at_every_cut_off(rows: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    pd = dice.integers(0, 12, rows) / 12
    bad = (dice.random(rows) < pd).astype(np.float64)
    profit = dice.integers(-900, 400, rows)
    groups = dice.integers(0, 3, rows)
    curve = cut_off_curve(pd, bad, profit, groups, steps=9)
    assert curve.approved[0] == 0
    assert curve.pd_max[0] == -1.0
    for place, bound in enumerate(curve.pd_max.tolist()):
        mask = pd <= bound
        assert curve.approved[place] == mask.sum()
        assert curve.bads[place] == bad[mask].sum()
        assert curve.profit_minor[place] == profit[mask].sum()
        for group in range(curve.by_group.shape[1]):
            assert curve.by_group[place, group] == (mask & (groups == group)).sum()
    assert curve.profit_minor[curve.best()] == curve.profit_minor.max()
    assert curve.group_rows.sum() == curve.rows == rows


def test_neighbours_that_change_places_are_joined() -> None:
    rows = np.full((2, 3), 1_000)
    steady = np.array([[50, 100, 200], [60, 110, 190]])
    assert merge_unstable(rows, steady) == [1, 1, 1]
    flipped = np.array([[50, 100, 300], [60, 200, 120]])
    assert merge_unstable(rows, flipped) == [1, 2]
    assert merge_unstable(rows // 100, flipped // 100) == [1, 1, 1], "too few to say"
    assert merge_unstable(rows[:1], flipped[:1]) == [1, 1, 1]


def test_bins_of_a_number_hold_in_every_period() -> None:
    dice = np.random.default_rng(8)
    values = dice.uniform(0, 3, 9_000)
    periods = (np.arange(9_000) % 2).astype(np.int64)
    base = np.where(values < 1, 0.05, np.where(values < 2, 0.15, 0.25))
    flip = np.where(periods == 0, np.where(values < 2, 0.28, 0.12), np.where(values < 2, 0.05, 0.4))
    rate = np.where(values < 1, base, flip)
    bad = (dice.random(9_000) < rate).astype(np.float64)
    free = bin_number(values, bad, SIGNAL, BinRules())
    held = bin_number(values, bad, SIGNAL, BinRules(), periods)
    assert len(held.edges) < len(free.edges)
    assert not [edge for edge in held.edges if 1.5 < edge < 2.5]
    assert int(held.rows.sum()) == 9_000


def test_groups_of_categories_hold_in_every_period() -> None:
    """Two categories whose bad rates change places between periods share a bin, others do not."""
    dice = np.random.default_rng(8)
    codes = (np.arange(12_000) % 4).astype(np.float64)
    periods = (np.arange(12_000) // 6_000).astype(np.int64)
    early, late = np.array([0.05, 0.12, 0.26, 0.5]), np.array([0.05, 0.3, 0.14, 0.5])
    rate = np.where(periods == 0, early[codes.astype(int)], late[codes.astype(int)])
    bad = (dice.random(12_000) < rate).astype(np.float64)
    free = bin_category(codes, bad, 4, BinRules(bins_max=4))
    held = bin_category(codes, bad, 4, BinRules(bins_max=4), periods)
    assert len(held.woe) < len(free.woe) or free.groups[1] == free.groups[2]
    assert held.groups[1] == held.groups[2]
    assert len({held.groups[place] for place in (0, 1, 3)}) == 3
    assert int(held.rows.sum()) == 12_000


def test_parcels_hold_their_share_and_their_seed() -> None:
    pd = np.linspace(0.05, 0.5, 1_000)
    found = parcel(pd, 1.5, 3)
    assert (found == parcel(pd, 1.5, 3)).all()
    assert found.sum() == pytest.approx(1.5 * pd.sum(), abs=10)
    assert found[500:].sum() > found[:500].sum()
    assert parcel(np.full(5, 0.9), 5.0, 1).sum() == 5
    assert len(parcel(pd[:0], 2.0, 1)) == 0


@given(st.floats(0.001, 0.999), st.floats(1, 9))
def test_fuzzy_weights_add_up_and_never_flatter(pd: float, factor: float) -> None:
    bad, good = fuzzy_weights(np.array([pd]), factor)
    assert bad[0] + good[0] == pytest.approx(1.0)
    assert bad[0] >= pd - 1e-12


@pytest.mark.parametrize("method", ["parcelling", "fuzzy"])
def test_refused_applicants_join_the_lesson(method: str) -> None:
    lesson = made_lesson()
    refused = lesson.matrix[:200] + np.array([1.0, 0.5, 0.0])
    taught = replace(lesson, refusals=Refusals(refused, method, 1.3))
    found = joined(taught, seed=2)
    assert found.weights.sum() == pytest.approx(1_000)
    more = found.weights[800:] @ found.outcomes[800:] / found.weights[800:].sum()
    assert more > lesson.outcomes.mean()
    assert guess(lesson, 2) is None
    worse = joined(replace(taught, refusals=Refusals(refused, method, 3.0)), seed=2)
    assert worse.weights @ worse.outcomes > found.weights @ found.outcomes


@pytest.mark.parametrize("kind", ["points", "trees"])
@pytest.mark.parametrize("method", ["parcelling", "fuzzy"])
def test_a_model_learns_from_those_refused_too(kind: str, method: str) -> None:
    table = made_table()
    others = RefusedTable(made_table(300, seed=99), method, 1.5)
    plain = train(table, made_mapping(), kind, 7)
    wider = train(table, made_mapping(), kind, 7, refused=others)
    told = dict(wider.parameters)
    assert told["reject_factor"] == 1.5
    assert told[f"reject_{method}"] == 1.0
    assert 0 < told["reject_rows"] <= 300
    assert 0.0 < wider.metric("reject_bad_share") < 1.0
    assert wider.metric("reject_times_known") > 1.0
    assert np.isnan(plain.metric("reject_bad_share"))
    assert wider.metric("rows") == plain.metric("rows"), "figures stay those of known outcomes"
    assert wider.data_digest != plain.data_digest
    assert wider.metric("cv_auc") > plain.metric("cv_auc") - 0.05
    if wider.card is not None and plain.card is not None:
        assert wider.card.signals[0].bin_rows == plain.card.signals[0].bin_rows


@pytest.mark.parametrize(("method", "factor"), [("magic", 1.5), ("fuzzy", 0.9)])
def test_bad_ways_to_guess_are_refused(method: str, factor: float) -> None:
    table = made_table()
    with pytest.raises(Refused) as no:
        train(table, made_mapping(), "points", 7, refused=RefusedTable(table, method, factor))
    assert no.value.code == "score.reject_method"


def test_pairs_stand_only_where_a_category_has_many_values() -> None:
    lesson, families = made_lesson(), ("points", "xgboost", "pairs", "catboost")
    assert candidates_for(lesson, families) == ("points", "xgboost")
    for count, stand in ((16, ("points", "xgboost")), (17, ("points", "xgboost", "pairs"))):
        values = tuple(f"place {number}" for number in range(count))
        many = replace(lesson, categories=((), (), values))
        assert candidates_for(many, families) == stand


def test_nobody_is_champion_by_the_rows_it_is_reported_on() -> None:
    """With coin tosses for outcomes a choice on the same rows flatters; the nested one does not."""
    lesson = made_lesson()
    told: list[str] = []
    found = hold_nested(lesson, ("points", "monotone"), folds=3, inner=2, progress=told.append)
    assert len(found.chosen) == len(told) == 3
    assert set(found.chosen) <= {"points", "monotone"}
    assert 0.7 < found.champion.auc <= max(one.auc for one in found.standings) + 0.01
    again = hold_nested(lesson, ("points", "monotone"), folds=3, inner=2)
    assert again == found
    dice = np.random.default_rng(1)
    noise = replace(lesson, outcomes=dice.integers(0, 2, 800).astype(np.float64))
    told_of_noise = hold_nested(noise, ("points", "monotone"), folds=4, inner=2).champion
    assert 0.4 < told_of_noise.auc < 0.53, "folds of coin tosses rank a little the wrong way"
    assert told_of_noise.log_loss == pytest.approx(np.log(2.0), abs=0.01)


def test_a_family_may_learn_from_fewer_rows() -> None:
    lesson = made_lesson()
    whole = hold_nested(lesson, ("points", "monotone"), folds=2, inner=2)
    fewer = hold_nested(
        lesson, ("points", "monotone"), folds=2, inner=2, learn_rows_max={"monotone": 150}
    )
    assert fewer.standings[0] == whole.standings[0]
    assert fewer.standings[1].auc < whole.standings[1].auc


def test_the_contest_is_fair_and_names_a_champion() -> None:
    lesson = made_lesson()
    standings = hold_contest(lesson, ("points", "monotone"), folds=3, seed=1)
    assert [one.name for one in standings] == ["points", "monotone"]
    assert standings == hold_contest(lesson, ("points", "monotone"), folds=3, seed=1)
    assert all(0.7 < one.auc < 0.95 for one in standings)
    assert champion_of(standings) in standings


def test_the_champion_must_fit_before_it_may_earn() -> None:
    """And what it earns more must be no luck of a few rows."""

    def standing(name: str, log_loss: float, *earned: float) -> Standing:
        rows = np.tile(earned, 50)
        return Standing(name, 0.8, 0.4, log_loss, float(rows.mean()), earned=rows)

    unfit = standing("unfit", 0.6, 0.09, 0.09)
    best = standing("best", 0.5, 0.04, 0.04)
    sure, surer = standing("sure", 0.5001, 0.05, 0.06), standing("surer", 0.5002, 0.05, 0.07)
    once = np.append(np.full(99, 0.04), 0.9)
    lucky = Standing("lucky", 0.8, 0.4, 0.5001, float(once.mean()), earned=once)
    assert champion_of((unfit, sure, surer, best)) is surer
    assert champion_of((sure, best)) is sure
    assert champion_of((unfit, best)) is best
    assert champion_of((lucky, best)) is best
    assert lucky.profit_share > best.profit_share
    assert champion_of((unfit,)) is unfit
    assert champion_of((best, replace(best, name="same"))) is best


def test_unknown_families_are_refused() -> None:
    with pytest.raises(Refused) as no:
        hold_contest(made_lesson(), ("oracle",))
    assert no.value.code == "score.kind_unknown"


@pytest.mark.parametrize("family", ["xgboost", "catboost", "interpret"])
def test_a_challenger_learns_as_the_others_do(family: str) -> None:
    pytest.importorskip(family, reason="the extra models is not installed")
    lesson = made_lesson(300)
    name = {"interpret": "ebm"}.get(family, family)
    (found,) = hold_contest(lesson, (name,), folds=2, seed=1)
    assert found.auc > 0.7


def test_a_card_may_be_asked_to_hold_over_time() -> None:
    table = made_table()
    days = tuple(f"{2020 + place % 4}-01-01" for place in range(table.rows))
    dated = Table({**table.columns, "day": days}, table.rows)
    plain = train(dated, made_mapping(), "points", 7)
    steady = train(dated, made_mapping(), "points", 7, stable_periods=4)
    assert 2 <= dict(steady.parameters)["stable_periods"] <= 4
    assert "stable_periods" not in dict(plain.parameters)
    assert train(dated, made_mapping(), "points", 7, stable_periods=1) == plain
    assert steady.metric("cv_auc") > plain.metric("cv_auc") - 0.03
    undated = made_mapping(MAPPING.replace('[date]\ncolumn = "day"\nformat = "iso"\n', ""))
    with pytest.raises(Refused) as no:
        train(dated, undated, "points", 7, stable_periods=3)
    assert no.value.code == "score.no_date"


def test_the_best_kind_is_chosen_on_folds_that_are_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With what comes with puhui alone: points and trees."""
    here = ("points", "monotone")
    monkeypatch.setattr("puhui.score.engines.challenger.trainers_here", lambda: here)
    said: list[str] = []
    kind, nested = choose_kind(made_table(900), made_mapping(), 7, progress=said.append)
    assert kind in ("points", "trees")
    assert [one.name for one in nested.standings] == list(here)
    assert len(said) == 5
    assert isinstance(nested, Nested)
