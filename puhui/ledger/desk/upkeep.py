"""Upkeep: releasing pendings past their time, and moving watermarks on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from puhui.kernel.act import SYSTEM, Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import upkeep
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.ledger.desk.account import still_closed
from puhui.ledger.desk.beside.outside import outside_of
from puhui.ledger.nouns import BATCH_MAX, TIME_US_MAX, Transfer
from puhui.ledger.rules import EXPIRED, OPEN, release
from puhui.ledger.tables import intent, read, write
from puhui.ledger.tables.schema import parts, whole


@dataclass(frozen=True, slots=True)
class ExpirePendings:
    """Release at most so many pendings past their time."""

    at_most: int = BATCH_MAX


@dataclass(frozen=True, slots=True)
class Expired:
    """How many pendings were released; fewer than asked for means that none is left."""

    released: int


@use_case("ledger.expire_pendings", roles=("system", "operator"))
def expire_pendings(act: Act, input: ExpirePendings) -> Expired:
    """Release pending transfers past their time, those due first first.

    Refused: ``ledger.batch_too_large`` unless 1 to 8,190 are asked for.
    """
    if not 1 <= input.at_most <= BATCH_MAX:
        raise Refused("ledger.batch_too_large", f"Release 1 to {BATCH_MAX:,} pendings at once.")
    tx = act.tx
    if (outside := outside_of(tx)) is not None:
        return Expired(outside.expire(act, input.at_most))
    due = [row.position for row in tx.all(write.FIND_DUE, now_us=act.now_us, count=input.at_most)]
    if not due:
        return Expired(0)
    # Between finding and locking, another writer may have posted or voided one of them.
    rows = [row for row in tx.all(write.LOCK_PENDINGS, positions=due) if row.state == OPEN]
    if not rows:
        return Expired(0)
    accounts = {row.debit_account_id for row in rows} | {row.credit_account_id for row in rows}
    balances = tx.all(write.LOCK_BALANCES, ids=sorted(accounts))
    tx.run_many(
        write.END_PENDING,
        [
            {"pending": row.position, "state_new": EXPIRED, "released_us_new": row.expires_us}
            for row in rows
        ],
    )
    changes = release(
        [(row.debit_account_id, row.credit_account_id, row.amount_minor) for row in rows]
    )
    reopened = _reopened(tx, [row.position for row in rows]) if balances else set()
    reopened -= still_closed(tx, sorted(reopened), now_us=act.now_us)
    tx.run_many(write.CHANGE_BALANCE, _changes(tx, balances, changes, reopened))
    return Expired(len(rows))


def _reopened(tx: Transaction, positions: Sequence[int]) -> set[bytes]:
    """The accounts that pendings closed which are past their time now."""
    found = set()
    for row in tx.all(write.FIND_PLACED, positions=positions):
        if row.flags & Transfer.CLOSING_DEBIT:
            found.add(row.debit_account_id)
        if row.flags & Transfer.CLOSING_CREDIT:
            found.add(row.credit_account_id)
    return found


def _changes(
    tx: Transaction,
    balances: Sequence[Row],
    changes: Mapping[bytes, Sequence[int]],
    reopened: set[bytes],
) -> list[dict[str, object]]:
    if not balances:
        return []
    firsts: dict[bytes, int] = {}
    for row in tx.all(write.FIRST_EXPIRIES, ids=[row.account_id for row in balances]):
        known = firsts.get(row.account_id, row.expires_us)
        firsts[row.account_id] = min(known, row.expires_us)
    first = tx.one(write.FIRST_EXPIRY)
    assert first is not None
    if first.loose is not None and first.expires_us is not None:
        for row in balances:  # which of them is loose nobody has sorted out yet
            known = firsts.get(row.account_id, first.expires_us)
            firsts[row.account_id] = min(known, first.expires_us)
    return [
        {
            "id": row.account_id,
            "debits_pending_more": changes[row.account_id][0],
            "debits_posted_more": 0,
            "credits_pending_more": changes[row.account_id][2],
            "credits_posted_more": 0,
            "expires_us_new": firsts.get(row.account_id, 0),
            "is_closed_new": 0 if row.account_id in reopened else row.is_closed,
        }
        for row in balances
    ]


@dataclass(frozen=True, slots=True)
class AdvanceWatermarks:
    """Sum up at most so many transfers past the last watermark."""

    at_most: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Advanced:
    """How many postings were summed up, into how many accounts."""

    postings: int
    accounts: int


@use_case("ledger.advance_watermarks", roles=("system", "operator"))
def advance_watermarks(act: Act, input: AdvanceWatermarks) -> Advanced:
    """Move the watermarks of accounts without a balance row on, so that sums stay short.

    On PostgreSQL nobody adds transfers meanwhile: positions are given before acts commit, and one
    that appeared behind the watermark would be left out of its sum for ever. Refused:
    ``ledger.batch_too_large`` unless 1 to 10 million transfers are asked for.
    """
    if not 1 <= input.at_most <= 10_000_000:
        raise Refused("ledger.batch_too_large", "Sum up 1 to 10,000,000 transfers at once.")
    tx = act.tx
    if outside_of(tx) is not None:  # its engine keeps the sums of every account
        return Advanced(0, 0)
    tx.put(write.HOLD_TRANSFERS)
    last = tx.one(read.LAST_WATERMARK)
    assert last is not None
    until = tx.one(read.POSITION_AFTER, after=last.position, count=input.at_most)
    if until is None or until.position is None:
        return Advanced(0, 0)
    rows = tx.all(read.UNTRACKED_BETWEEN, after=last.position, until=until.position)
    keys = sorted({row.account_id for row in rows})
    marks: dict[bytes, list[int]] = {key: [0, 0, 0] for key in keys}
    for start in range(0, len(keys), BATCH_MAX):
        page = keys[start : start + BATCH_MAX]
        for row in tx.all(read.FIND_WATERMARKS, ids=page, at_us=TIME_US_MAX):
            debits = whole(row.debits_high, row.debits_low)
            credits = whole(row.credits_high, row.credits_low)
            marks[row.account_id] = [debits, credits, row.time_us]
    for row in rows:
        mark = marks[row.account_id]
        mark[0 if row.side == "debit" else 1] += whole(row.high, row.low)
        mark[2] = max(mark[2], row.time_us)
    tx.run_many(
        read.PUT_WATERMARK, [_mark(key, until.position, mark) for key, mark in marks.items()]
    )
    return Advanced(sum(row.transfers for row in rows), len(keys))


def _mark(key: bytes, position: int, mark: Sequence[int]) -> dict[str, object]:
    debits_high, debits_low = parts(mark[0])
    credits_high, credits_low = parts(mark[1])
    return {
        "account_id": key,
        "position": position,
        "debits_high": debits_high,
        "debits_low": debits_low,
        "credits_high": credits_high,
        "credits_low": credits_low,
        "time_us": mark[2],
    }


@dataclass(frozen=True, slots=True)
class IndexTransfers:
    """Take at most so many large batches into the indexes by account."""

    at_most: int = 16


@dataclass(frozen=True, slots=True)
class Indexed:
    """How many batches were taken in; fewer than asked for means that none is left."""

    batches: int


@use_case("ledger.index_transfers", roles=("system", "operator"))
def index_transfers(act: Act, input: IndexTransfers) -> Indexed:
    """Take the transfers of large batches into the indexes by account, the oldest first.

    Until then whoever asks for one account's transfers looks through them all. Refused:
    ``ledger.batch_too_large`` unless 1 to 1,000 batches are asked for.
    """
    if not 1 <= input.at_most <= 1000:
        raise Refused("ledger.batch_too_large", "Take in 1 to 1,000 batches at once.")
    found = act.tx.all(read.NEXT_LOOSE, count=input.at_most)
    for row in found:
        act.tx.put(read.TAKE_IN_PENDINGS, first=row.first_position, last=row.last_position)
        act.tx.put(read.TAKE_IN, first=row.first_position, last=row.last_position)
        act.tx.put(read.FORGET_LOOSE, first=row.first_position)
    return Indexed(len(found))


INDEXED_AT_ONCE = 2
"""Large batches that upkeep takes in by one act: so few that nobody waits long for the store."""


def _expire_due(node: Node) -> bool:
    """Release pendings past their time, if any are; whether more may be."""
    with node.read() as tx:
        due = write.FIND_DUE if outside_of(tx) is None else intent.DUE_HOLDS
        first = tx.one(due, now_us=node.clock.now_us(), count=1)
    if first is None:
        return False
    # A pending is released once, so its id makes a key that no other act of upkeep has.
    key = f"upkeep:ledger.expire_pendings:{first.id.hex()}"
    done = node.act("ledger.expire_pendings", ExpirePendings(), key=key, actor=SYSTEM)
    return bool(done.released == BATCH_MAX)


def _index_loose(node: Node) -> bool:
    """Take large batches into the indexes, if any wait; whether more may."""
    with node.read() as tx:
        first = tx.one(read.NEXT_LOOSE, count=1)
    if first is None:
        return False
    key = f"upkeep:ledger.index_transfers:{first.first_position}"
    asked = IndexTransfers(INDEXED_AT_ONCE)
    done = node.act("ledger.index_transfers", asked, key=key, actor=SYSTEM)
    return bool(done.batches == INDEXED_AT_ONCE)


upkeep("ledger.expire_pendings", _expire_due)
upkeep("ledger.index_transfers", _index_loose)
