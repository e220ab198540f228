"""Funds of participants: paid in, and paid out in two steps."""

from __future__ import annotations

from puhui.exchange.desk.account import funds_account, move, own_account
from puhui.exchange.desk.participant import STAFF, take_position
from puhui.exchange.nouns.participant import EndFundsOut, FundsMoved, PutFundsIn, ReserveFundsOut
from puhui.exchange.rules import position as rules
from puhui.exchange.tables import participant as tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.ledger import Transfer, chart, create_transfers

_SHORT = "exchange.funds_short", "The free funds are less than this."


def _begun(
    act: Act, input: PutFundsIn | ReserveFundsOut, state: str
) -> tuple[Row, FundsMoved, bool]:
    """The position, the movement of funds, and whether it is new; a reference means one."""
    rules.check_funds(input.amount_minor, input.reference)
    position = take_position(act, input.participant_id, input.currency)
    found = act.tx.one(tables.READ_REFERENCE, position_id=position.id, reference=input.reference)
    if found is not None:
        is_in = found.state == "in"
        if found.amount_minor != input.amount_minor or is_in != (state == "in"):
            raise Refused("exchange.reference_used", "This reference means other funds already.")
        return position, FundsMoved(found.id, found.state, found.amount_minor), False
    made = FundsMoved(act.new_id("funds"), state, input.amount_minor)
    act.tx.put(
        tables.INSERT_FUNDS,
        id=made.funds_id,
        position_id=position.id,
        amount_minor=input.amount_minor,
        reference=input.reference,
        state=state,
        made_us=act.now_us,
    )
    return position, made, True


@use_case("exchange.put_funds_in", roles=STAFF)
def put_funds_in(act: Act, input: PutFundsIn) -> FundsMoved:
    """Take in funds of a participant; the same reference is the same funds.

    Refused: ``exchange.no_position``, ``exchange.bad_amount``, ``exchange.bad_reference``,
    ``exchange.reference_used``.
    """
    position, made, is_new = _begun(act, input, "in")
    if is_new:
        funding = own_account("funding", position.currency)
        transfer = Transfer(
            Transfer.id_of(f"exchange:{made.funds_id}"),
            debit_account_id=funding.id,
            credit_account_id=funds_account(position.id),
            amount_minor=input.amount_minor,
            ledger=position.currency,
            code=chart().transfer("funds_in"),
        )
        create_transfers(act, [transfer], strict=True, opening=[funding])
    return made


@use_case("exchange.reserve_funds_out", roles=STAFF)
def reserve_funds_out(act: Act, input: ReserveFundsOut) -> FundsMoved:
    """Hold free funds of a participant until they are paid out, or given back.

    Refused: ``exchange.no_position``, ``exchange.bad_amount``, ``exchange.bad_reference``,
    ``exchange.reference_used``, ``exchange.funds_short``.
    """
    position, made, is_new = _begun(act, input, "reserved")
    if is_new:
        funding = own_account("funding", position.currency)
        transfer = Transfer(
            Transfer.id_of(f"exchange:{made.funds_id}"),
            debit_account_id=funds_account(position.id),
            credit_account_id=funding.id,
            amount_minor=input.amount_minor,
            ledger=position.currency,
            code=chart().transfer("funds_out"),
            flags=Transfer.PENDING,
        )
        move(act, [transfer], short=_SHORT, opening=[funding])
    return made


def _end(act: Act, funds_id: str, state: str, flag: int) -> FundsMoved:
    row = act.tx.one(tables.LOCK_FUNDS, id=funds_id)
    if row is None:
        raise Refused("exchange.unknown_funds", f"There are no funds {funds_id[:60]}.")
    if row.state == state:
        return FundsMoved(row.id, state, row.amount_minor)
    if row.state != "reserved":
        raise Refused("exchange.funds_ended", f"These funds are {row.state} already.")
    transfer = Transfer(
        Transfer.id_of(f"exchange:{funds_id}:end"),
        amount_minor=row.amount_minor,
        flags=flag,
        pending_id=Transfer.id_of(f"exchange:{funds_id}"),
    )
    create_transfers(act, [transfer], strict=True)
    act.tx.put(tables.END_FUNDS, id_=funds_id, state_=state)
    return FundsMoved(funds_id, state, row.amount_minor)


@use_case("exchange.commit_funds_out", roles=STAFF)
def commit_funds_out(act: Act, input: EndFundsOut) -> FundsMoved:
    """Pay reserved funds out. Refused: ``exchange.unknown_funds``, ``exchange.funds_ended``."""
    return _end(act, input.funds_id, "committed", Transfer.POST)


@use_case("exchange.abort_funds_out", roles=STAFF)
def abort_funds_out(act: Act, input: EndFundsOut) -> FundsMoved:
    """Give reserved funds back. Refused: ``exchange.unknown_funds``, ``exchange.funds_ended``."""
    return _end(act, input.funds_id, "aborted", Transfer.VOID)
