"""Lists in statements: of any length, twice, beside values, and held by the statement itself."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Table, Text, bindparam, delete, select, union_all, update

from puhui.kernel import Fault, Node
from puhui.kernel.store import change, insert_all, metadata
from puhui.kernel.store.statement import Compiled

PART = Table(
    "kernel_part",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("number", BigInteger),
)
P = PART.c
ADD = insert_all(PART)


def listed(name: str, *value: Any) -> Any:
    """A list to be given by name, or one that is there where none is given."""
    return bindparam(name, *value, expanding=True)


_ids = P.id.in_(listed("ids"))
BY_IDS = select(P.id).where(_ids).order_by(P.id)
ALL_IDS = select(P.id).order_by(P.id)
NUMBERS = select(P.number).order_by(P.id)
NOT_IDS = select(P.id).where(~_ids).order_by(P.id)
TWO_LISTS = select(P.id).where(_ids, P.text.in_(listed("texts"))).order_by(P.id)
AROUND = (
    select(P.id, P.text)
    .where(P.number >= bindparam("least"), _ids, P.text != bindparam("text"))
    .where(P.number <= bindparam("most"), P.text.in_(listed("texts")))
    .order_by(P.id)
)
SAME_LIST = union_all(
    select(P.id).where(_ids, P.number > bindparam("bound")),
    select(P.number).where(P.number.in_(listed("ids")), P.number > bindparam("bound")),
)
FIXED = select(P.id).where(P.id.in_([1, 3, 5])).order_by(P.id)
FIXED_TWICE = select(P.id).where(P.id.in_([1, 3, 5]), P.number.in_([3, 5, 7])).order_by(P.id)
FIXED_NONE = select(P.id).where(P.id.in_([])).order_by(P.id)
FIXED_AND_VALUE = select(P.id).where(P.id.in_([1, 3, 5]), P.id > bindparam("above")).order_by(P.id)
FIXED_AND_LIST = select(P.id).where(P.id.in_([1, 3, 5]), P.number.in_(listed("numbers")))
FIXED_AND_LIST = FIXED_AND_LIST.order_by(P.id)
DEFAULT = select(P.id).where(P.id.in_(listed("ids", [2, 4]))).order_by(P.id)
PERCENT = select(P.id).where(_ids, P.text.like("%a1%"), P.text != "%(x)s 100%").order_by(P.id)
RAISE = update(PART).where(_ids).values(number=P.number + bindparam("more"))
DELETE = delete(PART).where(_ids)


@pytest.fixture
def parts(node: Node) -> Node:
    """Twenty rows, numbered from nought."""
    with change(node.store) as tx:
        tx.run_many(ADD, [{"id": n, "text": f"a{n}", "number": n} for n in range(20)])
    return node


def ids(node: Node, statement: Any, /, **values: Any) -> list[int]:
    """The first column of what a statement finds."""
    with node.read() as tx:
        return [row[0] for row in tx.all(statement, **values)]


@pytest.mark.parametrize("given", [list, tuple, set, dict.fromkeys])
def test_a_list_of_any_length_and_kind(parts: Node, given: Any) -> None:
    for count in (0, 1, 2, 3, 4, 5, 7, 8, 9, 20, 33):
        found = ids(parts, BY_IDS, ids=given(range(count)))
        assert found == list(range(min(count, 20))), count
    assert ids(parts, BY_IDS, ids=given([3])) == [3]
    assert ids(parts, BY_IDS, ids=given([])) == []


def test_an_empty_list_holds_nothing_before_and_after_a_full_one(parts: Node) -> None:
    for _ in range(2):
        assert ids(parts, BY_IDS, ids=()) == []
        assert ids(parts, BY_IDS, ids=(7,)) == [7]
    assert ids(parts, NOT_IDS, ids=range(1, 20)) == [0]


def test_two_lists_have_each_its_own_length(parts: Node) -> None:
    texts = [f"a{n}" for n in range(20)]
    for first, second in ((0, 3), (3, 0), (1, 20), (20, 1), (3, 5), (5, 3), (2, 2)):
        found = ids(parts, TWO_LISTS, ids=range(first), texts=texts[:second])
        assert found == list(range(min(first, second))), (first, second)


def test_lists_between_values_keep_their_places(parts: Node) -> None:
    values = {"least": 2, "most": 8, "text": "a5", "texts": ["a1", "a4", "a5", "a8", "a9"]}
    assert ids(parts, AROUND, ids=range(20), **values) == [4, 8]
    assert ids(parts, AROUND, ids=[8], **values) == [8]
    assert ids(parts, AROUND, ids=[], **values) == []


def test_a_list_and_a_value_that_come_twice(parts: Node) -> None:
    assert sorted(ids(parts, SAME_LIST, ids=[4, 5, 6], bound=4)) == [5, 5, 6, 6]
    assert sorted(ids(parts, SAME_LIST, ids=[4], bound=3)) == [4, 4]
    assert ids(parts, SAME_LIST, ids=[], bound=0) == []


def test_lists_that_the_statement_holds(parts: Node) -> None:
    assert ids(parts, FIXED) == [1, 3, 5]
    assert ids(parts, FIXED_TWICE) == [3, 5]
    assert ids(parts, FIXED_NONE) == []
    assert ids(parts, FIXED_AND_VALUE, above=2) == [3, 5]
    for numbers in ([], [3], [1, 2, 5], range(20)):
        expected = [n for n in (1, 3, 5) if n in numbers]
        assert ids(parts, FIXED_AND_LIST, numbers=numbers) == expected


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_statement_that_holds_its_lists_is_written_out_once(dialect: str) -> None:
    assert not Compiled(FIXED_TWICE, dialect).is_expanding
    assert not Compiled(DEFAULT, dialect).is_expanding
    assert Compiled(FIXED_AND_LIST, dialect).is_expanding
    few = {Compiled(BY_IDS, dialect).spread({"ids": range(n)})[0] for n in range(5, 9)}
    assert len(few) == 1, "lengths between powers of two share one text"


def test_a_list_beside_a_percent_sign(parts: Node) -> None:
    assert ids(parts, PERCENT, ids=range(15)) == [1, 10, 11, 12, 13, 14]


def test_lists_in_what_changes_rows(parts: Node) -> None:
    with change(parts.store) as tx:
        assert tx.run(RAISE, ids=[1, 2, 3], more=100) == 3
        assert tx.run(RAISE, ids=[], more=100) == 0
        tx.put(RAISE, ids=[3, 4, 5], more=1000)
        tx.put(DELETE, ids=[])
        tx.put(DELETE, ids=[0])
        assert tx.run(DELETE, ids=range(6, 40)) == 14
    with parts.read() as tx:
        found = tx.all(NUMBERS)
    assert [row.number for row in found] == [101, 102, 1103, 1004, 1005]


def test_without_a_snapshot_each_statement_sees_what_is_committed(parts: Node) -> None:
    with parts.read(is_snapshot=False) as tx:
        assert len(tx.all(ALL_IDS)) == 20
        with change(parts.store) as writer:
            writer.put(DELETE, ids=[0])
        assert len(tx.all(ALL_IDS)) == 19
        with parts.read() as inner:
            assert len(inner.all(ALL_IDS)) == 19
            with change(parts.store) as writer:
                writer.put(DELETE, ids=[1])
            assert len(inner.all(ALL_IDS)) == 19, "a snapshot within"
            with parts.read(is_snapshot=False) as innermost:
                assert len(innermost.all(ALL_IDS)) == 19, "and within that it is that one"
        assert len(tx.all(ALL_IDS)) == 18
    with parts.read() as tx:
        assert len(tx.all(ALL_IDS)) == 18


@pytest.mark.parametrize("is_snapshot", [True, False])
def test_nothing_can_be_changed_by_reading(parts: Node, is_snapshot: bool) -> None:
    for _ in range(2):
        with pytest.raises(Fault) as caught, parts.read(is_snapshot=is_snapshot) as tx:
            tx.run(DELETE, ids=[0, 1])
        assert caught.value.code == "kernel.read_only"
    with pytest.raises(ZeroDivisionError), parts.read(is_snapshot=is_snapshot):
        raise ZeroDivisionError
    with parts.read(is_snapshot=is_snapshot) as tx:
        assert len(tx.all(ALL_IDS)) == 20
