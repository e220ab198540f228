"""Creating transfers: fetch what a batch is judged against, ask the rules, record.

A batch is set-based: whatever its size, it takes one statement each for used ids, pendings,
accounts and balances, and one executemany each for transfers, pendings and balances. A single
transfer between accounts without a balance row takes three statements, with balance rows five;
one fewer where its id was made in the act.

On PostgreSQL a decision must not rest on what another writer is changing. Of all that is read here
only two things can change: the state of a pending and a balance row; both are locked (FOR UPDATE),
pendings before balances, each in the order of numbers. Accounts are never changed, so they are read
without a lock: ``closed`` is set when an account is created and at no other time. Two acts that
create the same id meet in the unique index, and the loser is run again and finds it. A balancing
transfer on an account without a balance row reads committed postings without a lock: where that
matters, give the account ``history``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger.arrays.record import (
    Records,
    ledger_number,
    pack_columns,
    pack_transfers,
)
from puhui.ledger.desk.account import (
    Statuses,
    account_of,
    record_accounts,
    still_closed,
    sums_at,
)
from puhui.ledger.desk.batch import create_records
from puhui.ledger.desk.beside.outside import OutsideLedger, outside_of
from puhui.ledger.desk.beside.read import create_beside, find_transfers
from puhui.ledger.desk.fetch import refuse_closing
from puhui.ledger.nouns import Account, Status, Transfer
from puhui.ledger.rules import (
    OPEN,
    TRACKED,
    Books,
    Judgement,
    Terms,
    first_expiries,
    judge_accounts,
    judge_transfers,
    leave_out_due,
    require_created,
)
from puhui.ledger.tables import write
from puhui.ledger.tables.schema import blob, number, signed, unsigned

_SECOND = Transfer.POST | Transfer.VOID
_CLOSING = Transfer.CLOSING_DEBIT | Transfer.CLOSING_CREDIT
_NO_CHANGE = (0, 0, 0, 0)
_THERE = frozenset(status for status in Status if status.value.startswith("exists"))


RECORDS_FROM = 256
"""A batch of as many transfers is judged by compiled code and recorded by columns."""


def create_transfers(
    act: Act,
    transfers: Sequence[Transfer] | Records | Mapping[str, Any],
    *,
    strict: bool = False,
    opening: Sequence[Account] = (),
    are_new: bool = False,
) -> tuple[Status, ...]:
    """Create a batch of at most 8,190 transfers and say what became of each, in order.

    ``transfers`` may be records ``(n,) TRANSFER``, or columns of plain transfers, named as in the
    table, as ``pack_columns`` takes them. Chains of linked transfers happen whole or not at all.
    With ``strict`` nothing happens unless
    every transfer does. ``opening`` are accounts to create first; one that is there stays as it is;
    ``are_new`` says that every id was made in this act, so that none is looked up.
    Refused: ``ledger.batch_too_large``, ``ledger.field_out_of_range``; with ``strict``
    ``ledger.<status>`` of the first that did not happen (``ledger.exceeds_credits``: the debited
    account has too little); ``ledger.<status>`` of an account that cannot be opened.
    """
    if isinstance(transfers, Mapping):
        transfers = pack_columns(transfers)
    elif not opening and not isinstance(transfers, np.ndarray) and _is_large(transfers):
        transfers = pack_transfers(transfers)
    if (outside := outside_of(act.tx)) is not None:
        if opening:
            _open_beside(act, outside, opening)
        return outside.create(act, transfers, strict=strict) if len(transfers) else ()
    if isinstance(transfers, np.ndarray):
        assert not opening, "accounts are opened before a batch of records"
        return create_records(act, transfers, strict=strict)
    if not transfers and not opening:
        return ()
    fetched = _fetch(act, transfers, opening, are_new=are_new)
    made = judge_transfers(fetched.books, transfers)
    if strict:
        require_created(made.statuses, "transfer")
    _record(act, fetched, made)
    return tuple(made.statuses)


def _open_beside(act: Act, outside: OutsideLedger, opening: Sequence[Account]) -> None:
    statuses = create_beside(outside, act, opening, strict=False)
    require_created([Status.CREATED if s in _THERE else s for s in statuses], "account")


def _is_large(transfers: Sequence[Transfer]) -> bool:
    """Whether they are many, and every ledger among them can stand in a record."""
    if len(transfers) < RECORDS_FROM:
        return False
    try:
        return all(ledger_number(name) >= 0 for name in {t.ledger for t in transfers})
    except Refused:
        return False


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What the rules need; first expiries by account; accounts to be written; positions by id."""

    books: Books
    expiries: dict[int, int]
    opened: list[Account]
    positions: dict[int, int]


def _fetch(
    act: Act, transfers: Sequence[Transfer], opening: Sequence[Account], *, are_new: bool
) -> _Fetched:
    tx, now_us = act.tx, act.now_us
    ended = [blob(t.pending_id) for t in transfers if t.pending_id]
    known: dict[int, Transfer] = {}
    failed: set[int] = set()
    positions: dict[int, int] = {}
    if ended or not are_new:
        known, failed = _find_used(tx, [blob(t.id) for t in transfers], ended, positions)
    pendings = {}
    named = {t.pending_id for t in transfers} & known.keys()
    held = [positions[i] for i in named if known[i].flags & Transfer.PENDING]
    if held:
        locked = tx.all(write.LOCK_PENDINGS, positions=held)
        pendings = {number(row.id): (row.state, row.expires_us) for row in locked}
    account_ids = {t.debit_account_id for t in transfers}
    account_ids.update([t.credit_account_id for t in transfers])
    for pending_id in pendings:
        account_ids |= {known[pending_id].debit_account_id, known[pending_id].credit_account_id}
    terms, opened = _find_terms(act, account_ids, opening)
    new = {account.id: _NO_CHANGE for account in opened if account.flags & TRACKED}
    tracked = [i for i, term in terms.items() if term[1] & TRACKED and i not in new]
    sums, expiries, closed = _lock_sums(tx, tracked, now_us)
    sums.update(new)
    balanced = [i for i in _balanced(transfers) if i in terms and i not in sums]
    if balanced:
        sums.update(sums_at(tx, balanced, at_us=now_us))
    if any(t.flags & _CLOSING for t in transfers):
        _check_closing(transfers, sums)
    books = Books(now_us, terms, sums, known, pendings, failed, closed)
    return _Fetched(books, expiries, opened, positions)


def _check_closing(transfers: Sequence[Transfer], sums: Mapping[int, object]) -> None:
    """Refused: ``ledger.closing_needs_balance``."""
    for t in transfers:
        if not t.flags & Transfer.PENDING:
            continue
        bare_debit = t.flags & Transfer.CLOSING_DEBIT and t.debit_account_id not in sums
        if bare_debit or (t.flags & Transfer.CLOSING_CREDIT and t.credit_account_id not in sums):
            refuse_closing()


def _find_used(
    tx: Transaction, new: list[bytes], ended: list[bytes], positions: dict[int, int]
) -> tuple[dict[int, Transfer], set[int]]:
    """Recorded transfers among ids, their ``positions`` filled in, and the ids that are burnt."""
    known: dict[int, Transfer] = {}
    failed = set()
    for row in tx.all(write.FIND_USED, ids=new + ended, new_ids=new):
        if row.amount_minor is None:
            failed.add(number(row.id))
        else:
            known[number(row.id)] = transfer_of(row)
            positions[number(row.id)] = row.position
    return known, failed


def _find_terms(
    act: Act, account_ids: set[int], opening: Sequence[Account]
) -> tuple[dict[int, Terms], list[Account]]:
    """The terms of accounts, and which of ``opening`` are to be created; one statement."""
    if not opening:
        rows = act.tx.all(write.FIND_TERMS, ids=[blob(i) for i in account_ids])
        return {number(row[0]): row[1:] for row in rows}, []
    wanted = account_ids | {account.id for account in opening}
    rows = act.tx.all(write.FIND_ACCOUNTS, ids=[blob(i) for i in wanted])
    known = {number(row.id): account_of(row) for row in rows}
    statuses, opened = judge_accounts(known, opening, act.now_us)
    needed = [Status.CREATED if s in _THERE else s for s in statuses]
    require_created(needed, "account")
    terms = {i: (account.ledger, account.flags, account.time_us) for i, account in known.items()}
    terms.update({a.id: (a.ledger, a.flags, a.time_us or act.now_us) for a in opened})
    return terms, opened


def _lock_sums(
    tx: Transaction, ids: Sequence[int], now_us: int
) -> tuple[dict[int, Sequence[int]], dict[int, int], set[int]]:
    """Lock the balance rows of ``ids``: sums without pendings past their time, first expiries,
    and which are closed.
    """
    if not ids:
        return {}, {}, set()
    rows = tx.all(write.LOCK_BALANCES, ids=[blob(account_id) for account_id in ids])
    sums: dict[int, Sequence[int]] = {number(row[0]): row[1:5] for row in rows}
    expiries = {number(row[0]): row.expires_us for row in rows}
    due = [blob(i) for i, expires_us in expiries.items() if 0 < expires_us <= now_us]
    if due:
        held = tx.all(write.DUE_SUMS, ids=due, now_us=now_us)
        sums.update(
            leave_out_due(
                sums,
                [(number(row.account_id), row.side == "debit", row.amount_minor) for row in held],
            )
        )
    closed = still_closed(tx, [row[0] for row in rows if row.is_closed], now_us=now_us)
    return sums, expiries, set(map(number, closed))


def _balanced(transfers: Sequence[Transfer]) -> set[int]:
    """The accounts whose balance decides the amount of a balancing transfer."""
    debits = {t.debit_account_id for t in transfers if t.flags & Transfer.BALANCING_DEBIT}
    return debits | {t.credit_account_id for t in transfers if t.flags & Transfer.BALANCING_CREDIT}


def _record(act: Act, fetched: _Fetched, made: Judgement) -> None:
    tx, now_us, expiries = act.tx, act.now_us, fetched.expiries
    rows = [_row(t, now_us) for t in made.created]
    for start, end in made.chains:
        for row in rows[start:end]:
            row["chain_id"], row["chain_size"] = rows[start]["id"], end - start
    _write(tx, write.INSERT_TRANSFER, rows)
    if made.pendings:
        _record_pendings(tx, fetched, made, now_us)
    if fetched.opened:
        begun = first_expiries(made, {account.id: 0 for account in fetched.opened})
        record_accounts(act, fetched.opened, made.changes, begun)
    firsts = first_expiries(made, expiries)
    changed = [
        (account_id, made.changes.get(account_id, _NO_CHANGE))
        for account_id in expiries
        if account_id in made.changes
        or account_id in made.closed
        or firsts[account_id] != expiries[account_id]
    ]
    closed = fetched.books.closed
    _write(
        tx,
        write.CHANGE_BALANCE,
        [
            {
                "id": blob(account_id),
                "debits_pending_more": change[0],
                "debits_posted_more": change[1],
                "credits_pending_more": change[2],
                "credits_posted_more": change[3],
                "expires_us_new": firsts[account_id],
                "is_closed_new": int(made.closed.get(account_id, account_id in closed)),
            }
            for account_id, change in changed
        ],
    )
    _write(
        tx,
        write.INSERT_FAILED,
        [
            {"id": blob(transfer_id), "status": status.value, "time_us": now_us}
            for transfer_id, status in made.failed.items()
        ],
    )


def _write(tx: Transaction, statement: write.Statement, rows: list[dict[str, object]]) -> None:
    if len(rows) == 1:
        tx.put(statement, **rows[0])
    elif rows:
        tx.run_many(statement, rows)


def _record_pendings(tx: Transaction, fetched: _Fetched, made: Judgement, now_us: int) -> None:
    ends = {t.pending_id: t.time_us or now_us for t in made.created if t.flags & _SECOND}
    opened: list[dict[str, object]] = []
    ended: list[dict[str, object]] = []
    for t in made.created:
        if t.flags & Transfer.PENDING:
            state, expires_us = made.pendings[t.id]
            opened.append(
                {
                    "id": blob(t.id),
                    "debit_account_id": blob(t.debit_account_id),
                    "credit_account_id": blob(t.credit_account_id),
                    "amount_minor": t.amount_minor,
                    "time_us": t.time_us or now_us,
                    "expires_us": expires_us,
                    "state": state,
                    "released_us": 0 if state == OPEN else ends[t.id],
                }
            )
    for pending_id, released_us in ends.items():
        if pending_id in fetched.books.pendings:
            ended.append(
                {
                    "pending": fetched.positions[pending_id],
                    "state_new": made.pendings[pending_id][0],
                    "released_us_new": released_us,
                }
            )
    _write(tx, write.INSERT_PENDING, opened)
    _write(tx, write.END_PENDING, ended)


def _row(t: Transfer, now_us: int) -> dict[str, object]:
    return {
        "id": t.id.to_bytes(16, "big"),
        "debit_account_id": t.debit_account_id.to_bytes(16, "big"),
        "credit_account_id": t.credit_account_id.to_bytes(16, "big"),
        "amount_minor": t.amount_minor,
        "ledger": t.ledger,
        "code": t.code,
        "flags": t.flags,
        "pending_id": blob(t.pending_id) if t.pending_id else None,
        "timeout_s": t.timeout_s,
        "user_data_128": blob(t.user_data_128) if t.user_data_128 else None,
        "user_data_64": signed(t.user_data_64),
        "user_data_32": t.user_data_32,
        "time_us": t.time_us or now_us,
        "chain_id": None,
        "chain_size": 0,
    }


def transfer_of(row: Row) -> Transfer:
    """The transfer of a row."""
    return Transfer(
        id=number(row.id),
        debit_account_id=number(row.debit_account_id),
        credit_account_id=number(row.credit_account_id),
        amount_minor=row.amount_minor,
        ledger=row.ledger,
        code=row.code,
        flags=row.flags,
        pending_id=number(row.pending_id),
        timeout_s=row.timeout_s,
        user_data_128=number(row.user_data_128),
        user_data_64=unsigned(row.user_data_64),
        user_data_32=row.user_data_32,
        time_us=row.time_us,
    )


def lookup_transfers(tx: Transaction, ids: Sequence[int]) -> tuple[Transfer | None, ...]:
    """The transfers of at most 8,190 ``ids``, in that order; None where none was recorded.

    What a post or a void left open is filled in. Refused: ``ledger.field_out_of_range``.
    """
    if not ids:
        return ()
    if (outside := outside_of(tx)) is not None:
        return find_transfers(outside, tx, ids)
    rows = tx.all(write.FIND_TRANSFERS, ids=[blob(transfer_id) for transfer_id in ids])
    found = {number(row.id): transfer_of(row) for row in rows}
    return tuple(found.get(transfer_id) for transfer_id in ids)


@dataclass(frozen=True, slots=True)
class CreateTransfers:
    """A batch of transfers to create."""

    transfers: tuple[Transfer, ...]


@use_case("ledger.create_transfers", roles=("system", "operator"), batch="transfers")
def create_transfer_batch(act: Act, input: CreateTransfers) -> Statuses:
    """Create a batch of transfers; refusals are answered one by one as statuses.

    Refused: ``ledger.field_out_of_range``.
    """
    return Statuses(tuple(s.value for s in create_transfers(act, input.transfers)))
