"""Plain transfers on a ledger beside the store: fetched, judged and weighed as arrays.

Plain are transfers that wait for nothing, end nothing and hang on no other. They are most of what
files of payments bring, and are decided as ``rules.judge_transfers`` does, by its compiled twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.distinct import number_ids
from puhui.ledger.arrays.judge import judge
from puhui.ledger.arrays.layout import HELD, SLOT
from puhui.ledger.arrays.record import STATUSES, Records, ledger_name, numbers_of
from puhui.ledger.desk.beside.held import MARK, PAGE
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.nouns import Account, Status

Places = NDArray[np.int64]
SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
_LOCAL = 2 * 8192
_LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS | Account.CREDITS_MUST_NOT_EXCEED_DEBITS


def are_plain(batch: Records) -> bool:
    """Whether all of a batch ``(n,) TRANSFER`` are plain, each under an id of its own."""
    if batch["flags"].any() or batch["timeout_s"].any() or (batch["user_32"] == MARK).any():
        return False
    if batch["pending_lo"].any() or batch["pending_hi"].any() or batch["amount_hi"].any():
        return False
    return len(number_ids(batch["id_lo"], batch["id_hi"])[0]) == len(batch)


@dataclass(slots=True)
class Plain:
    """A batch, what it is judged against, and what became of it.

    ``earlier`` ``(m,) TRANSFER`` are what the same group of acts has moved before, plain too;
    ``slots`` ``(k,) SLOT`` the accounts of all of them; ``sides`` and ``earlier_sides`` the places
    of debit and credit account there, -1 where there is none. ``status`` ``(n,) uint16``.
    """

    batch: Records
    earlier: Records
    slots: Records
    sides: tuple[Places, Places]
    earlier_sides: tuple[Places, Places]
    before: Records
    status: NDArray[np.uint16]

    @property
    def created(self) -> Records:
        """Those that are to be, with their time."""
        made: Records = self.batch[self.status == 0]
        return made

    def named(self) -> tuple[Status, ...]:
        """What became of each."""
        return tuple(map(STATUSES.__getitem__, self.status.tolist()))

    def changes(self) -> dict[int, list[int]]:
        """What the batch adds to the sums of accounts, minor units."""
        steps = [self.slots[name].astype(np.int64) - self.before[name].astype(np.int64)
                 for name in SUMS]  # fmt: skip
        table = np.stack(steps, axis=1)
        changed = np.flatnonzero(table.any(axis=1))
        ids = numbers_of(self.slots["id_lo"][changed], self.slots["id_hi"][changed])
        return dict(zip(ids, table[changed].tolist(), strict=True))

    def taken(self) -> Iterator[tuple[int, str, int, int, int]]:
        """Of each account with a limit: its id, ledger and flags, and the most that the group has
        taken from its debit and from its credit side by now, minor units.
        """
        count = len(self.slots)
        now, debits, credits = np.zeros((3, count), dtype=np.int64)
        _weigh(self.earlier, *self.earlier_sides, now, debits, credits)
        is_made = self.status == 0
        debit_at, credit_at = (side[is_made] for side in self.sides)
        _weigh(self.batch[is_made], debit_at, credit_at, now, debits, credits)
        flags = self.slots["flags"]
        chosen = np.flatnonzero((flags & _LIMITED != 0) & ((debits > 0) | (credits > 0)))
        ids = numbers_of(self.slots["id_lo"][chosen], self.slots["id_hi"][chosen])
        rows = zip(
            ids, self.slots["ledger"][chosen].tolist(), flags[chosen].tolist(),
            debits[chosen].tolist(), credits[chosen].tolist(), strict=True,
        )  # fmt: skip
        for account_id, ledger, flag, debit, credit in rows:
            yield account_id, ledger_name(ledger), flag, debit, credit


@njit
def _weigh(
    records: Records, debit_at: Places, credit_at: Places, now: Places, debits: Places,
    credits: Places,
) -> None:  # fmt: skip
    """As ``rules.peaks.net_peaks``: what is taken from the debit side, and its highest and lowest
    so far; what is taken from the credit side is the same with the other sign.
    """
    for i in range(len(records)):
        amount = np.int64(records[i].amount_lo)
        debit, credit = debit_at[i], credit_at[i]
        now[debit] += amount
        now[credit] -= amount
        debits[debit] = max(debits[debit], now[debit])
        credits[credit] = max(credits[credit], -now[credit])


def fetch_plain(engine: LedgerEngine, batch: Records, earlier: Records) -> Plain:
    """A batch with the accounts that it and ``earlier`` name, as the engine has them."""
    both = (batch, earlier)
    low = np.concatenate([one[f"{side}_lo"] for one in both for side in ("debit", "credit")])
    high = np.concatenate([one[f"{side}_hi"] for one in both for side in ("debit", "credit")])
    firsts, numbers = number_ids(low, high)
    ids = np.stack([low[firsts], high[firsts]], axis=1)
    pages = [engine.lookup_accounts(ids[at : at + PAGE], 0) for at in range(0, len(ids), PAGE)]
    accounts = np.concatenate(pages) if pages else np.zeros(0, dtype=SLOT)
    slots: Records = np.zeros(len(accounts), dtype=SLOT)
    for name in ("id_lo", "id_hi", "time_ns", "ledger", "code", "flags"):
        slots[name] = accounts[name]
    for name in SUMS:
        slots[name] = accounts[f"{name}_lo"]
    place_of = np.full(len(ids), -1, dtype=np.int64)
    place_of[_places_among(ids, slots)] = np.arange(len(slots))
    places = place_of[numbers]
    n, m = len(batch), len(earlier)
    return Plain(
        batch=batch,
        earlier=earlier,
        slots=slots,
        sides=(places[:n], places[n : 2 * n]),
        earlier_sides=(places[2 * n : 2 * n + m], places[2 * n + m :]),
        before=slots,
        status=np.zeros(n, dtype=np.uint16),
    )


def _places_among(ids: NDArray[np.uint64], found: Records) -> Places:
    """Which of ``ids`` ``(k, 2)``, all different, each of ``found`` is."""
    if len(found) == len(ids):
        return np.arange(len(ids))
    low = np.concatenate([ids[:, 0], found["id_lo"]])
    high = np.concatenate([ids[:, 1], found["id_hi"]])
    _, numbers = number_ids(low, high)
    places: Places = numbers[len(ids) :]
    return places


def judge_plain(plain: Plain, known: Records, now_ns: int) -> None:
    """Decide a batch; ``known`` ``(m,) TRANSFER`` are recorded transfers with ids of its."""
    batch, count = plain.batch, len(plain.batch)
    found = np.full(count, -1, dtype=np.int64)
    none = np.full(count, -1, dtype=np.int64)
    if len(known):
        ids = np.stack([batch["id_lo"], batch["id_hi"]], axis=1)
        found[_places_among(ids, known)] = count + np.arange(len(known))
    pool: Records = np.concatenate([batch, known])
    plain.before = plain.slots.copy()
    judge(
        pool, count, found, none, none.copy(), np.zeros(count, dtype=np.bool_), *plain.sides,
        plain.slots, np.zeros(count, dtype=HELD), 0, now_ns, 0,
        np.empty(_LOCAL, dtype=np.int32), plain.status, np.empty(count, dtype=np.int64),
    )  # fmt: skip
    plain.batch = pool[:count]


def add_to_slots(slots: Records, steps: Iterable[tuple[int, Sequence[int]]]) -> None:
    """Add to the sums of accounts, by id, where they are among ``slots``."""
    at = {id: n for n, id in enumerate(numbers_of(slots["id_lo"], slots["id_hi"]))}
    for account_id, change in steps:
        if (place := at.get(account_id)) is not None:
            for name, amount_minor in zip(SUMS, change, strict=True):
                slots[name][place] = int(slots[name][place]) + amount_minor
