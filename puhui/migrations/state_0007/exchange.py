"""What state 0007 adds to the tables of exchange: fees of deals, deals by payer, asks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def change_exchange_deal() -> None:
    """Keep the operator's fee of a deal, and find deals by who pays."""
    fee = sa.Column("fee_minor", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("exchange_deal", fee)
    op.create_index("exchange_deal_payer", "exchange_deal", ["source_payer", "id"])


def change_exchange_leg() -> None:
    """Keep the part of a leg that is the operator's fee."""
    fee = sa.Column("fee_minor", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("exchange_leg", fee)


def make_exchange_payee_ask() -> None:
    """Make exchange_payee_ask."""
    op.create_table(
        "exchange_payee_ask",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("asks", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("asks >= 0"),
        sa.PrimaryKeyConstraint("party_id", "day"),
    )


MAKERS = (change_exchange_deal, change_exchange_leg, make_exchange_payee_ask)
"""In any order."""
