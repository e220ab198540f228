"""A process on a ledger beside the store that is killed at a named step, or at any moment.

The steps are reached by wrapping functions here, in the child alone: the platform knows of none.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.store.postgres import PostgresWriter
from puhui.kernel.store.sqlite import SqliteWriter
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.beside import opening, outside
from puhui.ledger.desk.beside.outside import OutsideLedger
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.node import open_node
from tests.faults.load import KEYS, MONDAY_US, digest_of, operator
from tests.lending.bank import Bank

FUND, FIRST, SECOND = 901, 902, 903
OLD_FUND, OLD, SHUT = 904, 905, 906
DEPOSIT = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
STEPS = (
    "before the hold",
    "after the holds",
    "before the commit",
    "after the commit",
    "between void and create",
    "after create",
    "while settling",
)


def open_beside(url: str, home: str) -> Node:
    """The node that all processes of a test share, its ledger a log."""
    clock = FixedClock(MONDAY_US)
    return open_node(Path(home), store_url=url, keys=KEYS, clock=clock, ledger="log")


def bank_beside(url: str, home: str, model_digest: str, mapping_digest: str) -> Bank:
    """The bank that the test has opened."""
    return Bank(open_beside(url, home), operator(), mapping_digest, model_digest)


def die(*_: object, **__: object) -> None:
    """What a power cut does to this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def wrap(
    owner: Any,
    name: str,
    *,
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> None:
    """Do something before or after a function of the platform, in this process alone."""
    real = getattr(owner, name)

    def wrapped(*given: Any, **named: Any) -> Any:
        if before is not None:
            before(*given, **named)
        made = real(*given, **named)
        if after is not None:
            after(*given, **named)
        return made

    setattr(owner, name, wrapped)


def kill_at(step: str) -> None:
    """From now on this process dies when it comes to the step."""

    def if_moved(writer: SqliteWriter | PostgresWriter) -> None:
        ledger = outside.outside_of(writer.tx)
        if ledger is not None and ledger.own(writer.tx):
            die()

    if step == "before the hold":
        wrap(OutsideLedger, "_hold", before=die)
    elif step == "after the holds":
        wrap(OutsideLedger, "_hold", after=die)
    elif step in ("before the commit", "after the commit"):
        place = step.split()[0]
        wrap(SqliteWriter, "commit", **{place: if_moved})
        wrap(PostgresWriter, "keep", **{place: if_moved})  # where it commits an act
    elif step == "between void and create":
        wrap(OutsideLedger, "finish", before=lambda ledger, *holds, **_: ledger._void(*holds))
        wrap(OutsideLedger, "_void", after=die)
    elif step == "after create":
        wrap(OutsideLedger, "finish", after=die)
    elif step == "while settling":
        wrap(opening, "_open_holds", after=die)
    else:
        raise AssertionError(step)


def move(bank: Bank, number: int, contract_id: str, tell: Callable[[str, str], None]) -> None:
    """Acts that move money, keyed by ``number``: a repayment, two chains and a large batch."""

    def act(use_case: str, step: str, input: Any) -> None:
        key = f"move:{number}:{step}"
        outcome = bank.node.act(use_case, input, key=key, actor=bank.operator)
        tell(key, digest_of(use_case, outcome))

    first = 10_000 + number * 10
    linked = Transfer.LINKED
    act("lending.repay", "repay", {"contract_id": contract_id, "amount_minor": 10 + number % 50})
    act(
        "ledger.create_transfers",
        "in",
        CreateTransfers(
            (
                Transfer(first, FUND, FIRST, 100, "CNY", 4, linked),
                Transfer(first + 1, FIRST, SECOND, 60, "CNY", 4),
            )
        ),
    )
    act(
        "ledger.create_transfers",
        "out",
        CreateTransfers(
            (
                Transfer(first + 2, SECOND, FIRST, 50, "CNY", 4, linked),
                Transfer(first + 3, FIRST, FUND, 70, "CNY", 4),
            )
        ),
    )
    act("ledger.create_transfers", "many", many(10_000_000 + number * 1_000))


def many(first: int) -> CreateTransfers:
    """So many plain transfers that they are judged by columns: 300 in, and 200 of them on."""
    pairs = [(FUND, FIRST)] * 300 + [(FIRST, SECOND)] * 200
    return CreateTransfers(
        tuple(Transfer(first + n, *pair, 1, "CNY", 4) for n, pair in enumerate(pairs))
    )


def prepare(facts: tuple[str, str, str, str], told: Connection) -> None:
    """Open accounts and accept a contract that is not paid out; tell its id."""
    bank = bank_beside(*facts)
    accounts = (
        Account(FUND, "CNY", 1),
        Account(FIRST, "CNY", 2011, DEPOSIT),
        Account(SECOND, "CNY", 2011, DEPOSIT),
        Account(SHUT, "CNY", 2011, DEPOSIT),
    )
    past_us = MONDAY_US - 1_000_000
    old = tuple(
        Account(number, "CNY", code, flags | Account.IMPORTED, time_us=past_us + n)
        for n, (number, code, flags) in enumerate(((OLD_FUND, 1, 0), (OLD, 2011, DEPOSIT)))
    )
    for key, batch in (("accounts", accounts), ("old accounts", old)):
        bank.node.act("ledger.create_accounts", CreateAccounts(batch), key=key, actor=bank.operator)
    party_id = bank.person()
    application_id = bank.apply(party_id, "one")
    bank.decide(application_id)
    contract_id = bank.accept(application_id).contract_id
    bank.node.close()
    told.send_bytes(contract_id.encode())


def die_at_step(
    facts: tuple[str, str, str, str],
    told: Connection,
    step: str,
    use_case: str,
    key: str,
    input: Any,
) -> None:
    """Run one act and die at a step of it; while settling, at the opening after a kill."""
    if step == "while settling":
        kill_at(step)
    bank = bank_beside(*facts)
    kill_at(step)
    told.send_bytes(b"open")
    bank.node.act(use_case, input, key=key, actor=bank.operator)
    told.send_bytes(b"answered")


def move_until_killed(
    facts: tuple[str, str, str, str], told: Connection, contract_id: str, first: int, again: int
) -> None:
    """Four threads move money without end; each answer is told before the next act begins."""
    bank = bank_beside(*facts)
    lock = threading.Lock()
    numbers = itertools.chain(range(again, first), itertools.count(first))

    def tell(key: str, digest: str) -> None:
        with lock:
            told.send_bytes(f"{key} {digest}".encode())

    def work() -> None:
        while True:
            with lock:
                number = next(numbers)
            try:
                move(bank, number, contract_id, tell)
            except Exception as error:
                tell("failed", f"{number} {type(error).__name__} {error}")
                return

    told.send_bytes(b"open")
    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    threads[0].join(60)  # the test kills this process long before
