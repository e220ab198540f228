"""A process that moves money in batches in the store and tells which acts were answered.

Run as ``python -m tests.faults.batching FOLDER FIRST COUNT`` by tests that preload a failing disk.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from puhui.kernel import Node
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import RECORDS_FROM as LARGE
from puhui.ledger.desk.transfer import CreateTransfers
from tests.faults.load import open_at
from tests.ledger.books import OPERATOR, check_books, sums_of

ACCOUNTS = (Account(1, "CNY", 1, Account.HISTORY), Account(2, "CNY", 1, Account.HISTORY))
SIZES = (LARGE + 44, 7, LARGE, 1)
"""Transfers of a batch, in turn: decided as columns, or one by one."""


def opened(folder: str) -> Node:
    """The node of the folder."""
    return open_at(f"sqlite:///{folder}/puhui.sqlite", folder)


def batch_of(number: int) -> CreateTransfers:
    """The batch of a number: 1 fen each."""
    first = 10 + number * 1_000
    size = SIZES[number % len(SIZES)]
    return CreateTransfers(
        tuple(Transfer(first + place, 1, 2, 1, "CNY", 1) for place in range(size))
    )


def move(node: Node, number: int) -> None:
    """Ask for a batch, by its own key: again, where it was answered before."""
    done = node.act(
        "ledger.create_transfers", batch_of(number), key=f"batch {number}", actor=OPERATOR
    )
    assert set(done.statuses) == {"created"}, done.statuses


def work(folder: str, begun: int | str) -> None:
    """Ask again for the last batch that was begun, then for the next ones; tell each answer."""
    node, begun = opened(folder), int(begun)
    for number in range(max(0, begun - 1), begun + 200):
        move(node, number)
        os.write(1, b"%d\n" % number)


def check(folder: str, told: int) -> int:
    """Each batch that was told is there whole, none twice; how many batches there are."""
    node = opened(folder)
    check_books(node)
    moved = sums_of(node, [1])[0][1]
    batches = sum_ = 0
    while sum_ < moved:
        sum_ += SIZES[batches % len(SIZES)]
        batches += 1
    assert sum_ == moved, "a batch is there in part"
    assert batches >= told, (batches, told)
    node.close()
    return batches


def in_child(run: Callable[[], int | None]) -> tuple[int, str]:
    """Run in a child, so that this process has no threads; its exit code and its output."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(theirs, 1)
        code = 1
        try:
            run()
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(ours) as answers:
        said = answers.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def make(folder: str) -> None:
    """A ledger with two accounts."""
    node = opened(folder)
    node.act("ledger.create_accounts", CreateAccounts(ACCOUNTS), key="accounts", actor=OPERATOR)
    node.close()


def on_bad_disk(folder: str, begun: int, seed: int) -> None:
    """Work until power fails; each third time, until the process ends within a write."""
    os.environ["PUHUI_DISK_FILE"] = "puhui.sqlite"
    os.environ["PUHUI_DISK_SEED"] = str(seed)
    if seed % 3 == 2:
        os.environ["PUHUI_DISK_TORN"] = str(1 + seed * 37 % 400)
    else:
        os.environ["PUHUI_DISK_POWER"] = str(1 + seed * 5 % 23)
    work(folder, begun)


def main(folder: str, first: str, count: str) -> int:
    """Lose power so many times; after each, tell what was told and what is there."""
    Path(folder).mkdir(exist_ok=True)
    assert in_child(lambda: make(folder))[0] == 0
    there = 0
    for seed in range(int(first), int(first) + int(count)):
        code, said = in_child(lambda seed=seed, there=there: on_bad_disk(folder, there, seed))
        told = max([there, *(int(word) + 1 for word in said.split())])
        checked, said = in_child(lambda told=told: print(check(folder, told), flush=True))
        assert checked == 0, (seed, told, said)
        there = int(said)
        print(seed, code, told, there, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
