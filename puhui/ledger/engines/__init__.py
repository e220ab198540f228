"""Engines of the ledger, in the store and beside it: one small protocol, and what answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.record import STATUSES, Records
from puhui.ledger.nouns import Status

END_NS = 2**63 - 1
"""After every time, in nanoseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Results:
    """What became of a batch: ``status`` ``(n,) uint16`` (places in ``Status``) and ``time_ns``
    ``(n,) uint64``, when each was created (nanoseconds UTC), 0 where it was not.
    """

    status: NDArray[np.uint16]
    time_ns: NDArray[np.uint64]

    def named(self) -> tuple[Status, ...]:
        """The statuses by name."""
        return tuple(map(STATUSES.__getitem__, self.status.tolist()))


@dataclass(frozen=True, slots=True)
class Page:
    """Transfers in the order of the ledger: ``ordinals`` ``(n,) int64`` and their records.

    ``balances`` ``(n,) int64``, of one account's transfers: its posted credits less its posted
    debits after each, in minor units; empty where many accounts are concerned.
    """

    ordinals: NDArray[np.int64]
    transfers: Records
    balances: NDArray[np.int64]


class LedgerEngine(Protocol):
    """A ledger: accounts and transfers in batches of records, durable when a call returns; where
    it works in a transaction of the store, with that.

    Batches have at most 8,190 records. Times are nanoseconds since 1970 UTC; the time of a batch
    never goes back, whatever the clock that is handed in does. Whatever is created is durable no
    later than what is created after it. Without ``is_durable`` a call may return before what it
    created, or tells of, is: for whoever makes something later durable before he answers.
    """

    def create_accounts(self, accounts: Records, now_ns: int) -> Results:
        """Create accounts ``(n,) ACCOUNT``. Refused: ``ledger.batch_too_large``."""
        ...

    def create_transfers(
        self, transfers: Records, now_ns: int, *, is_durable: bool = True
    ) -> Results:
        """Create transfers ``(n,) TRANSFER``; chains of linked ones happen whole or not at all.

        Refused: ``ledger.batch_too_large``.
        """
        ...

    def lookup_accounts(
        self, ids: NDArray[np.uint64], now_ns: int, *, is_durable: bool = True
    ) -> Records:
        """The accounts that exist among ``ids`` ``(n, 2) uint64``, with their sums, in order."""
        ...

    def lookup_transfers(self, ids: NDArray[np.uint64], *, is_durable: bool = True) -> Records:
        """The transfers that exist among ``ids`` ``(n, 2) uint64``, in order."""
        ...

    def account_transfers(
        self, account_id: int, *, after: int, count: int, from_ns: int, until_ns: int
    ) -> Page:
        """At most ``count`` transfers of an account past the ordinal ``after``, oldest first,
        those from ``from_ns`` up to before ``until_ns``.
        """
        ...

    def accounts(self, *, after: int, count: int, now_ns: int) -> Records:
        """At most ``count`` accounts, past the first ``after``, in the order of their creation."""
        ...

    def tail(self, *, after: int, count: int, from_ns: int = 0, until_ns: int = END_NS) -> Page:
        """About ``count`` transfers past the ordinal ``after``, those from ``from_ns`` up to before
        ``until_ns``; none where there is none. What projections and exports are fed with.
        """
        ...

    def close(self) -> None:
        """Finish what is on its way and let the ledger go."""
        ...


__all__ = ["END_NS", "LedgerEngine", "Page", "Results"]
