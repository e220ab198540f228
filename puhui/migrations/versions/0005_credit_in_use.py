"""The fifth state: live loans by columns, debts elsewhere, own limits, offers, who reserved."""

from __future__ import annotations

from puhui.migrations.state_0005 import exchange, lending, servicing

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables that state 0005 brings."""
    for room in (exchange, lending, servicing):
        for make in room.MAKERS:
            make()
