"""A points card as one SQL query that DuckDB, SQLite and PostgreSQL answer alike."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.kernel.errors import Refused
from puhui.score.formats.sql_word import (
    are_outside,
    case,
    heading,
    is_missing,
    number,
    quoted,
    table_name,
    text,
    trimmed,
)
from puhui.score.nouns import SCORE_MAX, Model, Signal, SignalPoints
from puhui.score.rules.card import pd_of_total


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
        f"({total}, {number(pd_of_total(total, model.scale))})" for total in range(low, high + 1)
    )
    own, source = quoted(key), table_name(table)
    return (
        f"{heading(model)}WITH chance(total, pd) AS (VALUES\n  {chances}\n),\n"
        f"added AS (\n  SELECT {own} AS own_key,\n    {totals} AS total\n  FROM {source}\n)\n"
        f"SELECT added.own_key AS {own},\n"
        f"  CASE WHEN added.total < 0 THEN 0 WHEN added.total > {SCORE_MAX} THEN {SCORE_MAX}"
        f" ELSE added.total END AS points,\n  chance.pd AS pd\n"
        f"FROM added LEFT JOIN chance ON chance.total = added.total\n"
    )


def _term(signal: Signal, points: SignalPoints, texts: Sequence[str]) -> str:
    """The points of one signal as a CASE."""
    column, whens, worths = quoted(signal.name), [is_missing(signal)], [str(points.missing_points)]
    if signal.kind == "category":
        for group, worth in enumerate(points.bin_points):
            own = [t for t, place in zip(texts, points.groups, strict=True) if place == group]
            if own:
                whens.append(f"{trimmed(signal)} IN ({', '.join(text(one) for one in own)})")
                worths.append(str(worth))
        return case(whens, worths, str(points.unseen_points))
    for outside in are_outside(signal):
        whens.append(outside)
        worths.append("NULL")
    for value, worth in zip(signal.special, points.special_points, strict=True):
        whens.append(f"{column} = {number(value)}")
        worths.append(str(worth))
    for edge, worth in zip(points.edges, points.bin_points, strict=False):
        whens.append(f"{column} <= {number(edge)}")
        worths.append(str(worth))
    return case(whens, worths, str(points.bin_points[-1]))


def _worst(points: SignalPoints) -> int:
    return min(
        *points.bin_points, *points.special_points, points.missing_points, points.unseen_points
    )
