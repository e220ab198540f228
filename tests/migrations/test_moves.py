"""Moves of the seventh state are kept in the currency that their product had."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from puhui import migrations
from puhui.migrations import engine_url, migrate
from puhui.node import load_rooms
from tests.database import Postgres
from tests.migrations.test_migrate import fill


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_moves_get_the_currency_of_their_product(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    load_rooms()
    if kind == "sqlite":
        check(f"sqlite:///{tmp_path / 'old'}.sqlite")
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.empty_database() as url:
        check(url)


def check(url: str) -> None:
    """One product in dollars, one of which no provision tells anything."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(engine_url(url))
    found = {}
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0007")
            for stage in (1, 2):
                fill(connection, "servicing_provision", period="2026-03", act_key="k",
                     product="term", currency="USD", stage=stage)  # fmt: skip
            for product, loans in (("term", 3), ("other", 4)):
                own = {"period": "2026-03", "act_key": "k", "product": product, "loans": loans}
                fill(connection, "servicing_roll", **own, bucket_before=1, bucket=2)
                fill(connection, "servicing_class_move", **own, class_before=0, risk_class=1,
                     outstanding_minor=7)  # fmt: skip
        assert migrate(url) == "0007"
        with engine.begin() as connection:
            for table in ("servicing_roll", "servicing_class_move"):
                query = text(f"SELECT * FROM {table} ORDER BY product")
                found[table] = [tuple(row) for row in connection.execute(query)]
    finally:
        engine.dispose()
    assert found["servicing_roll"] == [
        ("2026-03", "k", "other", "CNY", 1, 2, 4, 0), ("2026-03", "k", "term", "USD", 1, 2, 3, 0),
    ]  # fmt: skip
    assert found["servicing_class_move"] == [
        ("2026-03", "k", "other", "CNY", 0, 1, 4, 7), ("2026-03", "k", "term", "USD", 0, 1, 3, 7),
    ]  # fmt: skip
