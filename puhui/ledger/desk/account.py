"""Creating accounts, and looking up what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from puhui.kernel.act import Act, use_case
from puhui.kernel.store import Row, Transaction
from puhui.ledger.desk.beside.outside import outside_of
from puhui.ledger.desk.beside.read import create_beside, find_accounts
from puhui.ledger.nouns import TIME_US_MAX, Account, Status
from puhui.ledger.rules import TRACKED, judge_accounts, require_created
from puhui.ledger.tables import read, write
from puhui.ledger.tables.schema import blob, number, signed, unsigned, whole

_NOUGHT = (0, 0, 0, 0)


def create_accounts(
    act: Act, accounts: Sequence[Account], *, strict: bool = False
) -> tuple[Status, ...]:
    """Create a batch of at most 8,190 accounts and say what became of each.

    With ``strict`` nothing is created unless all are. Refused: ``ledger.batch_too_large``,
    ``ledger.field_out_of_range``; with ``strict`` ``ledger.<status>`` of the first that is not
    created.
    """
    if not accounts:
        return ()
    tx = act.tx
    if (outside := outside_of(tx)) is not None:
        return create_beside(outside, act, accounts, strict=strict)
    found = tx.all(write.FIND_ACCOUNTS, ids=[blob(account.id) for account in accounts])
    known = {number(row.id): account_of(row) for row in found}
    statuses, created = judge_accounts(known, accounts, act.now_us)
    if strict:
        require_created(statuses, "account")
    record_accounts(act, created, {}, {})
    return tuple(statuses)


def record_accounts(
    act: Act,
    created: Sequence[Account],
    sums: Mapping[int, Sequence[int]],
    expiries: Mapping[int, int],
) -> None:
    """Write new accounts, with the sums and first expiries that they begin with by id.

    Sums are minor units in the order of the rules; nought where none is given.
    """
    act.tx.run_many(write.INSERT_ACCOUNT, [_row(account, act.now_us) for account in created])
    balances = []
    for account in created:
        if account.flags & TRACKED:
            begun = sums.get(account.id, _NOUGHT)
            balances.append(
                {
                    "account_id": blob(account.id),
                    "debits_pending": begun[0],
                    "debits_posted": begun[1],
                    "credits_pending": begun[2],
                    "credits_posted": begun[3],
                    "expires_us": expiries.get(account.id, 0),
                }
            )
    if balances:
        act.tx.run_many(write.INSERT_BALANCE, balances)


def _row(account: Account, now_us: int) -> dict[str, object]:
    return {
        "id": blob(account.id),
        "ledger": account.ledger,
        "code": account.code,
        "flags": account.flags,
        "user_data_128": blob(account.user_data_128) if account.user_data_128 else None,
        "user_data_64": signed(account.user_data_64),
        "user_data_32": account.user_data_32,
        "time_us": account.time_us or now_us,
    }


def account_of(row: Row) -> Account:
    """The account of a row, without its sums."""
    return Account(
        id=number(row.id),
        ledger=row.ledger,
        code=row.code,
        flags=row.flags,
        user_data_128=number(row.user_data_128),
        user_data_64=unsigned(row.user_data_64),
        user_data_32=row.user_data_32,
        time_us=row.time_us,
    )


def lookup_accounts(
    tx: Transaction,
    ids: Sequence[int],
    *,
    at_us: int | None = None,
    between: tuple[int, int] | None = None,
) -> tuple[Account | None, ...]:
    """The accounts of at most 8,190 ``ids`` with their sums, in that order; None where none is.

    Without ``at_us`` the sums are those recorded, and an account that a pending keeps closed has
    ``CLOSED`` among its flags; with it the sums are those at that time (microseconds UTC), pendings
    past their time left out, and the flags those it was created with.
    With ``between`` (first and last id) and no ``ids``: those of that span, ten at
    most, by id; an engine beside the store tells none.
    Refused: ``ledger.field_out_of_range``.
    """
    if between is not None:
        if outside_of(tx) is not None:
            return ()
        low, high = (blob(one) for one in between)
        ids = [number(row.id) for row in tx.all(write.FIND_SPAN, low=low, high=high)]
    if not ids:
        return ()
    if (outside := outside_of(tx)) is not None:
        return find_accounts(outside, tx, ids, at_us=at_us)
    rows = tx.all(write.FIND_ACCOUNTS, ids=[blob(account_id) for account_id in ids])
    found = {number(row.id): account_of(row) for row in rows}
    closed: set[int] = set()
    if at_us is not None:
        sums = sums_at(tx, list(found), at_us=at_us)
    else:
        tracked = [account.id for account in found.values() if account.flags & TRACKED]
        sums = sums_at(tx, [i for i in found if not found[i].flags & TRACKED])
        if tracked:
            kept = tx.all(write.FIND_BALANCES, ids=[blob(account_id) for account_id in tracked])
            sums.update({number(row[0]): list(row[1:5]) for row in kept})
            closed = {number(row.account_id) for row in kept if row.is_closed}
    filled = {}
    for account_id, account in found.items():
        debits_pending, debits_posted, credits_pending, credits_posted = sums.get(
            account_id, _NOUGHT
        )
        filled[account_id] = replace(
            account,
            flags=account.flags | (Account.CLOSED if account_id in closed else 0),
            debits_pending_minor=debits_pending,
            debits_posted_minor=debits_posted,
            credits_pending_minor=credits_pending,
            credits_posted_minor=credits_posted,
        )
    return tuple(filled.get(account_id) for account_id in ids)


def sums_at(
    tx: Transaction, ids: Sequence[int], *, at_us: int | None = None
) -> dict[int, list[int]]:
    """The four sums of accounts from their transfers: a watermark, and what came after it.

    Order as in the rules: debits pending, debits posted, credits pending, credits posted; minor
    units. ``at_us`` as in ``lookup_accounts``.
    """
    if not ids:
        return {}
    keys = [blob(account_id) for account_id in ids]
    until_us = TIME_US_MAX if at_us is None else at_us
    sums = {account_id: [0, 0, 0, 0] for account_id in ids}
    for row in tx.all(read.FIND_WATERMARKS, ids=keys, at_us=until_us):
        mark = sums[number(row.account_id)]
        mark[1] = whole(row.debits_high, row.debits_low)
        mark[3] = whole(row.credits_high, row.credits_low)
    for row in tx.all(read.POSTED_AFTER, ids=keys, at_us=until_us):
        sums[number(row.account_id)][1 if row.side == "debit" else 3] += whole(row.high, row.low)
    if at_us is None:
        pending = tx.all(read.PENDING_OPEN, ids=keys)
    else:
        pending = tx.all(read.PENDING_AT, ids=keys, at_us=at_us)
    for row in pending:
        sums[number(row.account_id)][0 if row.side == "debit" else 2] += whole(row.high, row.low)
    return sums


def still_closed(tx: Transaction, ids: Sequence[bytes], *, now_us: int) -> set[bytes]:
    """Those accounts among ``ids`` that a pending still keeps closed, none past its time."""
    if not ids:
        return set()
    return {row.account_id for row in tx.all(write.STILL_CLOSED, ids=ids, now_us=now_us)}


@dataclass(frozen=True, slots=True)
class CreateAccounts:
    """A batch of accounts to create."""

    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Statuses:
    """What became of each item of a batch."""

    statuses: tuple[str, ...]


@use_case("ledger.create_accounts", roles=("system", "operator"), batch="accounts")
def create_account_batch(act: Act, input: CreateAccounts) -> Statuses:
    """Create a batch of accounts; refusals are answered one by one as statuses.

    Refused: ``ledger.field_out_of_range``.
    """
    return Statuses(tuple(s.value for s in create_accounts(act, input.accounts)))
