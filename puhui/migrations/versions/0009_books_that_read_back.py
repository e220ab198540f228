"""The ninth state: what books of loans keep beside what was agreed."""

from puhui.migrations.state_0009 import servicing

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables that state 0009 brings."""
    for room in (servicing,):
        for make in room.MAKERS:
            make()
