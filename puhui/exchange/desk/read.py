"""What pages show: positions, quotes, windows, settlements, legs, deals and remittances."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.exchange.desk.account import funds_account, position_account, position_id_of
from puhui.exchange.desk.leg import leg_of
from puhui.exchange.desk.lists import tariff
from puhui.exchange.desk.quote import quote_of
from puhui.exchange.desk.settlement import lines_of, window_of
from puhui.exchange.nouns.leg import Leg
from puhui.exchange.nouns.participant import Participant, Position
from puhui.exchange.nouns.quote import AmountKind, FeeKind, Price, Quote, Remittance
from puhui.exchange.nouns.window import Settlement, SettlementWindow
from puhui.exchange.rules import quote as rules
from puhui.exchange.tables import leg as leg_tables
from puhui.exchange.tables import participant as participant_tables
from puhui.exchange.tables import quote as quote_tables
from puhui.exchange.tables import window as window_tables
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger import lookup_accounts

PAGE = 200


def participants(tx: Transaction, *, count: int = PAGE) -> tuple[Participant, ...]:
    """Participants by name."""
    rows = tx.all(participant_tables.READ_PARTICIPANTS, count=count)
    return tuple(
        Participant(row.id, row.name, row.kind, row.public_key, row.status) for row in rows
    )


def _positions(tx: Transaction, rows: Sequence[Row]) -> tuple[Position, ...]:
    """The positions of rows, with what the ledger says of each."""
    ids = [position_account(row.id) for row in rows] + [funds_account(row.id) for row in rows]
    accounts = lookup_accounts(tx, ids)
    made = []
    for at, row in enumerate(rows):
        position, funds = accounts[at], accounts[at + len(rows)]
        assert position is not None, row
        assert funds is not None, row
        made.append(
            Position(
                id=row.id,
                participant_id=row.participant_id,
                currency=row.currency,
                settlement_kind=row.settlement_kind,
                cap_minor=row.cap_minor,
                cover_minor=row.cover_minor,
                position_minor=row.cover_minor - position.credit_balance_minor,
                held_minor=position.debits_pending_minor,
                funds_minor=funds.available_minor,
            )
        )
    return tuple(made)


def positions(tx: Transaction, *, count: int = PAGE) -> tuple[Position, ...]:
    """Positions by currency and participant, with what is owed and what is free."""
    return _positions(tx, tx.all(participant_tables.READ_POSITIONS, count=count))


def position_of(tx: Transaction, participant_id: str, currency: str) -> Position:
    """One position. Refused: ``exchange.no_position``."""
    position_id = position_id_of(participant_id, currency)
    row = tx.one(participant_tables.READ_POSITION, id=position_id)
    if row is None:
        raise Refused("exchange.no_position", f"There is no position {position_id[:60]}.")
    return _positions(tx, [row])[0]


def quotes(tx: Transaction, *, now_us: int, count: int = PAGE) -> tuple[Quote, ...]:
    """The quotes that hold at ``now_us``, by pair and by when they end."""
    rows = tx.all(quote_tables.READ_QUOTES, now_us=now_us, count=count)
    return tuple(quote_of(row) for row in rows)


def prices(
    tx: Transaction,
    *,
    source_currency: str,
    target_currency: str,
    amount_minor: int,
    amount_kind: AmountKind,
    now_us: int,
    fee_kind: FeeKind | str = FeeKind.SCHEME,
) -> tuple[Price, ...]:
    """What a payment would cost now by each quote that covers it, the payer's best one first;
    whether its provider can deliver or not. ``fee_kind`` says what the operator takes of it.

    Refused: as ``price``, but none where there is none.
    """
    rules.check_pair(source_currency, target_currency)
    rows = tx.all(
        quote_tables.READ_OPEN_QUOTES,
        source_currency=source_currency,
        target_currency=target_currency,
        now_us=now_us,
        count=tariff().quotes_pair_max,
    )
    return tuple(
        rules.ranked(
            [quote_of(row) for row in rows],
            tariff().fee(source_currency, FeeKind(fee_kind)),
            amount_minor,
            amount_kind,
            now_us,
        )
    )


def price(
    tx: Transaction,
    *,
    source_currency: str,
    target_currency: str,
    amount_minor: int,
    amount_kind: AmountKind,
    now_us: int,
) -> Price:
    """What a payment would cost now by the cheapest quote, whether its provider can deliver or not.

    Refused: ``exchange.unknown_currency``, ``exchange.same_currency``, ``exchange.bad_amount``,
    ``exchange.no_quote``.
    """
    found = prices(
        tx,
        source_currency=source_currency,
        target_currency=target_currency,
        amount_minor=amount_minor,
        amount_kind=amount_kind,
        now_us=now_us,
    )
    if not found:
        raise Refused("exchange.no_quote", "No provider offers this now.")
    return found[0]


def remittances(tx: Transaction, *, end: str = "", count: int = PAGE) -> tuple[Remittance, ...]:
    """Remittances, the newest first; of one end ("party:ID") where it is named."""
    rows = tx.all(quote_tables.READ_REMITTANCES, any_end=int(not end), end=end, count=count)
    return tuple(_remittance_of(row) for row in rows)


def _remittance_of(row: Row) -> Remittance:
    return Remittance(**{name: getattr(row, name) for name in Remittance.__slots__})


def remittance_of(tx: Transaction, remittance_id: str) -> Remittance:
    """One remittance. Refused: ``exchange.unknown_remittance``."""
    row = tx.one(quote_tables.READ_REMITTANCE, id=remittance_id)
    if row is None:
        raise Refused(
            "exchange.unknown_remittance", f"There is no remittance {remittance_id[:60]}."
        )
    return _remittance_of(row)


def windows(tx: Transaction, *, count: int = PAGE) -> tuple[SettlementWindow, ...]:
    """Windows, the newest first."""
    return tuple(window_of(row) for row in tx.all(window_tables.READ_WINDOWS, count=count))


def settlements(tx: Transaction, *, count: int = 20) -> tuple[Settlement, ...]:
    """Settlements with their lines, the newest first."""
    made = []
    for row in tx.all(window_tables.READ_SETTLEMENTS, count=count):
        ids = tx.all(window_tables.READ_WINDOWS_OF, settlement_id=row.id)
        window_ids = tuple(one.id for one in ids)
        made.append(Settlement(row.id, row.currency, row.state, window_ids, lines_of(tx, row.id)))
    return tuple(made)


def leg(tx: Transaction, leg_id: str) -> Leg:
    """One leg. Refused: ``exchange.unknown_leg``."""
    row = tx.one(leg_tables.READ_LEG, id=leg_id)
    if row is None:
        raise Refused("exchange.unknown_leg", f"There is no leg {leg_id[:60]}.")
    return leg_of(row)


def open_legs(tx: Transaction, *, count: int = PAGE) -> tuple[Leg, ...]:
    """Legs that are held or wait for another one, those that end first on top."""
    return tuple(leg_of(row) for row in tx.all(leg_tables.READ_OPEN_LEGS, count=count))
