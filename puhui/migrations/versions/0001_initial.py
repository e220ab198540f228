"""The first state: every table of the ground floor."""

from __future__ import annotations

from alembic import op

from puhui.migrations.state_0001 import data, kernel, ledger, lending, party, score

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables of an empty store."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE journal_sequence")
    for room in (kernel, party, data, ledger, score, lending):
        for make in room.MAKERS:
            make()
