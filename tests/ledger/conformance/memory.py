"""A ledger in memory, for tests alone: the state machine of the log without its log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.record import CODES, TRANSFER, Records, check_size, id_halves
from puhui.ledger.engines import END_NS, Page, Results
from puhui.ledger.engines.log.accounts import judge_account_records
from puhui.ledger.engines.log.index import posted_of
from puhui.ledger.engines.log.state import State
from puhui.ledger.nouns import Account, Status

CREATED = CODES[Status.CREATED]


class MemoryLedger:
    """Everything that was recorded stands in one array; questions are answered by masks."""

    def __init__(self) -> None:
        self.state = State(ids=16)
        self.records: Records = np.zeros(0, dtype=TRANSFER)
        self.is_created = np.zeros(0, dtype=np.bool_)

    def create_accounts(self, accounts: Records, now_ns: int) -> Results:
        check_size(len(accounts), "accounts")
        state, count = self.state, len(accounts)
        if not count:
            return Results(np.empty(0, np.uint16), np.empty(0, np.uint64))
        last_ns = state.time_of_batch(now_ns, count)
        places = state.find_slots(accounts["id_lo"], accounts["id_hi"])
        known = state.accounts[places[places >= 0]]
        status, created = judge_account_records(accounts, known, last_ns - count + 1)
        records = accounts.copy()
        own = created[accounts["flags"][created] & Account.IMPORTED == 0]
        records["time_ns"][own] = last_ns - count + 1 + own
        state.add(records[created])
        state.last_ns = max(state.last_ns, last_ns)
        return Results(status, np.where(status == CREATED, records["time_ns"], np.uint64(0)))

    def create_transfers(
        self, transfers: Records, now_ns: int, *, is_durable: bool = True
    ) -> Results:
        check_size(len(transfers), "transfers")
        if not len(transfers):
            return Results(np.empty(0, np.uint16), np.empty(0, np.uint64))
        last_ns = self.state.time_of_batch(now_ns, len(transfers))
        judged = self.state.judge(transfers, last_ns, self._gather)
        created = judged.status == CREATED
        self.records = np.concatenate([self.records, judged.records])
        self.is_created = np.concatenate([self.is_created, created])
        return Results(judged.status, np.where(created, judged.records["time_ns"], np.uint64(0)))

    def _gather(self, ordinals: NDArray[np.int64]) -> Records:
        return self.records[ordinals]

    def lookup_accounts(
        self, ids: NDArray[np.uint64], now_ns: int, *, is_durable: bool = True
    ) -> Records:
        self._expire(now_ns)
        slots = self.state.find_slots(ids[:, 0].copy(), ids[:, 1].copy())
        return self.state.sums(slots[slots >= 0])

    def lookup_transfers(self, ids: NDArray[np.uint64], *, is_durable: bool = True) -> Records:
        found = self.state.find_ordinals(ids[:, 0].copy(), ids[:, 1].copy(), self._gather)
        return self.records[found[(found >= 0) & (found < 1 << 39)]]

    def account_transfers(
        self, account_id: int, *, after: int, count: int, from_ns: int, until_ns: int
    ) -> Page:
        low, high = id_halves([account_id])[0]
        is_debit = (self.records["debit_lo"] == low) & (self.records["debit_hi"] == high)
        is_credit = (self.records["credit_lo"] == low) & (self.records["credit_hi"] == high)
        of_it = np.flatnonzero((is_debit | is_credit) & self.is_created)
        posted = posted_of(self.records[of_it]).astype(np.int64)
        balances = np.cumsum(np.where(is_debit[of_it], -posted, posted))
        times = self.records["time_ns"][of_it]
        asked = np.flatnonzero((of_it > after) & (times >= from_ns) & (times < until_ns))[:count]
        return Page(of_it[asked], self.records[of_it[asked]], balances[asked])

    def accounts(self, *, after: int, count: int, now_ns: int) -> Records:
        self._expire(now_ns)
        until = min(after + count, self.state.account_count)
        return self.state.sums(np.arange(after, max(after, until)))

    def tail(self, *, after: int, count: int, from_ns: int = 0, until_ns: int = END_NS) -> Page:
        times = self.records["time_ns"]
        places = np.flatnonzero(self.is_created & (times >= from_ns) & (times < until_ns))
        places = places[places > after][:count]
        return Page(places, self.records[places], np.empty(0, dtype=np.int64))

    def _expire(self, now_ns: int) -> None:
        if self.state.is_due(now_ns):
            self.state.expire(self.state.time_of_batch(now_ns, 0))

    def close(self) -> None:
        pass
