"""A process that works a real engine ``log``, alone or beside a store, and tells what is durable.

Run as ``python -m tests.faults.engines batches FOLDER FIRST COUNT`` (the engine alone) or
``acts HOME FIRST COUNT`` (a node whose ledger is the log) by tests that preload a failing disk.
The engine is opened as the platform opens it: when its disk fails, it ends the process.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import CODES, Records, id_halves, pack_accounts, pack_transfers
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.nouns import Status
from tests.faults.load import operator
from tests.faults.outside import open_beside

SEGMENT_BYTES = 16 << 10
START_NS = 1_800_000_000 * 10**9
FUND, PAID, HELD = 1, 2, 3
LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
ACCOUNTS = (Account(FUND, "CNY", 1), Account(PAID, "CNY", 2011, LIMITED), Account(HELD, "CNY", 1))
SIZE = 10
"""Transfers of a batch, and then a pending, its post, and a pending that stays."""


def batch_of(number: int) -> tuple[Transfer, ...]:
    """The transfers of a batch: money into a limited account, and a little out of it again."""
    first = number * 100
    into = [Transfer(first + place, FUND, PAID, 2 + number % 7, "CNY", 4) for place in range(SIZE)]
    return (
        *into,
        Transfer(first + 20, PAID, HELD, 5, "CNY", 4, Transfer.PENDING),
        Transfer(first + 21, amount_minor=3, flags=Transfer.POST, pending_id=first + 20),
        Transfer(first + 22, FUND, HELD, 1, "CNY", 4, Transfer.PENDING),
    )


def sums_after(batches: int) -> list[tuple[int, int, int, int]]:
    """What the accounts say after so many batches: debits pending and posted, credits as well."""
    into = sum(SIZE * (2 + number % 7) for number in range(1, batches + 1))
    return [
        (batches, into, 0, 0),
        (0, 3 * batches, 0, into),
        (0, 0, batches, 3 * batches),
    ]


def opened(folder: Path) -> LogEngine:
    """The engine, with segments of a few batches."""
    return LogEngine(folder, segment_bytes=SEGMENT_BYTES)


def records_of(number: int) -> Records:
    """The same as records."""
    return pack_transfers(batch_of(number))


def create(engine: LogEngine, number: int) -> None:
    """Create a batch, or find that it is there already."""
    statuses = set(engine.create_transfers(records_of(number), START_NS).named())
    assert statuses in ({Status.CREATED}, {Status.EXISTS}), (number, statuses)


def batches(folder: str, first: str, count: str) -> None:
    """Create so many batches; each that is durable is told on the output."""
    engine = opened(Path(folder))
    engine.create_accounts(pack_accounts(ACCOUNTS), START_NS)
    for number in range(int(first), int(first) + int(count)):
        create(engine, number)
        os.write(1, b"%d\n" % number)
    engine.close()


def create_until_killed(told: Connection, folder: str, first: int) -> None:
    """Create batches for ever; each that is durable is told by the pipe."""
    with contextlib.suppress(BrokenPipeError):
        engine = opened(Path(folder))
        told.send_bytes(b"open")
        for number in range(first, first + 100_000):
            create(engine, number)
            told.send_bytes(b"%d" % number)
            if number % 25 == 0:
                engine.snapshot()


def check(folder: Path, told: int) -> int:
    """All that was told is there, once, and of what was not told one batch whole or nothing; sums
    are those of the batches that are there, and each answers ``exists``. How many there are.
    """
    exists = CODES[Status.EXISTS]
    with opened(folder) as engine:
        asked = id_halves([(told + 1) * 100])
        last = told + len(engine.lookup_transfers(asked))
        accounts = engine.lookup_accounts(id_halves([FUND, PAID, HELD]), START_NS)
        assert list(_sums(accounts)) == sums_after(last)[: len(accounts)], (told, last)
        assert len(accounts) == len(ACCOUNTS) or not last
        for number in range(1, last + 1):
            statuses = engine.create_transfers(records_of(number), START_NS).status
            assert (statuses == exists).all(), (number, statuses)
        after = engine.lookup_accounts(id_halves([FUND, PAID, HELD]), START_NS)
        assert np.array_equal(after, accounts), "asking again moved money"
    return last


def _sums(accounts: Records) -> Iterator[tuple[int, int, int, int]]:
    names = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
    for row in accounts:
        one, two, three, four = (int(row[f"{name}_lo"]) for name in names)
        yield one, two, three, four


def acts(home: str, first: str, count: str) -> None:
    """Move money by acts of a node, its ledger the log; each that is answered is told."""
    node = open_beside(f"sqlite:///{home}/puhui.sqlite", home)
    node.act("ledger.create_accounts", CreateAccounts(ACCOUNTS), key="open", actor=operator())
    for number in range(int(first), int(first) + int(count)):
        made = CreateTransfers(batch_of(number)[:SIZE])
        node.act("ledger.create_transfers", made, key=f"batch {number}", actor=operator())
        os.write(1, b"%d\n" % number)
    node.close()


if __name__ == "__main__":
    {"batches": batches, "acts": acts}[sys.argv[1]](*sys.argv[2:])
