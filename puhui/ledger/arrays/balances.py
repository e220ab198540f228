"""Which balance rows a batch has changed, and their columns, compiled: one pass over the slots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.layout import CLOSED, OPEN, Places
from puhui.ledger.arrays.record import Records

COLUMNS = (
    "debits_pending",
    "debits_posted",
    "credits_pending",
    "credits_posted",
    "expires_us",
    "is_closed",
)


@njit
def _note_expiries(new: Records, expires_us: Places) -> None:
    """Bring first expiries up to date with new pendings."""
    for i in range(new.shape[0]):
        held = new[i]
        if held.state != OPEN or held.expires_ns == 0:
            continue
        until_us = np.int64(held.expires_ns // np.uint64(1000))
        for slot in (held.debit, held.credit):
            if expires_us[slot] <= 0 or until_us < expires_us[slot]:
                expires_us[slot] = until_us


@njit
def _find_changed(
    slots: Records, before: Records, old: Places, expires_us: Places, found: Places, same: Places
) -> int:
    """The slots with a balance row that has changed, and those with one that is the ``same``;
    returns how many have changed.
    """
    count, rest = 0, 0
    for slot in range(slots.shape[0]):
        if old[slot] < 0:
            continue
        s, b = slots[slot], before[slot]
        if (
            expires_us[slot] != old[slot]
            or s.debits_posted != b.debits_posted
            or s.credits_posted != b.credits_posted
            or s.debits_pending != b.debits_pending
            or s.credits_pending != b.credits_pending
            or s.flags != b.flags
        ):
            found[count] = slot
            count += 1
        else:
            same[rest] = slot
            rest += 1
    return count


@njit
def _take(
    slots: Records,
    chosen: Places,
    due: Places,
    expires_us: Places,
    remembered: Records,
    places: Places,
    version: int,
    columns: Places,
    versions: Places,
) -> None:
    for j in range(chosen.shape[0]):
        slot = chosen[j]
        s, kept = slots[slot], remembered[places[slot]]
        columns[0, j] = np.int64(s.debits_pending) + due[slot, 0]
        columns[1, j] = np.int64(s.debits_posted)
        columns[2, j] = np.int64(s.credits_pending) + due[slot, 1]
        columns[3, j] = np.int64(s.credits_posted)
        columns[4, j] = expires_us[slot]
        columns[5, j] = np.int64((s.flags & CLOSED) != 0)
        versions[j] = kept.version
        kept.debits_pending, kept.debits_posted = columns[0, j], columns[1, j]
        kept.credits_pending, kept.credits_posted = columns[2, j], columns[3, j]
        kept.expires_us, kept.version = columns[4, j], version
        kept.is_closed, kept.is_there = columns[5, j], 1


def changed_balances(
    slots: Records, before: Records, new: Records, old: Places
) -> tuple[Places, Places, Places]:
    """The slots ``(c,)`` whose balance rows have changed, those ``(s,)`` that have one which is the
    same, and the first expiry of each slot ``(n,)``, microseconds UTC.

    ``slots`` and ``before`` are ``(n,) SLOT``, ``new`` the pendings ``(m,) HELD`` of the batch,
    ``old`` ``(n,)`` the first expiries before it, -1 where there is no balance row.
    """
    expires_us = old.copy()
    _note_expiries(new, expires_us)
    found, same = np.empty(len(slots), dtype=np.int64), np.empty(len(slots), dtype=np.int64)
    count = _find_changed(slots, before, old, expires_us, found, same)
    rest = int((old >= 0).sum()) - count
    return found[:count], same[:rest], expires_us


def take_balances(
    slots: Records,
    chosen: Places,
    due: NDArray[np.int64],
    expires_us: Places,
    remembered: Records,
    places: Places,
    version: int,
) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
    """The columns of the rows of chosen slots by name, and the versions that were remembered of
    them; ``remembered`` ``(k,) BALANCE``, at the ``places`` of the slots, is brought up to date.

    ``due`` ``(n, 2)`` is what pendings past their time still hold of debits and of credits.
    """
    columns = np.empty((len(COLUMNS), len(chosen)), dtype=np.int64)
    versions = np.empty(len(chosen), dtype=np.int64)
    _take(slots, chosen, due, expires_us, remembered, places, version, columns, versions)
    return dict(zip(COLUMNS, columns, strict=True)), versions
