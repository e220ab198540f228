"""The fifth state: who reserved a settlement."""

from __future__ import annotations

from puhui.migrations.state_0005 import exchange

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables that state 0005 brings."""
    for room in (exchange,):
        for make in room.MAKERS:
            make()
