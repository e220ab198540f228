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

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.layout import CLOSING, IMPORTED, SECOND
from puhui.ledger.arrays.record import (
    Records,
    check_size,
    id_halves,
    numbers_of,
    pack_accounts,
    pack_transfers,
    unpack_transfers,
)
from puhui.ledger.desk.beside.held import (
    BETWEEN_CODE,
    MARK,
    PAGE,
    OnHold,
    between_account,
    ends_of,
    holds_of,
    special_of,
    told,
)
from puhui.ledger.desk.beside.judged import read_books
from puhui.ledger.desk.beside.plain import add_to_slots, are_plain, fetch_plain, judge_plain
from puhui.ledger.desk.beside.underway import Underway
from puhui.ledger.nouns import ID_MAX, Account, Status, Transfer
from puhui.ledger.rules import Books, judge_transfers, require_created
from puhui.ledger.rules.peaks import net_peaks
from puhui.ledger.tables import intent
from puhui.ledger.tables.schema import blob, number

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

    def create(
        self, act: Act, transfers: Sequence[Transfer] | Records, *, strict: bool
    ) -> tuple[Status, ...]:
        """As ``create_transfers``. Refused: ``ledger.not_outside``, and its own."""
        if isinstance(transfers, np.ndarray):
            if are_plain(transfers):
                check_size(len(transfers), "transfers")
                return self._create_plain(act, transfers, strict=strict)
            transfers = unpack_transfers(transfers)
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
            named = books.transfers
            ended = {i: named[i].amount_minor for t in made.created if (i := t.pending_id) in named}
            hold = self._begin(act, pack_transfers(made.created), made.changes, ended)
            self._hold(act, hold, self._taken(act, hold, made.created, books))
            self._record(act, hold)
            return tuple(made.statuses)

    def _create_plain(self, act: Act, batch: Records, *, strict: bool) -> tuple[Status, ...]:
        """As ``create``, of transfers that ``are_plain``."""
        with self.lock:
            self._drop_done(act)
            ids = numbers_of(batch["id_lo"], batch["id_hi"])
            self._wait_for(act.tx, set(ids))
            own = self.own(act.tx)
            is_simple = all(are_plain(one.records) for one in own)
            if not is_simple or not self.on_way.keys().isdisjoint(ids):
                return self.create(act, unpack_transfers(batch), strict=strict)
            earlier = np.concatenate([batch[:0], *(one.records for one in own)])
            plain = fetch_plain(self.engine, batch, earlier)
            for one in own:
                add_to_slots(plain.slots, one.steps())
            known = self.engine.lookup_transfers(np.stack([batch["id_lo"], batch["id_hi"]], axis=1))
            judge_plain(plain, known, act.now_us * 1000)
            statuses = plain.named()
            if strict:
                require_created(statuses, "transfer")
            created = plain.created
            if len(created):
                hold = self._begin(act, created, plain.changes(), {})
                self._hold(act, hold, plain.taken())
                self._record(act, hold)
            return statuses

    def _find(self, ids: set[int]) -> dict[int, Transfer]:
        """Transfers by id: recorded ones, and those of acts whose commit is under way."""
        asked = sorted(i for i in ids if 0 < i < ID_MAX)
        found = {}
        for start in range(0, len(asked), PAGE):
            page = self.engine.lookup_transfers(id_halves(asked[start : start + PAGE]))
            found.update({t.id: t for t in unpack_transfers(page)})
        on_way = ((i, self.on_way[i]) for i in asked if i in self.on_way)
        found.update({i: hold.transfer(place) for i, (hold, place) in on_way})
        return found

    def _taken(
        self, act: Act, hold: OnHold, created: Sequence[Transfer], books: Books
    ) -> Iterator[tuple[int, str, int, int, int]]:
        """Of each account: its id, ledger and flags, and the most that the group has taken from
        its debit and from its credit side by now, minor units.
        """
        earlier = self.own(act.tx)[:-1]
        ended = {i: minor for one in (*earlier, hold) for i, minor in one.ended.items()}
        moved = [t for one in earlier for t in one.records_as_transfers()]
        peaks = net_peaks([*moved, *created], ended)
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
        before: dict[int, list[int]] = {}
        for one in self.own(act.tx)[:-1]:
            for account_id, (debit, credit) in one.held.items():
                kept = before.setdefault(account_id, [0, 0])
                kept[0], kept[1] = kept[0] + debit, kept[1] + credit
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
            ended = {i: known[i].amount_minor for i in ids}
            self._record(act, self._begin(act, pack_transfers(voids), changes, ended))
        return len(due)
