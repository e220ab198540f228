"""The fifth state: debts elsewhere, limits people set themselves, offers, who reserved what."""

from __future__ import annotations

from puhui.migrations.state_0005 import exchange, lending

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables that state 0005 brings."""
    for room in (exchange, lending):
        for make in room.MAKERS:
            make()
