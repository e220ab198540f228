"""The engine `sql`: the ledger in the store by the protocol of those beside it.

It works in a transaction that is there already: what it creates is durable with the act, what it
reads is one snapshot. The desk's own functions do the work; here nouns become records. Ordinals
are positions in the store, times whole microseconds, and a batch has the time of its act.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.layout import IMPORTED
from puhui.ledger.arrays.record import (
    CODES,
    Records,
    check_size,
    numbers_of,
    pack_accounts,
    pack_transfers,
    unpack_accounts,
    unpack_transfers,
)
from puhui.ledger.desk import transfer as desk
from puhui.ledger.desk.account import create_accounts, lookup_accounts, still_closed
from puhui.ledger.desk.beside.outside import outside_of
from puhui.ledger.desk.fetch import records_of
from puhui.ledger.desk.report import account_history
from puhui.ledger.engines import END_NS, LedgerEngine, Page, Results
from puhui.ledger.nouns import Account, Status, Transfer
from puhui.ledger.rules import leave_out_due
from puhui.ledger.tables import read, write
from puhui.ledger.tables.schema import blob, number

_RESERVED = 1 << 15
_CLOSED = Account.CLOSED
_CREATED = CODES[Status.CREATED]


def ledger_of(tx: Transaction) -> LedgerEngine:
    """The ledger of a transaction's node: the one beside the store, or the one in it."""
    outside = outside_of(tx)
    return SqlEngine(tx) if outside is None else outside.engine


class SqlEngine:
    """The ledger in the store, over one transaction; with ``act`` it creates as well."""

    def __init__(self, tx: Transaction, act: Act | None = None) -> None:
        self._tx, self._act = tx, act

    def create_accounts(self, accounts: Records, now_ns: int) -> Results:
        """As ``LedgerEngine``, at the act's time."""
        check_size(len(accounts), "accounts")
        assert self._act is not None, "accounts are created in an act"
        # The store has no reserved field: what is in it is judged as a flag that is not known.
        is_reserved = accounts["reserved"] != 0
        asked = accounts.copy()
        asked["flags"][is_reserved] |= _RESERVED
        said = create_accounts(self._act, unpack_accounts(asked))
        statuses = [
            Status.RESERVED_FIELD if is_bad and status is Status.RESERVED_FLAG else status
            for is_bad, status in zip(is_reserved.tolist(), said, strict=True)
        ]
        return self._results(accounts, accounts["flags"] & np.uint16(Account.IMPORTED), statuses)

    def create_transfers(
        self, transfers: Records, now_ns: int, *, is_durable: bool = True
    ) -> Results:
        """As ``LedgerEngine``, at the act's time; few of them as nouns, many as arrays."""
        check_size(len(transfers), "transfers")
        assert self._act is not None, "transfers are created in an act"
        asked = transfers if len(transfers) >= desk.RECORDS_FROM else unpack_transfers(transfers)
        statuses = desk.create_transfers(self._act, asked) if len(asked) else ()
        return self._results(transfers, transfers["flags"] & np.uint16(IMPORTED), statuses)

    def _results(
        self, asked: Records, is_imported: NDArray[np.uint16], statuses: Sequence[Status]
    ) -> Results:
        assert self._act is not None, "the time is the act's"
        status = np.array([CODES[one] for one in statuses], dtype=np.uint16)
        own = np.where(is_imported != 0, asked["time_ns"] // 1000, np.uint64(self._act.now_us))
        return Results(status, np.where(status == _CREATED, own * np.uint64(1000), np.uint64(0)))

    def lookup_accounts(
        self, ids: NDArray[np.uint64], now_ns: int, *, is_durable: bool = True
    ) -> Records:
        """As ``LedgerEngine``; what is past its time by ``now_ns`` holds nothing any more."""
        return self._accounts(numbers_of(ids[:, 0], ids[:, 1]), now_ns // 1000)

    def _accounts(self, ids: Sequence[int], now_us: int) -> Records:
        found = {a.id: a for a in lookup_accounts(self._tx, ids) if a is not None}
        keys = [blob(account_id) for account_id in found]
        due = self._tx.all(write.DUE_SUMS, ids=keys, now_us=now_us) if keys else []
        held = [(number(row.account_id), row.side == "debit", row.amount_minor) for row in due]
        sums = {i: (a.debits_pending_minor, 0, a.credits_pending_minor, 0)
                for i, a in found.items()}  # fmt: skip
        for account_id, left in leave_out_due(sums, held).items():
            found[account_id] = replace(
                found[account_id], debits_pending_minor=left[0], credits_pending_minor=left[2]
            )
        for account_id in self._reopened({i for i, _, _ in held}, found, now_us):
            account = found[account_id]
            found[account_id] = replace(account, flags=account.flags & ~_CLOSED)
        return pack_accounts([found[i] for i in ids if i in found])

    def _reopened(
        self, held: Collection[int], found: Mapping[int, Account], now_us: int
    ) -> Iterator[int]:
        """Of accounts that due pendings are ``held`` on, those that were closed by such alone."""
        closed = [blob(account_id) for account_id in held if found[account_id].flags & _CLOSED]
        if closed:
            still = still_closed(self._tx, closed, now_us=now_us)
            for row in self._tx.all(write.FIND_TERMS, ids=closed):
                if row.id not in still and not row.flags & _CLOSED:
                    yield number(row.id)

    def lookup_transfers(self, ids: NDArray[np.uint64], *, is_durable: bool = True) -> Records:
        """As ``LedgerEngine``."""
        return pack_transfers(self._transfers(numbers_of(ids[:, 0], ids[:, 1])))

    def _transfers(self, ids: Sequence[int]) -> list[Transfer]:
        return [t for t in desk.lookup_transfers(self._tx, ids) if t is not None]

    def account_transfers(
        self, account_id: int, *, after: int, count: int, from_ns: int, until_ns: int
    ) -> Page:
        """As ``LedgerEngine``."""
        lines = account_history(
            self._tx, account_id, after=max(after, 0), count=count,
            from_us=-(-from_ns // 1000), until_us=-(-until_ns // 1000),
        )  # fmt: skip
        return Page(
            np.array([line.position for line in lines], dtype=np.int64),
            pack_transfers(self._transfers([line.transfer_id for line in lines])),
            np.array([line.balance_minor for line in lines], dtype=np.int64),
        )

    def accounts(self, *, after: int, count: int, now_ns: int) -> Records:
        """As ``LedgerEngine``."""
        rows = self._tx.all(read.ACCOUNTS_AFTER, after=after, count=count)
        return self._accounts([number(row.id) for row in rows], now_ns // 1000)

    def tail(self, *, after: int, count: int, from_ns: int = 0, until_ns: int = END_NS) -> Page:
        """As ``LedgerEngine``."""
        columns = self._tx.arrays(
            read.TRANSFERS_AFTER, after=after, count=count,
            from_us=-(-from_ns // 1000), until_us=-(-until_ns // 1000),
        )  # fmt: skip
        positions = np.array(columns[0], dtype=np.int64)
        return Page(positions, records_of(columns[1:]), np.empty(0, dtype=np.int64))

    def close(self) -> None:
        """Nothing: the transaction is its owner's."""


__all__ = ["SqlEngine", "ledger_of"]
