"""Is every value what the mapping says its column holds? Column by column, for many rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from puhui.intake.read.number import AMOUNT_MAX, is_missing, number_of
from puhui.intake.read.row import RefusedRow, refuse_row
from puhui.score import study

Floats = NDArray[np.float64]
NUMBER_OPERATIONS = ("copy", "ratio", "sum", "difference", "above")
SAS_DAYS_MAX = 2_900_000


@dataclass(frozen=True, slots=True)
class Checks:
    """What a mapping asks of the columns of its file.

    ``amounts`` may not be negative; ``asked`` must also be there and above nought. Of ``told``,
    the columns of the signals, one at least must hold something.
    """

    needed: tuple[str, ...]
    required: tuple[str, ...]
    asked: str
    numbers: tuple[str, ...]
    amounts: frozenset[str]
    dates: tuple[tuple[str, str], ...]
    told: tuple[str, ...]
    bounded: tuple[study.Signal, ...]


def checks_of(mapping: study.Mapping) -> Checks:
    """The checks that follow from a mapping."""
    signals = [one for one in mapping.signals if one.columns]
    counted = [
        one for one in signals if one.kind == "number" and one.operation in NUMBER_OPERATIONS
    ]
    told = dict.fromkeys(column for signal in signals for column in signal.columns)
    asked = mapping.amount.column
    amounts = [asked] if asked else []
    amounts += [one.column for one in (*mapping.guards, *mapping.loss) if one.column]
    numbers = dict.fromkeys(column for signal in counted for column in signal.columns)
    numbers |= dict.fromkeys([*amounts, *filter(None, [mapping.term.column])])
    if mapping.split.rule == "at_most":
        numbers |= dict.fromkeys(mapping.split.columns)
    dates = {c: s.date_format for s in signals if s.date_format for c in s.columns}
    if mapping.date_column:
        dates[mapping.date_column] = mapping.date_format
    required = [column for column in (mapping.id_column, asked) if column]
    needed = [*required, *told, *numbers, *dates, mapping.target.column, *mapping.split.columns]
    bounded = [one for one in counted if one.least is not None or one.most is not None]
    return Checks(
        needed=tuple(dict.fromkeys(needed)),
        required=tuple(required),
        asked=asked,
        numbers=tuple(numbers),
        amounts=frozenset(amounts),
        dates=tuple(dates.items()),
        told=tuple(told),
        bounded=tuple(bounded),
    )


class Checker:
    """Checks rows of texts in header order and names the first thing wrong with each bad one."""

    def __init__(self, checks: Checks, columns: Sequence[str]) -> None:
        self._checks = checks
        self._places = {name: place for place, name in enumerate(columns)}

    def refuse(self, starts: Sequence[int], rows: list[list[str]]) -> dict[int, RefusedRow]:
        """The bad rows by their place in ``rows``, each with the first reason found."""
        found: dict[int, RefusedRow] = {}
        if not rows:
            return found
        turned = list(zip(*rows, strict=True))
        texts = {name: turned[place] for name, place in self._places.items()}

        def mark(places: Sequence[int] | NDArray[np.intp], code: str, column: str) -> None:
            for place in map(int, places):
                if place not in found:
                    found[place] = refuse_row(starts[place], code, column=column)

        for column in self._checks.required:
            values = texts[column]
            if not all(values) or any(map(is_missing, set(values))):
                mark([i for i, v in enumerate(values) if is_missing(v)], "missing_field", column)
        self._mark_empty(texts, mark)
        arrays = {column: self._numbers(column, texts, mark) for column in self._checks.numbers}
        for signal in self._checks.bounded:
            values_of = derive(signal, [arrays[column] for column in signal.columns])
            least = -math.inf if signal.least is None else signal.least
            most = math.inf if signal.most is None else signal.most
            outside = np.flatnonzero((values_of < least) | (values_of > most))
            mark(outside, "out_of_range", " / ".join(signal.columns))
        for column, written in self._checks.dates:
            good: dict[str, bool] = {}
            for value in set(texts[column]):
                good[value] = is_date(value, written)
            if not all(good.values()):
                wrong = [i for i, value in enumerate(texts[column]) if not good[value]]
                mark(wrong, "bad_date", column)
        return found

    def _mark_empty(
        self, texts: dict[str, tuple[str, ...]], mark: Callable[[list[int], str, str], None]
    ) -> None:
        """Mark rows that tell nothing at all in the columns of the signals."""
        told = self._checks.told
        if not told:
            return
        places: list[int] | None = None
        for column in told:
            values = texts[column]
            among = range(len(values)) if places is None else places
            places = [place for place in among if is_missing(values[place])]
            if not places:
                return
        mark(places or [], "missing_field", ", ".join(told))

    def _numbers(
        self,
        column: str,
        texts: dict[str, tuple[str, ...]],
        mark: Callable[[Sequence[int] | NDArray[np.intp], str, str], None],
    ) -> Floats:
        """A column's numbers, not a number where missing or wrong; wrong ones are marked."""
        numbers, wrong = numbers_of(texts[column])
        mark(wrong, "not_a_number", column)
        if column in self._checks.amounts:
            mark(np.flatnonzero(numbers < 0), "negative_amount", column)
            mark(np.flatnonzero(numbers >= AMOUNT_MAX), "out_of_range", column)
        if column == self._checks.asked:
            mark(np.flatnonzero(numbers < 0.005), "amount_not_positive", column)
        return numbers


def numbers_of(values: Sequence[str]) -> tuple[Floats, list[int]]:
    """The numbers of a column (n,) float64, and the places that hold no number."""
    if "_" not in "".join(values):
        try:
            fast = np.array([float(value or "nan") for value in values], dtype=np.float64)
        except ValueError:
            pass
        else:
            if not np.isinf(fast).any():
                return fast, []
    found = np.empty(len(values), dtype=np.float64)
    wrong: list[int] = []
    known: dict[str, float | None] = {}
    for place, value in enumerate(values):
        if value not in known:
            known[value] = _number_or_none(value)
        number = known[value]
        if number is None:
            wrong.append(place)
        found[place] = math.nan if number is None else number
    return found, wrong


def _number_or_none(text: str) -> float | None:
    try:
        return number_of(text)
    except ValueError:
        return None


def derive(signal: study.Signal, columns: list[Floats]) -> Floats:
    """A signal's numbers from those of its columns, as the score room derives them."""
    match signal.operation:
        case "ratio":
            upper, lower = columns
            divided = np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower != 0)
            return np.asarray(divided, dtype=np.float64)
        case "sum":
            return np.asarray(np.sum(columns, axis=0), dtype=np.float64)
        case "difference":
            return np.asarray(columns[0] - columns[1], dtype=np.float64)
        case "above":
            above = (columns[0] > signal.operand).astype(np.float64)
            return np.where(np.isnan(columns[0]), np.nan, above)
    return columns[0]


def is_date(text: str, written: str) -> bool:
    """Whether a text is missing or a day in the declared form: iso, us or sas_days."""
    cleaned = text.strip()
    if is_missing(cleaned):
        return True
    try:
        if written == "iso":
            date.fromisoformat(cleaned[:10])
        elif written == "us":
            month, day, year = cleaned.split("/")
            date(int(year), int(month), int(day))
        else:
            return abs(number_of(cleaned)) <= SAS_DAYS_MAX // 8
    except (ValueError, OverflowError):
        return False
    return True
