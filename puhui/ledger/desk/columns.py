"""A large batch as arrays: what it is judged against, and how it is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.store import Transaction
from puhui.kernel.store.sheet import Blobs, Sparse, sixteen
from puhui.kernel.store.statement import VERSION
from puhui.ledger.arrays.balances import changed_balances, take_balances
from puhui.ledger.arrays.columns import take_columns
from puhui.ledger.arrays.layout import (
    LINKED,
    OPEN,
    PENDING_FLAG,
    SECOND,
)
from puhui.ledger.arrays.record import (
    Records,
    ledger_name,
)
from puhui.ledger.arrays.remembered import RememberedBalances, RememberedDue, RememberedPendings
from puhui.ledger.arrays.whole import take_rows
from puhui.ledger.tables.schema import (
    BALANCE,
    LOOSE,
    PENDING,
)
from puhui.ledger.tables.schema import TRANSFER as TABLE

Places = NDArray[np.int64]
SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


@dataclass(slots=True)
class Work:
    """A batch with all that it is judged against.

    ``accounts`` and ``numbers`` are the ids and the store's own numbers of ``slots``, in their
    order; ``recorded`` the positions of the recorded pendings, which begin ``held``.
    ``expires_us`` ``(k,)`` is the first expiry that each balance row says, -1 where an account has
    none; ``due`` by slot what pendings past their time still hold of debits and credits.
    ``places`` says where accounts are remembered, ``pendings_at`` where recorded pendings are, -1
    where not; ``balances`` are those read, remembered on where they may be; ``pendings`` is None
    where they may not be. ``is_guessed`` says that what is remembered is to be held against the
    rows, as another writer may have changed them.
    """

    batch: Records
    pool: Records
    found: Places
    ended: Places
    held_at: Places
    is_burnt: NDArray[np.bool_]
    debit_at: Places
    credit_at: Places
    slots: Records
    accounts: Blobs
    numbers: Places
    held: Records
    recorded: Places
    expires_us: NDArray[np.int64]
    due: dict[int, tuple[int, int]]
    places: Places
    balances: RememberedBalances
    pendings: RememberedPendings | None
    pendings_at: Places
    is_guessed: bool

    @property
    def is_read(self) -> bool:
        """Whether a balance or a pending was read just now, and not remembered."""
        return self.balances.were_read or bool((self.pendings_at < 0).any())


def record_transfers(act: Act, work: Work, created: Places, positions: Places) -> None:
    """Write the transfers that were created."""
    numbers, blobs = take_columns(work.pool, created)
    ids = blobs["id"][0]
    columns: dict[str, Any] = {
        "position": positions,
        **{name: values for name, (values, _) in blobs.items()},
        **{name: _same(values) for name, values in numbers.items()},
        "ledger": _named(work.pool["ledger"][created]),
        **_chains(numbers["flags"], ids),
        "loose": 1,
    }
    for name in ("pending_id", "user_data_128"):
        values, is_absent = blobs[name]
        columns[name] = None if is_absent.all() else Sparse(values, is_absent)
    if isinstance(columns["ledger"], list):  # a text that differs is moved row by row
        columns = {name: _listed(column) for name, column in columns.items()}
    act.tx.load(TABLE, columns, by="id")


def record_loose(act: Act, positions: Places) -> None:
    """Write down where the transfers that were created stand, as they are loose."""
    first, last = int(positions[0]), int(positions[-1])
    act.tx.load(LOOSE, {"first_position": [first], "last_position": [last]})


def _listed(column: Any) -> Any:
    if isinstance(column, Sparse):
        pairs = zip(column.values.tolist(), column.is_absent.tolist(), strict=True)
        return [None if is_absent else value for value, is_absent in pairs]
    return column.tolist() if isinstance(column, np.ndarray) else column


def _chains(flags: Places, ids: Blobs) -> dict[str, Any]:
    """The first id and the size of each linked chain, in each of its rows."""
    is_linked = flags & LINKED != 0
    if not is_linked.any():
        return {"chain_id": None, "chain_size": 0}
    follows = np.concatenate([[False], is_linked[:-1]])
    is_member = is_linked | follows
    starts = np.flatnonzero(is_linked & ~follows)
    chain = np.cumsum(is_linked & ~follows) - 1
    sizes = np.bincount(chain[is_member], minlength=len(starts))
    chain[~is_member] = 0
    return {
        "chain_id": Sparse(ids[starts[chain]], ~is_member),
        "chain_size": np.where(is_member, sizes[chain], 0),
    }


def record_ends(act: Act, work: Work, created: Places, place: Places) -> None:
    """Write what became of recorded pendings, in the order of their positions, as others do.

    What is remembered as open, and stays so, is held against its row in the same pass.
    """
    is_end = work.pool["flags"][created] & SECOND != 0
    ended = np.unique(place[created[is_end]])
    ended = ended[ended < len(work.recorded)]
    written = ended
    if work.is_guessed:
        same = np.flatnonzero(work.held["state"][: len(work.recorded)] == OPEN)
        if not len(ended):
            _hold_pendings(act, work, same)
            return
        written = np.concatenate([ended, same])
    if not len(ended):
        return
    if work.pendings is not None:
        at = work.pendings_at[ended]
        work.pendings.end(at[at >= 0], take_rows(work.held, ended)[at >= 0])
    written = written[np.argsort(work.recorded[written])]
    rows = take_rows(work.held, written)
    act.tx.set_many(
        PENDING,
        "position",
        {
            "position": work.recorded[written],
            "state": rows["state"].astype(np.int64),
            "released_us": _us(rows["ended_ns"]),
        },
        was={"state": np.full(len(written), OPEN)} if work.is_guessed else None,
    )


def _hold_pendings(act: Act, work: Work, chosen: Places) -> None:
    """Hold what is remembered as open against its rows."""
    positions = np.sort(work.recorded[chosen])
    if len(positions):
        was = {"position": positions, "state": np.full(len(positions), OPEN)}
        act.tx.hold(PENDING, "position", was)


def record_pendings(
    act: Act, work: Work, created: Places, positions: Places, held_count: int
) -> None:
    """Write new pendings; ``positions`` are those of ``created``."""
    is_made = work.pool["flags"][created] & PENDING_FLAG != 0
    if not is_made.any():
        return
    records, positions = take_rows(work.pool, created[is_made]), positions[is_made]
    new = work.held[len(work.recorded) : held_count]
    records["time_ns"] -= records["time_ns"] % np.uint64(1000)  # as the store keeps it
    expires_us = _us(new["expires_ns"])
    if act.tx.fresh is not None and ((expires_us > 0) & (expires_us <= act.now_us)).any():
        act.tx.fresh.pop(RememberedDue, None)  # imported, and past their time already
    act.tx.load(
        PENDING,
        {
            "position": positions,
            "id": sixteen(records["id_hi"], records["id_lo"]),
            "debit_account_id": work.accounts[new["debit"]],
            "credit_account_id": work.accounts[new["credit"]],
            "amount_minor": new["amount"].astype(np.int64),
            "time_us": _us(records["time_ns"]),
            "expires_us": expires_us,
            "state": new["state"].astype(np.int64),
            "released_us": _us(new["ended_ns"]),
            "is_loose": (new["closing"] == 0).astype(np.int64),
        },
    )
    if work.pendings is not None:
        work.pendings.keep(records, positions, new)


def record_balances(act: Act, work: Work, before: Records, held_count: int) -> None:
    """Write the balance rows that are not as they were; what is remembered of the others is held
    against them in the same pass, in the order of numbers, so that no two writers ever wait for
    each other.
    """
    new = work.held[len(work.recorded) : held_count]
    changed, same, expires_us = changed_balances(work.slots, before, new, work.expires_us)
    if not len(changed):
        if work.is_guessed:
            _hold_balances(act, work, same)
        return
    if work.is_guessed:
        changed = np.concatenate([changed, same])
    changed = changed[np.argsort(work.numbers[changed])]
    due = np.zeros((len(work.slots), 2), dtype=np.int64)
    if work.due:  # a row keeps what is past its time until the pending is released
        due[list(work.due)] = list(work.due.values())
    columns, versions = take_balances(
        work.slots, changed, due, expires_us, work.balances.rows, work.places, act.tx.version()
    )
    act.tx.set_many(
        BALANCE,
        "account_number",
        {
            "account_number": work.numbers[changed],
            "account_id": work.accounts[changed],
            **columns,
        },
        was={VERSION: versions} if work.is_guessed else None,
    )


def _hold_balances(act: Act, work: Work, chosen: Places) -> None:
    """Hold what is remembered of balances that stay as they are against their rows."""
    chosen = chosen[np.argsort(work.numbers[chosen])]
    if len(chosen):
        versions = work.balances.rows["version"][work.places[chosen]]
        was = {"account_number": work.numbers[chosen], VERSION: versions}
        act.tx.hold(BALANCE, "account_number", was)


def is_guessed(tx: Transaction) -> bool:
    """Whether others may write too and what is remembered is held against its rows at the end; then
    nothing is locked before: rows locked in two passes may be locked crosswise by two nodes.
    """
    return tx.fresh is not None and not tx.is_alone


def none_of(count: int) -> Places:
    """``count`` places, none of them found."""
    return np.full(count, -1, dtype=np.int64)


def _us(times_ns: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (times_ns // np.uint64(1000)).astype(np.int64)


def _named(ledgers: NDArray[np.uint32]) -> Any:
    """The names of ledgers, one alone where all are of one."""
    names = {n: ledger_name(n) for n in np.unique(ledgers).tolist()}
    if len(names) == 1:
        return next(iter(names.values()))
    return [names[n] for n in ledgers.tolist()]


def _same(values: NDArray[Any]) -> Any:
    """The value alone where it is the same in every row."""
    if (values == values[0]).all():
        return int(values[0])
    return values.astype(np.int64, copy=False)
