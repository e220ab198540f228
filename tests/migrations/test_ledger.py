"""Books of the fifth state, moved to the sixth: accounts get numbers, nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from puhui import ledger, migrations
from puhui.kernel import Node
from puhui.ledger import Account, Transfer
from puhui.migrations import HEAD, engine_url, migrate
from puhui.node import load_rooms
from tests.database import Postgres
from tests.ledger.books import advance, create_transfers, expire

FUND, ALICE, BOB = 3, 2, 1
LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
DAY_US = 1_772_000_000_000_000

ACCOUNT = """INSERT INTO ledger_account (id, ledger, code, flags, user_data_64, user_data_32,
time_us) VALUES (:id, 'CNY', 2011, :flags, -1, 7, :time_us)"""
BALANCE = """INSERT INTO ledger_balance VALUES (:id, :debits_pending, 0, 0, :credits, 0, 0)"""
TRANSFER = """INSERT INTO ledger_transfer (id, debit_account_id, credit_account_id, amount_minor,
ledger, code, flags, timeout_s, user_data_64, user_data_32, time_us, chain_size, is_loose)
VALUES (:id, :debit, :credit, :amount, 'CNY', 4, :flags, 0, 0, 0, :time_us, 0, :is_loose)"""
PENDING = "INSERT INTO ledger_pending VALUES (:id, :debit, :credit, :amount, :time_us, 0, 0, 0)"


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def fill(url: str) -> None:
    """A store of the fifth state with a little in its books."""
    engine = create_engine(engine_url(url))
    try:
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(migrations.__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, "0005")
        with engine.begin() as connection:
            run = connection.execute
            for account, flags in ((FUND, 0), (ALICE, LIMITED), (BOB, LIMITED)):
                told = {"id": key(account), "flags": flags, "time_us": DAY_US - account}
                run(text(ACCOUNT), told)
            for account, held, credits in ((ALICE, 30, 100), (BOB, 0, 50)):
                told = {"id": key(account), "debits_pending": held, "credits": credits}
                run(text(BALANCE), told)
            run(text("UPDATE ledger_balance SET credits_pending = 30 WHERE credits_posted = 50"))
            for number, debit, credit, amount, flags, is_loose in (
                (1, FUND, ALICE, 100, 0, 0),
                (2, FUND, BOB, 50, 0, 1),
                (3, ALICE, BOB, 30, Transfer.PENDING, 0),
            ):
                sides = {"debit": key(debit), "credit": key(credit), "amount": amount}
                told = {"id": key(number), **sides, "time_us": DAY_US}
                run(text(TRANSFER), {**told, "flags": flags, "is_loose": is_loose})
                if flags:
                    run(text(PENDING), told)
            run(text("INSERT INTO ledger_loose SELECT position, position FROM ledger_transfer"
                     " WHERE is_loose = 1"))  # fmt: skip
    finally:
        engine.dispose()


def check(url: str, open_at: Callable[..., Node]) -> None:
    """Migrate the store and go on with its books."""
    fill(url)
    assert migrate(url) == "0005"
    assert migrate(url) == HEAD
    node = open_at(url)
    with node.read() as tx:
        assert ledger.verify(tx).is_sound
        alice, bob = ledger.lookup_accounts(tx, [ALICE, BOB])
    assert alice is not None
    assert bob is not None
    assert (alice.debits_pending_minor, alice.credits_posted_minor) == (30, 100)
    assert (bob.credits_pending_minor, bob.credits_posted_minor) == (30, 50)
    assert (alice.user_data_64, alice.user_data_32, alice.code) == (2**64 - 1, 7, 2011)
    post = Transfer(4, amount_minor=20, flags=Transfer.POST, pending_id=3)
    batch = [Transfer(100 + n, ALICE, BOB, 1, "CNY", 4) for n in range(300)]
    made = create_transfers(node, post, *batch)
    assert made == ["created"] * 81 + ["exceeds_credits"] * 220
    again = [Transfer(1, FUND, ALICE, 100, "CNY", 4), Transfer(2, FUND, BOB, 50, "CNY", 4)]
    assert create_transfers(node, *again) == ["exists"] * 2
    assert create_transfers(node, *again, *batch).count("exists") == 82
    assert expire(node) == 0
    advance(node)
    with node.read() as tx:
        assert ledger.verify(tx).is_sound
        found = ledger.lookup_accounts(tx, [ALICE, BOB])
    assert [a and a.credit_balance_minor for a in found] == [0, 150]


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a store without tables, of each kind."""
    load_rooms()
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'puhui.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.empty_database() as url:
        yield url


def test_books_of_the_fifth_state_go_on(empty_url: str, open_at: Callable[..., Node]) -> None:
    check(empty_url, open_at)
