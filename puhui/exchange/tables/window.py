"""Tables and statements of windows, what is to be settled in them, and settlements."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    bindparam,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, sum_int

SETTLEMENT = Table(
    "exchange_settlement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("currency", Text, ForeignKey("exchange_currency.currency"), nullable=False),
    Column("state", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    CheckConstraint("state IN ('reserved', 'settled', 'aborted')"),
    Index("exchange_settlement_made", "made_us"),
)

WINDOW = Table(
    "exchange_window",
    metadata,
    Column("id", Text, primary_key=True),
    Column("currency", Text, ForeignKey("exchange_currency.currency"), nullable=False),
    Column("state", Text, nullable=False),
    Column("open_currency", Text, unique=True),
    Column("opened_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger),
    Column("settlement_id", Text, ForeignKey("exchange_settlement.id")),
    CheckConstraint("state IN ('open', 'closed', 'settling', 'settled')"),
    Index("exchange_window_opened", "opened_us"),
    Index("exchange_window_settlement", "settlement_id"),
)
"""``open_currency`` is the currency of the one open window of it, and empty afterwards."""

ENTRY = Table(
    "exchange_entry",
    metadata,
    Column("cause", Text, primary_key=True),
    Column("position_id", Text, ForeignKey("exchange_position.id"), primary_key=True),
    Column("window_id", Text, ForeignKey("exchange_window.id"), nullable=False),
    Column("owes_minor", BigInteger, nullable=False),
    Index("exchange_entry_window", "window_id", "position_id"),
)
"""What one payment does to one position; the payer owes more, the payee less. Minor units."""

LINE = Table(
    "exchange_settlement_line",
    metadata,
    Column("settlement_id", Text, ForeignKey("exchange_settlement.id"), primary_key=True),
    Column("position_id", Text, ForeignKey("exchange_position.id"), primary_key=True),
    Column("net_minor", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    CheckConstraint("paid_minor >= 0"),
)

MAKER = Table(
    "exchange_settlement_maker",
    metadata,
    Column("settlement_id", Text, ForeignKey("exchange_settlement.id"), primary_key=True),
    Column("actor", Text, nullable=False),
)
"""Who has reserved a settlement: another person pays it. Those before state 0005 have no row."""

_window, _entry, _settlement, _line = WINDOW.c, ENTRY.c, SETTLEMENT.c, LINE.c

INSERT_WINDOW = insert_all(WINDOW)
SHARE_OPEN_WINDOWS = (
    select(_window.id, _window.currency)
    .where(_window.open_currency.in_(bindparam("currencies", expanding=True)))
    .order_by(_window.currency)
    .with_for_update(read=True)
)
"""The open windows of currencies; none of them closes before the act ends."""
LOCK_WINDOWS = (
    select(*_window)
    .where(_window.id.in_(bindparam("ids", expanding=True)))
    .order_by(_window.id)
    .with_for_update()
)
CLOSE_WINDOW = (
    update(WINDOW)
    .where(_window.id == bindparam("id_"))
    .values(state="closed", open_currency=None, closed_us=bindparam("now_us_"))
)
MOVE_WINDOW = (
    update(WINDOW)
    .where(_window.id == bindparam("id_"))
    .values(state=bindparam("state_"), settlement_id=bindparam("settlement_id_"))
)
READ_WINDOWS = (
    select(*_window).order_by(_window.opened_us.desc(), _window.id).limit(bindparam("count"))
)
LOCK_WINDOWS_OF = (
    select(*_window)
    .where(_window.settlement_id == bindparam("settlement_id"))
    .order_by(_window.id)
    .with_for_update()
)
READ_WINDOWS_OF = (
    select(_window.id)
    .where(_window.settlement_id == bindparam("settlement_id"))
    .order_by(_window.id)
)

INSERT_ENTRY = insert_all(ENTRY)
READ_NETS = (
    select(_entry.position_id, sum_int(_entry.owes_minor).label("net_minor"))
    .where(_entry.window_id.in_(bindparam("ids", expanding=True)))
    .group_by(_entry.position_id)
    .order_by(_entry.position_id)
)

INSERT_SETTLEMENT = insert_all(SETTLEMENT)
LOCK_SETTLEMENT = select(*_settlement).where(_settlement.id == bindparam("id")).with_for_update()
MOVE_SETTLEMENT = (
    update(SETTLEMENT).where(_settlement.id == bindparam("id_")).values(state=bindparam("state_"))
)
READ_SETTLEMENTS = (
    select(*_settlement)
    .order_by(_settlement.made_us.desc(), _settlement.id)
    .limit(bindparam("count"))
)
INSERT_MAKER = insert_all(MAKER)
READ_MAKER = select(MAKER.c.actor).where(MAKER.c.settlement_id == bindparam("settlement_id"))
INSERT_LINE = insert_all(LINE)
READ_LINES = (
    select(_line.position_id, _line.net_minor, _line.paid_minor)
    .where(_line.settlement_id == bindparam("settlement_id"))
    .order_by(_line.position_id)
)
PAY_LINE = (
    update(LINE)
    .where(
        _line.settlement_id == bindparam("settlement_id_"),
        _line.position_id == bindparam("position_id_"),
    )
    .values(paid_minor=bindparam("paid_minor_"))
)
