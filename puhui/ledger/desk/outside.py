"""The ledger beside the store: what an act moves is held first, and moved after its commit.

Within the act the rules judge its transfers against what the engine says. Money that they need is
then held in the engine, by pendings without a time-out, one for each account that has a limit:
the most that the act takes from it at any moment. So nothing that the act decided can fail for
want of money later. The decision itself stands as an intent in the act's own transaction. After
the commit the holds go and the transfers come, under their own ids, and only then the caller is
answered. A refused act lets its holds go at once. Whoever opens the node finishes what intents
say, and lets every other hold go.

What differs from the ledger in the store: a transfer that fails for a passing reason burns no id;
imported history and closing transfers are refused; accounts are opened at once, and stay, empty,
where the act is refused after all. Of several nodes on one engine each must move accounts of its
own: between the holds' end and the transfers another one could take the money.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction, change
from puhui.ledger.arrays.layout import CLOSING, IMPORTED, LINKED, PENDING_FLAG, SECOND, VOID
from puhui.ledger.arrays.record import (
    TRANSFER,
    Records,
    id_halves,
    numbers_of,
    pack_accounts,
    pack_transfers,
    unpack_accounts,
    unpack_transfers,
)
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.nouns import ID_MAX, Account, Status, Transfer
from puhui.ledger.rules import OPEN, Books, Terms, judge_transfers, require_created
from puhui.ledger.rules.books import POSTED, VOIDED
from puhui.ledger.tables import intent
from puhui.ledger.tables.schema import blob, number

_DEBITS_LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
_CREDITS_LIMITED = Account.CREDITS_MUST_NOT_EXCEED_DEBITS
MARK = 0x5055_4856
"""``user_data_32`` of provisional pendings and of what lets them go."""

PAGE = 8190
_BETWEEN_CODE = 1221
"""Where holds stand in the chart of accounts: suspense."""


def outside_of(tx: Transaction) -> OutsideLedger | None:
    """The ledger beside the store that the node has; None where the ledger is in the store."""
    found = tx.ports.get(OutsideLedger)
    assert found is None or isinstance(found, OutsideLedger), found
    return found


@dataclass(slots=True)
class OnHold:
    """An act's transfers, and what holds their money until they are confirmed or undone.

    ``records`` ``(n,) TRANSFER`` are those that are to be; ``changes`` what they add to the sums
    of accounts; ``held`` by account the debit and the credit held, in minor units.
    """

    ledger: OutsideLedger
    token: bytes
    records: Records
    changes: dict[int, list[int]] = field(default_factory=dict)
    held: dict[int, list[int]] = field(default_factory=dict)

    def records_as_transfers(self) -> tuple[Transfer, ...]:
        """The transfers that are to be."""
        return unpack_transfers(self.records)

    def confirm(self) -> None:
        """Create the transfers under their own ids. Fault: what the engine reports."""
        self.ledger.finish(self)
        self.ledger.done.append(self.token)

    def undo(self) -> None:
        """Let the holds go."""
        self.ledger.let_go(self)

    def doubt(self) -> None:
        """Nobody knows whether the act was committed: it is looked up before the next one."""
        self.ledger.doubtful.append(self)


@dataclass(slots=True)
class OutsideLedger:
    """The ledger beside the store of one node, and what of it is not settled yet."""

    engine: LedgerEngine
    done: list[bytes] = field(default_factory=list)
    doubtful: list[OnHold] = field(default_factory=list)
    on_way: dict[int, Transfer] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def create(
        self, act: Act, transfers: Sequence[Transfer], *, strict: bool
    ) -> tuple[Status, ...]:
        """As ``create_transfers``. Refused: ``ledger.not_outside``, and its own."""
        if any(t.flags & (IMPORTED | CLOSING) for t in transfers):
            raise Refused(
                "ledger.not_outside",
                "A ledger beside the store takes no imported and no closing transfers from acts.",
            )
        with self.lock:
            self._tidy(act)
            books = self._books(act, transfers)
            made = judge_transfers(books, transfers)
            if strict:
                require_created(made.statuses, "transfer")
            if not made.created:
                return tuple(made.statuses)
            hold = OnHold(self, secrets.token_bytes(16), pack_transfers(made.created), made.changes)
            act.outside.append(hold)
            self._hold(act, hold, made.created, books)
            self.on_way.update({t.id: t for t in made.created})
            self._record(act, hold)
            return tuple(made.statuses)

    def _tidy(self, act: Act) -> None:
        """Settle what was in doubt, and forget intents that are finished."""
        doubtful, self.doubtful = self.doubtful, []
        for one in doubtful:
            found = act.tx.all(intent.HAS_INTENTS, ids=[one.token])
            (one.confirm if found else one.undo)()
        done, self.done = self.done[:256], self.done[256:]
        for token in done:
            act.tx.put(intent.DROP_INTENT, settled=token)

    def _find(self, ids: set[int]) -> dict[int, Transfer]:
        """Transfers by id: recorded ones, and those of acts whose commit is under way."""
        asked = sorted(i for i in ids if 0 < i < ID_MAX)
        found = {}
        for start in range(0, len(asked), PAGE):
            page = self.engine.lookup_transfers(id_halves(asked[start : start + PAGE]))
            found.update({t.id: t for t in unpack_transfers(page)})
        found.update({i: self.on_way[i] for i in asked if i in self.on_way})
        return found

    def _books(self, act: Act, transfers: Sequence[Transfer]) -> Books:
        """What the rules judge against: the engine's accounts as the act itself has left them."""
        known = self._find({t.id for t in transfers} | {t.pending_id for t in transfers})
        pendings = {i: t for i, t in known.items() if t.flags & PENDING_FLAG}
        wanted = {t.debit_account_id for t in transfers} | {t.credit_account_id for t in transfers}
        for p in pendings.values():
            wanted |= {p.debit_account_id, p.credit_account_id}
        asked = sorted(i for i in wanted if 0 < i < ID_MAX)
        terms: dict[int, Terms] = {}
        sums: dict[int, list[int]] = {}
        for start in range(0, len(asked), PAGE):
            page = self.engine.lookup_accounts(id_halves(asked[start : start + PAGE]), 0)
            for a in unpack_accounts(page):
                terms[a.id] = (a.ledger, a.flags, a.time_us)
                sums[a.id] = [
                    a.debits_pending_minor,
                    a.debits_posted_minor,
                    a.credits_pending_minor,
                    a.credits_posted_minor,
                ]
        for one in _own(act):
            for account_id in sums.keys() & one.changes.keys():
                change = one.changes[account_id]
                sums[account_id] = [a + b for a, b in zip(sums[account_id], change, strict=True)]
            for account_id in sums.keys() & one.held.keys():
                sums[account_id][0] -= one.held[account_id][0]
                sums[account_id][2] -= one.held[account_id][1]
        keys = [blob(i) for i in pendings]
        claims = act.tx.all(intent.FIND_CLAIMS, ids=keys) if keys else []
        holds = act.tx.all(intent.FIND_HOLDS, ids=keys) if keys else []
        states = {number(row.pending_id): POSTED if row.is_post else VOIDED for row in claims}
        expires_us = {number(row.id): row.expires_us for row in holds}
        ends = {i: (states.get(i, OPEN), expires_us.get(i, 0)) for i in pendings}
        return Books(act.now_us, terms, sums, known, ends)

    def _hold(self, act: Act, hold: OnHold, created: Sequence[Transfer], books: Books) -> None:
        """Hold what the act takes from accounts with a limit beyond what it holds already.

        Refused: ``ledger.exceeds_credits``, ``ledger.exceeds_debits`` where somebody else was
        faster, or where only the end of a pending in the same act gives the money.
        """
        earlier = _own(act)[:-1]
        peaks = _peaks([*(t for one in earlier for t in one.records_as_transfers()), *created])
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
        asked = _holds(hold, ledgers)
        if not len(asked):
            return
        for start in range(0, len(asked), PAGE):
            page = asked[start : start + PAGE]
            for status in self.engine.create_transfers(page, act.now_us * 1000).named():
                if status is not Status.CREATED:
                    raise Refused(f"ledger.{status.value}", "The money was taken meanwhile.")

    def _open_between(self, ledger: str, now_us: int) -> None:
        """The account on the other side of holds, one a ledger; never posted to."""
        between = Account(_between(ledger), ledger, _BETWEEN_CODE)
        if between.id not in self.opened:
            self.engine.create_accounts(pack_accounts([between]), now_us * 1000)
            self.opened.add(between.id)

    def _record(self, act: Act, hold: OnHold) -> None:
        """Keep the intent, and what the engine will not know: ends claimed, times of holds."""
        text = hold.records.tobytes()
        act.tx.put(intent.ADD_INTENT, token=hold.token, records=text, holds=_told(hold.held))
        for t in unpack_transfers(hold.records[_special(hold.records)]):
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
        voids: Records = np.zeros(len(due), dtype=TRANSFER)
        own, named = id_halves([act.new_number() for _ in due]), id_halves(map(number, due))
        voids["id_lo"], voids["id_hi"] = own[:, 0], own[:, 1]
        voids["pending_lo"], voids["pending_hi"] = named[:, 0], named[:, 1]
        voids["flags"] = VOID
        with self.lock:
            hold = OnHold(self, secrets.token_bytes(16), voids)
            act.outside.append(hold)
            self._record(act, hold)
        return len(due)

    def finish(self, hold: OnHold) -> None:
        """Let the holds go and create the transfers; a second time changes nothing.

        Fault: ``ledger.outside_differs``, and what the engine reports.
        """
        with self.lock:
            self._void(hold)
            records: Records = hold.records.copy()
            records["timeout_s"], records["time_ns"] = 0, 0
            for start, end in _pages(records):
                for status in self.engine.create_transfers(records[start:end], 0).named():
                    if status not in (Status.CREATED, Status.EXISTS):
                        raise Fault(
                            "ledger.outside_differs",
                            f"What an act decided does not happen in the ledger: {status.value}.",
                        )
            self._forget(hold)

    def let_go(self, hold: OnHold) -> None:
        """Void the holds; those that are gone already are left."""
        with self.lock:
            self._forget(hold)
            self._void(hold)

    def _forget(self, hold: OnHold) -> None:
        for transfer_id in numbers_of(hold.records["id_lo"], hold.records["id_hi"]):
            self.on_way.pop(transfer_id, None)

    def _void(self, hold: OnHold) -> None:
        self.void([i for i, _, _ in _hold_ids(hold)])

    def void(self, hold_ids: Sequence[int]) -> None:
        """Void holds by id."""
        for start in range(0, len(hold_ids), PAGE):
            self.engine.create_transfers(_voids(hold_ids[start : start + PAGE]), 0)


# Opening a node.


def settle_outside(node: Node, ledger: OutsideLedger) -> tuple[int, int]:
    """Finish every intent, and let every other provisional pending go, before the node serves.

    Returns how many intents were finished and how many pendings let go.
    """
    with node.store.read() as tx:
        rows = tx.all(intent.ALL_INTENTS)
        settled = tx.one(intent.SETTLED_TO)
    for row in rows:
        records = np.frombuffer(row.records, dtype=TRANSFER)
        held = {int(i): amounts for i, amounts in json.loads(row.holds).items()}
        ledger.finish(OnHold(ledger, row.token, records.copy(), held=held))
    last, open_ids = _open_holds(ledger.engine, settled.ordinal if settled is not None else -1)
    ledger.void(open_ids)
    with change(node.store) as tx:
        for row in rows:
            tx.put(intent.DROP_INTENT, settled=row.token)
        tx.put(intent.PUT_SETTLED, id=1, ordinal=last)
    return len(rows), len(open_ids)


def _open_holds(engine: LedgerEngine, after: int) -> tuple[int, list[int]]:
    """Provisional pendings past an ordinal that nothing has ended; and the last ordinal."""
    found: dict[int, None] = {}
    while True:
        page = engine.tail(after=after, count=100_000)
        if not len(page.ordinals):
            return after, list(found)
        after = int(page.ordinals[-1])
        marked = page.transfers[page.transfers["user_32"] == MARK]
        is_void = marked["flags"] & VOID != 0
        for hold_id in numbers_of(marked["id_lo"][~is_void], marked["id_hi"][~is_void]):
            found[hold_id] = None
        for ended in numbers_of(marked["pending_lo"][is_void], marked["pending_hi"][is_void]):
            found.pop(ended, None)


# Records.


def _own(act: Act) -> list[OnHold]:
    """What the act has moved already."""
    return [one for one in act.outside if isinstance(one, OnHold)]


def _peaks(transfers: Sequence[Transfer]) -> dict[int, tuple[int, int]]:
    """The most that transfers, one after another, ever take from each account: debits beyond
    credits, and credits beyond debits, in minor units. Pendings take, ends of pendings do not.
    """
    now: dict[int, int] = {}
    peaks: dict[int, tuple[int, int]] = {}
    for t in transfers:
        for account_id, is_debit in ((t.debit_account_id, True), (t.credit_account_id, False)):
            debit, credit = peaks.get(account_id, (0, 0))
            net = now.get(account_id, 0)
            amount_minor = 0 if t.flags & SECOND else t.amount_minor
            if t.flags & PENDING_FLAG:
                # What is only held counts against its own side for good, and gives nothing.
                peaks[account_id] = (
                    max(debit, net + amount_minor) if is_debit else debit,
                    credit if is_debit else max(credit, amount_minor - net),
                )
                now[account_id] = net + amount_minor if is_debit else net
                continue
            net += amount_minor if is_debit else -amount_minor
            now[account_id] = net
            peaks[account_id] = (max(debit, net), max(credit, -net))
    return peaks


def _between(ledger: str) -> int:
    return Account.id_of(f"ledger:held:{ledger}")


def _hold_ids(hold: OnHold) -> list[tuple[int, int, bool]]:
    """Id, account and side (is it the debit) of each pending that holds money."""
    made = []
    for account_id, (debit, credit) in sorted(hold.held.items()):
        for amount_minor, is_debit in ((debit, True), (credit, False)):
            if amount_minor:
                text = hold.token + account_id.to_bytes(16, "big") + bytes([is_debit])
                made.append((_digest(text), account_id, is_debit))
    return made


def _holds(hold: OnHold, ledgers: Mapping[int, str]) -> Records:
    """The pendings that hold money, as one chain."""
    made = []
    for hold_id, account_id, is_debit in _hold_ids(hold):
        between = _between(ledgers[account_id])
        sides = (account_id, between) if is_debit else (between, account_id)
        amount_minor = hold.held[account_id][0 if is_debit else 1]
        flags = PENDING_FLAG | LINKED
        made.append(
            Transfer(
                hold_id,
                *sides,
                amount_minor,
                ledgers[account_id],
                _BETWEEN_CODE,
                flags,
                user_data_32=MARK,
            )
        )
    if made:
        made[-1] = replace(made[-1], flags=PENDING_FLAG)
    return pack_transfers(made)


def _told(held: Mapping[int, Sequence[int]]) -> str:
    return json.dumps({str(account_id): amounts for account_id, amounts in held.items()})


def _pages(records: Records) -> Iterator[tuple[int, int]]:
    """Where batches begin and end; none ends within a chain."""
    is_last = np.flatnonzero(records["flags"] & LINKED == 0) + 1
    start = 0
    while start < len(records):
        fitting = is_last[(is_last > start) & (is_last <= start + PAGE)]
        end = int(fitting[-1]) if len(fitting) else len(records)
        yield start, end
        start = end


def _voids(hold_ids: Sequence[int]) -> Records:
    made: Records = np.zeros(len(hold_ids), dtype=TRANSFER)
    if not hold_ids:
        return made
    own = id_halves([_digest(i.to_bytes(16, "big") + b"void") for i in hold_ids])
    halves = id_halves(hold_ids)
    made["id_lo"], made["id_hi"] = own[:, 0], own[:, 1]
    made["pending_lo"], made["pending_hi"] = halves[:, 0], halves[:, 1]
    made["flags"], made["user_32"] = VOID, MARK
    return made


def _digest(text: bytes) -> int:
    made = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
    return made if 0 < made < ID_MAX else 1


def _special(records: Records) -> list[int]:
    chosen: list[int] = np.flatnonzero(
        (records["flags"] & SECOND != 0) | (records["timeout_s"] != 0)
    ).tolist()
    return chosen
