"""The seventh state: fees of deals between nodes, and deals by who pays."""

from __future__ import annotations

from puhui.migrations.state_0007 import exchange

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables that state 0007 brings."""
    for room in (exchange,):
        for make in room.MAKERS:
            make()
