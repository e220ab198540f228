"""A node that ships its log is killed and its disk is lost: the recovery point, measured.

Goal: with the store, nothing that was answered is lost; with the copy alone, no more than what was
answered since the last shipping, which the status told. Method: a process books and tells, ships by
the node's own upkeep, and is killed; its folders are thrown away, restored, opened, compared.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from puhui import ledger, worker
from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import id_halves, unpack_transfers
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.window import restore_log, shipped_state
from tests.faults.conftest import Child
from tests.faults.load import operator
from tests.faults.outside import DEPOSIT, FIRST, FUND, open_beside

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
ROUNDS = 4
EVERY = 10
"""Acts between two shippings of the process that books."""


def book_until_killed(told: Connection, url: str, home: str, second: str, first: int) -> None:
    """Open an account for each payment and pay into it; ship now and then; tell what is done."""
    os.environ["PUHUI_LEDGER_SHIP"] = (
        second  # the process that children are forked from has its own
    )
    node = open_beside(url, home)
    told.send_bytes(b"open")
    for number in range(first, first + 10_000):
        accounts = (Account(number, "CNY", 2011, DEPOSIT),)
        paid = (Transfer(number, FUND, number, 7, "CNY", 4),)
        node.act("ledger.create_accounts", CreateAccounts(accounts), key=f"a{number}",
                 actor=operator())  # fmt: skip
        node.act("ledger.create_transfers", CreateTransfers(paid), key=f"t{number}",
                 actor=operator())  # fmt: skip
        told.send_bytes(b"%d" % number)
        if number % EVERY == 0:
            assert worker.keep_up(node) == ()
            told.send_bytes(b"shipped %d" % number)


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the log is shipped to."""
    place = tmp_path / "second"
    place.mkdir()
    monkeypatch.setenv("PUHUI_LEDGER_SHIP", str(place))
    return place


def heard(child: Child, count: int) -> tuple[list[int], int]:
    """What was answered by the time of the kill, and the last number that was surely shipped."""
    assert child.hear() == "open"
    words = child.hear_until(count) + child.kill()
    booked = [int(word) for word in words if not word.startswith("shipped")]
    shipped = [int(word.split()[1]) for word in words if word.startswith("shipped")]
    return booked, max(shipped, default=0)


def test_with_its_store_nothing_is_lost(
    store_url: str, tmp_path: Path, second: Path, start: Callable[..., Child]
) -> None:
    """The folder of the log is gone after each kill; the copy and the store make it again."""
    url, home = store_url, tmp_path / "home"
    node = open_beside(url, str(home))
    opened = CreateAccounts((Account(FUND, "CNY", 1),))
    node.act("ledger.create_accounts", opened, key="fund", actor=operator())
    node.close()
    dice, first, answered = random.Random(3), 1_001, 0
    for _ in range(ROUNDS):
        child = start(book_until_killed, args=(url, str(home), str(second), first))
        booked, _ = heard(child, dice.randrange(25, 60))
        lacking = shipped_state(home / "ledger", second)
        shutil.rmtree(home / "ledger")
        assert restore_log(second, home / "ledger") == lacking.copy_sequence
        node = open_beside(url, str(home))
        with node.read() as tx:
            there = ledger.lookup_transfers(tx, booked)
            assert [one.id for one in there if one is not None] == booked
            assert ledger.verify(tx).findings == ()
        node.close()
        answered += len(booked)
        first = booked[-1] + 1_000
    assert answered > 20 * ROUNDS


def test_with_the_copy_alone_the_loss_is_what_the_status_said(
    tmp_path: Path, second: Path, start: Callable[..., Child]
) -> None:
    """Store and log are gone: all that was shipped is there, and what is lost was told before."""
    url, home = f"sqlite:///{tmp_path / 'puhui.sqlite'}", tmp_path / "home"
    node = open_beside(url, str(home))
    opened = CreateAccounts((Account(FUND, "CNY", 1), Account(FIRST, "CNY", 2011, DEPOSIT)))
    node.act("ledger.create_accounts", opened, key="fund", actor=operator())
    node.close()
    child = start(book_until_killed, args=(url, str(home), str(second), 1_001))
    booked, shipped = heard(child, 45)
    state = shipped_state(home / "ledger", second)
    shutil.rmtree(home)
    assert restore_log(second, home / "ledger") == state.copy_sequence
    with LogEngine(home / "ledger") as engine:
        found = {t.id for t in unpack_transfers(engine.lookup_transfers(id_halves(booked)))}
        sums = engine.lookup_accounts(id_halves([FUND]), 0)
    lost = [number for number in booked if number not in found]
    assert shipped >= booked[0]
    assert all(number > shipped for number in lost), "what was shipped is lost"
    assert len(lost) <= EVERY + 1, "ten payments lie between two shippings"
    assert len(lost) <= state.log_sequence - state.copy_sequence
    # One more may be there than was told: it was booked, and the answer was on its way.
    assert int(sums["debits_posted_lo"][0]) in (7 * len(found), 7 * len(found) + 7)
