"""The store: the same statements say the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
)

from puhui.kernel import Act, Actor, Fault, Node, Refused, use_case
from puhui.kernel.act import USE_CASES
from puhui.kernel.store import (
    change,
    excluded,
    insert_all,
    metadata,
    open_store,
    postgres,
    sqlite,
    sum_int,
    upsert,
)
from puhui.kernel.store.owner import claim_store, owner_of

THING = Table(
    "kernel_thing",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text),
    Column("data", LargeBinary),
    Column("number", BigInteger),
)
ADD = insert_all(THING)
ALL = select(*THING.c).order_by(THING.c.id)
BY_IDS = select(THING.c.id).where(THING.c.id.in_(bindparam("ids", expanding=True))).order_by("id")
BY_BOTH = select(THING.c.id).where(
    THING.c.id.in_(bindparam("ids", expanding=True)),
    THING.c.text.in_(bindparam("texts", expanding=True)),
    THING.c.number >= bindparam("least"),
)
FIXED = select(THING.c.id).where(THING.c.id.in_([1, 3, 5])).order_by("id")
PERCENT = select(THING.c.id).where(THING.c.text.like("%a%")).order_by("id")
DELETE = delete(THING).where(THING.c.id.in_(bindparam("ids", expanding=True)))
SUM = select(sum_int(THING.c.number).label("sum"), func.count().label("count"))
ONE = select(THING.c.text).where(THING.c.id == bindparam("id"))
REPLACE = upsert(THING, ["id"])
KEEP = upsert(THING, ["id"], {})
RAISE = upsert(THING, ["id"], {"number": THING.c.number + excluded(THING, "number")})


@dataclass(frozen=True, slots=True)
class Kept:
    """A text to keep."""

    text: str


def thing(id: int, **values: object) -> dict[str, object]:
    """The values of a row; what is not named is NULL."""
    return {"id": id, "text": None, "data": None, "number": None, **values}


def fill(node: Node, count: int) -> None:
    with change(node.store) as tx:
        tx.run_many(ADD, [thing(n, text=f"a{n}", number=n) for n in range(count)])


def test_values_come_back_as_they_were(node: Node) -> None:
    rows = [
        thing(1),
        thing(2, text="", data=b"", number=0),
        thing(3, text="汉字 🙂 '\"\\ %s %% $1 ? :x \n\t", data=bytes(range(256)), number=-(2**63)),
        thing(4, text="x" * 100_000, data=b"\0" * 100_000, number=2**63 - 1),
    ]
    with change(node.store) as tx:
        for row in rows[:2]:
            tx.put(ADD, **row)
        assert tx.run(ADD, **rows[2]) == 1
        tx.run_many(ADD, rows[3:])
    with node.read() as tx:
        found = tx.all(ALL)
        assert [row._asdict() for row in found] == rows
        assert tx.one(ONE, id=3).text == rows[2]["text"]
        assert tx.one(ONE, id=99) is None


def test_lists_of_any_length(node: Node) -> None:
    fill(node, 8190)
    with node.read() as tx:
        assert tx.all(BY_IDS, ids=[]) == []
        for count in (1, 2, 3, 5, 1000, 8190):
            assert [row.id for row in tx.all(BY_IDS, ids=range(count))] == list(range(count))
        assert [row.id for row in tx.all(BY_IDS, ids=[7, 7, 99_999])] == [7]
        both = tx.all(BY_BOTH, ids=[1, 2, 3], texts=["a2", "a3", "a4", "a5", "a6"], least=3)
        assert [row.id for row in both] == [3]
        assert [row.id for row in tx.all(FIXED)] == [1, 3, 5]
        assert len(tx.all(PERCENT)) == 8190
        assert tx.one(SUM) == (8190 * 8189 // 2, 8190)
    with change(node.store) as tx:
        assert tx.run(DELETE, ids=range(8000)) == 8000
        assert tx.run(DELETE, ids=[]) == 0
        assert tx.one(SUM).count == 190


def test_many_rows_go_in_and_come_out_by_columns(node: Node) -> None:
    texts = ["plain", "tab\there", "a\\b", None]
    data = [b"", b"\x00\xff", None, b"x"]
    columns = {"id": [1, 2, 3, 4], "text": texts, "data": data, "number": -(2**62)}
    changed = {"id": [4, 2], "text": ['{"fo\\ur",}', None], "number": [4, 2]}
    with change(node.store) as tx:
        tx.load(THING, columns)
        tx.set_many(THING, "id", changed)
    with node.read() as tx:
        ids, texts, found, numbers = map(list, tx.arrays(ALL))
        assert [list(column) for column in tx.arrays(BY_IDS, ids=[4, 7, 1])] == [[1, 4]]
        assert [len(column) for column in tx.arrays(ONE, id=9)] == [0]
    assert ids == [1, 2, 3, 4]
    assert texts == ["plain", None, "a\\b", '{"fo\\ur",}']
    assert found == data
    assert numbers == [-(2**62), 2, -(2**62), 4]


def test_a_sum_of_nothing_is_nought(node: Node) -> None:
    with node.read() as tx:
        assert tx.one(SUM) == (0, 0)
        assert type(tx.one(SUM).sum) is int


def test_upserts(node: Node) -> None:
    with change(node.store) as tx:
        tx.put(ADD, **thing(1, text="first", number=10))
        tx.put(KEEP, **thing(1, text="second", number=20))
        assert tx.one(ONE, id=1).text == "first"
        tx.put(RAISE, **thing(1, text="third", number=5))
        assert tx.all(ALL)[0][1:] == ("first", None, 15)
        tx.put(REPLACE, **thing(1, text="fourth"))
        assert tx.all(ALL)[0][1:] == ("fourth", None, None)
        tx.run_many(RAISE, [thing(2, number=1)] * 3)
        assert tx.one(SUM).sum == 3


def test_a_large_batch_with_long_rows_does_not_stall(node: Node) -> None:
    rows = [thing(n, text="y" * 400, data=b"z" * 400) for n in range(8190)]
    with change(node.store) as tx:
        tx.run_many(ADD, rows)
        for row in rows[:300]:
            tx.put(REPLACE, **row)
    with node.read() as tx:
        assert len(tx.all(ALL)) == 8190


def test_readers_cannot_write_and_see_one_moment(node: Node) -> None:
    fill(node, 3)
    with pytest.raises(Fault) as caught, node.read() as tx:
        tx.run(ADD, **thing(9))
    assert caught.value.code == "kernel.read_only"
    with node.read() as tx:
        assert tx.one(SUM).count == 3
        with change(node.store) as writer:
            writer.put(ADD, **thing(10))
        with node.read() as inner:
            assert inner.one(SUM).count == 3, "a reader within a reader sees the same moment"
        assert tx.one(SUM).count == 3
    with node.read() as tx:
        assert tx.one(SUM).count == 4


def test_a_change_is_whole_or_not_at_all(node: Node) -> None:
    fill(node, 1)
    with pytest.raises(Fault) as caught, change(node.store) as tx:
        tx.put(ADD, **thing(5))
        tx.run(ADD, **thing(0))
    assert caught.value.code == "kernel.store_failed"
    with pytest.raises(ZeroDivisionError), change(node.store) as tx:
        tx.put(ADD, **thing(6))
        raise ZeroDivisionError
    with node.read() as tx:
        assert tx.one(SUM).count == 1


def test_readers_of_threads_that_ended_are_let_go(node: Node) -> None:
    """More short threads than a server has connections."""
    fill(node, 2)
    counts: list[int] = []

    def look() -> None:
        with node.read() as tx:
            counts.append(tx.one(SUM).count)

    for _ in range(130):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert counts == [2] * 130
    assert len(node.store._readers) <= 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url, code",
    [
        ("mysql://localhost/x", "kernel.bad_store_url"),
        ("", "kernel.bad_store_url"),
        ("sqlite:///", "kernel.bad_store_url"),
    ],
)
def test_addresses_that_are_no_store(url: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        open_store(url)
    assert caught.value.code == code


def test_stores_that_cannot_be_opened(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}", "postgresql://nobody@/nothing?host=/nowhere"):
        with pytest.raises(Fault) as caught:
            open_store(url).writer()
        assert caught.value.code == "kernel.store_unavailable", url
    (tmp_path / "text").write_text("this is no database " * 100, "ascii")
    with pytest.raises(Fault) as caught, open_store(str(tmp_path / "text")).read():
        pass
    with pytest.raises(Fault) as caught:
        open_store(str(tmp_path / "text")).is_empty()
    assert caught.value.code == "kernel.store_damaged"


def sqlite_error(code: int, text: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def test_what_drivers_say_is_told_by_code() -> None:
    full = "full"  # a word in a message decides nothing
    assert [
        sqlite.fault_of(sqlite_error(code, full)).code
        for code in (
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_READONLY_DBMOVED,
            sqlite3.SQLITE_BUSY_SNAPSHOT,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_CONSTRAINT_CHECK,
            sqlite3.SQLITE_IOERR_FSYNC,
        )
    ] == [
        "kernel.disk_full",
        "kernel.read_only",
        "kernel.store_busy",
        "kernel.store_unavailable",
        "kernel.store_failed",
        "kernel.store_failed",
    ]
    errors = psycopg.errors
    assert [
        postgres.fault_of(error("x")).code
        for error in (
            errors.DiskFull,
            errors.ReadOnlySqlTransaction,
            errors.LockNotAvailable,
            errors.AdminShutdown,
            errors.UniqueViolation,
        )
    ] == [
        "kernel.disk_full",
        "kernel.read_only",
        "kernel.store_busy",
        "kernel.store_unavailable",
        "kernel.store_failed",
    ]


def test_a_store_belongs_to_the_keys_that_claimed_it(
    node: Node, open_at: Callable[..., Node]
) -> None:
    assert owner_of(node.store) == node.keys.fingerprint
    claim_store(node.store, node.keys.fingerprint)
    with pytest.raises(Refused) as caught:
        claim_store(node.store, "another")
    assert caught.value.code == "kernel.wrong_keys"
    assert owner_of(node.store) == node.keys.fingerprint


def test_text_that_no_store_can_keep_is_refused(node: Node) -> None:
    """PostgreSQL ends a text at a zero character, so two such keys would be one."""

    @use_case("kernel.keep_text", roles=("clerk",))
    def keep(act: Act, input: Kept) -> Kept:
        """Give it back."""
        return input

    clerk = Actor("clerk", frozenset({"clerk"}))
    try:
        for text, key, code in (
            ("a\0b", "k", "kernel.bad_input"),
            ("\\\\\0", "k", "kernel.bad_input"),
            ("\ud800", "k", "kernel.bad_input"),
            ("a", "k\0x", "kernel.bad_key"),
            ("a", "k\ud800", "kernel.bad_key"),
        ):
            with pytest.raises(Refused) as caught:
                node.act("kernel.keep_text", Kept(text), key=key, actor=clerk)
            assert caught.value.code == code, (text, key)
        for text in ("\\u0000", "\\\\u0000", "\x01\x1f\x7f"):
            key = f"k {len(text)} {text!r}"
            assert node.act("kernel.keep_text", Kept(text), key=key, actor=clerk).text == text
    finally:
        del USE_CASES["kernel.keep_text"]


def test_a_zero_character_never_reaches_postgres(node: Node) -> None:
    if node.store.dialect != "postgresql":
        pytest.skip("SQLite keeps it")
    with pytest.raises(ValueError, match="zero character"), change(node.store) as tx:
        tx.put(ADD, **thing(1, text="a\0b"))
