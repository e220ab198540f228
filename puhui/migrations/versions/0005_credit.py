"""The fifth state: debts elsewhere, limits that people set themselves, offers of credit."""

from __future__ import annotations

from puhui.migrations.state_0005 import lending

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables that state 0005 brings."""
    for room in (lending,):
        for make in room.MAKERS:
            make()
