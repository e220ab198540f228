"""Five-fold figures of every family of models on the open credit sets, and of the champion.

`PUHUI_DATA=... python bench/models.py [--quick] [--json] [--set NAME] [--without FAMILY]`. Per set
and family: AUC and H-measure (prior Beta(1 + pi1, 1 + pi0)) of calibrated out-of-fold
probabilities, the same folds for all. `points`, `monotone`, `xgboost`, `ebm` and `champion` are
ours, served by our own kernels; lightgbm and catboost are yardsticks, and so is optbinning with
scikit-learn's logit; null where one is not installed. The champion is chosen by fit and profit on
inner folds of the other rows (five, at most 20,000 rows) in each outer fold, so its figure is of
rows that it was not chosen on. The mappings forbid what is known only afterwards. optbinning brings
solvers of 600 MB, so it is no part of the project's environment: a full run makes one of its own in
build/peers by uv, or takes the Python that PUHUI_OPTBINNING names. XGBoost, EBM and CatBoost are
found in build/models, where `make build/models/ready` puts them. EBM learns from at most 3,000 rows
of a fold (`--ebm-rows`), told as ebm_rows. `--quick` takes 400 rows of a set and two folds, no EBM.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from puhui.score import Table, study
from puhui.score.arrays.logit import fold_numbers
from puhui.score.arrays.metric import auc_of, h_measure_of
from puhui.score.arrays.vector import categories_of, codes_of, draw_sample, matrix_of
from puhui.score.engines.challenger import (
    INNER_FOLDS,
    TRAINERS,
    hold_nested,
    trainers_here,
)
from puhui.score.engines.lesson import Lesson

SEED = 20261127
SETS = {
    "german": ("germancredit.csv", "german_credit"),
    "sba_case": ("sba_case.csv", "sba_case"),
    "small_loans": ("small_loans_20k.csv", "small_loans"),
    "sba_national": ("sba_national_sample.csv", "sba_national"),
}
QUICK_ROWS = 400
EBM_ROWS = 3_000
MODELS = Path(__file__).resolve().parent.parent / "build" / "models"


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


PEER = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy, optbinning, pandas
from sklearn.linear_model import LogisticRegression
told = numpy.load(sys.argv[1], allow_pickle=True)
matrix, outcomes, numbers = told["matrix"], told["outcomes"], told["numbers"]
names = [f"s{place}" for place in range(matrix.shape[1])]
frame = pandas.DataFrame(matrix, columns=names)
pd = numpy.empty(len(outcomes))
for fold in range(int(numbers.max()) + 1):
    out = numbers == fold
    process = optbinning.BinningProcess(
        names, categorical_variables=[names[place] for place in told["places"]])
    card = optbinning.Scorecard(binning_process=process, estimator=LogisticRegression())
    card.fit(frame[~out], outcomes[~out])
    pd[out] = card.predict_proba(frame[out])[:, 1]
numpy.save(sys.argv[2], pd)
"""
"""What the Python beside ours runs: the same rows and folds, by optbinning's own ways."""
PEER_PIN = "optbinning==1.0.0"
PEER_SECONDS_MAX = 900


def peer_python() -> str | None:
    """A Python that has optbinning: named, made before, or made now; None where none can be."""
    if named := os.environ.get("PUHUI_OPTBINNING"):
        return named
    folder = Path(__file__).resolve().parent.parent / "build" / "peers"
    own = folder / "bin" / "python"
    if own.exists():
        return str(own)
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        return None
    make = [str(uv), "venv", "--quiet", "--python", sys.executable, str(folder)]
    install = [str(uv), "pip", "install", "--quiet", "--python", str(own), PEER_PIN]
    for command in (make, install):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"no optbinning: {done.stderr.strip()[-200:]}", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
            return None
    return str(own)


def optbinning_figures(lesson: Lesson, folds: int) -> tuple[float, float] | None:
    """AUC and H of optbinning's scorecard with scikit-learn's logit; None where it is not."""
    python = peer_python()
    if python is None:
        return None
    with tempfile.TemporaryDirectory(prefix="puhui-peer-") as name:
        given, answer = Path(name) / "in.npz", Path(name) / "out.npy"
        np.savez(
            given,
            matrix=lesson.matrix,
            outcomes=lesson.outcomes,
            numbers=fold_numbers(lesson.outcomes, folds, SEED),
            places=np.array(lesson.places(), dtype=np.int64),
        )
        command = [python, "-c", PEER, str(given), str(answer)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=PEER_SECONDS_MAX
        )
        if done.returncode:
            print(f"no optbinning: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        pd = np.load(answer)
    return auc_of(pd, lesson.outcomes), h_measure_of(pd, lesson.outcomes)


def main() -> None:
    """Run the bench and print one flat JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 20 seconds")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--set", choices=SETS, action="append", help="only this set")
    parser.add_argument("--without", choices=TRAINERS, action="append", help="not this family")
    parser.add_argument("--ebm-rows", type=int, default=EBM_ROWS, help="rows that EBM learns from")
    options = parser.parse_args()
    if "PUHUI_DATA" not in os.environ:
        print("PUHUI_DATA is not set: not measured", file=sys.stderr)
        print(json.dumps({}))
        return
    if (MODELS / "ready").exists():
        sys.path.append(str(MODELS))
    folder = Path(os.environ["PUHUI_DATA"]) / "credit"
    folds, rows_max = (2, QUICK_ROWS) if options.quick else (5, 10**9)
    here = trainers_here()
    if options.quick:
        here = tuple(name for name in here if name != "ebm")
    here = tuple(name for name in here if name not in (options.without or ()))
    figures: dict[str, Any] = {"folds": folds, "ebm_rows": options.ebm_rows}
    for name in options.set or SETS:
        file, mapping = SETS[name]
        lesson = lesson_of(folder / file, mapping, rows_max)
        figures |= measured(name, lesson, here, folds, options)
    print(json.dumps(figures, sort_keys=True))


def measured(
    name: str, lesson: Lesson, here: tuple[str, ...], folds: int, options: argparse.Namespace
) -> dict[str, Any]:
    """The figures of one set, told as they come."""

    def told(line: str) -> None:
        if not options.json:
            print(f"  {line}", flush=True)

    if not options.json:
        print(f"{name}: {len(lesson.outcomes):,} rows", flush=True)
    started = time.process_time()
    inner = 2 if options.quick else INNER_FOLDS
    few = {"ebm": options.ebm_rows}
    nested = hold_nested(
        lesson, here, folds=folds, inner=inner, seed=SEED, learn_rows_max=few, progress=told
    )
    found = {one.name: (one.auc, one.h) for one in (*nested.standings, nested.champion)}
    peer = None if options.quick else optbinning_figures(lesson, folds)
    found |= {"optbinning": peer} if peer else {}
    figures: dict[str, Any] = {}
    for family in (*TRAINERS, "champion", "optbinning"):
        auc, h = found.get(family, (None, None))
        figures[f"auc_{name}_{family}"] = None if auc is None else round(auc, 4)
        figures[f"h_{name}_{family}"] = None if h is None else round(h, 4)
    rest = [pair for family, pair in found.items() if family != "champion"]
    figures[f"auc_behind_{name}"] = round(max(a for a, _ in rest) - nested.champion.auc, 4)
    figures[f"h_behind_{name}"] = round(max(h for _, h in rest) - nested.champion.h, 4)
    figures[f"champion_{name}"] = ", ".join(sorted(set(nested.chosen)))
    figures[f"rows_{name}"] = len(lesson.outcomes)
    for one in (*nested.standings, nested.champion):
        told(
            f"{one.name:10} AUC {one.auc:.4f}  H {one.h:.4f}  log loss {one.log_loss:.4f}  "
            f"profit {one.profit_share:+.4f}"
        )
    if peer:
        told(f"optbinning AUC {peer[0]:.4f}  H {peer[1]:.4f}")
    told(
        f"champion behind the best by AUC {figures[f'auc_behind_{name}']:+.4f}, H "
        f"{figures[f'h_behind_{name}']:+.4f}; {time.process_time() - started:.1f} CPU-s"
    )
    return figures


if __name__ == "__main__":
    main()
