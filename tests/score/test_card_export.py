"""A card written for other systems scores there as it does here."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from puhui.kernel.errors import Refused
from puhui.score import Model
from puhui.score.engines.scorer import score_matrix, scorer_of
from puhui.score.formats.card_json import FORMAT, card_json
from puhui.score.formats.card_sql import card_sql
from puhui.score.formats.sql_word import BLANKS
from tests.score.made import TRADES

ROWS = 600


def signal_values(model: Model) -> list[dict[str, Any]]:
    """Rows of signal values: edges, gaps, special, negative and large numbers, unseen texts."""
    dice = np.random.default_rng(9)
    rows = []
    assert model.card is not None
    edges = {s.name: p.edges for s, p in zip(model.signals, model.card.signals, strict=True)}
    for place in range(ROWS):
        row: dict[str, Any] = {"id": place}
        for signal, texts in zip(model.signals, model.categories, strict=True):
            if dice.random() < 0.1:
                row[signal.name] = None
            elif signal.kind == "category":
                own = str(dice.choice([*texts, *TRADES, "o'zz", "n/a", "NULL", "ａ1", " "]))
                blank = [str(one) for one in dice.choice(list(BLANKS), 2)]
                row[signal.name] = own.join(blank) if place % 2 else own
            elif edges[signal.name] and dice.random() < 0.6:
                edge = float(dice.choice(edges[signal.name]))
                row[signal.name] = float(np.nextafter(edge, dice.choice([edge, -1e9, 1e9])))
            elif signal.special and dice.random() < 0.3:
                row[signal.name] = float(signal.special[0])
            else:
                row[signal.name] = float(dice.normal() * 10.0 ** dice.integers(-2, 5))
        rows.append(row)
    return rows


def expected(
    model: Model, rows: list[dict[str, Any]]
) -> list[tuple[int, int | None, float | None]]:
    """What our own kernel says of those values; nothing where a number is outside its bounds."""
    scorer = scorer_of(model)
    matrix = np.full((len(rows), len(model.signals)), np.nan)
    outside = set()
    for i, row in enumerate(rows):
        for j, signal in enumerate(model.signals):
            value = row[signal.name]
            if value is None:
                continue
            if signal.kind == "category":
                text = value.strip()
                missing = text.lower() in ("", "n/a", "null")
                matrix[i, j] = math.nan if missing else scorer.codes[j].get(text, -1.0)
            else:
                matrix[i, j] = value
                if signal.least is not None and value < signal.least:
                    outside.add(i)
    points, pd = score_matrix(scorer, matrix)
    return [
        (i, None, None) if i in outside else (i, int(points[i]), float(pd[i]))
        for i in range(len(rows))
    ]


def columns_of(model: Model) -> list[tuple[str, str]]:
    """Names and SQL types of the table that the query reads."""
    kinds = {"category": "VARCHAR(40)", "number": "DOUBLE PRECISION"}
    return [("id", "INTEGER"), *((s.name, kinds[s.kind]) for s in model.signals)]


def answer(connection: Any, model: Model, rows: list[dict[str, Any]], mark: str) -> list[Any]:
    """Fill the table by plain SQL and ask the query."""
    columns = columns_of(model)
    named = ", ".join(f'"{name}" {kind}' for name, kind in columns)
    connection.execute(f"CREATE TABLE applicants ({named})")
    marks = ", ".join([mark] * len(columns))
    for row in rows:
        values = [row[name] for name, _ in columns]
        connection.execute(f"INSERT INTO applicants VALUES ({marks})", values)
    query = f"SELECT * FROM ({card_sql(model, 'applicants')}) AS scored ORDER BY id"
    return [tuple(one) for one in connection.execute(query).fetchall()]


def test_sqlite_scores_alike(card: Model) -> None:
    rows = signal_values(card)
    with sqlite3.connect(":memory:") as connection:
        assert answer(connection, card, rows, "?") == expected(card, rows)
    connection.close()


def test_duckdb_scores_alike(card: Model) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra scale is not installed")
    rows = signal_values(card)
    assert any(points is None for _, points, _ in expected(card, rows))
    with duckdb.connect() as connection:
        assert answer(connection, card, rows, "?") == expected(card, rows)


def test_postgresql_scores_alike(card: Model, postgres: Any) -> None:
    import psycopg

    rows = signal_values(card)
    with postgres.empty_database() as url:
        plain = url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(plain) as connection:
            assert answer(connection, card, rows, "%s") == expected(card, rows)


def read_score(document: dict[str, Any], row: dict[str, Any]) -> tuple[int, float] | None:
    """A small reader of the document, as another system would write one."""
    total = document["initialScore"]
    for one in document["characteristics"]:
        value = row[one["name"]]
        if one["dataType"] == "string" and value is not None:
            value = value.strip()
            value = None if value.lower() in document["missingTexts"] else value
        if value is not None and any(
            value < bad["value"] if bad["operator"] == "lessThan" else value > bad["value"]
            for bad in one["invalid"]
        ):
            return None
        tests = {
            "isMissing": lambda v, _: v is None,
            "isIn": lambda v, w: v in w,
            "equal": lambda v, w: v == w,
            "lessOrEqual": lambda v, w: v <= w,
            "true": lambda v, w: True,
        }
        total += next(
            attribute["partialScore"]
            for attribute in one["attributes"]
            if tests[attribute["predicate"]["operator"]](value, attribute["predicate"].get("value"))
        )
    scale = document["probability"]
    pd = 1 / (1 + math.exp((total - scale["offset"]) / scale["factor"]))
    return min(document["scoreMax"], max(document["scoreMin"], total)), pd


def test_the_document_scores_alike(card: Model) -> None:
    document = json.loads(card_json(card))
    assert document["format"] == FORMAT
    assert document["digest"] == card.digest
    rows = signal_values(card)
    for row, (_, points, pd) in zip(rows, expected(card, rows), strict=True):
        found = read_score(document, row)
        if points is None or pd is None:
            assert found is None
        else:
            assert found is not None
            assert found[0] == points
            assert math.isclose(found[1], pd, rel_tol=1e-12)


def test_trees_are_no_card(trees: Model) -> None:
    for write in (card_json, lambda model: card_sql(model, "applicants")):
        with pytest.raises(Refused) as no:
            write(trees)
        assert no.value.code == "score.not_a_card"


def test_every_blank_of_ours_is_one_of_theirs() -> None:
    assert set(BLANKS) == {one for one in map(chr, range(0x110000)) if one.isspace()}


def test_a_name_ends_no_comment(card: Model) -> None:
    """What a model is called is no SQL, whatever it holds; what signals are made of is told."""
    odd = replace(card, name="x\n; DROP TABLE applicants; --\u2028y")
    first, *signals = card.signals
    odd = replace(odd, signals=(replace(first, operation="sum", columns=("a\nb",)), *signals))
    for line in card_sql(odd, "applicants").splitlines()[:5]:
        assert line.startswith(("-- ", "WITH "))
    cut = replace(card.signals[0], name="cut", operation="prefix", columns=("trade",), operand=2)
    odd = replace(card, signals=(cut, *signals))
    heads = [line for line in card_sql(odd, "applicants").splitlines() if line.startswith("--")]
    assert '-- "cut" is prefix of ("trade", 2)' in heads
    assert '-- "years_open" is years_between of ("opened", "day", iso)' in heads
    document = json.loads(card_json(odd))
    told = {one["name"]: one["derivedFrom"] for one in document["characteristics"]}
    assert told["cut"] == {"operation": "prefix", "columns": ["trade"], "operand": 2}
    assert told["years_open"]["dateFormat"] == "iso"


def test_names_are_quoted(card: Model) -> None:
    assert 'FROM "odd ""name"""' in card_sql(card, 'odd "name"')
    assert 'FROM "bank"."people"' in card_sql(card, "bank.people", key="no")
