"""The sixth state: numbers of accounts, loans that rest on their events, sealed debts, audits."""

from __future__ import annotations

from puhui.migrations.state_0006 import (
    exchange,
    ledger,
    lending,
    offline,
    payment,
    score,
    servicing,
)

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables that state 0006 brings."""
    for room in (ledger, payment, exchange, offline, score, lending, servicing):
        for make in room.MAKERS:
            make()
