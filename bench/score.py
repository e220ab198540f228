"""Measure scoring: one raw row from texts to score and pd, and rows per CPU-second in batches.

`python bench/score.py [--quick] [--json]`. Figures are ours beside LightGBM's own calls (the
booster's predict and its single-row call through C) and optbinning where it is installed.

Single rows are raw mappings of column to text, read, scored and turned into a calibrated
probability: everything a caller pays, reasons left out. Batches start from float64 columns and
end in probabilities and points; CPU time of this process, one thread. Data are made from a seed.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from puhui.score import Table, score_row, train
from puhui.score.arrays.card import card_totals, card_totals_numpy, pds_of_totals
from puhui.score.arrays.forest import forest_sum, forest_sums
from puhui.score.arrays.vector import codes_of, matrix_of
from puhui.score.engines.lightgbm import booster_of, raw_contributions
from puhui.score.engines.scorer import losses_of, score_matrix, scorer_of
from puhui.score.formats.mapping_toml import read_mapping_text

SEED = 20261123
POINTS_SIGNALS = 12
TREES_SIGNALS = 24


def mapping_text(signals: int, rounds: int = 200, leaves: int = 31) -> str:
    """A mapping over ``signals`` number columns, with the trees' size stated."""
    head = (
        'title = { zh = "测试", en = "bench" }\ncurrency = "CNY"\n'
        '[source]\ntitle = "made from a seed"\n[target]\ncolumn = "bad"\nbad = ["1"]\n'
        'good = ["0"]\n[split]\nrule = "equals"\ncolumn = "part"\nvalue = "train"\n'
        '[amount]\nstated_by = "product"\n[term]\nstated_by = "product"\n'
        f"[trees]\nrounds = {rounds}\nnum_leaves = {leaves}\nmin_data_in_leaf = 5\n"
    )
    entry = '[[signal]]\nname = "s{0}"\nkind = "number"\ncolumn = "c{0}"\ndirection = "free"\n'
    title = 'title = {{ zh = "信号{0}", en = "signal {0}" }}\n'
    return head + "".join((entry + title).format(place) for place in range(signals))


def make_table(rows: int, signals: int) -> Table:
    """Rows of texts whose outcome depends on every signal."""
    dice = np.random.default_rng(SEED)
    matrix = dice.normal(size=(rows, signals))
    lean = np.linspace(0.6, 0.1, signals)
    log_odds = (np.sin(2 * matrix) + matrix) @ lean - 1.5
    bad = dice.random(rows) < 1 / (1 + np.exp(-log_odds))
    columns: dict[str, tuple[str, ...]] = {
        f"c{place}": tuple(f"{value:.4f}" for value in matrix[:, place].tolist())
        for place in range(signals)
    }
    columns["bad"] = tuple("1" if value else "0" for value in bad.tolist())
    columns["part"] = ("train",) * rows
    return Table(columns, rows)


def single_us(call: Callable[[int], object], count: int) -> tuple[float, float]:
    """Median and 99th percentile of one call in microseconds, by the wall clock."""
    for place in range(200):
        call(place)
    spans = np.empty(count)
    for place in range(count):
        start = time.perf_counter_ns()
        call(place)
        spans[place] = time.perf_counter_ns() - start
    return float(np.median(spans)) / 1e3, float(np.quantile(spans, 0.99)) / 1e3


def rows_per_cpu_s(call: Callable[[], object], rows: int, seconds: float) -> float:
    """Rows per second of process CPU time, the best of several runs within ``seconds``."""
    call()
    best, spent = 0.0, 0.0
    while spent < seconds:
        start = time.process_time()
        call()
        span = time.process_time() - start
        best, spent = max(best, rows / max(span, 1e-9)), spent + span
    return best


def lightgbm_single(text: str, signals: int) -> Callable[[NDArray[np.float64]], float]:
    """LightGBM's single-row call through C with its configuration made once."""
    import lightgbm.basic as basic

    booster = booster_of(text)
    config = ctypes.c_void_p()
    basic._safe_call(
        basic._LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
            booster._handle,
            ctypes.c_int(1),
            ctypes.c_int(0),
            ctypes.c_int(-1),
            ctypes.c_int(1),
            ctypes.c_int32(signals),
            ctypes.c_char_p(b"num_threads=1"),
            ctypes.byref(config),
        )
    )
    length, found = ctypes.c_int64(), (ctypes.c_double * 1)()
    call = basic._LIB.LGBM_BoosterPredictForMatSingleRowFast

    def predict(row: NDArray[np.float64]) -> float:
        call(config, ctypes.c_void_p(row.ctypes.data), ctypes.byref(length), found)
        return found[0]

    return predict


def bench_points(quick: bool, say: Callable[[str], None]) -> dict[str, float | None]:
    """The points card: one raw row, and batches by the kernel and by its numpy twin."""
    table = make_table(4000, POINTS_SIGNALS)
    mapping = read_mapping_text(mapping_text(POINTS_SIGNALS), "bench_points")
    model = train(table, mapping, "points", SEED)
    rows = [table.row(place) for place in range(500)]
    p50, p99 = single_us(lambda i: score_row(model, rows[i % 500]), 4000 if quick else 20000)
    say(f"points, one raw row of {len(model.signals)} texts: p50 {p50:.1f} us, p99 {p99:.1f} us")
    reasoned, _ = single_us(lambda i: score_row(model, rows[i % 500], reasons=4), 2000)
    say(f"points, one raw row with 4 reasons: p50 {reasoned:.1f} us")
    card = scorer_of(model).card
    assert card is not None
    many = np.asfortranarray(
        np.random.default_rng(SEED).normal(size=(200_000 if quick else 1_000_000, len(card.aside)))
    )
    assert (card_totals(card, many) == card_totals_numpy(card, many)).all()
    seconds = 0.5 if quick else 4.0
    kernel = rows_per_cpu_s(lambda: card_totals(card, many), len(many), seconds)
    twin = rows_per_cpu_s(lambda: card_totals_numpy(card, many), len(many), seconds)
    whole = rows_per_cpu_s(
        lambda: pds_of_totals(model, card_totals(card, many)), len(many), seconds
    )
    say(f"points, columns to totals: {kernel:,.0f} rows/CPU-s; numpy twin {twin:,.0f}")
    say(f"points, columns to pd: {whole:,.0f} rows/CPU-s")
    return {
        "single_row_us_points": p50,
        "single_row_p99_us_points": p99,
        "single_row_reasons_us_points": reasoned,
        "rows_per_cpu_s_points": kernel,
        "rows_per_cpu_s_points_pd": whole,
    }


def bench_trees(quick: bool, say: Callable[[str], None]) -> dict[str, float | None]:
    """The trees: one raw row, batches, and reasons, beside LightGBM's own calls."""
    table = make_table(2500 if quick else 8000, TREES_SIGNALS)
    mapping = read_mapping_text(mapping_text(TREES_SIGNALS), "bench_trees")
    model = train(table, mapping, "trees", SEED)
    assert model.forest is not None
    scorer = scorer_of(model)
    assert scorer.forest is not None
    forest, text = scorer.forest, model.forest.text
    matrix, _ = matrix_of(table, scorer.signals, codes_of(model.categories))
    matrix = np.ascontiguousarray(matrix)
    trees = len(forest.trees)
    say(f"trees: {trees} trees, {(len(forest.nodes) / trees + 1) / 2:.1f} leaves each")
    rows = [table.row(place) for place in range(500)]
    count = 3000 if quick else 20000
    p50, p99 = single_us(lambda i: score_row(model, rows[i % 500]), count)
    say(f"trees, one raw row of {TREES_SIGNALS} texts: p50 {p50:.1f} us, p99 {p99:.1f} us")
    lines = [matrix[place : place + 1] for place in range(500)]
    bare, _ = single_us(lambda i: forest_sum(forest, lines[i % 500][0]), count)
    fast = lightgbm_single(text, TREES_SIGNALS)
    peer, _ = single_us(lambda i: fast(lines[i % 500]), count)
    booster = booster_of(text)
    slow, _ = single_us(lambda i: booster.predict(lines[i % 500], num_threads=1), 1000)
    assert [forest_sum(forest, line[0]) for line in lines] == [fast(x) for x in lines]
    say(
        f"trees, one float64 row to raw sum: ours {bare:.1f} us, LightGBM's C single-row call "
        f"{peer:.1f} us, Booster.predict {slow:.1f} us; equal to the last bit"
    )
    seconds = 0.5 if quick else 6.0
    ours = rows_per_cpu_s(lambda: score_matrix(scorer, matrix), len(matrix), seconds)
    walk = rows_per_cpu_s(lambda: forest_sums(forest, matrix), len(matrix), seconds)
    theirs = rows_per_cpu_s(
        lambda: booster.predict(matrix, raw_score=True, num_threads=1), len(matrix), seconds
    )
    say(
        f"trees, columns to score and pd: {ours:,.0f} rows/CPU-s (raw sums {walk:,.0f}, "
        f"LightGBM {theirs:,.0f}, ratio {walk / theirs:.2f})"
    )
    reasoned, _ = single_us(lambda i: score_row(model, rows[i % 500], reasons=4), 500)
    say(f"trees, one raw row with 4 reasons: p50 {reasoned:.1f} us")
    exact = rows_per_cpu_s(lambda: losses_of(scorer, matrix[:200]), 200, seconds)
    contrib = rows_per_cpu_s(lambda: raw_contributions(text, matrix[:200]), 200, seconds)
    say(f"trees, exact reasons: {exact:,.0f} rows/CPU-s (LightGBM pred_contrib {contrib:,.0f})")
    return {
        "single_row_us_trees": p50,
        "single_row_p99_us_trees": p99,
        "single_row_reasons_us_trees": reasoned,
        "single_row_us_trees_walk": bare,
        "single_row_us_lightgbm_c": peer,
        "single_row_us_lightgbm_predict": slow,
        "rows_per_cpu_s_trees": ours,
        "rows_per_cpu_s_trees_walk": walk,
        "rows_per_cpu_s_lightgbm": theirs,
        "rows_per_cpu_s_reasons_trees": exact,
        "rows_per_cpu_s_lightgbm_contrib": contrib,
    }


def bench_optbinning(say: Callable[[str], None]) -> float | None:
    """One row through optbinning's scorecard in microseconds; None where it is not installed."""
    if importlib.util.find_spec("optbinning") is None or importlib.util.find_spec("pandas") is None:
        say("optbinning is not installed: not measured")
        return None
    import optbinning
    import pandas
    from sklearn.linear_model import LogisticRegression

    table = make_table(6000, POINTS_SIGNALS)
    names = [f"c{place}" for place in range(POINTS_SIGNALS)]
    frame = pandas.DataFrame({n: [float(str(v)) for v in table.columns[n]] for n in names})
    outcome = np.array([int(str(value)) for value in table.columns["bad"]])
    card = optbinning.Scorecard(
        binning_process=optbinning.BinningProcess(names),
        estimator=LogisticRegression(),
        scaling_method="min_max",
        scaling_method_params={"min": 0, "max": 1000},
    )
    card.fit(frame, outcome)
    p50, _ = single_us(lambda i: card.score(frame.iloc[i % 500 : i % 500 + 1]), 100)
    say(f"optbinning {optbinning.__version__}, one DataFrame row: p50 {p50:.0f} us")
    return p50


def main() -> None:
    """Run the bench and print one flat JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 20 seconds")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    options = parser.parse_args()

    def say(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    figures: dict[str, float | None] = {}
    figures.update(bench_points(options.quick, say))
    figures.update(bench_trees(options.quick, say))
    figures["single_row_us_optbinning"] = bench_optbinning(say)
    rounded = {k: None if v is None else round(v, 2) for k, v in figures.items()}
    print(json.dumps(rounded, sort_keys=True))


if __name__ == "__main__":
    main()
