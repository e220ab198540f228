"""The workload that all engines of the ledger are measured by, from a seed."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from puhui.ledger.arrays.layout import PENDING_FLAG, POST, VOID
from puhui.ledger.arrays.record import TRANSFER, Records
from puhui.ledger.nouns import BATCH_MAX, Account

ACCOUNTS = 10_000
FUND = ACCOUNTS + 1
OPENING_MINOR = 10**9
START_NS = 1_800_000_000 * 10**9
STEP_NS = 20_500_000_000
"""Logical time from batch to batch: of the pendings with a time-out of up to an hour many run out
on the way, some before the batch that would have ended them. No whole seconds, as the store keeps
time in microseconds and the log in nanoseconds, which tells apart whatever ends in the same one.
"""


@dataclass(frozen=True)
class Load:
    """The accounts, the batch that gives them money, and the batches that are timed."""

    accounts: tuple[Account, ...]
    opening: list[Records]
    batches: list[Records]

    @property
    def transfers(self) -> int:
        """How many transfers are timed."""
        return sum(map(len, self.batches))


def make_load(transfers: int, *, first: int = 1) -> Load:
    """The workload, from a seed; ``first`` numbers the ids, so that two loads may follow."""
    chance = np.random.default_rng(20261127)
    flags = Account.DEBITS_MUST_NOT_EXCEED_CREDITS | Account.HISTORY
    accounts = (
        *[Account(n, "CNY", 2011, flags) for n in range(1, ACCOUNTS + 1)],
        Account(FUND, "CNY", 1003),
    )
    opening = []
    for start in range(0, ACCOUNTS, BATCH_MAX):
        ids = np.arange(start + 1, min(start + BATCH_MAX, ACCOUNTS) + 1, dtype=np.uint64)
        batch: Records = np.zeros(len(ids), dtype=TRANSFER)
        batch["id_lo"], batch["id_hi"], batch["debit_lo"], batch["credit_lo"] = ids, 1, FUND, ids
        batch["amount_lo"], batch["ledger"], batch["code"] = OPENING_MINOR, 156, 1
        opening.append(batch)
    batches: list[Records] = []
    for start in range(0, transfers, BATCH_MAX):
        size = min(BATCH_MAX, transfers - start)
        batches.append(make_batch(chance, size, first + len(batches) + 1, batches[-1:]))
    return Load(accounts, opening, batches)


def make_batch(
    chance: np.random.Generator, size: int, number: int, before: list[Records]
) -> Records:
    """One batch; its ids begin with the time and end in chance, as clients make them."""
    batch: Records = np.zeros(size, dtype=TRANSFER)
    batch["id_hi"] = (START_NS // 10**6 + number) << 16
    batch["id_lo"] = chance.integers(1, 2**63, size)
    drawn = chance.zipf(1.2, 2 * size) % ACCOUNTS + 1
    debit, credit = drawn[:size], drawn[size:]
    batch["debit_lo"] = debit
    batch["credit_lo"] = np.where(debit == credit, credit % ACCOUNTS + 1, credit)
    batch["amount_lo"] = chance.integers(1, 10_000, size)
    batch["ledger"], batch["code"] = 156, 4
    kinds = chance.random(size)
    is_pending = kinds < 0.10
    batch["flags"][is_pending] = PENDING_FLAG
    batch["timeout_s"] = np.where(is_pending & (kinds < 0.05), chance.integers(1, 3600, size), 0)
    if before:
        held = np.flatnonzero(before[0]["flags"] == PENDING_FLAG)
        ends = np.flatnonzero(kinds > 0.91)[: len(held)]
        named = before[0][held[: len(ends)]]
        is_void = chance.random(len(ends)) < 0.3
        for field in ("debit_lo", "credit_lo", "ledger", "code"):
            batch[field][ends] = 0
        batch["pending_lo"][ends], batch["pending_hi"][ends] = named["id_lo"], named["id_hi"]
        batch["flags"][ends] = np.where(is_void, VOID, POST)
        every = np.uint64(2**64 - 1)
        batch["amount_lo"][ends] = np.where(is_void, np.uint64(0), every)
        batch["amount_hi"][ends] = np.where(is_void, np.uint64(0), every)
        again = np.flatnonzero((kinds > 0.5) & (kinds < 0.51))
        batch[again] = before[0][chance.integers(0, len(before[0]), len(again))]
    return batch


class Progress:
    """A line on stderr that says how far a run is."""

    def __init__(self, label: str, whole: int) -> None:
        self.label, self.whole, self.done = label, whole, 0
        self.is_shown = sys.stderr.isatty()

    def add(self, more: int) -> None:
        """Say that so many more are done."""
        self.done += more
        if self.is_shown:
            end = "\n" if self.done >= self.whole else ""
            text = f"\r{self.label}: {self.done:,} of {self.whole:,}{end}"
            print(text, end="", file=sys.stderr, flush=True)
