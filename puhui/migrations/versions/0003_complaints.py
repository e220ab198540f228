"""The third state: complaints, and drafts of what was not sent yet."""

from __future__ import annotations

from puhui.migrations.state_0003 import complaint, draft

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables that state 0003 brings."""
    for room in (complaint, draft):
        for make in room.MAKERS:
            make()
