"""The ledger beside the store: what an act moves is held first, and moved after its commit.

Within the act the rules judge its transfers against what the engine says. Money that they need is
then held in the engine, by pendings without a time-out, one for each account that has a limit:
the most that the act takes from it at any moment. So nothing that the act decided can fail for
want of money later. The decision itself stands as an intent in the act's own transaction. After
the commit the holds go and the transfers come, under their own ids, and only then the caller is
answered. A refused act lets its holds go at once. Whoever opens the node finishes what intents
say, in the order in which they were decided, and lets every other hold go.

Acts of one group see what those before them move, as in the store: they are committed together or
not at all, and their transfers come together, so that nobody takes money in between. Only the
last of them is waited for: what an act holds and what it reads need not last longer than the
process, and what comes before in a log is durable first. So a group of acts costs the disk of the
ledger one wait, as it costs that of the store one.

An act that closes an account, or opens one again, has the ledger for itself until it has ended:
whoever decided on an account that is closed meanwhile could not keep his word. From an account
that the engine has closed nobody else can take, so nothing is held there.

A transfer that fails for a passing reason burns its id for acts, in the store.

What differs from the ledger in the store: accounts are opened at once, and stay, empty, where the
act is refused after all; what is past its time is held, or closed, until upkeep has ended it.
TigerBeetle takes no imported history from acts: for it nothing may be imported that is older than
what it has, and holds are newer. One node alone moves the money of an engine: opening another one
would let go what the first one holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.kernel.store.sheet import sixteen
from puhui.ledger.arrays.layout import CLOSING, IMPORTED, SECOND
from puhui.ledger.arrays.record import (
    TRANSFER,
    Records,
    check_size,
    id_halves,
    numbers_of,
    pack_accounts,
    pack_transfers,
    unpack_transfers,
)
from puhui.ledger.arrays.whole import join_rows
from puhui.ledger.desk.beside.batch import fetch_batch, find_known, judge_batch, tell_pendings
from puhui.ledger.desk.beside.burnt import Burnt
from puhui.ledger.desk.beside.held import (
    BETWEEN_CODE,
    MARK,
    PAGE,
    OnHold,
    between_account,
    closed_by,
    closes,
    ends_of,
    holds_of,
    told,
)
from puhui.ledger.desk.beside.judged import read_books
from puhui.ledger.desk.beside.underway import Underway
from puhui.ledger.nouns import ID_MAX, Account, Status, Transfer
from puhui.ledger.rules import Books, judge_transfers, require_created
from puhui.ledger.tables import intent
from puhui.ledger.tables.schema import number

_DEBITS_LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
_CREDITS_LIMITED = Account.CREDITS_MUST_NOT_EXCEED_DEBITS


def outside_of(tx: Transaction) -> OutsideLedger | None:
    """The ledger beside the store that the node has; None where the ledger is in the store."""
    found = tx.ports.get(OutsideLedger)
    assert found is None or isinstance(found, OutsideLedger), found
    return found


@dataclass(slots=True)
class OutsideLedger(Underway):
    """The ledger beside the store of one node: what acts move in it is decided and held here."""

    opened: set[int] = field(default_factory=set)
    opened_by: dict[int, str] = field(default_factory=dict)
    takes_history: bool = True
    burnt: Burnt = field(default_factory=Burnt)

    def create(
        self, act: Act, transfers: Sequence[Transfer] | Records, *, strict: bool
    ) -> tuple[Status, ...]:
        """As ``create_transfers``. Refused: ``ledger.not_outside``, and its own."""
        if isinstance(transfers, np.ndarray):
            return self._create_batch(act, transfers, strict=strict)
        self._check(
            any(t.flags & IMPORTED for t in transfers),
            any(t.user_data_32 == MARK for t in transfers),
        )
        with self.lock:
            self._drop_done(act)
            named = {t.id for t in transfers} | {t.pending_id for t in transfers}
            self._wait_for(act.tx, named)
            known, ends = self.find(act.tx, named)
            if closes(transfers, known):
                self.hold_up(act)
                known, ends = self.find(act.tx, named)
            books, shut = read_books(
                act, self.engine, transfers, (known, ends),
                self.burnt.among(act.tx, (t.id for t in transfers)), self.add_own,
                self.own_closed(act.tx),
            )  # fmt: skip
            made = judge_transfers(books, transfers)
            if strict:
                require_created(made.statuses, "transfer")
            self.burnt.add(act, made.failed.items())
            if not made.created:
                return tuple(made.statuses)
            pendings = known | {t.id: t for t in made.created if t.flags & Transfer.PENDING}
            ended = {t.pending_id: pendings[t.pending_id].amount_minor for t in made.created
                     if t.pending_id}  # fmt: skip
            records = pack_transfers(made.created)
            hold = self._begin(act, records, made.changes, ended, made.closed)
            taken = self._taken(act, made.created, books)
            self._hold(act, hold, (one for one in taken if one[0] not in shut))
            self._record(act, hold)
            return tuple(made.statuses)

    def _create_batch(self, act: Act, batch: Records, *, strict: bool) -> tuple[Status, ...]:
        """As ``create``, of records."""
        check_size(len(batch), "transfers")
        self._check(bool((batch["flags"] & IMPORTED).any()), bool((batch["user_32"] == MARK).any()))
        with self.lock:
            self._drop_done(act)
            named = set(numbers_of(batch["id_lo"], batch["id_hi"]))
            ends = batch[batch["flags"] & SECOND != 0]
            named.update(numbers_of(ends["pending_lo"], ends["pending_hi"]))
            self._wait_for(act.tx, named)
            known = find_known(act.tx, self.engine, batch, self.own(act.tx))
            if known.has_closed or (batch["flags"] & CLOSING).any():
                self.hold_up(act)
                known = find_known(act.tx, self.engine, batch, self.own(act.tx))
            work = fetch_batch(self.engine, batch, known, self.own(act.tx))
            moved, marks = self._moved(act.tx), self.burnt.marks(act.tx, batch)
            judge_batch(work, act.now_us, marks, moved.changes.items(), moved.closed)
            statuses = work.named()
            if strict:
                require_created(statuses, "transfer")
            self.burnt.add(act, work.burnt())
            created = work.created
            if len(created):
                hold = self._begin(act, created, work.changes(), work.ended(), work.closed())
                self._hold(act, hold, work.taken())
                self._record(act, hold)
            return statuses

    def _check(self, has_history: bool, has_mark: bool) -> None:
        """Refused: ``ledger.not_outside``."""
        if has_history and not self.takes_history:
            raise Refused(
                "ledger.not_outside",
                "This ledger takes imported history only from before its first act: what is newer "
                "stands in it already.",
            )
        if has_mark:
            raise Refused("ledger.not_outside", f"user_data_32 {MARK} is the mark of holds.")

    def find(
        self, tx: Transaction, ids: Collection[int], *, is_durable: bool = False
    ) -> tuple[dict[int, Transfer], dict[int, tuple[int, int]]]:
        """Transfers by id: recorded ones, and those of acts of the transaction's group; and of the
        pendings among them state and expiry (microseconds UTC, 0 for none).
        """
        asked = sorted(i for i in ids if 0 < i < ID_MAX)
        pages = [
            self.engine.lookup_transfers(
                id_halves(asked[start : start + PAGE]), is_durable=is_durable
            )
            for start in range(0, len(asked), PAGE)
        ]
        for one in asked if self.on_way else ():
            hold, place = self.on_way.get(one, (None, 0))
            if hold is not None and hold.tx is tx:
                pages.append(hold.records[place : place + 1])
        records = join_rows([np.zeros(0, dtype=TRANSFER), *pages])
        pendings, state, expires_us = tell_pendings(tx, records)
        found = unpack_transfers(records)
        told = zip(state.tolist(), expires_us.tolist(), strict=True)
        named = [found[place].id for place in pendings.tolist()]
        return {t.id: t for t in found}, dict(zip(named, told, strict=True))

    def _taken(
        self, act: Act, created: Sequence[Transfer], books: Books
    ) -> Iterator[tuple[int, str, int, int, int]]:
        """Of each account: its id, ledger and flags, and the most that the group has taken from
        its debit and from its credit side by now, minor units.
        """
        peaks = self.group(act.tx).weigh(created)
        ledgers = {t.debit_account_id: t.ledger for t in created}
        ledgers |= {t.credit_account_id: t.ledger for t in created}
        for account_id, ledger in ledgers.items():
            yield account_id, ledger, books.accounts[account_id][1], *peaks[account_id]

    def _hold(
        self, act: Act, hold: OnHold, taken: Iterable[tuple[int, str, int, int, int]]
    ) -> None:
        """Hold what the act takes from accounts with a limit beyond what it holds already.

        Refused: ``ledger.exceeds_credits``, ``ledger.exceeds_debits`` where somebody else was
        faster.
        """
        group = self.group(act.tx)
        group.sum_up(len(group.own) - 1)
        before = group.held
        ledgers = {}
        for account_id, ledger, flags, debit, credit in taken:
            kept = before.get(account_id, [0, 0])
            need = [
                max(0, debit - kept[0]) if flags & _DEBITS_LIMITED else 0,
                max(0, credit - kept[1]) if flags & _CREDITS_LIMITED else 0,
            ]
            if any(need):
                hold.held[account_id] = need
                ledgers[account_id] = ledger
        for ledger in set(ledgers.values()):
            self._open_between(ledger, act.now_us)
        asked = holds_of(hold, ledgers)
        for start in range(0, len(asked), PAGE):
            page = asked[start : start + PAGE]
            made = self.engine.create_transfers(page, act.now_us * 1000, is_durable=False)
            for status in made.named():
                if status is not Status.CREATED:
                    raise Refused(f"ledger.{status.value}", "The money was taken meanwhile.")

    def _open_between(self, ledger: str, now_us: int) -> None:
        """The account on the other side of holds, one a ledger; never posted to."""
        between = Account(between_account(ledger), ledger, BETWEEN_CODE)
        if between.id not in self.opened:
            self.engine.create_accounts(pack_accounts([between]), now_us * 1000)
            self.opened.add(between.id)

    def _record(self, act: Act, hold: OnHold, *, claim: int = intent.VOIDED) -> None:
        """Keep the intent, and what the engine will not know: ends claimed, times of holds."""
        records, text = hold.records, hold.records.tobytes()
        act.tx.put(intent.ADD_INTENT, token=hold.token, records=text, holds=told(hold.held))
        ends = records[records["flags"] & SECOND != 0]
        if len(ends):
            is_post = ends["flags"] & Transfer.POST != 0
            columns = {
                "pending_id": sixteen(ends["pending_hi"], ends["pending_lo"]),
                "is_post": np.where(is_post, intent.POSTED, claim),
            }
            act.tx.load(intent.CLAIM, columns, by="pending_id")
        timed = records[records["timeout_s"] != 0]
        if len(timed):
            expires_us = act.now_us + timed["timeout_s"].astype(np.int64) * 1_000_000
            ids = sixteen(timed["id_hi"], timed["id_lo"])
            act.tx.load(intent.HOLD, {"id": ids, "expires_us": expires_us}, by="id")

    def expire(self, act: Act, at_most: int) -> int:
        """Void at most so many of the acts' own pendings past their time; how many."""
        due = [row.id for row in act.tx.all(intent.DUE_HOLDS, now_us=act.now_us, count=at_most)]
        if not due:
            return 0
        with self.lock:
            ids = list(map(number, due))
            self._wait_for(act.tx, set(ids))
            known, _ = self.find(act.tx, ids)
            voids, changes = ends_of(act, [known[i] for i in ids])
            if closes(voids, known):
                self.hold_up(act)
            ended = {i: known[i].amount_minor for i in ids}
            closed = dict.fromkeys(closed_by(known.values()), False)
            hold = self._begin(act, pack_transfers(voids), changes, ended, closed)
            self._record(act, hold, claim=intent.EXPIRED)
        return len(due)
