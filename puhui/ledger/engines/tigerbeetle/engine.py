"""The engine ``tigerbeetle``: a replicated ledger past one machine, which judges by itself.

The cluster has its own clock, so the time that a caller hands in is left aside. Ordinals are the
times of transfers, which are unique and rise in a cluster. Amounts past 62 bits are refused here,
sums are the cluster's own, of 128 bits.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Fault, Refused
from puhui.ledger.arrays.layout import AMOUNT_TOP, BALANCING, IMPORTED, LINKED, SECOND
from puhui.ledger.arrays.record import (
    ACCOUNT,
    CODES,
    TRANSFER,
    Records,
    check_size,
    id_halves,
)
from puhui.ledger.engines import END_NS, Page, Results
from puhui.ledger.engines.log.index import posted_of
from puhui.ledger.engines.tigerbeetle import wire
from puhui.ledger.engines.tigerbeetle.client import (
    Session,
    TooMuchData,
    find_replica,
    joined,
    read_cluster,
)
from puhui.ledger.nouns import Account, Status

TIMEOUT_S = 10.0
"""How long a reply is waited for, in seconds."""

CONNECT_S = 2.0
"""How long one replica may take to accept a connection, in seconds."""

NO_LEDGER = 2**32 - 1
"""A ledger that no account of ours has; a transfer that is sent with it cannot happen."""

MARK_EVERY = 1024
SUMS_KEPT = 4096
_TIME_TOP = 2**63 - 2
_OTHER_LEDGER = CODES[Status.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS]
_TOO_LARGE = CODES[Status.AMOUNT_MUST_NOT_EXCEED_62_BITS]


class Line(Protocol):
    """What carries requests to a cluster: ``Session``, or a stand-in in tests."""

    @property
    def is_open(self) -> bool:
        """Whether requests may still be asked."""
        ...

    def ask(self, operation: int, data: Records, timeout_s: float) -> bytes:
        """The reply to a request. Raises ``TooMuchData``."""
        ...

    def close(self) -> None:
        """Let the cluster go."""
        ...


class TigerBeetleEngine:
    """A ledger in a TigerBeetle cluster. Safe to be called from several threads.

    Every call may raise Fault: ``ledger.cluster_unreachable``, ``ledger.cluster_reply_unknown``,
    ``ledger.cluster_client_missing``. After the first the next call begins a new session.
    """

    def __init__(self, begin: Callable[[], Line], *, timeout_s: float = TIMEOUT_S) -> None:
        """``begin`` opens a line to the cluster, now and whenever one was lost."""
        self._begin = begin
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._events_max = wire.EVENTS_MAX
        self._marks: tuple[list[int], list[int]] = ([0], [0])
        self._sums: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self._line = begin()

    @classmethod
    def connected(cls, setting: str, *, timeout_s: float = TIMEOUT_S) -> TigerBeetleEngine:
        """The ledger in the cluster ``<cluster>@<address>,...``, once it has answered.

        Refused: ``ledger.cluster_setting``. Fault: ``ledger.cluster_unreachable``,
        ``ledger.cluster_client_missing``.
        """
        cluster, addresses = read_cluster(setting)

        def begin() -> Line:
            find_replica(addresses, CONNECT_S)
            return Session(cluster, addresses)

        engine = cls(begin, timeout_s=timeout_s)
        try:
            engine.accounts(after=0, count=1, now_ns=0)
        except BaseException:
            engine.close()
            raise
        return engine

    # Writing.

    def create_accounts(self, accounts: Records, now_ns: int) -> Results:
        """As ``LedgerEngine``. Refused: ``ledger.no_ledger_number``."""
        check_size(len(accounts), "accounts")
        if (accounts["ledger"] == NO_LEDGER).any():
            raise Refused(
                "ledger.no_ledger_number", f"The ledger {NO_LEDGER} is kept free: take another."
            )
        return self._create(wire.CREATE_ACCOUNTS, accounts)

    def create_transfers(
        self, transfers: Records, now_ns: int, *, is_durable: bool = True
    ) -> Results:
        """As ``LedgerEngine``.

        A transfer past 62 bits is sent with a ledger that is none, so that it fails where the
        cluster would have booked it, and its chain with it; what is wrong with it before that is
        told as ever. A closed account and an imported time are not looked at first.
        """
        check_size(len(transfers), "transfers")
        is_first = transfers["flags"] & np.uint16(SECOND | BALANCING) == 0
        is_large = (transfers["amount_hi"] != 0) | (transfers["amount_lo"] > AMOUNT_TOP)
        large = np.flatnonzero(is_first & is_large & (transfers["ledger"] != 0))
        if not len(large):
            return self._create(wire.CREATE_TRANSFERS, transfers)
        sent: Records = transfers.copy()
        sent["ledger"][large] = NO_LEDGER
        results = self._create(wire.CREATE_TRANSFERS, sent)
        told = large[results.status[large] == _OTHER_LEDGER]
        if len(told):
            ids = np.stack([transfers["debit_lo"][told], transfers["debit_hi"][told]], axis=1)
            ledgers = {
                (int(a["id_lo"]), int(a["id_hi"])): int(a["ledger"])
                for a in self.lookup_accounts(np.unique(ids, axis=0), now_ns)
            }
            for place, (low, high) in zip(told.tolist(), ids.tolist(), strict=True):
                if ledgers.get((low, high)) == int(transfers["ledger"][place]):
                    results.status[place] = _TOO_LARGE
        return results

    def _create(self, operation: int, batch: Records) -> Results:
        made: list[Results] = []
        first = 0
        while first < len(batch):
            until = self._end_of_part(operation, batch, first, is_begun=bool(made))
            part = np.ascontiguousarray(batch[first:until])
            try:
                reply = self._ask(operation, part)
            except TooMuchData:
                self._ask_for_less(len(part))
                continue
            made.append(wire.decode_results(operation, reply, len(part)))
            first = until
        if not made:
            return Results(np.empty(0, np.uint16), np.empty(0, np.uint64))
        return Results(
            np.concatenate([part.status for part in made]),
            np.concatenate([part.time_ns for part in made]),
        )

    def _end_of_part(self, operation: int, batch: Records, first: int, *, is_begun: bool) -> int:
        """Where a request must end that begins at ``first``: never inside a chain.

        Refused: ``ledger.batch_too_large`` where there is no such place and nothing was sent yet.
        Fault: ``ledger.cluster_batch_cut`` where something was.
        """
        until = first + self._events_max
        if until >= len(batch):
            return len(batch)
        flags = batch["flags"]
        imported = np.uint16(Account.IMPORTED if operation == wire.CREATE_ACCOUNTS else IMPORTED)
        ends = np.flatnonzero(flags[first:until] & np.uint16(LINKED) == 0)
        # The first event of a request decides whether it is an import.
        is_one_kind = len(np.unique(flags & imported)) == 1
        if len(ends) and is_one_kind:
            return first + int(ends[-1]) + 1
        if is_begun:
            raise Fault(
                "ledger.cluster_batch_cut",
                "The cluster takes smaller batches than it did, and this one cannot be parted"
                " there: its beginning has happened. Ask again with the same ids.",
            )
        raise Refused(
            "ledger.batch_too_large",
            f"The cluster takes {self._events_max:,} events at once, and this batch cannot be"
            " parted: a chain is longer, or imported events stand among others.",
        )

    # Reading.

    def lookup_accounts(
        self, ids: NDArray[np.uint64], now_ns: int, *, is_durable: bool = True
    ) -> Records:
        """As ``LedgerEngine``."""
        return joined(self._look_up(wire.LOOKUP_ACCOUNTS, ids), ACCOUNT)

    def lookup_transfers(self, ids: NDArray[np.uint64], *, is_durable: bool = True) -> Records:
        """As ``LedgerEngine``."""
        return joined(self._look_up(wire.LOOKUP_TRANSFERS, ids), TRANSFER)

    def _look_up(self, operation: int, ids: NDArray[np.uint64]) -> Iterator[Records]:
        first = 0
        while first < len(ids):
            part: Any = np.ascontiguousarray(ids[first : first + self._events_max])
            try:
                reply = self._ask(operation, part)
            except TooMuchData:
                self._ask_for_less(len(part))
                continue
            yield wire.decode_reply(operation, reply)
            first += len(part)

    def account_transfers(
        self, account_id: int, *, after: int, count: int, from_ns: int, until_ns: int
    ) -> Page:
        """As ``LedgerEngine``.

        The balances of an account without history are added up from its transfers.
        """
        halves = id_halves([account_id])
        start_ns = max(from_ns, after + 1, 0)
        found = joined(
            self._of_account(wire.GET_ACCOUNT_TRANSFERS, halves, start_ns, until_ns, count),
            TRANSFER,
        )
        ordinals = found["time_ns"].astype(np.int64)
        if not len(found):
            return Page(ordinals, found, np.empty(0, dtype=np.int64))
        (account,) = self.lookup_accounts(halves, 0)
        if account["flags"] & Account.HISTORY:
            balances = self._recorded_balances(halves, ordinals)
        else:
            change = _changes(halves, found)
            earlier = self._posted_before(account_id, halves, int(ordinals[0]))
            balances = np.cumsum(change) + earlier
            self._keep_sum(account_id, int(ordinals[-1]), int(balances[-1]))
        return Page(ordinals, found, balances)

    def _recorded_balances(
        self, halves: NDArray[np.uint64], ordinals: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        rows = joined(
            self._of_account(
                wire.GET_ACCOUNT_BALANCES,
                halves,
                int(ordinals[0]),
                int(ordinals[-1]) + 1,
                len(ordinals),
            ),
            wire.BALANCE,
        )
        if not np.array_equal(rows["time_ns"], ordinals.astype(np.uint64)):
            raise wire.unknown("the balances of an account are not those of its transfers")
        # Unsigned subtraction wraps, and the bits are those of the signed difference.
        difference = rows["credits_posted_lo"] - rows["debits_posted_lo"]
        made: NDArray[np.int64] = difference.astype(np.int64)
        return made

    def _posted_before(self, account_id: int, halves: NDArray[np.uint64], before_ns: int) -> int:
        """Posted credits less posted debits of an account before a time, in minor units."""
        with self._lock:
            last_ns, balance = self._sums.get(account_id, (-1, 0))
        if last_ns >= before_ns:
            last_ns, balance = -1, 0
        for page in self._of_account(
            wire.GET_ACCOUNT_TRANSFERS, halves, last_ns + 1, before_ns, _TIME_TOP
        ):
            balance += int(_changes(halves, page).sum())
        return balance

    def _keep_sum(self, account_id: int, last_ns: int, balance: int) -> None:
        """Keep a sum up to a transfer, which never changes, for whoever reads on from there."""
        with self._lock:
            self._sums[account_id] = (last_ns, balance)
            self._sums.move_to_end(account_id)
            if len(self._sums) > SUMS_KEPT:
                self._sums.popitem(last=False)

    def accounts(self, *, after: int, count: int, now_ns: int) -> Records:
        """As ``LedgerEngine``.

        The cluster finds accounts by their time alone, so what lies before ``after`` is read,
        once: marks are kept of where every thousandth or so stands.
        """
        places, times = self._marks
        with self._lock:
            mark = bisect_right(places, after) - 1
            place, start_ns = places[mark], times[mark]
        kept: list[Records] = []
        until = after + count
        for page in self._of_all(wire.QUERY_ACCOUNTS, start_ns, until - place):
            kept.append(page[max(0, after - place) :])
            place += len(page)
            with self._lock:
                if place >= places[-1] + MARK_EVERY:
                    places.append(place)
                    times.append(int(page["time_ns"][-1]) + 1)
        return joined(kept, ACCOUNT)

    def tail(self, *, after: int, count: int, from_ns: int = 0, until_ns: int = END_NS) -> Page:
        """As ``LedgerEngine``."""
        begin = max(after + 1, from_ns, 0)
        found = joined(self._of_all(wire.QUERY_TRANSFERS, begin, count), TRANSFER)
        found = found[found["time_ns"] < until_ns]
        return Page(found["time_ns"].astype(np.int64), found, np.empty(0, dtype=np.int64))

    def _of_account(
        self, operation: int, halves: NDArray[np.uint64], from_ns: int, until_ns: int, count: int
    ) -> Iterator[Records]:
        """Pages of what an account's transfers are, or led to, oldest first."""
        low, high = (int(half) for half in halves[0])
        while count > 0 and from_ns < until_ns:
            asked = wire.encode_account_filter(
                (low, high),
                from_ns=from_ns,
                until_ns=until_ns if until_ns <= _TIME_TOP else 1,
                count=min(count, wire.EVENTS_MAX),
            )
            page = wire.decode_reply(operation, self._ask_once(operation, asked))
            if not len(page):
                return
            yield page
            count -= len(page)
            from_ns = int(page["time_ns"][-1]) + 1

    def _of_all(self, operation: int, from_ns: int, count: int) -> Iterator[Records]:
        """Pages of all accounts or transfers, oldest first."""
        while count > 0:
            asked = wire.encode_query_filter(from_ns=from_ns, count=min(count, wire.EVENTS_MAX))
            page = wire.decode_reply(operation, self._ask_once(operation, asked))
            if not len(page):
                return
            yield page
            count -= len(page)
            from_ns = int(page["time_ns"][-1]) + 1

    # Asking.

    def _ask(self, operation: int, data: Records) -> bytes:
        with self._lock:
            if not self._line.is_open:
                self._line = self._begin()
            line = self._line
        return line.ask(operation, data, self._timeout_s)

    def _ask_once(self, operation: int, asked: Records) -> bytes:
        """Ask what cannot be asked in smaller parts."""
        try:
            return self._ask(operation, asked)
        except TooMuchData:
            raise wire.unknown("a question of one record is too much for it") from None

    def _ask_for_less(self, size: int) -> None:
        """Part batches of ``size`` from now on. Refused: ``ledger.batch_too_large``."""
        if size < 2:
            raise Refused("ledger.batch_too_large", "The cluster takes not even one event.")
        self._events_max = min(self._events_max, size // 2)

    # Ending.

    def close(self) -> None:
        """As ``LedgerEngine``."""
        self._line.close()

    def __enter__(self) -> TigerBeetleEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _changes(halves: NDArray[np.uint64], transfers: Records) -> NDArray[np.int64]:
    """What each transfer added to the credit balance of the account, in minor units."""
    posted = posted_of(transfers).astype(np.int64)
    low, high = halves[0]
    is_debit = (transfers["debit_lo"] == low) & (transfers["debit_hi"] == high)
    return np.where(is_debit, -posted, posted)
