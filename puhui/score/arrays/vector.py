"""A table of raw values turned into float64 columns, value by value equal to the row rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Keyed

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.nouns import Mapping, RowRefusal, Sample, Signal, Table, Value
from puhui.score.rules.split import hash_share
from puhui.score.rules.value import MISSING, read_number, read_text, signal_reader, text_reader

Codes = Sequence[Keyed[str, float]]


def codes_of(categories: Iterable[Sequence[str]]) -> tuple[dict[str, float], ...]:
    """Code by category text, per signal, in the order a model stores them."""
    return tuple({text: float(code) for code, text in enumerate(texts)} for texts in categories)


def plain_numbers(values: Sequence[Value]) -> NDArray[np.float64] | None:
    """The fast way for columns of plain finite numbers; None where the row rule must look.

    What it returns equals ``read_number`` value by value (float() reads both).
    """
    if any(type(value) is str and "_" in value for value in values):
        return None
    try:
        numbers = np.array(list(map(float, values)), dtype=np.float64)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers + 0.0 if bool(np.isfinite(numbers).all()) else None


def column_of(table: Table, name: str) -> tuple[Value, ...]:
    """A column's raw values. Refused: ``score.column_missing`` where the table lacks it."""
    if name not in table.columns:
        raise Refused("score.column_missing", f"The table has no column {name!r}.")
    return table.columns[name]


def signal_column(
    table: Table, signal: Signal, codes: Keyed[str, float]
) -> tuple[NDArray[np.float64], tuple[RowRefusal, ...]]:
    """One signal of every row, (n,) float64, and the rows whose value was refused."""
    columns = [column_of(table, name) for name in signal.columns]
    if signal.operation == "copy" and signal.kind == "number":
        fast = plain_numbers(columns[0])
        bounded = fast is not None and (signal.least is not None or signal.most is not None)
        if fast is not None and not (bounded and _is_outside(fast, signal)):
            return fast, ()
    read = signal_reader(signal, codes)
    if not columns:
        return np.full(table.rows, read(), dtype=np.float64), ()
    found = np.empty(table.rows, dtype=np.float64)
    refusals = []
    for index, values in enumerate(zip(*columns, strict=True)):
        try:
            found[index] = read(*values)
        except Refused as no:
            found[index] = MISSING
            refusals.append(RowRefusal(index, no.code, f"{signal.name}: {no.reason}"))
    return found, tuple(refusals)


def _is_outside(numbers: NDArray[np.float64], signal: Signal) -> bool:
    if not len(numbers):
        return False
    too_low = signal.least is not None and float(numbers.min()) < signal.least
    too_high = signal.most is not None and float(numbers.max()) > signal.most
    return too_low or too_high


def matrix_of(
    table: Table, signals: Sequence[Signal], codes: Codes
) -> tuple[NDArray[np.float64], tuple[RowRefusal, ...]]:
    """All signals of a table, (n, k) float64 row by row, and the first refusal of each bad row.

    Refused: ``score.column_missing`` where the table lacks a column.
    """
    matrix = np.empty((table.rows, len(signals)), dtype=np.float64)
    refusals: dict[int, RowRefusal] = {}
    for place, signal in enumerate(signals):
        matrix[:, place], refused = signal_column(table, signal, codes[place])
        for refusal in refused:
            refusals.setdefault(refusal.row, refusal)
    return matrix, tuple(refusals[row] for row in sorted(refusals))


def categories_of(table: Table, signal: Signal, rows: Iterable[int]) -> tuple[str, ...]:
    """The categories that ``rows`` show of a signal, sorted; empty for a number."""
    if signal.kind != "category" or not signal.columns:
        return ()
    read = text_reader(signal)
    (values,) = (column_of(table, name) for name in signal.columns)
    return tuple(sorted({read(values[row]) for row in rows} - {""}))


def draw_sample(table: Table, mapping: Mapping) -> Sample:
    """Read the outcome of every row and split the labelled ones by the mapping's rule.

    Refused: ``score.column_missing``; ``score.bad_number`` in an "at_most" split column.
    """
    outcomes = [read_text(value) for value in column_of(table, mapping.target.column)]
    worth = {**dict.fromkeys(mapping.target.good, 0.0), **dict.fromkeys(mapping.target.bad, 1.0)}
    is_bad = np.array([worth.get(text, MISSING) for text in outcomes], dtype=np.float64)
    is_labelled = ~np.isnan(is_bad)
    split = mapping.split
    if split.rule == "equals":
        (values,) = (column_of(table, name) for name in split.columns)
        chosen = np.array([read_text(value) == split.value for value in values], dtype=np.bool_)
    elif split.rule == "at_most":
        (values,) = (column_of(table, name) for name in split.columns)
        bound = float(split.value)
        chosen = np.array([read_number(value) <= bound for value in values], dtype=np.bool_)
    else:
        keys = [column_of(table, name) for name in split.columns or tuple(table.columns)]
        shares = [hash_share(split.salt, values) for values in zip(*keys, strict=True)]
        chosen = np.array(shares, dtype=np.float64) < split.share
    return Sample(is_bad, chosen & is_labelled, ~chosen & is_labelled)
