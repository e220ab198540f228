"""The eighth state: what is due to joint lenders."""

from __future__ import annotations

from puhui.migrations.state_0008 import servicing

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables that state 0008 brings."""
    for room in (servicing,):
        for make in room.MAKERS:
            make()
