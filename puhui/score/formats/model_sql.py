"""Trees and additive tables as one SQL query that DuckDB, SQLite and PostgreSQL answer alike.

Leaves and terms are added in the order of our kernels, in double precision, so the raw log-odds
are those of the kernels to the last bit; EXP is the database's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from puhui.score.arrays.forest import FlatForest, flatten_forest
from puhui.score.formats.card_sql import card_sql
from puhui.score.formats.pair_sql import pairs_step
from puhui.score.formats.sql_word import (
    LARGEST,
    are_outside,
    case,
    double,
    finite,
    heading,
    is_missing,
    number,
    one_of,
    plain,
    quoted,
    table_name,
    text,
    trimmed,
)
from puhui.score.nouns import SCORE_MAX, AdditiveAxis, AdditiveTerm, Model

TERMS_MAX = 250
"""Terms added in one step: databases bound how deep an expression may be."""
RUNS_MAX = 3
"""A set of categories of more runs of codes than that is asked for by its place among all sets."""

Sets = dict[int, dict[tuple[int, ...], int]]
"""By signal the sets of codes that are asked of it, and the place of each, from 1."""


def model_sql(model: Model, table: str, *, key: str = "id") -> str:
    """The query that scores the rows of ``table`` with a model of any kind.

    The table has the column ``key`` and one column per signal, named as the signal: numbers, or
    texts for categories. Null, not a number and infinity count as missing; a number outside its
    signal's bounds makes points and pd null. The columns of the answer are ``key``, ``points``
    (0..1000) and ``pd`` (0..1). A card is written as ``card_sql`` does and asks no function of
    the database; the others ask for EXP and FLOOR (SQLite 3.35 or newer, with its functions).
    """
    if model.card is not None:
        return card_sql(model, table, key=key)
    steps = [f"told AS MATERIALIZED (\n{_told(model, table, key)}\n)"]
    sets: Sets = {}
    forest = None
    if model.forest is not None:
        forest = flatten_forest(model.forest.text, len(model.signals))
    start, terms = _terms(model, forest, sets)
    source, total, count = "told", number(start), 0
    if forest is not None and forest.pairs:
        paired = pairs_step(forest.pairs, len(model.signals), source)
        steps.append(f"paired AS MATERIALIZED (\n{paired}\n)")
        source = "paired"
    if sets:
        steps.append(f"known AS MATERIALIZED (\n{_known(model, sets, source)}\n)")
        source = "known"
    for count, first in enumerate(range(0, len(terms), TERMS_MAX), start=1):
        added = "\n    + ".join((total, *terms[first : first + TERMS_MAX]))
        steps.append(
            f"sum_{count} AS MATERIALIZED (\n  SELECT {source}.*,\n    {added} AS raw_{count}\n"
            f"  FROM {source}\n)"
        )
        source, total = f"sum_{count}", f"raw_{count}"
    slope, intercept = model.calibration.slope, model.calibration.intercept
    steps.append(
        f"odds AS MATERIALIZED (\n  SELECT own_key, is_outside,"
        f" {number(slope)} * {total} + {number(intercept)} AS log_odds\n  FROM {source}\n)"
    )
    return f"{heading(model)}WITH " + ",\n".join(steps) + _asked(model, key)


def _told(model: Model, table: str, key: str) -> str:
    """The values that the terms look at: numbers, codes of categories, null where missing."""
    columns, outside = [], []
    for place, signal in enumerate(model.signals):
        column = quoted(signal.name)
        if signal.kind == "category":
            texts = [text(one) for one in model.categories[place]]
            codes = [str(code) for code in range(len(texts))]
            code = case(texts, codes, "-1", of=trimmed(signal)) if texts else "-1"
            value = case([is_missing(signal)], ["NULL"], code)
        else:
            value = case([is_missing(signal)], ["NULL"], double(column))
            finite = f"{column} BETWEEN -{double(LARGEST)} AND {double(LARGEST)}"
            outside += [f"({one} AND {finite})" for one in are_outside(signal)]
        columns.append(f"    {value} AS s{place}")
    is_outside = case([" OR ".join(outside)], ["1"], "0") if outside else "0"
    columns.append(f"    {is_outside} AS is_outside")
    named = ",\n".join((f"  SELECT {quoted(key)} AS own_key", *columns))
    return f"{named}\n  FROM {table_name(table)}"


def _known(model: Model, sets: Sets, source: str) -> str:
    """Of every category that many sets are asked of: for each set 1 where it is in, 0 elsewhere."""
    columns = []
    for signal, places in sorted(sets.items()):
        own = [frozenset(codes) for codes in places]
        whens, worths = [f"s{signal} IS NULL"], ["NULL"]
        for code in range(len(model.categories[signal])):
            whens.append(f"s{signal} = {code}")
            worths.append(text("".join("1" if code in codes else "0" for codes in own)))
        columns.append(f"    {case(whens, worths, text('0' * len(own)))} AS g{signal}")
    return f"  SELECT {source}.*,\n" + ",\n".join(columns) + f"\n  FROM {source}"


def _asked(model: Model, key: str) -> str:
    offset, factor = number(model.scale.offset()), number(model.scale.factor())
    exact = f"{offset} - {factor} * log_odds + {number(0.5)}"
    points = case(
        [f"{exact} <= 0", f"{exact} >= {SCORE_MAX + 1}"], ["0", str(SCORE_MAX)],
        f"CAST(FLOOR({exact}) AS INTEGER)",
    )  # fmt: skip
    chance = case(
        ["log_odds >= 0"],
        [f"{number(1)} / ({number(1)} + EXP(-log_odds))"],
        f"EXP(log_odds) / ({number(1)} + EXP(log_odds))",
    )
    return (
        f"\nSELECT own_key AS {quoted(key)},\n"
        f"  CASE WHEN is_outside = 0 THEN {points} END AS points,\n"
        f"  CASE WHEN is_outside = 0 THEN {chance} END AS pd\nFROM odds\n"
    )


def _terms(model: Model, forest: FlatForest | None, sets: Sets) -> tuple[float, list[str]]:
    """What the sum starts from, and its terms in order; ``sets`` takes those they ask for."""
    if model.additive is not None:
        terms = [_table(term) for term in model.additive.terms]
        return model.additive.intercept, terms
    assert forest is not None, model.kind
    sizes = [len(texts) for texts in model.categories]
    roots = forest.trees[:, 0].tolist()
    return 0.0, [double(_tree(forest, root, sizes, sets)) for root in roots]


def _tree(forest: FlatForest, place: int, sizes: Sequence[int], sets: Sets) -> str:
    """A node and all below it; null goes where a CASE goes that no condition took."""
    threshold, yes, no, missing, signal = forest.nodes[place].item()
    if yes == place:
        return plain(threshold)
    then, otherwise = _tree(forest, yes, sizes, sets), _tree(forest, no, sizes, sets)
    goes_yes = missing == yes
    if signal >= 0:
        sign = ">" if goes_yes else "<="
        condition = f"s{signal} {sign} {plain(finite(threshold))}"
    else:
        listed = forest.codes_at(int(threshold))
        known = range(sizes[-1 - signal])
        codes = [code for code in known if (code in listed) != goes_yes]
        if not codes:
            return then if goes_yes else otherwise
        condition = _in_set(-1 - signal, codes, sets)
    return case([condition], [otherwise if goes_yes else then], then if goes_yes else otherwise)


def _in_set(signal: int, codes: Sequence[int], sets: Sets) -> str:
    """The condition that a category's code is one of some; unknown of what is missing."""
    runs = sum(code - 1 != before for before, code in zip((-2, *codes), codes, strict=False))
    if runs <= RUNS_MAX:
        return one_of(f"s{signal}", codes)
    own = sets.setdefault(signal, {})
    place = own.setdefault(tuple(codes), len(own) + 1)
    return f"SUBSTR(g{signal}, {place}, 1) = '1'"


def _table(term: AdditiveTerm) -> str:
    """The entry of a term that the bins of its axes name, as a CASE within a CASE."""
    leaves = [plain(score) for score in term.scores]
    for axis in reversed(term.axes):
        rows = (leaves[first : first + axis.size] for first in range(0, len(leaves), axis.size))
        leaves = [_axis(axis, row) for row in rows]
    assert len(leaves) == 1, len(leaves)
    return double(leaves[0])


def _axis(axis: AdditiveAxis, leaves: Sequence[str]) -> str:
    """Which of ``leaves``, one for each bin, a value takes."""
    column = f"s{axis.place}"
    whens, worths = [f"{column} IS NULL"], [leaves[0]]
    if axis.is_category:
        for leaf, codes in _grouped(axis, leaves):
            whens.append(one_of(column, codes))
            worths.append(leaf)
        return case(whens, worths, leaves[-1])
    return case(whens, worths, _split(column, axis.edges, leaves[1 : len(axis.edges) + 2]))


def _grouped(axis: AdditiveAxis, leaves: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    found: dict[str, list[int]] = {}
    for code, own in enumerate(axis.bins):
        found.setdefault(leaves[own], []).append(code)
    yield from found.items()


def _split(column: str, edges: Sequence[float], leaves: Sequence[str]) -> str:
    """A search by halves: the leaf after every edge that is at or below the value."""
    if len(set(leaves)) == 1:
        return leaves[0]
    middle = len(edges) // 2
    below = _split(column, edges[:middle], leaves[: middle + 1])
    above = _split(column, edges[middle + 1 :], leaves[middle + 1 :])
    return case([f"{column} < {plain(edges[middle])}"], [below], above)
