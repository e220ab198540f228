"""Migrations (迁移): every state that the tables were in, and the way from one to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD = "0009"
"""The state that this version of the code works with."""


def migrate(url: str) -> str:
    """Bring the store at ``url`` to ``HEAD``; returns the state it was in ("" when empty).

    Fault: ``kernel.store_unavailable``.
    """
    from alembic import command  # loaded where used: migrations are rare
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import create_engine

    engine = create_engine(engine_url(url), **_way(url))
    try:
        with _connected(engine) as connection, connection.begin():
            before = MigrationContext.configure(connection).get_current_revision() or ""
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
    return before


def _connected(engine: Any) -> Any:
    from sqlalchemy.exc import OperationalError

    from puhui.kernel import Fault

    try:
        return engine.connect()
    except OperationalError as error:
        text = " ".join(str(error.orig).split())
        raise Fault(
            "kernel.store_unavailable", f"The database cannot be reached ({text})."
        ) from None


def _way(url: str) -> dict[str, Any]:
    """How an engine reaches the primary among several servers, whose URL it cannot read."""
    if engine_url(url) != "postgresql+psycopg://":
        return {}
    from puhui.kernel.store.postgres import Line

    return {"creator": lambda: Line(url).connect()[0]}


def engine_url(url: str) -> str:
    """The store's URL as SQLAlchemy's engines take it."""
    if url.startswith(("postgresql://", "postgres://")):
        if "," in url.rpartition("@")[2]:
            return "postgresql+psycopg://"
        return "postgresql+psycopg://" + url.split("://", 1)[1]
    path = url.removeprefix("sqlite:///")
    return f"sqlite:///{Path(path).absolute()}"


__all__ = ["HEAD", "engine_url", "migrate"]
