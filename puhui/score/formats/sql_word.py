"""Names, texts and numbers as DuckDB, SQLite and PostgreSQL read them alike."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.score.nouns import Signal
from puhui.score.rules.value import MISSING_TEXTS

LARGEST = "1.7976931348623157e308"
"""Above it lie only infinity and, in DuckDB and PostgreSQL, what is not a number."""


def quoted(name: str) -> str:
    """A name of a column, or of one part of a table's."""
    return '"' + name.replace('"', '""') + '"'


def table_name(name: str) -> str:
    """A table's name, the parts before and after a dot apart."""
    return ".".join(quoted(part) for part in name.split("."))


def text(value: str) -> str:
    """A text."""
    return "'" + value.replace("'", "''") + "'"


def finite(bound: float) -> float:
    """A bound that parts missing values from all others stands at the largest number."""
    largest = float(LARGEST)
    return min(largest, max(-largest, bound))


def plain(value: float) -> str:
    """A float64 with an exponent: a double in DuckDB and SQLite, exact digits in PostgreSQL."""
    written = repr(float(value))
    return written if "e" in written else f"{written}e0"


def double(written: str) -> str:
    """What is written, as a double everywhere."""
    return f"CAST({written} AS DOUBLE PRECISION)"


def number(value: float) -> str:
    """A float64 that every one of the three reads back to the last bit."""
    return double(plain(value))


def is_missing(signal: Signal) -> str:
    """The condition that a signal's column holds no value: null, not a number, infinity, a mark."""
    column = quoted(signal.name)
    if signal.kind == "category":
        marks = ", ".join(text(one) for one in sorted(MISSING_TEXTS))
        return f"{column} IS NULL OR LOWER(TRIM({column})) IN ({marks})"
    return f"{column} IS NULL OR {column} > {double(LARGEST)} OR {column} < -{double(LARGEST)}"


def are_outside(signal: Signal) -> list[str]:
    """The conditions that a number lies outside its signal's bounds."""
    column = quoted(signal.name)
    bounds = (("<", signal.least), (">", signal.most))
    return [f"{column} {sign} {number(bound)}" for sign, bound in bounds if bound is not None]


def case(whens: list[str], worths: list[str], otherwise: str) -> str:
    """A CASE of conditions and what each is worth."""
    lines = "".join(f" WHEN {w} THEN {v}" for w, v in zip(whens, worths, strict=True))
    return f"CASE{lines} ELSE {otherwise} END"


def one_of(column: str, codes: Sequence[int]) -> str:
    """The condition that a column holds one of some ascending whole numbers, run by run.

    Not by IN: DuckDB makes a join of every list of more than a few, a hundred times as slow.
    """
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return " OR ".join(
        f"{column} = {first}" if first == last else f"{column} BETWEEN {first} AND {last}"
        for first, last in runs
    )
