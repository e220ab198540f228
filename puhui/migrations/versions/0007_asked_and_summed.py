"""The seventh state: deals with fees, guarantees asked for, costs of changes summed."""

from __future__ import annotations

from puhui.migrations.state_0007 import data, exchange, lending, party, servicing

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables that state 0007 brings."""
    for room in (data, exchange, lending, party, servicing):
        for make in room.MAKERS:
            make()
