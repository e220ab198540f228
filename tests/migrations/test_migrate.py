"""Migrations lead an empty store to just the tables that the code declares."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from puhui import migrations
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.store import metadata, open_store
from puhui.migrations import HEAD, engine_url, migrate
from puhui.node import load_rooms, open_node
from tests.conftest import Postgres


def own_tables(url: str) -> dict[str, list[tuple[str, str, bool]]]:
    """Every column of every table: name, type, whether it may be empty. Tests' tables left out."""
    engine = create_engine(engine_url(url))
    try:
        look = inspect(engine)
        return {
            table: [
                (column["name"], str(column["type"]), column["nullable"])
                for column in look.get_columns(table)
            ]
            for table in look.get_table_names()
            if not table.startswith(("kernel_", "sample"))
        }
    finally:
        engine.dispose()


def own_checks(url: str) -> dict[str, int]:
    """How many conditions each table holds its rows to."""
    engine = create_engine(engine_url(url))
    try:
        look = inspect(engine)
        return {
            table: len(look.get_check_constraints(table))
            for table in look.get_table_names()
            if not table.startswith(("kernel_", "sample"))
        }
    finally:
        engine.dispose()


def differences(url: str) -> list[object]:
    """What the declared tables have that the store lacks, or the other way round."""
    engine = create_engine(engine_url(url))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            found = compare_metadata(context, metadata)
    finally:
        engine.dispose()
    return [one for one in found if "kernel_" not in str(one)]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_migrating_an_empty_store_equals_creating_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    load_rooms()
    if kind == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}.sqlite" for name in ("one", "two")]
        check(*urls)
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.empty_database() as one, server.empty_database() as two:
        check(one, two)


def check(migrated: str, created: str) -> None:
    """Migrate one, create the other, hold both against the declared tables."""
    assert migrate(migrated) == ""
    assert migrate(migrated) == HEAD, "a second time changes nothing"
    store = open_store(created)
    store.create(HEAD)
    assert store.version() == open_store(migrated).version() == HEAD
    assert own_tables(migrated) == own_tables(created)
    assert own_checks(migrated) == own_checks(created)
    assert differences(migrated) == []


def test_a_migrated_store_works(
    tmp_path: Path, open_at: Callable[..., Node], operator: Actor
) -> None:
    load_rooms()
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    migrate(url)
    node = open_at(url)
    books = node.act("lending.open_books", {"currency": "CNY"}, key="books", actor=operator)
    assert len(books.accounts) == 6


def test_a_store_of_another_state_is_not_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    load_rooms()
    open_store(url).create("0000")
    with pytest.raises(Refused) as caught:
        open_node(tmp_path, store_url=url)
    assert caught.value.code == "kernel.needs_migration"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_debts_of_an_older_state_are_kept_and_sealed_later(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """State 0006 puts amounts and source of a debt elsewhere into one text, word for word."""
    load_rooms()
    if kind == "sqlite":
        check_older_debt(f"sqlite:///{tmp_path / 'old'}.sqlite")
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.empty_database() as url:
        check_older_debt(url)


def check_older_debt(url: str) -> None:
    """One debt with a name that JSON must escape goes through the migration unharmed."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    told = {"debt_minor": 1200, "monthly_minor": 100, "source": 'bureau "A"\nsecond line'}
    columns = ", ".join(["id", "party_id", "kind", "currency", "recorded_by", "recorded_us", *told])
    values = ":id, 'p', 'bureau', 'CNY', 'x', 1, :debt_minor, :monthly_minor, :source"
    engine = create_engine(engine_url(url))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0005")
            insert = f"INSERT INTO lending_obligation ({columns}) VALUES ({values})"
            connection.execute(text(insert), {"id": "o", **told})
        assert migrate(url) == "0005"
        with engine.begin() as connection:
            (row,) = connection.execute(text("SELECT * FROM lending_obligation")).mappings()
    finally:
        engine.dispose()
    assert json.loads(row["sealed"]) == told
    assert (row["is_sealed"], row["party_id"], row["closed_us"]) == (0, "p", None)
