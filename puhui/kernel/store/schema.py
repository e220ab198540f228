"""The statements that make every table of every room in an empty store."""

from __future__ import annotations

from sqlalchemy.schema import CreateIndex, CreateTable

from puhui.kernel.store import fence  # noqa: F401 - its table is one of those made here
from puhui.kernel.store.statement import DIALECTS, metadata

VERSION_TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"


def schema(dialect: str) -> list[str]:
    """The statements that make all tables and indexes in ``dialect``.

    An index may say in its ``info`` which dialect alone has it.
    """
    statements = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=DIALECTS[dialect])))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.info.get("dialect", dialect) != dialect:
                continue
            statements.append(str(CreateIndex(index).compile(dialect=DIALECTS[dialect])))
    return statements
