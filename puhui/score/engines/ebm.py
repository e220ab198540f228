"""The explainable boosting machine, imported where it is used: learned here, served without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.score.nouns import Additive, AdditiveAxis, AdditiveTerm, Signal

Floats = NDArray[np.float64]

SIDES = {"up": 1, "down": -1}
SETTINGS: dict[str, Any] = {"outer_bags": 4, "interactions": 6, "max_rounds": 2000}


def fit_machine(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    seed: int,
    weights: Floats | None = None,
) -> Any:
    """Learn from ``matrix`` (n, k), categories as codes, and ``outcomes`` (n,); one thread.

    The curve of a number that a mapping declares up or down keeps that direction; the library
    leaves such a signal out of pairs, so the whole sum keeps it. A test holds that.
    """
    import warnings

    from interpret.glassbox import ExplainableBoostingClassifier

    machine = ExplainableBoostingClassifier(
        feature_names=[f"s{place}" for place in range(len(signals))],
        feature_types=["nominal" if s.kind == "category" else "continuous" for s in signals],
        monotone_constraints=[SIDES.get(s.direction, 0) for s in signals],
        n_jobs=1,
        random_state=seed,
        **SETTINGS,
    )
    with warnings.catch_warnings():  # it cannot draw missing values; we read its tables instead
        warnings.simplefilter("ignore", UserWarning)
        return machine.fit(
            table_of(matrix, signals), outcomes.astype(np.int64), sample_weight=weights
        )


def table_of(matrix: Floats, signals: Sequence[Signal]) -> Any:
    """Values as the library takes them: codes as texts, missing ones as None."""
    columns = np.empty(matrix.shape, dtype=object)
    for place, signal in enumerate(signals):
        values = matrix[:, place]
        columns[:, place] = (
            [None if v != v else str(int(v)) for v in values.tolist()]
            if signal.kind == "category"
            else values
        )
    return columns


def raw_sums(machine: Any, matrix: Floats, signals: Sequence[Signal]) -> Floats:
    """Raw log-odds (n,) as the library itself adds them."""
    found = machine.decision_function(table_of(matrix, signals))
    return np.asarray(found, dtype=np.float64)


def additive_of(
    machine: Any, signals: Sequence[Signal], categories: Sequence[Sequence[str]]
) -> Additive:
    """The tables of a fitted machine, exactly; a category is found by its code."""
    terms = []
    for places, scores in zip(machine.term_features_, machine.term_scores_, strict=True):
        axes = []
        for axis, place in enumerate(places):
            levels = machine.bins_[place]
            found = levels[min(len(levels), len(places)) - 1]
            size = int(scores.shape[axis])
            if signals[place].kind == "category":
                own = tuple(int(found.get(str(c), size - 1)) for c in range(len(categories[place])))
                axes.append(AdditiveAxis(int(place), size, True, (), own))
            else:
                edges = tuple(float(edge) for edge in found)
                axes.append(AdditiveAxis(int(place), size, False, edges, ()))
        flat = tuple(float(score) for score in np.asarray(scores, dtype=np.float64).ravel())
        terms.append(AdditiveTerm(tuple(axes), flat))
    return Additive(float(np.ravel(machine.intercept_)[0]), tuple(terms))


def fit_additive(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    categories: Sequence[Sequence[str]],
    seed: int,
    weights: Floats | None = None,
) -> Additive:
    """Learn an additive model and read its tables."""
    return additive_of(fit_machine(matrix, outcomes, signals, seed, weights), signals, categories)
