"""What state 0006 adds to the tables of payment: finding held money by who pays and who is paid."""

from __future__ import annotations

from alembic import op


def index_payment_hold() -> None:
    """Find what is held by its payer and its payee."""
    op.create_index("payment_hold_payer", "payment_hold", ["payer_id"])
    op.create_index("payment_hold_payee", "payment_hold", ["payee_id"])


MAKERS = (index_payment_hold,)
"""In any order."""
