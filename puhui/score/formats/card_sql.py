"""A points card as one SQL query that DuckDB, SQLite and PostgreSQL answer alike."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.kernel.errors import Refused
from puhui.score.nouns import SCORE_MAX, Model, Signal, SignalPoints
from puhui.score.rules.card import pd_of_total
from puhui.score.rules.value import MISSING_TEXTS

LARGEST = "1.7976931348623157e308"
"""Above it lie only infinity and, in DuckDB and PostgreSQL, what is not a number."""


def card_sql(model: Model, table: str, *, key: str = "id") -> str:
    """The query that scores the rows of ``table`` with a card, to the last bit.

    The table has the column ``key`` and one column per signal, named as the signal: numbers, or
    texts for categories. Null, not a number and infinity count as missing; a number outside its
    signal's bounds makes points and pd null. The columns of the answer are ``key``, ``points``
    (0..1000) and ``pd`` (0..1). Refused: ``score.not_a_card`` for a model that is none.
    """
    if model.card is None:
        raise Refused("score.not_a_card", "Only a points card can be written as SQL.")
    pairs = list(zip(model.signals, model.card.signals, model.categories, strict=True))
    terms = "\n    + ".join(_term(*one) for one in pairs)
    totals = f"{model.card.start_points}\n    + {terms}" if pairs else str(model.card.start_points)
    low = model.card.start_points + sum(_worst(points) for _, points, _ in pairs)
    high = model.card.start_points + sum(points.best() for _, points, _ in pairs)
    chances = ",\n  ".join(
        f"({total}, {_number(pd_of_total(total, model.scale))})" for total in range(low, high + 1)
    )
    own, source = _quoted(key), ".".join(_quoted(part) for part in table.split("."))
    return (
        f"-- {model.name}, model {model.digest}\n"
        f"WITH chance(total, pd) AS (VALUES\n  {chances}\n),\n"
        f"added AS (\n  SELECT {own} AS own_key,\n    {totals} AS total\n  FROM {source}\n)\n"
        f"SELECT added.own_key AS {own},\n"
        f"  CASE WHEN added.total < 0 THEN 0 WHEN added.total > {SCORE_MAX} THEN {SCORE_MAX}"
        f" ELSE added.total END AS points,\n  chance.pd AS pd\n"
        f"FROM added LEFT JOIN chance ON chance.total = added.total\n"
    )


def _term(signal: Signal, points: SignalPoints, texts: Sequence[str]) -> str:
    """The points of one signal as a CASE."""
    column = _quoted(signal.name)
    if signal.kind == "category":
        missing = ", ".join(_text(one) for one in sorted(MISSING_TEXTS))
        whens = [f"{column} IS NULL OR LOWER(TRIM({column})) IN ({missing})"]
        found = [points.missing_points]
        for group, worth in enumerate(points.bin_points):
            own = [t for t, place in zip(texts, points.groups, strict=True) if place == group]
            if own:
                whens.append(f"TRIM({column}) IN ({', '.join(_text(one) for one in own)})")
                found.append(worth)
        return _case(whens, [str(one) for one in found], str(points.unseen_points))
    whens = [f"{column} IS NULL OR {column} > {_double(LARGEST)} OR {column} < -{_double(LARGEST)}"]
    worths = [str(points.missing_points)]
    bounds = (("<", signal.least), (">", signal.most))
    for sign, bound in bounds:
        if bound is not None:
            whens.append(f"{column} {sign} {_number(bound)}")
            worths.append("NULL")
    for value, worth in zip(signal.special, points.special_points, strict=True):
        whens.append(f"{column} = {_number(value)}")
        worths.append(str(worth))
    for edge, worth in zip(points.edges, points.bin_points, strict=False):
        whens.append(f"{column} <= {_number(edge)}")
        worths.append(str(worth))
    return _case(whens, worths, str(points.bin_points[-1]))


def _case(whens: Sequence[str], worths: Sequence[str], otherwise: str) -> str:
    lines = "".join(f" WHEN {w} THEN {v}" for w, v in zip(whens, worths, strict=True))
    return f"CASE{lines} ELSE {otherwise} END"


def _worst(points: SignalPoints) -> int:
    return min(
        *points.bin_points, *points.special_points, points.missing_points, points.unseen_points
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(value: float) -> str:
    """A float64 that every one of the three reads back to the last bit."""
    written = repr(float(value))
    return _double(written if "e" in written else f"{written}e0")


def _double(written: str) -> str:
    return f"CAST({written} AS DOUBLE PRECISION)"
