"""Currencies, participants and their positions: opened, suspended, capped."""

from __future__ import annotations

from puhui.exchange.desk.account import (
    accounts_of_position,
    funds_account,
    move,
    position_account,
    position_id_of,
)
from puhui.exchange.nouns.participant import (
    ChangeParticipant,
    CurrencyOpened,
    OpenCurrency,
    OpenPosition,
    ParticipantMoved,
    PositionMoved,
    RegisterParticipant,
    SetCap,
    SettlementKind,
)
from puhui.exchange.rules import position as rules
from puhui.exchange.tables import participant as tables
from puhui.exchange.tables import window as window_tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.ledger import Transfer, chart, create_accounts

STAFF = ("operator", "system")


def new_window(act: Act, currency: str) -> str:
    """Open a window of a currency; the one before must be closed already."""
    window_id = act.new_id("window")
    act.tx.put(
        window_tables.INSERT_WINDOW,
        id=window_id,
        currency=currency,
        state="open",
        open_currency=currency,
        opened_us=act.now_us,
        closed_us=None,
        settlement_id=None,
    )
    return window_id


@use_case("exchange.open_currency", roles=STAFF)
def open_currency(act: Act, input: OpenCurrency) -> CurrencyOpened:
    """Open a currency to trade in; how it is settled is chosen here, once and for ever.

    Refused: ``exchange.unknown_currency``, ``exchange.currency_open``.
    """
    rules.check_currency(input.currency)
    if act.tx.one(tables.READ_CURRENCY, currency=input.currency) is not None:
        raise Refused("exchange.currency_open", "This currency is open already.")
    kind = input.settlement_kind
    act.tx.put(tables.INSERT_CURRENCY, currency=input.currency, settlement_kind=kind.value)
    is_deferred = kind is SettlementKind.NET_DEFERRED
    return CurrencyOpened(input.currency, new_window(act, input.currency) if is_deferred else "")


@use_case("exchange.register_participant", roles=STAFF)
def register_participant(act: Act, input: RegisterParticipant) -> ParticipantMoved:
    """Register a bank, a provider of liquidity, or another node.

    Refused: ``exchange.bad_participant``, ``exchange.bad_key``, ``exchange.name_taken``.
    """
    rules.check_participant(input.name, input.kind, input.public_key)
    name = input.name.strip()
    if act.tx.one(tables.READ_NAMED, name=name) is not None:
        raise Refused("exchange.name_taken", "A participant has this name already.")
    participant_id = act.new_id("participant")
    act.tx.put(
        tables.INSERT_PARTICIPANT,
        id=participant_id,
        name=name,
        kind=input.kind,
        public_key=input.public_key,
        status="active",
    )
    return ParticipantMoved(participant_id, "active")


def take_participant(act: Act, participant_id: str) -> Row:
    """A participant, locked. Refused: ``exchange.unknown_participant``."""
    row = act.tx.one(tables.LOCK_PARTICIPANT, id=participant_id)
    if row is None:
        raise Refused(
            "exchange.unknown_participant", f"There is no participant {participant_id[:60]}."
        )
    return row


@use_case("exchange.suspend_participant", roles=STAFF)
def suspend_participant(act: Act, input: ChangeParticipant) -> ParticipantMoved:
    """Keep a participant out of new payments; what is held already may still be ended.

    Refused: ``exchange.unknown_participant``.
    """
    take_participant(act, input.participant_id)
    act.tx.put(tables.SET_STATUS, id_=input.participant_id, status_="suspended")
    act.emit("exchange.participant_suspended", input.participant_id, {})
    return ParticipantMoved(input.participant_id, "suspended")


@use_case("exchange.resume_participant", roles=STAFF)
def resume_participant(act: Act, input: ChangeParticipant) -> ParticipantMoved:
    """Let a suspended participant in again. Refused: ``exchange.unknown_participant``."""
    take_participant(act, input.participant_id)
    act.tx.put(tables.SET_STATUS, id_=input.participant_id, status_="active")
    return ParticipantMoved(input.participant_id, "active")


@use_case("exchange.open_position", roles=STAFF)
def open_position(act: Act, input: OpenPosition) -> PositionMoved:
    """Open a participant's position in a currency, with nothing in it and a cap of nought.

    Refused: ``exchange.unknown_participant``, ``exchange.currency_closed``,
    ``exchange.mixed_settlement``, ``exchange.position_open``.
    """
    take_participant(act, input.participant_id)
    found = act.tx.one(tables.READ_CURRENCY, currency=input.currency)
    if found is None:
        raise Refused("exchange.currency_closed", f"{input.currency[:10]!r} is not open here.")
    rules.check_kind(input.settlement_kind.value, found.settlement_kind)
    position_id = position_id_of(input.participant_id, input.currency)
    if act.tx.one(tables.READ_POSITION, id=position_id) is not None:
        raise Refused("exchange.position_open", "This position is open already.")
    act.tx.put(
        tables.INSERT_POSITION,
        id=position_id,
        participant_id=input.participant_id,
        currency=input.currency,
        settlement_kind=input.settlement_kind.value,
        cap_minor=0,
        cover_minor=0,
    )
    create_accounts(act, accounts_of_position(position_id, input.currency), strict=True)
    return PositionMoved(position_id, 0, 0)


def take_position(act: Act, participant_id: str, currency: str) -> Row:
    """A position, locked. Refused: ``exchange.no_position``."""
    position_id = position_id_of(participant_id, currency)
    row = act.tx.one(tables.LOCK_POSITION, id=position_id)
    if row is None:
        raise Refused("exchange.no_position", f"There is no position {position_id[:60]}.")
    return row


@use_case("exchange.set_cap", roles=STAFF)
def set_cap(act: Act, input: SetCap) -> PositionMoved:
    """Set the net debit cap of a position; free funds become its cover, or come back from it.

    What is owed or held already cannot be uncovered. Refused: ``exchange.no_position``,
    ``exchange.bad_amount``, ``exchange.funds_short``, ``exchange.cap_below_position``.
    """
    rules.check_cap(input.cap_minor)
    row = take_position(act, input.participant_id, input.currency)
    more_minor = input.cap_minor - row.cover_minor
    funds, position = funds_account(row.id), position_account(row.id)
    if more_minor > 0:
        debit_id, credit_id = funds, position
        short = "exchange.funds_short", "The free funds do not cover this cap."
    else:
        debit_id, credit_id = position, funds
        short = "exchange.cap_below_position", "More than this cap is owed or held already."
    if more_minor:
        transfer = Transfer(
            act.new_number(),
            debit_account_id=debit_id,
            credit_account_id=credit_id,
            amount_minor=abs(more_minor),
            ledger=row.currency,
            code=chart().transfer("position_cover"),
        )
        move(act, [transfer], short=short)
    act.tx.put(
        tables.SET_COVER, id_=row.id, cap_minor_=input.cap_minor, cover_minor_=input.cap_minor
    )
    return PositionMoved(row.id, input.cap_minor, input.cap_minor)
