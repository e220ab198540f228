"""Closing allowances: payees who waited are paid, the rest goes back where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from puhui.kernel.act import BATCH_MAX, Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.ledger import Transfer, chart
from puhui.offline import rules, tables
from puhui.offline.desk.books import escrow_account, own_account, voucher_of, wallet_account
from puhui.offline.desk.excess import Rooms, pay_out, take_rooms
from puhui.offline.desk.grant import HOLD, hold_reference
from puhui.offline.desk.sync import transfers_of
from puhui.offline.nouns import (
    AllowanceClosed,
    AllowancesClosed,
    CloseAllowance,
    CloseDue,
)
from puhui.party import release_hold

CHUNK = 100


@use_case("offline.close_allowance", roles=("operator", "system"))
def close_allowance(act: Act, input: CloseAllowance) -> AllowanceClosed:
    """Pay vouchers that wait, then give the rest back to the wallet and to the cover fund.

    Refused: ``offline.unknown_allowance``, ``offline.closed``, ``offline.too_early`` while
    vouchers may still come in.
    """
    rows = act.tx.all(tables.LOCK_ALLOWANCES, ids=[input.allowance_id])
    if not rows:
        raise Refused("offline.unknown_allowance", "There is no such allowance.")
    (row,) = rows
    if row.closed_us is not None:
        raise Refused("offline.closed", "This allowance is closed already.")
    if act.now_us <= row.sync_until_us:
        raise Refused("offline.too_early", "Vouchers of this allowance may still come in.")
    (closed,) = _close(act, rows)
    return closed


@use_case("offline.close_due", roles=("system",), batch="allowance_ids")
def close_due(act: Act, input: CloseDue) -> AllowancesClosed:
    """Close those of a chunk of allowances that are due and still open."""
    rows = act.tx.all(tables.LOCK_ALLOWANCES, ids=sorted(set(input.allowance_ids)))
    due = [row for row in rows if row.closed_us is None and act.now_us > row.sync_until_us]
    closed = _close(act, due)
    return AllowancesClosed(
        len(closed),
        sum(one.paid_minor for one in closed),
        sum(one.returned_minor for one in closed),
        sum(one.cover_used_minor for one in closed),
    )


def _close(act: Act, rows: Sequence[Row]) -> list[AllowanceClosed]:
    """Close locked allowances: one reading of their vouchers, one batch of transfers."""
    if not rows:
        return []
    waiting: dict[str, list[Row]] = {row.id: [] for row in rows}
    for found in act.tx.all(tables.READ_VOUCHERS, ids=[row.id for row in rows]):
        if found.paid_minor is None:
            waiting[found.allowance_id].append(found)
    closed, transfers = [], []
    payees = {int(one.payee_account_id, 16) for found in waiting.values() for one in found}
    rooms = take_rooms(act, payees)
    for row in rows:
        ended, made = _close_one(act, row, waiting[row.id], rooms)
        closed.append(ended)
        transfers += made
    for at in range(0, len(transfers), BATCH_MAX):
        pay_out(act, transfers[at : at + BATCH_MAX], rooms)
    return closed


def _close_one(
    act: Act, row: Row, waiting: Sequence[Row], rooms: Rooms
) -> tuple[AllowanceClosed, list[Transfer]]:
    vouchers = [voucher_of(found) for found in waiting]
    granted_minor, cover_minor = row.allowance_limit_minor, row.cover_minor
    awards = rules.award_at_close(vouchers, granted_minor + cover_minor - row.paid_minor)
    paid_minor = row.paid_minor + sum(awards.values())
    returned_minor = max(granted_minor - paid_minor, 0)
    cover_used_minor = max(paid_minor - granted_minor, 0)
    cover_back_minor = cover_minor - cover_used_minor
    assert paid_minor + returned_minor + cover_back_minor == granted_minor + cover_minor, row.id
    act.tx.run_many(
        tables.PAY_VOUCHER,
        [{"digest_": digest.hex(), "paid_minor_": paid} for digest, paid in awards.items()],
    )
    act.tx.put(
        tables.SET_ALLOWANCE,
        id_=row.id,
        claimed_minor_=row.claimed_minor,
        paid_minor_=paid_minor,
        cover_used_minor_=cover_used_minor,
        closed_us_=act.now_us,
    )
    release_hold(act, row.party_id, reason=HOLD, reference=hold_reference(row.id))
    ended = AllowanceClosed(
        row.id,
        row.claimed_minor,
        paid_minor,
        returned_minor,
        cover_used_minor,
        row.claimed_minor - paid_minor,
    )
    act.emit(
        "offline.allowance_closed",
        row.party_id,
        {"allowance": row.id, "paid_minor": paid_minor, "returned_minor": returned_minor},
    )
    back = [
        (wallet_account(row.party_id, row.currency), returned_minor),
        (own_account("offline_cover", row.currency), cover_back_minor),
    ]
    return ended, transfers_of(row, vouchers, awards, rooms) + _returns(act, row, back)


def _returns(act: Act, row: Row, parts: Sequence[tuple[int, int]]) -> list[Transfer]:
    return [
        Transfer(
            act.new_number(),
            escrow_account(row.id),
            account_id,
            amount_minor,
            row.currency,
            chart().transfer("offline_return"),
            user_data_128=int(row.id, 16),
        )
        for account_id, amount_minor in parts
        if amount_minor
    ]


def due_chunks(node: Node, day: date) -> list[CloseDue]:
    """All allowances whose vouchers could come in before ``day`` alone, in chunks."""
    with node.read() as tx:
        ids = [row.id for row in tx.all(tables.READ_DUE, before_us=start_of_day_us(day))]
    return [CloseDue(tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


day_step(80, "offline.close_due", due_chunks)
