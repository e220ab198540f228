"""The fifth state: loans that live are kept by columns."""

from __future__ import annotations

from puhui.migrations.state_0005 import servicing

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables that state 0005 brings."""
    for room in (servicing,):
        for make in room.MAKERS:
            make()
