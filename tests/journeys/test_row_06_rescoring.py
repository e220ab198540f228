"""Row 6, rescoring: a whole book of users goes through a card in one pass, each as if alone.

Goal: an analyst trains a card, scores a Parquet file of many rows with ``puhui score batch``,
takes the same card to a database as SQL, and every user has the same score in both.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from puhui.score import Table, save_model, score_row, train
from puhui.score.nouns import Signal
from tests.cli.program import Program
from tests.score.made import made_mapping, made_table

USERS = 20_000


def test_a_book_is_scored_in_one_pass_and_alike_in_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra scale is not installed")
    arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    program = Program(tmp_path / "home", monkeypatch, capsys)
    mapping, table = made_mapping(), made_table()
    card = train(table, mapping, "points", 7)
    file = save_model(tmp_path, card)

    rows = [table.row(place % table.rows) for place in range(USERS)]
    names = sorted({column for signal in card.signals for column in signal.columns})
    columns = {name: arrow.array([row[name] for row in rows]) for name in names}
    people = tmp_path / "people.parquet"
    parquet.write_table(arrow.table({"no": np.arange(USERS), **columns}), people)
    out = tmp_path / "scores.parquet"
    ended = program(
        "score", "batch", people, "--card", file, "--keep", "no", "--out", out, "--json"
    )
    assert ended.code == 0, ended.err
    assert ended.figures["rows"] == USERS
    assert ended.figures["refused_rows"] == 0
    scored = parquet.read_table(out).to_pylist()
    for place in range(0, USERS, 997):
        alone = score_row(card, rows[place])
        found = scored[place]
        assert (found["no"], found["points"], found["pd"]) == (place, alone.points, alone.pd)

    query = tmp_path / "card.sql"
    assert program("score", "export", file, "--key", "no", "--out", query).code == 0
    values = _signal_values(card.signals, table, USERS)
    with duckdb.connect() as connection:
        connection.register("applicants", arrow.table({"no": np.arange(USERS), **values}))
        answers = connection.execute(query.read_text(encoding="utf-8")).fetchall()
    assert sorted(answers) == [(one["no"], one["points"], one["pd"]) for one in scored]
    document = tmp_path / "card.json"
    assert program("score", "export", file, "--to", "json", "--out", document).code == 0
    assert json.loads(document.read_text(encoding="utf-8"))["digest"] == card.digest


def _signal_values(signals: tuple[Signal, ...], table: Table, rows: int) -> dict[str, list[Any]]:
    """The signals of the rows as a data warehouse would hold them: numbers and texts."""
    from puhui.score.rules.value import row_reader, text_reader

    found: dict[str, list[Any]] = {}
    for signal in signals:
        if signal.kind == "category":
            read = text_reader(signal)
            own = [read(table.columns[signal.columns[0]][place]) for place in range(table.rows)]
        else:
            number = row_reader(signal, {})
            own = [number(table.row(place)) for place in range(table.rows)]
        found[signal.name] = [own[place % table.rows] for place in range(rows)]
    return found


def test_what_is_not_there_is_said_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("duckdb", reason="the extra scale is not installed")
    program = Program(tmp_path / "home", monkeypatch, capsys)
    file = save_model(tmp_path, train(made_table(), made_mapping(), "points", 7))
    people = tmp_path / "people.parquet"
    parquet.write_table(arrow.table({"flow": [1.0]}), people)
    ended = program("score", "batch", people, "--model", file)
    assert ended.code == 2
    assert "people.parquet has no columns" in ended.err
    assert "'late'" in ended.err
    ended = program("score", "batch", people)
    assert ended.code == 2
    assert "Say which model" in ended.err
