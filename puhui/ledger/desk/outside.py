"""The ledger beside the store: what an act moves is held first, and moved after its commit.

Within the act the rules judge its transfers against what the engine says. Money that they need is
then held in the engine, by pendings without a time-out, one for each account that has a limit:
the most that the act takes from it at any moment. So nothing that the act decided can fail for
want of money later. The decision itself stands as an intent in the act's own transaction. After
the commit the holds go and the transfers come, under their own ids, and only then the caller is
answered. A refused act lets its holds go at once. Whoever opens the node finishes what intents
say, in the order in which they were decided, and lets every other hold go.

Acts of one group see what those before them move, as in the store: they are committed together or
not at all, and their transfers come together, so that nobody takes money in between.

What differs from the ledger in the store: a transfer that fails for a passing reason burns no id;
imported history and closing transfers are refused; accounts are opened at once, and stay, empty,
where the act is refused after all. One node alone moves the money of an engine: opening another
one would let go what the first one holds.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from puhui.kernel.act import Act
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.layout import CLOSING, IMPORTED, SECOND
from puhui.ledger.arrays.record import (
    Records,
    id_halves,
    numbers_of,
    pack_accounts,
    pack_transfers,
    unpack_transfers,
)
from puhui.ledger.desk.held import (
    BETWEEN_CODE,
    MARK,
    PAGE,
    Dropped,
    HeldUp,
    OnHold,
    Tokens,
    between_account,
    ends_of,
    hold_ids_of,
    holds_of,
    pages_of,
    special_of,
    told,
    voids_of,
)
from puhui.ledger.desk.judged import read_books
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.nouns import ID_MAX, Account, Status, Transfer
from puhui.ledger.rules import Books, judge_transfers, require_created
from puhui.ledger.rules.peaks import net_peaks
from puhui.ledger.tables import intent
from puhui.ledger.tables.schema import blob, number

_DEBITS_LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
_CREDITS_LIMITED = Account.CREDITS_MUST_NOT_EXCEED_DEBITS
WAIT_S_MAX = 10.0
"""For what another writer has on its way."""


def outside_of(tx: Transaction) -> OutsideLedger | None:
    """The ledger beside the store that the node has; None where the ledger is in the store."""
    found = tx.ports.get(OutsideLedger)
    assert found is None or isinstance(found, OutsideLedger), found
    return found


@dataclass(slots=True)
class OutsideLedger:
    """The ledger beside the store of one node, and what of it is not settled yet."""

    engine: LedgerEngine
    tokens: Tokens = field(default_factory=Tokens)
    doubtful: list[OnHold] = field(default_factory=list)
    under_way: list[OnHold] = field(default_factory=list)
    on_way: dict[int, tuple[OnHold, Transfer]] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    opened_by: dict[int, str] = field(default_factory=dict)
    holder: Transaction | None = None
    lock: threading.Condition = field(default_factory=threading.Condition)

    def create(
        self, act: Act, transfers: Sequence[Transfer], *, strict: bool
    ) -> tuple[Status, ...]:
        """As ``create_transfers``. Refused: ``ledger.not_outside``, and its own."""
        if any(t.flags & (IMPORTED | CLOSING) for t in transfers):
            raise Refused(
                "ledger.not_outside",
                "A ledger beside the store takes no imported and no closing transfers from acts.",
            )
        if any(t.user_data_32 == MARK for t in transfers):
            raise Refused("ledger.not_outside", f"user_data_32 {MARK} is the mark of holds.")
        with self.lock:
            self._drop_done(act)
            self._wait_for(act.tx, {t.id for t in transfers} | {t.pending_id for t in transfers})
            known = self._find({t.id for t in transfers} | {t.pending_id for t in transfers})
            books = read_books(act, self.engine, transfers, known, self.add_own)
            made = judge_transfers(books, transfers)
            if strict:
                require_created(made.statuses, "transfer")
            if not made.created:
                return tuple(made.statuses)
            hold = self._begin(act, made.created, made.changes, books.transfers)
            self._hold(act, hold, made.created, books)
            self._record(act, hold)
            return tuple(made.statuses)

    def _begin(
        self,
        act: Act,
        made: Sequence[Transfer],
        changes: dict[int, list[int]],
        known: Mapping[int, Transfer],
    ) -> OnHold:
        """What an act moves, under way from now on; tokens sort as acts were decided."""
        token = self.tokens.new()
        ended = {i: known[i].amount_minor for t in made if (i := t.pending_id) in known}
        hold = OnHold(self, token, pack_transfers(made), changes, {}, ended, act.key, act.tx)
        hold.records["time_ns"] = act.now_us * 1000
        act.outside.append(hold)
        self.under_way.append(hold)
        self.on_way.update({t.id: (hold, replace(t, time_us=act.now_us)) for t in made})
        return hold

    def own(self, tx: Transaction) -> list[OnHold]:
        """What the acts of the transaction's group have moved already, in order."""
        return [one for one in self.under_way if one.tx is tx]

    def made(self, tx: Transaction, ids: Sequence[int]) -> dict[int, Transfer]:
        """Transfers by id that acts of the transaction's group have made."""
        found = [(i, self.on_way[i]) for i in ids if i in self.on_way]
        return {i: transfer for i, (hold, transfer) in found if hold.tx is tx}

    def add_own(self, tx: Transaction, sums: dict[int, list[int]]) -> None:
        """Bring the engine's sums to where the transaction's group has left them."""
        for one in self.own(tx):
            for account_id in sums.keys() & one.changes.keys():
                change = one.changes[account_id]
                sums[account_id] = [a + b for a, b in zip(sums[account_id], change, strict=True)]
            for account_id in sums.keys() & one.held.keys():
                sums[account_id][0] -= one.held[account_id][0]
                sums[account_id][2] -= one.held[account_id][1]

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
        """Wait for what other acts are moving, and let none begin to before this act ends.

        Fault: ``kernel.store_busy``.
        """
        with self.lock:
            self._wait_for(act.tx, set())
            self.holder = act.tx
            act.outside.append(HeldUp(self))
            while any(one.tx is not act.tx for one in self.under_way):
                if not self.lock.wait(WAIT_S_MAX):
                    raise Fault("kernel.store_busy", "Acts that move money do not end.")
            self._settle(act.tx)

    def let_on(self) -> None:
        """Hold nobody up any more."""
        with self.lock:
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

    def _find(self, ids: set[int]) -> dict[int, Transfer]:
        """Transfers by id: recorded ones, and those of acts whose commit is under way."""
        asked = sorted(i for i in ids if 0 < i < ID_MAX)
        found = {}
        for start in range(0, len(asked), PAGE):
            page = self.engine.lookup_transfers(id_halves(asked[start : start + PAGE]))
            found.update({t.id: t for t in unpack_transfers(page)})
        found.update({i: self.on_way[i][1] for i in asked if i in self.on_way})
        return found

    def _hold(self, act: Act, hold: OnHold, created: Sequence[Transfer], books: Books) -> None:
        """Hold what the act takes from accounts with a limit beyond what it holds already.

        Refused: ``ledger.exceeds_credits``, ``ledger.exceeds_debits`` where somebody else was
        faster.
        """
        earlier = self.own(act.tx)[:-1]
        ended = {i: minor for one in (*earlier, hold) for i, minor in one.ended.items()}
        moved = [t for one in earlier for t in one.records_as_transfers()]
        peaks = net_peaks([*moved, *created], ended)
        before: dict[int, list[int]] = {}
        for one in earlier:
            for account_id, (debit, credit) in one.held.items():
                kept = before.setdefault(account_id, [0, 0])
                kept[0], kept[1] = kept[0] + debit, kept[1] + credit
        ledgers = {t.debit_account_id: t.ledger for t in created}
        ledgers |= {t.credit_account_id: t.ledger for t in created}
        for account_id, ledger in ledgers.items():
            flags = books.accounts[account_id][1]
            kept = before.get(account_id, [0, 0])
            debit, credit = peaks[account_id]
            need = [
                max(0, debit - kept[0]) if flags & _DEBITS_LIMITED else 0,
                max(0, credit - kept[1]) if flags & _CREDITS_LIMITED else 0,
            ]
            if any(need):
                hold.held[account_id] = need
                self._open_between(ledger, act.now_us)
        asked = holds_of(hold, ledgers)
        if not len(asked):
            return
        for start in range(0, len(asked), PAGE):
            page = asked[start : start + PAGE]
            for status in self.engine.create_transfers(page, act.now_us * 1000).named():
                if status is not Status.CREATED:
                    raise Refused(f"ledger.{status.value}", "The money was taken meanwhile.")

    def _open_between(self, ledger: str, now_us: int) -> None:
        """The account on the other side of holds, one a ledger; never posted to."""
        between = Account(between_account(ledger), ledger, BETWEEN_CODE)
        if between.id not in self.opened:
            self.engine.create_accounts(pack_accounts([between]), now_us * 1000)
            self.opened.add(between.id)

    def _record(self, act: Act, hold: OnHold) -> None:
        """Keep the intent, and what the engine will not know: ends claimed, times of holds."""
        text = hold.records.tobytes()
        act.tx.put(intent.ADD_INTENT, token=hold.token, records=text, holds=told(hold.held))
        for t in unpack_transfers(hold.records[special_of(hold.records)]):
            if t.flags & SECOND:
                is_post = int(bool(t.flags & Transfer.POST))
                act.tx.put(intent.ADD_CLAIM, pending_id=blob(t.pending_id), is_post=is_post)
            elif t.timeout_s:
                expires_us = act.now_us + t.timeout_s * 1_000_000
                act.tx.put(intent.ADD_HOLD, id=blob(t.id), expires_us=expires_us)

    def expire(self, act: Act, at_most: int) -> int:
        """Void at most so many of the acts' own pendings past their time; how many."""
        due = [row.id for row in act.tx.all(intent.DUE_HOLDS, now_us=act.now_us, count=at_most)]
        if not due:
            return 0
        with self.lock:
            ids = list(map(number, due))
            self._wait_for(act.tx, set(ids))
            known = self._find(set(ids))
            voids, changes = ends_of(act, [known[i] for i in ids])
            self._record(act, self._begin(act, voids, changes, known))
        return len(due)

    def confirm(self, hold: OnHold) -> None:
        """Finish all that the committed group has moved, at once: nobody takes money in between.

        What fails is tried again before the next act. Fault: what the engine reports.
        """
        with self.lock:
            fault: Fault | None = None
            for one in [] if hold.tx is None else self.own(hold.tx):
                one.tx = None
                if fault is None:
                    try:
                        self.finish(one)
                        self.tokens.finish(one.token)
                    except (Fault, Refused, OSError, RuntimeError) as error:
                        reason = f"What an act moves is not in the ledger yet ({error})."
                        fault = error if isinstance(error, Fault) else None
                        fault = fault or Fault("ledger.outside_differs", reason)
                if fault is not None:
                    one.fault = fault
                    self.doubt(one)
            if hold.fault is not None:
                raise hold.fault

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
            self.under_way = [one for one in self.under_way if one is not hold]
            self.doubtful.append(hold)
            self.lock.notify_all()

    def finish(self, hold: OnHold) -> None:
        """Let the holds go and create the transfers; a second time changes nothing.

        Fault: ``ledger.outside_differs``, and what the engine reports.
        """
        with self.lock:
            self._void(hold)
            records: Records = hold.records.copy()
            now_ns = int(records["time_ns"].max())
            records["timeout_s"], records["time_ns"] = 0, 0
            for start, end in pages_of(records):
                page = records[start:end]
                # The last one's time: the first has the act's, and so none that of the day before.
                last_ns = now_ns + len(page) - 1
                statuses = self.engine.create_transfers(page, last_ns).named()
                failed = {s for s in statuses if s not in (Status.CREATED, Status.EXISTS)}
                # A chain that is there already answers so of its first and fails the others.
                if failed == {Status.LINKED_EVENT_FAILED} and self._are_there(page):
                    continue
                for status in failed:
                    raise Fault(
                        "ledger.outside_differs",
                        f"What an act decided does not happen in the ledger: {status.value}.",
                    )
            self._forget(hold)

    def _are_there(self, records: Records) -> bool:
        ids = numbers_of(records["id_lo"], records["id_hi"])
        return len(self.engine.lookup_transfers(id_halves(ids))) == len(records)

    def let_go(self, hold: OnHold) -> None:
        """Void the holds; those that are gone already are left."""
        with self.lock:
            self._forget(hold)
            self._void(hold)

    def _forget(self, hold: OnHold) -> None:
        for transfer_id in numbers_of(hold.records["id_lo"], hold.records["id_hi"]):
            self.on_way.pop(transfer_id, None)
        self.under_way = [one for one in self.under_way if one is not hold]
        self.lock.notify_all()

    def _void(self, hold: OnHold) -> None:
        self.void([i for i, _, _ in hold_ids_of(hold)])

    def void(self, hold_ids: Sequence[int]) -> None:
        """Void holds by id."""
        for start in range(0, len(hold_ids), PAGE):
            self.engine.create_transfers(voids_of(hold_ids[start : start + PAGE]), 0)
