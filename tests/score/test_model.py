"""Models: one row equals the batch to the last bit, before and after a file; cards add up."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.score import Model, Table, load_model, save_model, score_row, score_table, study, train
from puhui.score.arrays.card import card_totals, card_totals_numpy, flatten
from puhui.score.arrays.forest import forest_sums
from puhui.score.arrays.vector import matrix_of
from puhui.score.engines.scorer import make_scorer, scorer_of
from puhui.score.formats.model_json import digest_of, write_model
from puhui.score.nouns import Score, points_of
from puhui.score.rules.card import adders_of, card_total, pd_of_total, points_at
from tests.score.made import MAPPING, TRADES, bits, made_mapping, made_table


def test_both_kinds_learn(model: Model) -> None:
    table, mapping = made_table(), made_mapping()
    sample = study.draw_sample(table, mapping)
    scores = score_table(model, table)
    found = study.measure(scores.pd[sample.is_test], sample.is_bad[sample.is_test], resamples=0)
    assert found.auc > 0.75
    assert abs(found.bad_rate - float(scores.pd[sample.is_test].mean())) < 0.06
    assert abs(model.metric("cv_auc") - found.auc) < 0.06
    assert math.isnan(model.metric("no_such"))
    assert model.metric("rows") == sample.is_train.sum()


def test_one_row_equals_the_batch_to_the_last_bit(model: Model) -> None:
    table = made_table(400, seed=11)
    scores = score_table(model, table)
    assert scores.refusals == ()
    for place in range(table.rows):
        alone = score_row(model, table.row(place))
        assert alone.points == scores.points[place]
        assert bits(alone.pd) == bits(scores.pd[place])


def test_a_model_file_scores_the_same_and_is_written_once(model: Model, tmp_path: Path) -> None:
    path = save_model(tmp_path, model)
    assert path.name == f"{model.digest}.json"
    assert save_model(tmp_path, model) == path
    loaded = load_model(tmp_path, model.digest)
    assert loaded == model
    assert write_model(loaded) == path.read_text(encoding="utf-8")
    table = made_table(200, seed=12)
    fresh, scored = make_scorer(loaded, None), scorer_of(model)
    matrix, _ = matrix_of(table, model.signals, scored.codes)
    one, other = fresh.readers, scored.readers
    assert len(one) == len(other)
    assert score_table(loaded, table).pd.tobytes() == score_table(model, table).pd.tobytes()
    if fresh.forest is not None and scored.forest is not None:
        assert forest_sums(fresh.forest, matrix).tobytes() == (
            forest_sums(scored.forest, matrix).tobytes()
        )
    assert sorted(tmp_path.iterdir()) == [path]


def test_damaged_and_missing_files_are_refused(model: Model, tmp_path: Path) -> None:
    path = save_model(tmp_path, model)
    path.write_text(path.read_text("utf-8").replace('"maker":"t"', '"maker":"x"'), "utf-8")
    with pytest.raises(Refused, match=r"score\.model_damaged"):
        load_model(tmp_path, model.digest)
    path.write_bytes(b"\xff")
    with pytest.raises(Refused, match=r"score\.model_damaged"):
        load_model(tmp_path, model.digest)
    text = json.dumps({"name": "half a model"})
    (tmp_path / f"{digest_of(text)}.json").write_text(text, "utf-8")
    with pytest.raises(Refused, match=r"score\.model_damaged"):
        load_model(tmp_path, digest_of(text))
    for digest in ("0" * 64, "../../etc/passwd", ""):
        with pytest.raises(Refused, match=r"score\.model_missing"):
            load_model(tmp_path, digest)


def test_the_same_seed_makes_the_same_model(model: Model) -> None:
    again = train(made_table(), made_mapping(), model.kind, 7, maker="t", trained_on="2026-01-01")
    assert again.digest == model.digest
    other = train(made_table(seed=4), made_mapping(), model.kind, 7, maker="t")
    assert other.data_digest != model.data_digest


def test_test_rows_are_never_looked_at(model: Model) -> None:
    table = made_table()
    part, outcome = table.columns["part"], table.columns["outcome"]
    turned = tuple(
        o if p == "train" else ("lost" if o == "paid" else "paid")
        for p, o in zip(part, outcome, strict=True)
    )
    changed = Table({**table.columns, "outcome": turned}, table.rows)
    again = train(changed, made_mapping(), model.kind, 7, maker="t", trained_on="2026-01-01")
    assert again.digest == model.digest


NUMBER = st.one_of(
    st.none(), st.sampled_from(["", "98", "$1,200.00", " 12.0 ", "1e3"]), st.floats(0, 1e6)
)
ROWS = st.fixed_dictionaries(
    {
        "flow": NUMBER,
        "late": NUMBER,
        "amount": NUMBER,
        "income": NUMBER,
        "trade": st.sampled_from([*TRADES, "zz", "", None]),
        "town": st.sampled_from(["east", "west", ""]),
        "bank_town": st.sampled_from(["east", None]),
        "opened": st.sampled_from(["2001-05-06", "", None]),
        "day": st.just("2025-06-30"),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_any_readable_row_scores_as_in_a_batch(model: Model, rows: list[dict]) -> None:
    table = Table({name: tuple(row[name] for row in rows) for name in rows[0]}, len(rows))
    scores = score_table(model, table)
    for place, row in enumerate(rows):
        alone = score_row(model, row)
        assert 0 <= alone.points <= 1000
        assert 0.0 <= alone.pd <= 1.0
        assert (alone.points, bits(alone.pd)) == (scores.points[place], bits(scores.pd[place]))


@pytest.mark.parametrize("text", ["1200", " 1200.0 ", "1,200", "$1,200.00", 1200, 1200.0, "1.2e3"])
def test_numbers_score_alike_however_they_are_written(model: Model, text: object) -> None:
    row: Mapping = {**made_table(3).row(1), "flow": text}
    plain = {**row, "flow": 1200.0}
    assert score_row(model, row, reasons=9) == score_row(model, plain, reasons=9)


def test_a_row_that_cannot_be_read_is_refused_and_the_rest_go_on(model: Model) -> None:
    table = made_table(5, seed=13)
    flow = ("x", *table.columns["flow"][1:3], "-5", table.columns["flow"][4])
    scores = score_table(model, Table({**table.columns, "flow": flow}, 5))
    assert [(r.row, r.code) for r in scores.refusals] == [
        (0, "score.bad_number"),
        (3, "score.out_of_range"),
    ]
    assert scores.points[[0, 3]].tolist() == [-1, -1]
    assert np.isnan(scores.pd[[0, 3]]).all()
    assert (scores.points[[1, 2, 4]] >= 0).all()
    with pytest.raises(Refused, match=r"score\.bad_number"):
        score_row(model, {**table.row(1), "flow": "x"})
    with pytest.raises(Refused, match=r"score\.row_refused"):
        study.explain_table(model, Table({**table.columns, "flow": flow}, 5), [1, 0])
    with pytest.raises(Refused, match=r"score\.column_missing"):
        score_table(model, Table({"flow": ("1",)}, 1))


def test_the_printed_card_adds_up(card: Model) -> None:
    assert card.card is not None
    table = made_table(300, seed=14)
    matrix, _ = matrix_of(table, card.signals, scorer_of(card).codes)
    flat = flatten(card)
    totals = card_totals(flat, matrix)
    assert (totals == card_totals_numpy(flat, matrix)).all()
    assert (totals == card_totals(flat, np.asfortranarray(matrix))).all()
    for place, values in enumerate(matrix.tolist()):
        printed = card.card.start_points + sum(
            points_at(signal, points, value)
            for signal, points, value in zip(card.signals, card.card.signals, values, strict=True)
        )
        assert printed == totals[place] == card_total(card, adders_of(card), values)
        found = score_row(card, table.row(place))
        assert found == Score(min(1000, max(0, printed)), pd_of_total(printed, card.scale))


def test_a_clerk_with_the_printed_card_gets_the_same_score(card: Model) -> None:
    lines = study.printed_card(card)
    assert (lines[0].title_zh, lines[0].signal) == ("起点", "")
    table = made_table(60, seed=18)
    matrix, _ = matrix_of(table, card.signals, scorer_of(card).codes)
    for place, values in enumerate(matrix.tolist()):
        total = lines[0].points
        for signal, texts, value in zip(card.signals, card.categories, values, strict=True):
            mine = [line for line in lines if line.signal == signal.name]
            text = texts[int(value)] if signal.kind == "category" else ""
            (line,) = [line for line in mine if applies(line.value, value, text)][:1]
            total += line.points
        assert min(1000, max(0, total)) == score_row(card, table.row(place)).points


def applies(written: str, value: float, text: str) -> bool:
    """Whether a line of the printed card is that of a value; special values are tried first."""
    if math.isnan(value):
        return written == "missing"
    if text:
        return text in written.split(", ")
    if value == 98.0:
        return written == "= 98.0"
    if written.startswith(("=", "missing")):
        return False
    if written == "any":
        return True
    bounds = [part.split(" ") for part in written.split(", ")]
    return all(
        value <= float(bound) if sign == "<=" else value > float(bound) for sign, bound in bounds
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32 - 1))
def test_the_kernel_equals_its_numpy_twin_on_any_numbers(card: Model, seed: int) -> None:
    dice = np.random.default_rng(seed)
    flat = flatten(card)
    pool = np.concatenate([flat.edges, flat.special, [np.nan, -1.0, 0.0, 1e300, -1e300, 2.5, 97.0]])
    matrix = dice.choice(pool, size=(50, len(card.signals)))
    totals = card_totals(flat, matrix)
    assert (totals == card_totals_numpy(flat, matrix)).all()
    adders = adders_of(card)
    assert totals.tolist() == [card_total(card, adders, row) for row in matrix.tolist()]


def test_points_never_contradict_the_bad_rates_they_stand_on(card: Model) -> None:
    assert card.card is not None
    for signal, points in zip(card.signals, card.card.signals, strict=True):
        assert min(points.bin_points) >= 0, signal.name
        pairs = zip(points.bin_points, points.bin_rows, points.bin_bads, strict=True)
        by_rate = sorted((bads / rows, worth) for worth, rows, bads in pairs if rows)
        worths = [worth for _, worth in by_rate]
        assert worths == sorted(worths, reverse=True), signal.name
    flow = card.card.signals[[signal.name for signal in card.signals].index("flow")]
    assert list(flow.bin_points) == sorted(flow.bin_points)


def test_every_unusual_value_has_stated_points(card: Model) -> None:
    assert card.card is not None
    names = [signal.name for signal in card.signals]
    trade = card.card.signals[names.index("trade")]
    row = made_table(3).row(0)
    known = score_row(card, row)
    unseen = score_row(card, {**row, "trade": "never seen"})
    sector = names.index("sector") if "sector" in names else None
    if sector is None:
        code = card.categories[names.index("trade")].index(str(row["trade"]))
        difference = trade.bin_points[trade.groups[code]] - trade.unseen_points
        assert known.points - unseen.points == difference
    assert score_row(card, {}).points >= 0


def test_reasons_of_a_card_are_points_lost_dearest_first(card: Model) -> None:
    row = {**made_table(3).row(0), "flow": "0", "late": "5"}
    found = score_row(card, row, reasons=20)
    lost = [reason.points for reason in found.reasons]
    assert lost == sorted(lost, reverse=True)
    assert all(points > 0 for points in lost)
    assert card.card is not None
    best = card.card.start_points + sum(points.best() for points in card.card.signals)
    assert best - sum(lost) == found.points
    codes = [reason.code for reason in found.reasons]
    assert {"score.flow", "score.late"} <= set(codes)
    flow = found.reasons[codes.index("score.flow")]
    assert (flow.title_zh, flow.advice_zh) == ("日均流水", "多用收款码收款。")
    assert score_row(card, row, reasons=2).reasons == found.reasons[:2]


def test_a_model_scores_a_table_of_other_columns(card: Model) -> None:
    text = MAPPING.replace('column = "flow"', 'column = "daily"').replace(
        'kind = "number"\ncolumn = "late"\ndirection = "up"\nspecial = [98]',
        'kind = "number"\nstated = "0"\ndirection = "up"\nspecial = [98]',
    )
    other = made_mapping(text)
    table = made_table(20, seed=17)
    columns = {("daily" if name == "flow" else name): v for name, v in table.columns.items()}
    del columns["late"]
    renamed = Table(columns, 20)
    scores = score_table(card, renamed, mapping=other)
    stated = score_table(card, Table({**table.columns, "late": ("0",) * 20}, 20))
    assert scores.points.tolist() == stated.points.tolist()
    assert score_row(card, renamed.row(3), mapping=other).points == scores.points[3]


def test_scores_follow_the_scale(card: Model) -> None:
    factor, offset = card.scale.factor(), card.scale.offset()
    assert points_of(-math.log(20), factor, offset) == 600
    assert points_of(-math.log(40), factor, offset) == 650
    assert points_of(99.0, factor, offset) == 0
    assert points_of(-99.0, factor, offset) == 1000


def test_training_refuses_what_it_cannot_learn() -> None:
    with pytest.raises(Refused, match=r"score\.kind_unknown"):
        train(made_table(300), made_mapping(), "oracle", 1)
    with pytest.raises(Refused, match=r"score\.too_few_rows"):
        train(made_table(60), made_mapping(), "points", 1)
    with pytest.raises(Refused, match=r"score\.column_missing"):
        train(Table({"outcome": ("lost",)}, 1), made_mapping(), "points", 1)


def test_the_champion_has_the_higher_cross_validated_auc(card: Model, trees: Model) -> None:
    chosen = study.better_of([card, trees])
    assert chosen.metric("cv_auc") == max(card.metric("cv_auc"), trees.metric("cv_auc"))
    worse = replace(card, metrics=(("cv_auc", 0.5),))
    assert study.better_of([worse, trees]) is trees


def test_monitoring_sees_what_moved(card: Model) -> None:
    before, after = made_table(1000, seed=20), made_table(1000, seed=21)
    sample = study.draw_sample(after, made_mapping())
    still = study.monitor(card, before, after, points_least=400, is_bad=sample.is_bad)
    assert still.score_psi < 0.1
    assert all(shift.psi < 0.1 for shift in still.signal_shifts)
    assert sum(group.rows for group in still.calibration) == 1000
    scores = score_table(card, after)
    assert still.approval_rate == np.mean(scores.points >= 400)
    assert still.mean_pd == pytest.approx(float(scores.pd.mean()))
    late = tuple("6" for _ in range(1000))
    moved = study.monitor(
        card, before, Table({**after.columns, "late": late}, 1000), points_least=400
    )
    psi = {shift.signal: shift.psi for shift in moved.signal_shifts}
    assert psi["late"] > 0.25
    assert psi["flow"] < 0.1
    assert moved.score_psi > 0.25
    assert moved.calibration == ()
