"""Five-fold figures of every family of models on the open credit sets, and of the champion.

`PUHUI_DATA=... python bench/models.py [--quick] [--json]`. Per set and family: AUC and H-measure
(prior Beta(1 + pi1, 1 + pi0)) of calibrated out-of-fold probabilities, the same folds for all.
`points` and `champion` are ours; lightgbm, xgboost, catboost, ebm and optbinning are the libraries
on the same signals, null where they are not installed. The mappings forbid what is known only
afterwards. The champion is chosen on the same folds that it is shown on, among seven: its figure
is a little kind. `--quick` takes 400 rows of a set and two folds, small enough to see it run.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from puhui.score import Table, study
from puhui.score.arrays.logit import fold_numbers
from puhui.score.arrays.metric import auc_of, h_measure_of
from puhui.score.arrays.vector import categories_of, codes_of, draw_sample, matrix_of
from puhui.score.engines.challenger import (
    BLEND,
    TRAINERS,
    Lesson,
    champion_of,
    hold_contest,
    trainers_here,
)

SEED = 20261127
SETS = {
    "german": ("germancredit.csv", "german_credit"),
    "sba_case": ("sba_case.csv", "sba_case"),
    "small_loans": ("small_loans_20k.csv", "small_loans"),
    "sba_national": ("sba_national_sample.csv", "sba_national"),
}
QUICK_ROWS = 400


def lesson_of(path: Path, mapping_name: str, rows_max: int) -> Lesson:
    """All labelled rows of a set, at most ``rows_max`` of them by a seeded draw."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        names, *rows = list(csv.reader(stream))
    table, mapping = Table.of_rows(names, rows), study.read_mapping(mapping_name)
    sample = draw_sample(table, mapping)
    kept = np.flatnonzero(sample.is_train | sample.is_test)
    if len(kept) > rows_max:
        kept = np.sort(np.random.default_rng(SEED).choice(kept, rows_max, replace=False))
    part = table.take(kept)
    signals = tuple(s for s in mapping.signals if s.operation not in ("absent", "stated"))
    categories = tuple(categories_of(part, one, range(part.rows)) for one in signals)
    matrix, refusals = matrix_of(part, signals, codes_of(categories))
    usable = np.ones(part.rows, dtype=np.bool_)
    usable[[one.row for one in refusals]] = False
    return Lesson(matrix, sample.is_bad[kept], signals, categories).take(usable)


def optbinning_figures(lesson: Lesson, folds: int) -> tuple[float, float] | None:
    """AUC and H of optbinning's scorecard with scikit-learn's logit; None where not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("optbinning", "pandas", "sklearn")):
        return None
    import optbinning
    import pandas
    from sklearn.linear_model import LogisticRegression

    names = [one.name for one in lesson.signals]
    frame: Any = pandas.DataFrame(lesson.matrix, columns=names)
    numbers = fold_numbers(lesson.outcomes, folds, SEED)
    pd = np.empty(len(lesson.outcomes))
    for fold in range(folds):
        out = numbers == fold
        process = optbinning.BinningProcess(
            names, categorical_variables=[names[place] for place in lesson.places()]
        )
        card = optbinning.Scorecard(binning_process=process, estimator=LogisticRegression())
        card.fit(frame[~out], lesson.outcomes[~out])
        pd[out] = card.predict_proba(frame[out])[:, 1]
    return auc_of(pd, lesson.outcomes), h_measure_of(pd, lesson.outcomes)


def main() -> None:
    """Run the bench and print one flat JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 20 seconds")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--set", choices=SETS, action="append", help="only this set")
    options = parser.parse_args()
    if "PUHUI_DATA" not in os.environ:
        print("PUHUI_DATA is not set: not measured", file=sys.stderr)
        print(json.dumps({}))
        return
    folder = Path(os.environ["PUHUI_DATA"]) / "credit"
    folds, rows_max = (2, QUICK_ROWS) if options.quick else (5, 10**9)
    here = trainers_here()
    if options.quick:
        here = tuple(name for name in here if name != "ebm")
    figures: dict[str, Any] = {"folds": folds}
    for name in options.set or SETS:
        file, mapping = SETS[name]
        lesson = lesson_of(folder / file, mapping, rows_max)
        started = time.process_time()
        standings = hold_contest(lesson, here, folds=folds, seed=SEED)
        champion = champion_of(standings)
        found = {one.name: (one.auc, one.h) for one in standings}
        found["champion"] = (champion.auc, champion.h)
        peer = None if options.quick else optbinning_figures(lesson, folds)
        found |= {"optbinning": peer} if peer else {}
        for family in (*TRAINERS, BLEND, "champion", "optbinning"):
            auc, h = found.get(family, (None, None))
            figures[f"auc_{name}_{family}"] = None if auc is None else round(auc, 4)
            figures[f"h_{name}_{family}"] = None if h is None else round(h, 4)
        figures[f"champion_{name}"] = champion.name
        figures[f"rows_{name}"] = len(lesson.outcomes)
        if not options.json:
            spent = time.process_time() - started
            print(f"{name}: {len(lesson.outcomes):,} rows, {spent:.1f} CPU-s", flush=True)
            for one in standings:
                mark = " <- champion" if one is champion else ""
                print(
                    f"  {one.name:10} AUC {one.auc:.4f}  H {one.h:.4f}  log loss "
                    f"{one.log_loss:.4f}  profit {one.profit_share:+.4f}{mark}",
                    flush=True,
                )
            if peer:
                print(f"  optbinning AUC {peer[0]:.4f}  H {peer[1]:.4f}", flush=True)
    print(json.dumps(figures, sort_keys=True))


if __name__ == "__main__":
    main()
