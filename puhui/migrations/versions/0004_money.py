"""The fourth state: payments, exchange, offline vouchers, and ledgers beside the store."""

from __future__ import annotations

from puhui.migrations.state_0004 import exchange, kernel, ledger, offline, payment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables that state 0004 brings."""
    for room in (kernel, ledger, payment, exchange, offline):
        for make in room.MAKERS:
            make()
