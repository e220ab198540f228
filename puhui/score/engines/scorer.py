"""Scoring with a trained model: one raw row or a whole table, equal to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.arrays.additive import (
    FlatAdditive,
    additive_parts,
    additive_sums,
    flatten_additive,
)
from puhui.score.arrays.card import FlatCard, card_totals, flatten, pds_of_totals
from puhui.score.arrays.contribution import contributions, paths_of
from puhui.score.arrays.forest import FlatForest, flatten_forest, forest_sum, forest_sums
from puhui.score.arrays.leaf_mask import finish_rows, leaf_masks_of, masked_sums
from puhui.score.arrays.vector import codes_of, matrix_of
from puhui.score.nouns import (
    SCORE_MAX,
    Mapping,
    Model,
    Row,
    Score,
    Scores,
    Signal,
    Table,
    pd_of,
    points_of,
)
from puhui.score.rules.card import (
    Adder,
    adders_of,
    card_losses,
    card_total,
    pd_of_total,
    reasons_of,
)
from puhui.score.rules.value import row_reader, signal_reader

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model made ready once: readers of its signals; its card, forest or tables laid flat.

    ``readers`` pair a column with the reader of its value, or None with a reader of the row.
    ``plain`` names the columns where every signal is a number without bounds, else is empty.
    """

    model: Model
    signals: tuple[Signal, ...]
    codes: tuple[dict[str, float], ...]
    readers: tuple[tuple[str | None, Callable[..., float]], ...]
    plain: tuple[str, ...]
    adders: tuple[Adder, ...]
    card: FlatCard | None
    forest: FlatForest | None
    additive: FlatAdditive | None
    finish: Callable[[float], tuple[int, float]]


SCORERS_MAX = 32
MANY_ROWS = 4_096
"""From so many rows on it pays to lay trees out as bits."""

_ready: dict[tuple[str, str], Scorer] = {}


def scorer_of(model: Model, mapping: Mapping | None = None) -> Scorer:
    """The model made ready to score rows as ``mapping`` names them (its own columns when None).

    A signal that the mapping does not declare counts as missing. The last few stay at hand, by
    digest. Refused: ``score.model_damaged``.
    """
    key = (model.digest, mapping.digest if mapping is not None else "")
    found = _ready.get(key)
    if found is None:
        assert model.digest, "a model without its digest"
        if len(_ready) >= SCORERS_MAX:
            _ready.clear()
        found = _ready[key] = make_scorer(model, mapping)
    return found


def make_scorer(model: Model, mapping: Mapping | None) -> Scorer:
    """Lay a model flat and make the readers of its signals. Refused: ``score.model_damaged``."""
    signals = model.signals
    if mapping is not None and mapping.digest != model.mapping_digest:
        named = {signal.name: signal for signal in mapping.signals}
        signals = tuple(_signal_in(signal, named.get(signal.name)) for signal in signals)
    codes = codes_of(model.categories)
    readers = tuple(
        (s.columns[0], signal_reader(s, codes[place]))
        if len(s.columns) == 1
        else (None, row_reader(s, codes[place]))
        for place, s in enumerate(signals)
    )
    card = flatten(model) if model.card is not None else None
    forest = None
    if model.forest is not None:
        forest = flatten_forest(model.forest.text, len(signals))
    additive = None
    if model.additive is not None:
        additive = flatten_additive(model.additive, len(signals))
    adders = adders_of(model) if model.card is not None else ()
    is_plain = all(
        s.operation == "copy" and s.kind == "number" and s.least is None and s.most is None
        for s in signals
    )
    plain = tuple(s.columns[0] for s in signals) if is_plain else ()
    return Scorer(
        model, signals, codes, readers, plain, adders, card, forest, additive, _finish(model)
    )


def _signal_in(own: Signal, other: Signal | None) -> Signal:
    """How another table gives one of the model's signals; missing where it does not."""
    if other is not None and other.kind == own.kind:
        return other
    return Signal(own.name, own.kind, "absent", (), own.title_zh, own.title_en)


def score_row(model: Model, row: Row, *, reasons: int = 0, mapping: Mapping | None = None) -> Score:
    """Score one raw row; ``reasons`` is how many reasons to give at most.

    Refused: ``score.bad_number``, ``score.bad_date``, ``score.out_of_range`` for a value that
    cannot be what its signal is. Missing values and categories never seen are scored.
    """
    scorer = scorer_of(model, mapping)
    values = (scorer.plain and _plain_values(scorer.plain, row)) or _values(scorer, row)
    if scorer.card is None:
        points, pd = scorer.finish(_raw_sum(scorer, values))
        if not reasons:
            return Score(points, pd)
        losses = losses_of(scorer, np.array([values]))[0].tolist()
        return Score(points, pd, reasons_of(model, losses, reasons))
    total = card_total(model, scorer.adders, values)
    points, pd = min(SCORE_MAX, max(0, total)), pd_of_total(total, model.scale)
    if not reasons:
        return Score(points, pd)
    return Score(points, pd, reasons_of(model, card_losses(model, values), reasons))


def _raw_sum(scorer: Scorer, values: list[float]) -> float:
    """The raw log-odds of one row by trees or additive tables."""
    if scorer.forest is not None:
        return forest_sum(scorer.forest, np.array(values))
    assert scorer.additive is not None, scorer.model.kind
    return float(additive_sums(scorer.additive, np.array([values]))[0])


def _values(scorer: Scorer, row: Row) -> list[float]:
    """Every signal of a raw row in the model's order, by the row rule."""
    get = row.get
    return [
        read(get(column)) if column is not None else read(row) for column, read in scorer.readers
    ]


def _plain_values(columns: tuple[str, ...], row: Row) -> list[float] | None:
    """The fast way for a row of plain finite numbers in texts; None where the rule must look."""
    get = row.get
    texts = [get(column) for column in columns]
    try:
        values = list(map(float, texts))  # type: ignore[arg-type]
        is_odd = "_" in "".join(texts)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    total = sum(values)
    return None if is_odd or total - total != 0.0 else values


def _finish(model: Model) -> Callable[[float], tuple[int, float]]:
    """How a raw sum of trees becomes points and a calibrated probability of default."""
    slope, intercept = model.calibration.slope, model.calibration.intercept
    factor, offset = model.scale.factor(), model.scale.offset()

    def finish(raw: float) -> tuple[int, float]:
        log_odds = slope * raw + intercept
        return points_of(log_odds, factor, offset), pd_of(log_odds)

    return finish


def score_table(model: Model, table: Table, *, mapping: Mapping | None = None) -> Scores:
    """Score every row of a table; a row whose values cannot be read is refused, others go on.

    Refused: ``score.column_missing`` where the table lacks a column of a signal.
    """
    scorer = scorer_of(model, mapping)
    matrix, refusals = matrix_of(table, scorer.signals, scorer.codes)
    points, pd = score_matrix(scorer, matrix)
    for refusal in refusals:
        points[refusal.row] = -1
        pd[refusal.row] = np.nan
    return Scores(points, pd, refusals)


def score_matrix(scorer: Scorer, matrix: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Points (n,) int64 and probabilities (n,) float64 of signal values (n, k) float64."""
    if scorer.card is not None:
        totals = card_totals(scorer.card, matrix)
        return np.clip(totals, 0, SCORE_MAX), pds_of_totals(scorer.model, totals)
    rows, model = np.ascontiguousarray(matrix), scorer.model
    calibration, scale = model.calibration, model.scale
    return finish_rows(
        raw_sums(scorer, rows),
        calibration.slope,
        calibration.intercept,
        scale.factor(),
        scale.offset(),
    )


def raw_sums(scorer: Scorer, rows: Floats) -> Floats:
    """Raw log-odds (n,) of signal values (n, k) by trees or additive tables."""
    if scorer.forest is None:
        assert scorer.additive is not None, scorer.model.kind
        return additive_sums(scorer.additive, rows)
    masks = None
    if len(rows) >= MANY_ROWS and scorer.model.forest is not None:
        masks = leaf_masks_of(scorer.model.forest.text, len(scorer.signals))
    return forest_sums(scorer.forest, rows) if masks is None else masked_sums(masks, rows)


def losses_of(scorer: Scorer, matrix: Floats) -> Floats:
    """Points lost per signal, (n, k) float64: against the best bin, or the average row.

    A card gives exact differences of its points; trees give their exact contributions to the
    log-odds (TreeSHAP), additive tables what they add, in points, positive where the signal
    lowered the score.
    """
    model = scorer.model
    if scorer.additive is not None:
        parts = additive_parts(scorer.additive, np.ascontiguousarray(matrix))
        return parts * (model.calibration.slope * model.scale.factor())
    if model.forest is None:
        losses = [card_losses(model, values) for values in matrix.tolist()]
        return np.array(losses, dtype=np.float64)
    found = contributions(paths_of(model.forest.text, len(model.signals)), matrix)
    return found * (model.calibration.slope * model.scale.factor())


def explain_table(
    model: Model, table: Table, rows: Sequence[int], *, reasons: int = 4,
    mapping: Mapping | None = None,
) -> tuple[Score, ...]:  # fmt: skip
    """Scores with reasons for some rows of a table, in the order of ``rows``.

    Refused: ``score.row_refused`` where a row cannot be scored.
    """
    part = table.take(rows)
    scorer = scorer_of(model, mapping)
    matrix, refusals = matrix_of(part, scorer.signals, scorer.codes)
    if refusals:
        raise Refused("score.row_refused", refusals[0].reason)
    points, pd = score_matrix(scorer, matrix)
    losses = losses_of(scorer, matrix)
    return tuple(
        Score(int(points[i]), float(pd[i]), reasons_of(model, losses[i].tolist(), reasons))
        for i in range(part.rows)
    )
