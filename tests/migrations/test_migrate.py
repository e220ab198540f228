"""Migrations lead an empty store to just the tables that the code declares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect

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
