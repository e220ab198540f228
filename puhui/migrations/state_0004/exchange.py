"""The tables of exchange that are new in state 0004."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_exchange_currency() -> None:
    """Make exchange_currency."""
    op.create_table(
        "exchange_currency",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("settlement_kind", sa.Text(), nullable=False),
        sa.CheckConstraint("settlement_kind IN ('net_deferred', 'gross_continuous')"),
        sa.PrimaryKeyConstraint("currency"),
        sa.UniqueConstraint("currency", "settlement_kind"),
    )


def make_exchange_participant() -> None:
    """Make exchange_participant."""
    op.create_table(
        "exchange_participant",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('bank', 'provider', 'peer')"),
        sa.CheckConstraint("status IN ('active', 'suspended')"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def make_exchange_position() -> None:
    """Make exchange_position."""
    op.create_table(
        "exchange_position",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("settlement_kind", sa.Text(), nullable=False),
        sa.Column("cap_minor", sa.BigInteger(), nullable=False),
        sa.Column("cover_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cap_minor >= 0"),
        sa.ForeignKeyConstraint(
            ["currency", "settlement_kind"],
            ["exchange_currency.currency", "exchange_currency.settlement_kind"],
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["exchange_participant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("participant_id", "currency"),
    )


def make_exchange_funds() -> None:
    """Make exchange_funds."""
    op.create_table(
        "exchange_funds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('in', 'reserved', 'committed', 'aborted')"),
        sa.CheckConstraint("amount_minor > 0"),
        sa.ForeignKeyConstraint(
            ["position_id"],
            ["exchange_position.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("position_id", "reference"),
    )
    op.create_index("exchange_funds_made", "exchange_funds", ["made_us"], unique=False)


def make_exchange_quote() -> None:
    """Make exchange_quote."""
    op.create_table(
        "exchange_quote",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("source_currency", sa.Text(), nullable=False),
        sa.Column("target_currency", sa.Text(), nullable=False),
        sa.Column("rate", sa.Text(), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=False),
        sa.Column("maximum_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'taken', 'withdrawn')"),
        sa.CheckConstraint("fee_minor >= 0"),
        sa.CheckConstraint("maximum_minor >= minimum_minor"),
        sa.CheckConstraint("minimum_minor > 0"),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["exchange_participant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "exchange_quote_pair",
        "exchange_quote",
        ["source_currency", "target_currency", "state", "expires_us"],
        unique=False,
    )


def make_exchange_remittance() -> None:
    """Make exchange_remittance."""
    op.create_table(
        "exchange_remittance",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("quote_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("source_currency", sa.Text(), nullable=False),
        sa.Column("changed_minor", sa.BigInteger(), nullable=False),
        sa.Column("provider_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("scheme_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("target_currency", sa.Text(), nullable=False),
        sa.Column("target_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.CheckConstraint("changed_minor > 0"),
        sa.CheckConstraint("target_minor > 0"),
        sa.ForeignKeyConstraint(
            ["quote_id"],
            ["exchange_quote.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("quote_id"),
    )
    op.create_index("exchange_remittance_made", "exchange_remittance", ["made_us"], unique=False)
    op.create_index(
        "exchange_remittance_payee", "exchange_remittance", ["payee", "made_us"], unique=False
    )
    op.create_index(
        "exchange_remittance_payer", "exchange_remittance", ["payer", "made_us"], unique=False
    )


def make_exchange_leg() -> None:
    """Make exchange_leg."""
    op.create_table(
        "exchange_leg",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("awaits", sa.Text(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("preimage", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('prepared', 'fulfilled', 'posted', 'aborted', 'expired')"),
        sa.CheckConstraint("amount_minor > 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("exchange_leg_deal", "exchange_leg", ["deal_id"], unique=False)
    op.create_index("exchange_leg_due", "exchange_leg", ["state", "expires_us"], unique=False)


def make_exchange_settlement() -> None:
    """Make exchange_settlement."""
    op.create_table(
        "exchange_settlement",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('reserved', 'settled', 'aborted')"),
        sa.ForeignKeyConstraint(
            ["currency"],
            ["exchange_currency.currency"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("exchange_settlement_made", "exchange_settlement", ["made_us"], unique=False)


def make_exchange_window() -> None:
    """Make exchange_window."""
    op.create_table(
        "exchange_window",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("open_currency", sa.Text(), nullable=True),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.Column("settlement_id", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'closed', 'settling', 'settled')"),
        sa.ForeignKeyConstraint(
            ["currency"],
            ["exchange_currency.currency"],
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"],
            ["exchange_settlement.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("open_currency"),
    )
    op.create_index("exchange_window_opened", "exchange_window", ["opened_us"], unique=False)
    op.create_index(
        "exchange_window_settlement", "exchange_window", ["settlement_id"], unique=False
    )


def make_exchange_entry() -> None:
    """Make exchange_entry."""
    op.create_table(
        "exchange_entry",
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("window_id", sa.Text(), nullable=False),
        sa.Column("owes_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position_id"],
            ["exchange_position.id"],
        ),
        sa.ForeignKeyConstraint(
            ["window_id"],
            ["exchange_window.id"],
        ),
        sa.PrimaryKeyConstraint("cause", "position_id"),
    )
    op.create_index(
        "exchange_entry_window", "exchange_entry", ["window_id", "position_id"], unique=False
    )


def make_exchange_settlement_line() -> None:
    """Make exchange_settlement_line."""
    op.create_table(
        "exchange_settlement_line",
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("paid_minor >= 0"),
        sa.ForeignKeyConstraint(
            ["position_id"],
            ["exchange_position.id"],
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"],
            ["exchange_settlement.id"],
        ),
        sa.PrimaryKeyConstraint("settlement_id", "position_id"),
    )


def make_exchange_deal() -> None:
    """Make exchange_deal."""
    op.create_table(
        "exchange_deal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source_peer", sa.Text(), nullable=False),
        sa.Column("source_payer", sa.Text(), nullable=False),
        sa.Column("source_payee", sa.Text(), nullable=False),
        sa.Column("source_currency", sa.Text(), nullable=False),
        sa.Column("source_minor", sa.BigInteger(), nullable=False),
        sa.Column("source_expires_us", sa.BigInteger(), nullable=False),
        sa.Column("target_peer", sa.Text(), nullable=False),
        sa.Column("target_payer", sa.Text(), nullable=False),
        sa.Column("target_payee", sa.Text(), nullable=False),
        sa.Column("target_currency", sa.Text(), nullable=False),
        sa.Column("target_minor", sa.BigInteger(), nullable=False),
        sa.Column("target_expires_us", sa.BigInteger(), nullable=False),
        sa.Column("target_peer_id", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("sealed_preimage", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('started', 'released', 'committed', 'aborted', 'closed_committed',"
            " 'closed_aborted')"
        ),
        sa.CheckConstraint("source_expires_us > target_expires_us"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("condition"),
    )
    op.create_index("exchange_deal_state", "exchange_deal", ["state"], unique=False)


MAKERS = (
    make_exchange_currency,
    make_exchange_participant,
    make_exchange_position,
    make_exchange_funds,
    make_exchange_quote,
    make_exchange_remittance,
    make_exchange_leg,
    make_exchange_settlement,
    make_exchange_window,
    make_exchange_entry,
    make_exchange_settlement_line,
    make_exchange_deal,
)
"""In the order that references between tables ask for."""
