"""What acts are moving in a ledger beside the store, until each is confirmed, undone or looked up.

Acts of one group see what those before them move; others wait where they would touch the same
transfers. Whatever the engine or the store left open is settled before the next act.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.layout import IMPORTED
from puhui.ledger.arrays.record import STATUSES, Records, id_halves, numbers_of
from puhui.ledger.arrays.whole import copy_rows, join_rows
from puhui.ledger.desk.beside.held import (
    PAGE,
    Dropped,
    HeldUp,
    OnHold,
    Tokens,
    hold_ids_of,
    pages_of,
    voids_of,
)
from puhui.ledger.desk.beside.moved import Moved
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.nouns import Status
from puhui.ledger.tables import intent

_IMPORTED = np.uint16(IMPORTED)
_SECOND_NS = 1_000_000_000
_FAILURES = (Fault, Refused, OSError, RuntimeError)
WAIT_S_MAX = 10.0
"""For what another writer has on its way."""


def _fault_of(error: Exception) -> Fault:
    if isinstance(error, Fault):
        return error
    reason = f"What an act moves is not in the ledger yet ({error})."
    return Fault("ledger.outside_differs", reason)


def _runs_of(holds: Sequence[OnHold]) -> list[Records]:
    """The records of acts in order, together where they were decided in the same second; history
    stands by itself.
    """
    runs: list[list[Records]] = []
    last: int | None = None
    for hold in holds:
        is_imported = bool(hold.records["flags"][0] & _IMPORTED)
        second = None if is_imported else int(hold.records["time_ns"][0]) // _SECOND_NS
        if second is None or second != last:
            runs.append([])
        runs[-1].append(hold.records)
        last = second
    return [join_rows(run) for run in runs]


@dataclass(slots=True)
class Underway:
    """An engine beside the store of one node, and what of it is not settled yet."""

    engine: LedgerEngine
    tokens: Tokens = field(default_factory=Tokens)
    doubtful: list[OnHold] = field(default_factory=list)
    under_way: list[OnHold] = field(default_factory=list)
    on_way: dict[int, tuple[OnHold, int]] = field(default_factory=dict)
    groups: dict[Transaction, Moved] = field(default_factory=dict)
    holder: Transaction | None = None
    lock: threading.Condition = field(default_factory=threading.Condition)

    def _begin(
        self,
        act: Act,
        made: Records,
        changes: dict[int, list[int]],
        ended: dict[int, int],
        closed: dict[int, bool] | None = None,
    ) -> OnHold:
        """What an act moves, under way from now on; tokens sort as acts were decided."""
        token = self.tokens.new()
        hold = OnHold(self, token, made, changes, {}, ended, closed or {}, act.key, act.tx)
        hold.records["time_ns"][made["flags"] & _IMPORTED == 0] = act.now_us * 1000
        act.outside.append(hold)
        group = self.group(act.tx)
        self.under_way.append(hold)
        group.own.append(hold)
        self.on_way.update({i: (hold, n) for n, i in enumerate(hold.ids())})
        return hold

    def own(self, tx: Transaction) -> list[OnHold]:
        """What the acts of the transaction's group have moved already, in order."""
        return [one for one in self.under_way if one.tx is tx]

    def group(self, tx: Transaction) -> Moved:
        """As ``own``, with its sums, which last until one of them is confirmed or undone."""
        found = self.groups.get(tx)
        if found is None:
            found = self.groups[tx] = Moved(self.own(tx))
        return found

    def _moved(self, tx: Transaction) -> Moved:
        """The sums of all that the transaction's group has moved; no act of it is at it."""
        group = self.group(tx)
        group.sum_up(len(group.own))
        return group

    def add_own(self, tx: Transaction, sums: dict[int, list[int]]) -> None:
        """Bring the engine's sums to where the transaction's group has left them."""
        changes = self._moved(tx).changes
        for account_id in sums.keys() & changes.keys():
            pairs = zip(sums[account_id], changes[account_id], strict=True)
            sums[account_id] = [a + b for a, b in pairs]

    def own_closed(self, tx: Transaction) -> dict[int, bool]:
        """Accounts that the transaction's group closes or opens again, and which it leaves so."""
        return self._moved(tx).closed

    def _drop_done(self, act: Act) -> None:
        """Forget intents that are finished."""
        done = self.tokens.take()
        if done:
            act.outside.append(Dropped(self.tokens, done))
        for token in done:
            act.tx.put(intent.DROP_INTENT, settled=token)

    def _wait_for(self, tx: Transaction, ids: set[int]) -> None:
        """Settle what is in doubt; wait while another writer has one of the transfers on its way,
        or holds everybody up; who has moved something in this group already is not held up.

        Fault: ``kernel.store_busy``.
        """
        self._settle(tx)
        while self.holder not in (None, tx) and not self.own(tx):
            if not self.lock.wait(WAIT_S_MAX):
                raise Fault("kernel.store_busy", "The books are being marked.")
        while any(i in self.on_way and self.on_way[i][0].tx is not tx for i in ids):
            if not self.lock.wait(WAIT_S_MAX):
                raise Fault("kernel.store_busy", "Another act has the same transfer on its way.")
            self._settle(tx)

    def _settle(self, tx: Transaction) -> None:
        """Look up what was in doubt, and finish it or let it go. Fault: what the engine reports."""
        while self.doubtful:
            one = self.doubtful[0]
            if one.fault is not None or self._is_committed(tx, one):
                self.finish(one)
                self.tokens.finish(one.token)
            else:
                self.let_go(one)
            self.doubtful.pop(0)

    def _is_committed(self, tx: Transaction, hold: OnHold) -> bool:
        """Whether the store has the intent; waits where its commit has not ended yet.

        A row with the same token cannot be put in before the server knows how that commit ends.
        """
        if tx.all(intent.HAS_INTENTS, ids=[hold.token]):
            return True
        tx.put(intent.ADD_INTENT, token=hold.token, records=b"", holds="{}")
        tx.put(intent.DROP_INTENT, settled=hold.token)
        return False

    def hold_up(self, act: Act) -> None:
        """Wait for what other acts are moving, and let none begin to before this act ends, which
        is after all that its group moves is there.

        One whose group has moved something is waited for by whoever holds everybody up already, and
        so goes first; who was overtaken holds everybody up after it. Fault: ``kernel.store_busy``.
        """
        with self.lock:
            self._wait_for(act.tx, set())
            if self.holder is not act.tx:
                self.holder = act.tx
                act.outside.append(HeldUp(self, act.tx))
            while not self._is_alone(act.tx):
                if not self.lock.wait(WAIT_S_MAX):
                    raise Fault("kernel.store_busy", "Acts that move money do not end.")
            self._settle(act.tx)

    def _is_alone(self, tx: Transaction) -> bool:
        """Whether the transaction's group holds everybody up, which it does where nobody else does,
        and nobody else has anything under way.
        """
        self.holder = self.holder or tx
        return self.holder is tx and all(one.tx is tx for one in self.under_way)

    def let_on(self, tx: Transaction) -> None:
        """Hold nobody up any more, unless somebody else holds them up by now."""
        with self.lock:
            if self.holder is tx:
                self.holder = None
            self.lock.notify_all()

    def repeat(self, tx: Transaction, key: str) -> None:
        """An act is asked for again: what it moves is there before the first answer is given.

        Fault: ``kernel.store_busy``, and what the engine reports.
        """
        with self.lock:
            while any(one.key == key and one.tx is not tx for one in self.under_way):
                if not self.lock.wait(WAIT_S_MAX):
                    raise Fault("kernel.store_busy", "The act's transfers are on their way.")
            if any(one.key == key for one in self.doubtful):
                self._settle(tx)

    def confirm(self, hold: OnHold) -> None:
        """Finish all that the committed group has moved, at once: nobody takes money in between.

        What fails is tried again before the next act. Fault: what the engine reports.
        """
        with self.lock:
            if hold.tx is not None:
                self.finish_group(hold.tx)
            if hold.fault is not None:
                raise hold.fault

    def finish_group(self, tx: Transaction) -> None:
        """As ``confirm``; each act's fault stands with what it moves."""
        with self.lock:
            own, done = self.own(tx), 0
            fault: Fault | None = None
            try:
                if not self._finish_at_once(own):
                    for one in own:
                        self.finish(one, is_durable=one is own[-1])
                        done += 1
                done = len(own)
            except _FAILURES as error:
                fault = _fault_of(error)
                done = self._durable(own[:done])
            for one in own[:done]:
                one.tx = None
                self.tokens.finish(one.token)
            for one in own[done:]:
                one.fault = fault
                self.doubt(one)

    def _finish_at_once(self, own: Sequence[OnHold]) -> bool:
        """Finish several acts together; False where it is to be seen which of them fails."""
        if len(own) < 2:
            return False
        try:
            self.finish(*own)
        except _FAILURES:
            return False
        return True

    def _durable(self, done: Sequence[OnHold]) -> int:
        """How many of those that were finished are known to last, where a later one failed."""
        try:
            for one in done[-1:]:
                self.engine.lookup_transfers(id_halves(one.ids()[:1]))
        except _FAILURES:
            return 0
        return len(done)

    def undo(self, hold: OnHold) -> None:
        """Let the holds go; where the engine fails, before the next act."""
        with self.lock:
            hold.tx = None
            try:
                self.let_go(hold)
            except Exception:
                self.doubt(hold)
                raise

    def doubt(self, hold: OnHold) -> None:
        """Look it up, or try it again, before the next act."""
        with self.lock:
            hold.tx = None
            self.groups.clear()
            self.under_way = [one for one in self.under_way if one is not hold]
            self.doubtful.append(hold)
            self.lock.notify_all()

    def finish(self, *holds: OnHold, is_durable: bool = True) -> None:
        """Let the holds go and create the transfers; a second time changes nothing.

        Those of acts that follow one another within a second come in one batch: the time of a
        record is then later than its act's by less than that.

        Fault: ``ledger.outside_differs``, and what the engine reports.
        """
        with self.lock:
            self._void(*holds)
            runs = _runs_of(holds)
            for run in runs:
                self._create(run, is_durable=is_durable and run is runs[-1])
            self._forget(*holds)

    def _create(self, run: Records, *, is_durable: bool) -> None:
        records = copy_rows(run)
        is_imported = bool(records["flags"][0] & _IMPORTED)
        now_ns = int(records["time_ns"].max()) + is_imported
        records["timeout_s"] = 0
        records["time_ns"] *= np.uint64(is_imported)
        for start, end in pages_of(records):
            page = records[start:end]
            # The last one's time: the first has the act's, and so none that of the day before.
            # Imported ones have their own, and come after it.
            last_ns = now_ns + len(page) - 1
            is_awaited = is_durable and end == len(records)
            made = self.engine.create_transfers(page, last_ns, is_durable=is_awaited)
            codes = np.unique(made.status).tolist()
            failed = {STATUSES[code] for code in codes} - {Status.CREATED, Status.EXISTS}
            # A chain that is there already answers so of its first and fails the others.
            if failed == {Status.LINKED_EVENT_FAILED} and self._are_there(page):
                continue
            for status in failed:
                raise Fault(
                    "ledger.outside_differs",
                    f"What an act decided does not happen in the ledger: {status.value}.",
                )

    def _are_there(self, records: Records) -> bool:
        ids = numbers_of(records["id_lo"], records["id_hi"])
        return len(self.engine.lookup_transfers(id_halves(ids))) == len(records)

    def let_go(self, hold: OnHold) -> None:
        """Void the holds; those that are gone already are left."""
        with self.lock:
            self._forget(hold)
            self._void(hold)

    def _forget(self, *holds: OnHold) -> None:
        gone = {id(hold) for hold in holds}
        for hold in holds:
            for transfer_id in hold.ids():
                self.on_way.pop(transfer_id, None)
        self.groups.clear()
        # A new list: reads go over the old one without the lock.
        self.under_way = [one for one in self.under_way if id(one) not in gone]
        self.lock.notify_all()

    def _void(self, *holds: OnHold) -> None:
        self.void([i for hold in holds for i, _, _ in hold_ids_of(hold)])

    def void(self, hold_ids: Sequence[int]) -> None:
        """Void holds by id; those that do not last are let go when the node is opened."""
        for start in range(0, len(hold_ids), PAGE):
            voids = voids_of(hold_ids[start : start + PAGE])
            self.engine.create_transfers(voids, 0, is_durable=False)
