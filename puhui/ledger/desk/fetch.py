"""What a large batch is judged against, fetched as arrays: from the store, or remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.kernel.store.sheet import Blobs, halves, order_of_halves, sixteen
from puhui.ledger.arrays.distinct import number_ids
from puhui.ledger.arrays.layout import (
    BALANCING,
    CLOSED,
    CLOSING,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    HELD,
    PENDING_FLAG,
    SECOND,
    SLOT,
    UNTRACKED,
)
from puhui.ledger.arrays.record import TRANSFER, Records, ledger_number
from puhui.ledger.arrays.remembered import (
    BALANCE,
    DUE_MAX,
    PENDING,
    TERMS,
    RememberedAccounts,
    RememberedBalances,
    RememberedDue,
    RememberedPendings,
)
from puhui.ledger.arrays.whole import join_rows, take_rows
from puhui.ledger.desk.account import still_closed, sums_at
from puhui.ledger.desk.columns import SUMS, Places, Work, is_guessed, none_of
from puhui.ledger.rules import TRACKED
from puhui.ledger.tables import write
from puhui.ledger.tables.schema import number

_NO_ID = bytes(16)


@dataclass(frozen=True, slots=True)
class _Distinct:
    """Ids told apart, in their order, and of each id that was asked which of them it is."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    ids: Blobs
    places: Places


def _distinct(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> _Distinct:
    firsts, numbers = number_ids(low, high)
    order = order_of_halves(high[firsts], low[firsts])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    high, low = high[firsts[order]], low[firsts[order]]
    return _Distinct(high, low, sixteen(high, low), rank[numbers])


@dataclass(frozen=True, slots=True)
class _Named:
    """What the posts and voids of a batch name.

    ``ends`` ``(m,) TRANSFER`` are the recorded transfers; ``held`` ``(h,) PENDING`` what is
    recorded of those that are pending, ``end_of`` ``(h,)`` which of ``ends`` each is, and
    ``remembered_at`` where it is remembered, else -1. ``ended`` and ``held_at`` ``(n,)`` say of
    each event which of ``ends`` and of ``held`` it names, else -1.
    """

    ends: Records
    held: Records
    end_of: Places
    remembered_at: Places
    ended: Places
    held_at: Places


def fetch(act: Act, batch: Records) -> Work:
    """Fetch all that a batch is judged against. Refused: ``ledger.closing_needs_balance``."""
    tx, count = act.tx, len(batch)
    pendings = None
    if tx.fresh is not None:
        pendings = tx.fresh.setdefault(RememberedPendings, RememberedPendings())
    named = _find_named(tx, batch, pendings)
    own = take_rows(named.ends, named.end_of)
    known = tx.known.setdefault(RememberedAccounts, RememberedAccounts())
    (sides, own_sides), places = _place_accounts(tx, (batch, own), known)
    slots, accounts, expires_us, due, balances = _find_slots(act, known, places)
    _check_untracked(act, batch, slots, accounts, sides)
    # Ids come last: what goes before mostly asks the store nothing.
    found, is_burnt = none_of(count), np.zeros(count, dtype=np.bool_)
    used = _find_used(tx, batch, found, is_burnt)
    ended = np.where(named.ended >= 0, named.ended + count + len(used), -1)
    pool = join_rows([batch, used, named.ends])
    held: Records = np.zeros(len(own) + count, dtype=HELD)
    _fill_held(held[: len(own)], named.held, own, own_sides)
    return Work(
        batch=batch,
        pool=pool,
        found=found,
        ended=ended,
        held_at=named.held_at,
        is_burnt=is_burnt,
        debit_at=sides[0],
        credit_at=sides[1],
        slots=slots,
        accounts=accounts,
        numbers=known.rows["number"][places],
        held=held,
        recorded=named.held["position"],
        expires_us=expires_us,
        due=due,
        places=places,
        balances=balances,
        pendings=pendings,
        pendings_at=named.remembered_at,
        is_guessed=is_guessed(tx),
    )


def _fill_held(held: Records, rows: Records, own: Records, sides: tuple[Places, Places]) -> None:
    """Recorded pendings, with the places of their accounts and what their transfers close."""
    held["amount"], held["state"] = own["amount_lo"], rows["state"]
    held["closing"] = own["flags"] & CLOSING
    held["expires_ns"], held["ended_ns"] = rows["expires_us"] * 1000, rows["released_us"] * 1000
    held["debit"], held["credit"] = sides


def _find_named(tx: Transaction, batch: Records, pendings: RememberedPendings | None) -> _Named:
    """The pendings that posts and voids name: those remembered, and others."""
    ended, held_at = none_of(len(batch)), none_of(len(batch))
    seconds = np.flatnonzero(batch["flags"] & SECOND)
    nothing: Records = np.zeros(0, dtype=TRANSFER)
    if not len(seconds):
        return _Named(nothing, np.zeros(0, PENDING), none_of(0), none_of(0), ended, held_at)
    named = _distinct(batch["pending_hi"][seconds], batch["pending_lo"][seconds])
    at = none_of(len(named.ids)) if pendings is None else pendings.find(named.high, named.low)
    kept = np.flatnonzero(at >= 0)
    end_at, hold_at = none_of(len(at)), none_of(len(at))
    end_at[kept] = hold_at[kept] = np.arange(len(kept))
    ends, held = nothing, np.zeros(0, dtype=PENDING)
    if pendings is not None:
        ends, held = take_rows(pendings.rows, at[kept]), take_rows(pendings.held, at[kept])
    end_of, remembered_at = np.arange(len(kept)), at[kept]
    if len(rest := np.flatnonzero(at < 0)):
        tx.give({"id": named.ids[rest]})
        rows = tx.arrays(write.GIVEN_TRANSFERS)
        more = records_of(rows[2:])
        if len(more):
            end_at[rest[rows[0] - 1]] = len(ends) + np.arange(len(more))
        held_rows = np.argsort(rows[1])
        held_rows = held_rows[more["flags"][held_rows] & PENDING_FLAG != 0]
        if len(held_rows):
            tx.give({"number": rows[1][held_rows]})
            how = write.GIVEN_PENDINGS if is_guessed(tx) else write.LOCK_GIVEN_PENDINGS
            n, positions, expires_us, states, released_us = tx.arrays(how)
            locked: Records = np.zeros(len(n), dtype=PENDING)
            locked["position"], locked["expires_us"] = positions, expires_us
            locked["state"], locked["released_us"] = states, released_us
            own = held_rows[n - 1]
            hold_at[rest[rows[0][own] - 1]] = len(held) + np.arange(len(n))
            end_of = np.concatenate([end_of, len(ends) + own])
            remembered_at = np.concatenate([remembered_at, none_of(len(n))])
            held = join_rows([held, locked])
        ends = join_rows([ends, more])
    ended[seconds], held_at[seconds] = end_at[named.places], hold_at[named.places]
    return _Named(ends, held, end_of, remembered_at, ended, held_at)


def _find_used(
    tx: Transaction, batch: Records, found: Places, is_burnt: NDArray[np.bool_]
) -> Records:
    """The recorded transfers among the ids; says of each event which of them, and what is burnt.

    New ids mostly lie past all that are used.
    """
    last = tx.one(write.LAST_USED)
    assert last is not None
    high, low = map(np.uint64, divmod(number(max(id or b"" for id in last)), 2**64))
    is_past = (batch["id_hi"] > high) | ((batch["id_hi"] == high) & (batch["id_lo"] > low))
    asked = np.flatnonzero(~is_past)
    if not len(asked):
        return np.empty(0, dtype=TRANSFER)
    tx.give({"id": sixteen(batch["id_hi"][asked], batch["id_lo"][asked])})
    rows = tx.arrays(write.GIVEN_TRANSFERS)
    burnt = tx.arrays(write.GIVEN_BURNT)[0]
    if len(rows[0]):
        found[asked[rows[0] - 1]] = len(batch) + np.arange(len(rows[0]))
    if len(burnt):
        is_burnt[asked[burnt - 1]] = True
    return records_of(rows[2:])


def _place_accounts(
    tx: Transaction, parts: tuple[Records, Records], known: RememberedAccounts
) -> tuple[list[tuple[Places, Places]], Places]:
    """As ``RememberedAccounts.place``, accounts having been read that were not remembered."""
    while True:
        sides, places = known.place(parts)
        high, low = [], []
        for part, pair in zip(parts, sides, strict=True):
            for name, at in zip(("debit", "credit"), pair, strict=True):
                if not (new := at < 0).any():
                    continue
                high.append(part[name + "_hi"][new])
                low.append(part[name + "_lo"][new])
        if not low:
            return sides, places
        if not _read_accounts(tx, _distinct(np.concatenate(high), np.concatenate(low)), known):
            return sides, places


def _read_accounts(tx: Transaction, wanted: _Distinct, known: RememberedAccounts) -> bool:
    """Remember accounts; whether any of them is there."""
    tx.give({"id": wanted.ids})
    there, numbers, ledgers, flags, times_us = tx.arrays(write.GIVEN_TERMS)
    more: Records = np.zeros(len(there), dtype=TERMS)
    if len(there):
        found = there - 1
        more["id_lo"], more["id_hi"] = wanted.low[found], wanted.high[found]
        names = {name: ledger_number(name) for name in set(ledgers)}
        more["ledger"] = [names[name] for name in ledgers]
        more["number"], more["flags"], more["time_ns"] = numbers, flags, times_us * 1000
        known.add(more)
    return len(more) > 0


def _find_slots(
    act: Act, known: RememberedAccounts, places: Places
) -> tuple[Records, Blobs, Places, dict[int, tuple[int, int]], RememberedBalances]:
    """What is kept of the accounts at some places, and their ids; of those with a balance row the
    first expiry (else -1) and what is due; and where balances are remembered.

    Sums leave out pendings past their time.
    """
    tx, now_us = act.tx, act.now_us
    rows = take_rows(known.rows, places)
    ids = sixteen(rows["id_hi"], rows["id_lo"])
    slots: Records = np.zeros(len(ids), dtype=SLOT)
    expires_us = none_of(len(ids))
    due: dict[int, tuple[int, int]] = {}
    kept = tx.known if tx.fresh is None else tx.fresh
    balances = kept.setdefault(RememberedBalances, RememberedBalances())
    balances.suit(known)
    if tx.fresh is None:  # others may have changed them
        balances.rows["is_there"][places] = 0
    if not balances.fill(known, places, slots, expires_us):
        _read_balances(tx, balances, places, rows)
        if not tx.is_alone:  # what is due is as old as the rows that are remembered, and no older
            kept.pop(RememberedDue, None)
        balances.fill(known, places, slots, expires_us)
    closed = np.flatnonzero(balances.rows["is_closed"][places])
    if len(closed):
        names = ids[closed].tolist()
        still = still_closed(tx, names, now_us=now_us)
        is_closed = np.array([name in still for name in names])
        slots["flags"][closed[is_closed]] |= CLOSED
    late = np.flatnonzero((expires_us > 0) & (expires_us <= now_us))
    if len(late):
        due = _leave_out_due(act, slots, dict(zip(ids[late].tolist(), late.tolist(), strict=True)))
    return slots, ids, expires_us, due, balances


def _read_balances(
    tx: Transaction, balances: RememberedBalances, places: Places, accounts: Records
) -> None:
    """Read the balance rows of accounts that are not there, in the order of numbers."""
    is_tracked = accounts["flags"] & TRACKED != 0
    rest = np.flatnonzero(is_tracked & (balances.rows["is_there"][places] == 0))
    rest = rest[np.argsort(accounts["number"][rest])]
    tx.give({"number": accounts["number"][rest]})
    columns = tx.arrays(write.GIVEN_BALANCES if is_guessed(tx) else write.LOCK_GIVEN_BALANCES)
    assert len(columns[0]) == len(rest), "each of them has a balance row"
    rows: Records = np.ones(len(rest), dtype=BALANCE)
    for name, column in zip((*SUMS, "expires_us", "is_closed", "version"), columns, strict=True):
        rows[name] = column
    balances.rows[places[rest]] = rows


def _leave_out_due(act: Act, slots: Records, at: dict[bytes, int]) -> dict[int, tuple[int, int]]:
    """Take pendings past their time out of the sums; what they were, by slot."""
    sums = _remembered_due(act)
    if sums is None:
        sums = {}
        for row in act.tx.all(write.DUE_SUMS, ids=list(at), now_us=act.now_us):
            debits, credits = sums.get(row.account_id, (0, 0))
            is_debit = row.side == "debit"
            sums[row.account_id] = (
                debits + row.amount_minor * is_debit,
                credits + row.amount_minor * (not is_debit),
            )
    due = {slot: sums[account_id] for account_id, slot in at.items() if account_id in sums}
    if due:
        held = np.array(list(due.values()), dtype=np.uint64)
        chosen = list(due)
        slots["debits_pending"][chosen] -= held[:, 0]
        slots["credits_pending"][chosen] -= held[:, 1]
    return due


def _remembered_due(act: Act) -> dict[bytes, tuple[int, int]] | None:
    """What pendings past their time hold of every account, where the writer may remember it; None
    where it may not, or where they are very many.
    """
    tx, now_us = act.tx, act.now_us
    if tx.fresh is None:
        return None
    due: RememberedDue = tx.fresh.setdefault(RememberedDue, RememberedDue())
    if now_us < due.until_us:
        due = tx.fresh[RememberedDue] = RememberedDue()
    debits, credits, amounts = tx.arrays(
        write.NEWLY_DUE, after_us=due.until_us, now_us=now_us, count=DUE_MAX
    )
    if len(amounts) == DUE_MAX:
        del tx.fresh[RememberedDue]
        return None
    if len(amounts):
        due.add((debits, credits), amounts)
    due.until_us = now_us
    return due.sums


def _check_untracked(
    act: Act, batch: Records, slots: Records, ids: Blobs, sides: tuple[Places, Places]
) -> None:
    """Sum up accounts without a balance row where a balancing transfer needs it.

    Refused: ``ledger.closing_needs_balance``.
    """
    flags = batch["flags"]
    if not (flags & (BALANCING | CLOSING)).any():
        return

    def bare(at: Places) -> Places:
        there = np.unique(at[at >= 0])
        chosen: Places = there[slots["flags"][there] & UNTRACKED != 0]
        return chosen

    is_pending = flags & PENDING_FLAG != 0
    for at, closing in zip(sides, (CLOSING_DEBIT, CLOSING_CREDIT), strict=True):
        if len(bare(at[is_pending & (flags & closing != 0)])):
            refuse_closing()
    some = flags & BALANCING != 0
    summed = bare(np.concatenate([at[some] for at in sides]))
    places = dict(zip(map(number, ids[summed].tolist()), summed.tolist(), strict=True))
    for account_id, sums in sums_at(act.tx, list(places), at_us=act.now_us).items():
        for name, amount_minor in zip(SUMS, sums, strict=True):
            slots[name][places[account_id]] = amount_minor


def refuse_closing() -> None:
    """Refused: ``ledger.closing_needs_balance``."""
    raise Refused(
        "ledger.closing_needs_balance",
        "Only an account with a balance limit or with history can be closed by a transfer.",
    )


def records_of(columns: list[Any]) -> Records:
    """Recorded transfers ``(n,) TRANSFER`` from the columns of ``write.CONTENT``."""
    made: Records = np.zeros(len(columns[0]), dtype=TRANSFER)
    if not len(made):
        return made
    named = dict(zip(_CONTENT, columns, strict=True))
    for name, column in _WIDE.items():
        made[name + "_hi"], made[name + "_lo"] = halves(_filled(named[column]))
    made["user_64"] = named["user_data_64"].view(np.uint64)
    known = {name: ledger_number(name) for name in set(named["ledger"])}
    made["ledger"] = [known[name] for name in named["ledger"]]
    made["amount_lo"] = named["amount_minor"]
    made["time_ns"] = named["time_us"] * 1000
    for name, column in _SHORT.items():
        made[name] = named[column]
    return made


_CONTENT = [c.name for c in write.CONTENT]
_WIDE = {
    "id": "id",
    "debit": "debit_account_id",
    "credit": "credit_account_id",
    "pending": "pending_id",
    "user_128": "user_data_128",
}
_SHORT = {"user_32": "user_data_32", "timeout_s": "timeout_s", "code": "code", "flags": "flags"}


def _filled(column: Any) -> Blobs:
    """Sixteen bytes in each row, noughts where nothing is."""
    if isinstance(column, np.ndarray):
        return column
    return np.frombuffer(b"".join([value or _NO_ID for value in column]), dtype="V16")
