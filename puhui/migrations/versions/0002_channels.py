"""The second state: what people and machines need who come through channels."""

from __future__ import annotations

from puhui.migrations.state_0002 import party, webhook

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables that state 0001 lacks."""
    for room in (party, webhook):
        for make in room.MAKERS:
            make()
