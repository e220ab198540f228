"""Flipped bits in the files of a store: found and named, and never read as other money.

Goal: of a ledger in the store a byte that is not what was written is told: by SQLite or PostgreSQL,
by ``verify``, or, where a transfer of an open day agrees with itself, by replaying the journal.
Method: bits of every kind of page are turned over in a copy, also in SQLite's log, which drops
what follows a damaged frame in silence, and in the files of a server with checksums.
"""

from __future__ import annotations

import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from puhui import ledger
from puhui.kernel import Fault, Node
from puhui.kernel.replay import replay
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.transfer import RECORDS_FROM
from tests.faults.load import open_at
from tests.faults.server import OwnServer
from tests.ledger.books import (
    ALICE,
    BOB,
    DEPOSIT,
    FUND,
    advance,
    create_accounts,
    end,
    pay,
    sums_of,
)
from tests.ledger.books import create_transfers as transfer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
PAGE = 4096
FRAME = PAGE + 24
HEADER = 32
IDS = (FUND, ALICE, BOB)
TABLES = ("account", "balance", "batch_id", "pending", "transfer", "watermark")
EVERY = 17
"""Of the bytes in use each so many is tried: all columns of some row, and headers whole."""
SUMS = {
    "balance": set(range(2, 6)),
    "pending": {4},
    "watermark": set(range(2, 6)),
}
"""Columns that sums of accounts are read from."""
BLOCK = 8192
CLASSES = (1, 9, 13, 19, 26, 40, 2_000, 5_000, 8_190)
"""Of a page of PostgreSQL: its log position, checksum, flags, bounds, pointers, room and rows."""


def filled(node: Node) -> None:
    """A little of everything: single transfers, a large batch, pendings, a chain."""
    create_accounts(
        node,
        Account(FUND, "CNY", 1003),
        Account(ALICE, "CNY", 2011, DEPOSIT),
        Account(BOB, "CNY", 2011),
    )
    transfer(node, *[pay(100 + n, FUND, ALICE, 1_000 + n) for n in range(6)])
    transfer(node, *[pay(10_000 + n, FUND, BOB, 1) for n in range(RECORDS_FROM)])
    transfer(
        node,
        pay(300, ALICE, BOB, 30, Transfer.PENDING),
        pay(301, ALICE, BOB, 40, Transfer.PENDING),
        end(302, 301, Transfer.POST, 10),
        pay(303, FUND, BOB, 50, Transfer.LINKED),
        pay(304, BOB, ALICE, 5),
    )


class Kept:
    """A store in a folder, closed, of which damaged copies are made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "puhui.sqlite"
        self.bad = folder / "bad" / "puhui.sqlite"
        self.bad.parent.mkdir()

    def open(self, path: Path) -> Node:
        """The node on a store of this folder."""
        return open_at(f"sqlite:///{path}", str(self.folder))

    def damaged(self, content: bytes, log: bytes = b"") -> Path:
        """The copy with other bytes."""
        for path in self.bad.parent.iterdir():
            path.unlink()
        self.bad.write_bytes(content)
        if log:
            Path(f"{self.bad}-wal").write_bytes(log)
        return self.bad

    def found(self, content: bytes, log: bytes = b"") -> str:
        """What tells of the damage: the ``pages``, the ``store``, ``verify``; "" where nothing."""
        path = self.damaged(content, log)
        try:
            node = self.open(path)
            try:
                if node.store.damage():
                    return "pages"
                with node.read() as tx:
                    return "verify" if ledger.verify(tx).findings else ""
            finally:
                node.close()
        except Fault as fault:
            assert fault.code == "kernel.store_damaged", fault
            return "store"


def flipped(content: bytes, position: int) -> bytes:
    """The same with one bit turned over."""
    return content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A store whose file has everything, its log emptied into it."""
    made = Kept(tmp_path)
    node = made.open(made.path)
    filled(node)
    advance(node)
    transfer(node, pay(400, FUND, BOB, 70))
    node.close()
    with sqlite3.connect(made.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return made


def pages_of(path: Path) -> dict[int, str]:
    """The first two pages of each of the ledger's tables and indexes, and which is whose."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, pageno FROM dbstat").fetchall()
    connection.close()
    mine = tuple(f"ledger_{name}" for name in TABLES)
    found: dict[str, list[int]] = {}
    for name, page in rows:
        if name.startswith(mine) or "autoindex_ledger_account" in name:
            found.setdefault(name, []).append(page)
    return {page: name for name, pages in found.items() for page in sorted(pages)[:2]}


def rows_of(path: Path) -> dict[tuple[str, int], tuple[object, ...]]:
    """Every row of the ledger's tables."""
    connection = sqlite3.connect(path)
    found = {}
    for name in TABLES:
        rows = connection.execute(f"SELECT * FROM ledger_{name} ORDER BY 1")
        found.update({(name, place): row for place, row in enumerate(rows)})
    connection.close()
    return found


def test_a_flipped_bit_in_a_page_is_found(kept: Kept) -> None:
    """By the store or by ``verify``; of the rest money is as it was, or replay finds it."""
    content = kept.path.read_bytes()
    before, silent, found = rows_of(kept.path), {}, set()
    for page in pages_of(kept.path):
        first = (page - 1) * PAGE
        used = [at for at in range(first, first + PAGE) if content[at] or at < first + 8]
        for position in used[:8] + used[8::EVERY]:
            bad = flipped(content, position)
            how = kept.found(bad)
            found.add(how)
            if how:
                continue
            after = rows_of(kept.bad)
            changed = [key for key, row in before.items() if after.get(key) != row]
            columns = {
                (key[0], place)
                for key in changed
                for place, value in enumerate(before[key])
                if after[key][place] != value
            }
            for column in columns:
                silent.setdefault(column, bad)
    assert {"pages", "verify"} <= found <= {"", "pages", "store", "verify"}
    in_sums = {(name, place) for name, places in SUMS.items() for place in places}
    assert not silent.keys() & in_sums, "a sum is changed in silence"
    for column, bad in silent.items():
        node = kept.open(kept.damaged(bad))
        fresh = kept.folder / f"again-{column[0]}-{column[1]}"
        target = open_at(f"sqlite:///{fresh}.sqlite", str(kept.folder))
        assert replay(node, target).differences, f"column {column} changed in silence"
        target.close()
        node.close()


@pytest.fixture
def logged(tmp_path: Path) -> tuple[Kept, bytes, bytes]:
    """A store as a kill leaves it: all in its log. The bytes of the file and of the log."""
    made = Kept(tmp_path)
    node = made.open(made.path)
    filled(node)
    for number in range(3):
        transfer(node, pay(500 + number, FUND, ALICE, 1))
    content, log = made.path.read_bytes(), Path(f"{made.path}-wal").read_bytes()
    node.close()
    return made, content, log


def is_across_blocks(number: int) -> bool:
    """Whether the head of a frame lies in two blocks that a disk writes one by one."""
    return (HEADER + number * FRAME) % 512 > 512 - 24


def test_a_damaged_frame_of_the_log_is_named_and_the_last_commit_cut(
    logged: tuple[Kept, bytes, bytes],
) -> None:
    """SQLite leaves out what follows a bad frame: all but the last commit had been durable."""
    kept, content, log = logged
    frames = (len(log) - HEADER) // FRAME
    heads = [struct.unpack(">2I", log[HEADER + n * FRAME :][:8]) for n in range(frames)]
    commits = [n for n, (_, pages) in enumerate(heads) if pages]
    last = commits[-2] + 1
    assert frames > 100
    classes = (1, 9, 13, 17, 21, 24, 500, FRAME - 1)
    for number in (0, 7, commits[0], commits[-3], commits[-3] + 1, *range(last - 3, last)):
        for place in classes:
            bad = flipped(log, HEADER + number * FRAME + place)
            if number == commits[-2] and is_across_blocks(number):
                # Nothing but its own head says that it ended a commit, and a power cut may leave
                # half of that: it is cut as the last commit is.
                assert kept.found(content, bad) in ("store", ""), (number, place)
                continue
            assert kept.found(content, bad) == "store", (number, place)
            assert Path(f"{kept.bad}-wal").read_bytes() == bad, "nothing was written over it"
    for place in range(HEADER):
        assert kept.found(content, flipped(log, place)) == "store", place
    for number in range(last, frames):
        for place in classes:
            assert kept.found(content, flipped(log, HEADER + number * FRAME + place)) == ""
            node = kept.open(kept.bad)
            assert sums_of(node, [ALICE])[0][3] == sum(range(1_000, 1_006)) + 5 + 2
            node.close()
    assert kept.found(content, log) == ""


def test_a_log_that_ends_in_the_middle_is_cut_there(logged: tuple[Kept, bytes, bytes]) -> None:
    """A torn write of the last commit, at any of its frames: what was answered before is there."""
    kept, content, log = logged
    frames = (len(log) - HEADER) // FRAME
    heads = [struct.unpack(">2I", log[HEADER + n * FRAME :][:8]) for n in range(frames)]
    last = [n for n, (_, pages) in enumerate(heads) if pages][-2] + 1
    for number in range(last, frames):
        for kept_bytes in (0, 8, 24, 512, FRAME - 512):
            at = HEADER + number * FRAME + kept_bytes
            for torn in (log[:at], log[:at] + bytes(FRAME - kept_bytes)):
                assert kept.found(content, torn) == "", (number, kept_bytes)
                node = kept.open(kept.bad)
                assert sums_of(node, [ALICE])[0][3] == sum(range(1_000, 1_006)) + 5 + 2
                assert transfer(node, pay(501, FUND, ALICE, 1)) == ["exists"]
                node.close()


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server of this test's own, whose files are flipped while it is down."""
    folder = Path(tempfile.mkdtemp(prefix="puhui-own-postgres-"))
    own = OwnServer(folder)
    yield own
    own.remove()


def test_a_flipped_bit_in_a_page_of_postgres_is_named(server: OwnServer, tmp_path: Path) -> None:
    """By the server's checksums, with the page; every act that comes upon it is told."""
    assert server.execute("SHOW data_checksums") == [("on",)]
    node = open_at(server.url, str(tmp_path))
    filled(node)
    before = sums_of(node, IDS)
    assert node.store.damage() == ()
    paths = {
        name: server.data / server.execute(f"SELECT pg_relation_filepath('ledger_{name}')")[0][0]
        for name in ("account", "balance", "pending", "transfer")
    }
    server.execute("CHECKPOINT")
    server.crash()
    whole = {name: path.read_bytes() for name, path in paths.items()}
    pages = len(whole["transfer"]) // BLOCK
    bad = whole["transfer"]
    for page in range(pages):
        bad = flipped(bad, page * BLOCK + CLASSES[page % len(CLASSES)])
    assert pages >= 5
    paths["transfer"].write_bytes(bad)
    for number, name in enumerate(("account", "balance", "pending")):
        paths[name].write_bytes(flipped(whole[name], CLASSES[-1 - number]))
    server.start()
    said = node.store.damage()
    assert [words.split(":")[0] for words in said] == [
        f"Table ledger_{name}" for name in ("account", "balance", "pending", "transfer")
    ]
    for page in range(pages):
        with pytest.raises(Exception, match=f"invalid page in block {page} of relation"):
            server.execute(
                f"SELECT count(*) FROM ledger_transfer WHERE ctid >= '({page},0)'"
                f" AND ctid < '({page + 1},0)'"
            )
    with pytest.raises(Fault) as caught, node.read() as tx:
        ledger.verify(tx)
    assert caught.value.code == "kernel.store_damaged"
    with pytest.raises(Fault) as caught:
        transfer(node, pay(900, FUND, ALICE, 1))
    assert caught.value.code == "kernel.store_damaged"
    assert "invalid page in block" in caught.value.reason
    server.crash()
    for name, path in paths.items():
        path.write_bytes(whole[name])
    server.start()
    assert sums_of(node, IDS) == before
    assert transfer(node, pay(900, FUND, ALICE, 1)) == ["created"]
    node.close()
