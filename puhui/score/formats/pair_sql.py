"""Pairs of categories in SQL: the share of bads of the two that a row has."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.score.arrays.pair import Pair
from puhui.score.formats.sql_word import case, number


def pairs_step(pairs: Sequence[Pair], signals: int, source: str) -> str:
    """The query that adds to ``source`` a column of shares for every pair, after ``signals``.

    A missing category is null in ``source`` and has the code after the last; one that was never
    seen is -1, and its pairs have the share of those never seen.
    """
    keys, shares = [], []
    for place, pair in enumerate(pairs, signals):
        one, other = f"s{pair.one}", f"s{pair.other}"
        key = f"COALESCE({one}, {pair.ones}) * {pair.others + 1} + COALESCE({other}, {pair.others})"
        keys.append(f"    {case([f'{one} < 0 OR {other} < 0'], ['-1'], key)} AS k{place}")
        found = list(zip(pair.keys.tolist(), pair.shares.tolist(), strict=True))
        shares.append(f"    {_search(f'k{place}', found, number(pair.rest))} AS s{place}")
    asked = f"  SELECT {source}.*,\n" + ",\n".join(keys) + f"\n  FROM {source}"
    return "  SELECT keyed.*,\n" + ",\n".join(shares) + f"\n  FROM (\n{asked}\n  ) AS keyed"


def _search(column: str, found: Sequence[tuple[int, float]], rest: str) -> str:
    """A search by halves among ascending keys."""
    if len(found) == 1:
        key, share = found[0]
        return case([f"{column} = {key}"], [number(share)], rest)
    middle = len(found) // 2
    below, above = _search(column, found[:middle], rest), _search(column, found[middle:], rest)
    return case([f"{column} < {found[middle][0]}"], [below], above)
