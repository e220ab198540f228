"""What child processes do in these tests: open a node, act on it, tell what was answered."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from puhui import lending
from puhui.intake.job import lend_file
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.act import USE_CASES, find_use_case
from puhui.kernel.clock import FixedClock, business_date, time_us_of
from puhui.kernel.crypto import Keys
from puhui.lending import tables
from puhui.node import load_rooms, open_node
from tests.faults.sample import CLERK, Sample, sample_use_cases
from tests.lending.bank import FIELDS, GOOD_ROW, PRODUCT, Bank

load_rooms()  # before the processes are forked that will need them
KEYS = Keys(b"k" * 32)
MONDAY_US = time_us_of(datetime.fromisoformat("2026-03-02T09:00:00+08:00"))
Tell = Callable[[str, str], None]


def operator() -> Actor:
    """Somebody who holds every role that any use case asks for."""
    roles = frozenset().union(*(case.roles for case in USE_CASES.values()))
    return Actor("tester", roles)


def open_at(url: str, home: str) -> Node:
    """The node that all processes of a test share."""
    return open_node(Path(home), store_url=url, keys=KEYS, clock=FixedClock(MONDAY_US))


def bank_at(url: str, home: str, model_digest: str, mapping_digest: str) -> Bank:
    """The bank that the test has opened, as another process meets it."""
    return Bank(open_at(url, home), operator(), mapping_digest, model_digest)


def digest_of(use_case: str, outcome: Any) -> str:
    """A short name of an outcome, the same as of its text in the journal."""
    return digest_of_text(find_use_case(use_case).text_of_outcome(outcome))


def digest_of_text(text: str) -> str:
    """A short name of an outcome as the journal keeps it."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def id_number(number: int) -> str:
    """A resident identity number for each ``number`` below ten million."""
    year, rest = divmod(number, 12 * 28 * 999)
    month, rest = divmod(rest, 28 * 999)
    day, order = divmod(rest, 999)
    body = f"110000{1970 + year}{month + 1:02d}{day + 1:02d}{order + 1:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def play_chain(bank: Bank, number: int, tell: Tell) -> None:
    """One person from registration to a first repayment: eight acts, all keyed by ``number``."""

    def act(use_case: str, step: str, **input: Any) -> Any:
        key = f"chain:{number}:{step}"
        outcome = bank.node.act(use_case, input, key=key, actor=bank.operator)
        tell(key, digest_of(use_case, outcome))
        return outcome

    party_id = act(
        "party.register_person",
        "person",
        name=f"测试{number}",
        id_number=id_number(number),
        phone=f"139{number:08d}",
    ).party_id
    act(
        "party.verify_identity",
        "verify",
        party_id=party_id,
        method="synthetic",
        is_passed=True,
        evidence_digest=hashlib.sha256(b"seen").hexdigest(),
    )
    today = business_date(bank.node.clock.now_us())
    act(
        "data.grant_consent",
        "consent",
        party_id=party_id,
        purpose="credit_decision",
        fields=FIELDS,
        until=today.replace(year=today.year + 1).isoformat(),
    )
    application_id = act(
        "lending.apply",
        "apply",
        party_id=party_id,
        product=PRODUCT,
        wanted_minor=3_000_000,
        mapping=bank.mapping_digest,
        row=GOOD_ROW,
        fields=FIELDS,
        channel="test",
        source_id=f"chain {number}",
    ).application_id
    decided = act("lending.decide", "decide", application_id=application_id)
    assert decided.outcome == "approved", decided
    accepted = act(
        "lending.accept",
        "accept",
        application_id=application_id,
        contract_digest=contract_digest(bank, application_id),
        language="zh",
    )
    act("lending.disburse", "disburse", contract_id=accepted.contract_id)
    act("lending.repay", "repay", contract_id=accepted.contract_id, amount_minor=1_000 + number)


def contract_digest(bank: Bank, application_id: str) -> str:
    """The digest of the text to accept: as drafted, or as it was signed before a kill."""
    today = business_date(bank.node.clock.now_us())
    with bank.node.read() as tx:
        try:
            return lending.draft_contract(tx, application_id, today, "zh")[0].digest
        except Refused as refused:
            assert refused.code == "lending.not_offered", refused
        row = tx.one(tables.READ_CONTRACT_OF, application_id=application_id)
        assert row is not None, application_id
        digest: str = row.text_digest
        return digest


def lend_until_killed(
    bank_facts: tuple[str, str, str, str], told: Connection, first: int, again: tuple[int, ...]
) -> None:
    """Four threads lend without end; each answer is told before the next act begins."""
    bank = bank_at(*bank_facts)
    lock = threading.Lock()
    numbers = itertools.chain(again, itertools.count(first))

    def tell(key: str, digest: str) -> None:
        with lock:
            told.send_bytes(f"{key} {digest}".encode())

    def work() -> None:
        mine = replace(bank)
        while True:
            with lock:
                number = next(numbers)
            try:
                play_chain(mine, number, tell)
            except Exception as error:
                tell("failed", f"{number} {type(error).__name__} {error}")
                return

    told.send_bytes(b"open")
    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(60)  # the test kills this process long before


def lend_for_a_while(
    bank_facts: tuple[str, str, str, str], told: Connection, first: int, count: int
) -> None:
    """Play ``count`` chains from ``first``, or until told to stop; tell each wait in ms."""
    bank = bank_at(*bank_facts)
    told.send_bytes(b"open")
    asked = time.monotonic()

    def tell(key: str, digest: str) -> None:
        nonlocal asked
        now = time.monotonic()
        told.send_bytes(f"{key} {digest} {(now - asked) * 1000:.0f}".encode())
        asked = now

    for number in range(first, first + count):
        if told.poll():
            break
        play_chain(bank, number, tell)
    bank.node.close()
    told.send_bytes(b"done")


def lend_a_file(url: str, home: str, told: Connection, file: str, mapping: str) -> None:
    """The main job on ``file``, its figures told at the end."""
    node = open_at(url, home)
    told.send_bytes(b"open")
    run = lend_file(node, operator(), file=Path(file), mapping=mapping)
    figures = run.figures()
    told.send_bytes(
        " ".join(
            str(figures[name])
            for name in ("applications", "refused_rows", "new_acts", "trial_balance_minor")
        ).encode()
    )
    node.close()


def add_for_seconds(url: str, home: str, told: Connection, name: str, seconds: float) -> None:
    """Eight threads add rows without pause; told are the acts done and the longest wait in ms."""
    node = open_at(url, home)
    waits: list[float] = []
    with sample_use_cases():
        told.send_bytes(b"open")
        told.recv_bytes()
        until = time.monotonic() + seconds

        def work(thread: int) -> None:
            for number in itertools.count():
                asked = time.monotonic()
                if asked > until:
                    return
                key = f"{name}:{thread}:{number}"
                node.act("fault.add", Sample(number), key=key, actor=CLERK)
                waits.append(time.monotonic() - asked)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        node.close()
    told.send_bytes(f"{len(waits)} {max(waits) * 1000:.0f}".encode())


def open_empty_home(url: str, home: str, told: Connection, name: str) -> None:
    """Open a home that is still empty, at the same moment as others; then add one row."""
    told.send_bytes(b"ready")
    told.recv_bytes()
    try:
        node = open_node(Path(home), store_url=url or None, clock=FixedClock(MONDAY_US))
        with sample_use_cases():
            node.act("fault.add", Sample(1), key=name, actor=CLERK)
        node.close()
        told.send_bytes(node.keys.fingerprint.encode())
    except Exception as error:
        told.send_bytes(f"{type(error).__name__} {error}".encode())
