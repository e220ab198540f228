"""Names, texts and numbers as DuckDB, SQLite and PostgreSQL read them alike."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.score.nouns import Model, Signal
from puhui.score.rules.value import MISSING_TEXTS

LARGEST = "1.7976931348623157e308"
"""Above it lie only infinity and, in DuckDB and PostgreSQL, what is not a number."""


BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680" + (
    "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
"""What counts as blank around a text: TRIM by itself takes plain spaces alone, and a name that was
typed in Chinese may end with a wide one."""


def quoted(name: str) -> str:
    """A name of a column, or of one part of a table's."""
    return '"' + name.replace('"', '""') + '"'


def table_name(name: str) -> str:
    """A table's name, the parts before and after a dot apart."""
    return ".".join(quoted(part) for part in name.split("."))


def text(value: str) -> str:
    """A text."""
    return "'" + value.replace("'", "''") + "'"


def trimmed(signal: Signal) -> str:
    """A category's text without outer blanks."""
    return f"TRIM({quoted(signal.name)}, {text(BLANKS)})"


def heading(model: Model) -> str:
    """Comments on top of a query: which model, and which columns are made of which others."""
    lines = [f"{model.name}, model {model.digest}"]
    for signal in model.signals:
        if signal.operation != "copy":
            made = ", ".join(quoted(one) for one in signal.columns)
            more = "".join(f", {value}" for value in _settings(signal))
            lines.append(f"{quoted(signal.name)} is {signal.operation} of ({made}{more})")
    return "".join(f"-- {' '.join(line.split())}\n" for line in lines)


def _settings(signal: Signal) -> list[str]:
    """What an operation needs beside its columns."""
    if signal.operation in ("above", "prefix"):
        return [repr(signal.operand)]
    return [signal.date_format] if signal.operation in ("year", "years_between") else []


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
        return f"{column} IS NULL OR LOWER({trimmed(signal)}) IN ({marks})"
    return f"{column} IS NULL OR {column} > {double(LARGEST)} OR {column} < -{double(LARGEST)}"


def are_outside(signal: Signal) -> list[str]:
    """The conditions that a number lies outside its signal's bounds."""
    column = quoted(signal.name)
    bounds = (("<", signal.least), (">", signal.most))
    return [f"{column} {sign} {number(bound)}" for sign, bound in bounds if bound is not None]


def case(whens: Sequence[str], worths: Sequence[str], otherwise: str, *, of: str = "") -> str:
    """A CASE of conditions and what each is worth; with ``of`` of values that it may have."""
    lines = "".join(f" WHEN {w} THEN {v}" for w, v in zip(whens, worths, strict=True))
    return f"CASE {of}{lines} ELSE {otherwise} END"


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
