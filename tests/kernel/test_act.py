"""Acts: once per key, refused or faulty ones harm no neighbour, many at once."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import BigInteger, Column, Table, Text, bindparam, func, select, update

from puhui.kernel import Act, Actor, Node, Refused, use_case
from puhui.kernel.act import BATCH_MAX, USE_CASES
from puhui.kernel.store import Row, insert_all, metadata
from puhui.kernel.store.journal import count_acts, read_journal

SAMPLE = Table(
    "kernel_sample",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
ADD = insert_all(SAMPLE)
COUNT = select(func.count().label("count")).select_from(SAMPLE)
COUNTER = select(SAMPLE.c.number).where(SAMPLE.c.id == bindparam("id")).with_for_update()
SET_COUNTER = (
    update(SAMPLE).where(SAMPLE.c.id == bindparam("id_")).values(number=bindparam("number_"))
)
CLERK = Actor("clerk", frozenset({"clerk"}))


@dataclass(frozen=True, slots=True)
class Sample:
    number: int
    mode: str = "plain"
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleMade:
    id: str
    number: int
    time_us: int
    dice: int


@pytest.fixture(scope="module", autouse=True)
def sample_use_cases() -> Iterator[None]:
    """Use cases that exist for these tests only."""

    @use_case("sample.add", roles=("clerk",), batch="items")
    def add(act: Act, input: Sample) -> SampleMade:
        """Add a row."""
        id_ = act.new_id("sample")
        act.tx.put(ADD, id=id_, number=input.number)
        act.emit("sample.added", id_, {"number": input.number})
        if input.mode == "refuse":
            raise Refused("sample.no", 'No "thank you".')
        if input.mode == "fault":
            raise ZeroDivisionError("a bug")
        if input.mode == "duplicate":
            act.tx.put(ADD, id=id_, number=input.number)
        return SampleMade(id_, input.number, act.now_us, act.dice.randrange(1000))

    @use_case("sample.count", roles=("clerk",))
    def count(act: Act, input: Sample) -> SampleMade:
        """Raise a counter that all callers share."""
        row = act.tx.one(COUNTER, id="counter")
        number = row.number + input.number
        act.tx.put(SET_COUNTER, id_="counter", number_=number)
        return SampleMade("counter", number, act.now_us, 0)

    @use_case("sample.look", roles=("clerk",))
    def look(act: Act, input: Sample) -> SampleMade:
        """Tell what is recorded under another key."""
        found = act.find(input.mode)
        if found is None:
            return SampleMade("", 0, 0, 0)
        return SampleMade(f"{found.name} {found.refusal}", len(found.outcome), found.time_us, 0)

    yield
    del USE_CASES["sample.add"], USE_CASES["sample.count"], USE_CASES["sample.look"]


def rows_of(node: Node) -> int:
    with node.read() as tx:
        return tx.one(COUNT).count


def test_same_key_gives_first_outcome_again(node: Node) -> None:
    first = node.act("sample.add", Sample(7), key="k", actor=CLERK)
    again = node.act("sample.add", Sample(7), key="k", actor=CLERK)
    assert again == first
    assert rows_of(node) == 1
    with node.read() as tx:
        assert count_acts(tx) == (1, 0)


def test_an_act_finds_what_another_recorded(node: Node) -> None:
    """Also one of its own group, whose journal row is only written at the commit."""
    first = node.submit("sample.add", Sample(7), key="k", actor=CLERK)
    if node.store.writers > 1:
        first.result()  # several writers run acts side by side
    second = node.submit("sample.look", Sample(1, "k"), key="l", actor=CLERK)
    assert second.result().id == "sample.add None"
    assert second.result().time_us == first.result().time_us
    nothing = node.act("sample.look", Sample(1, "none"), key="m", actor=CLERK)
    assert nothing == SampleMade("", 0, 0, 0)


def test_same_key_with_other_input_is_refused(node: Node) -> None:
    node.act("sample.add", Sample(7), key="k", actor=CLERK)
    with pytest.raises(Refused) as caught:
        node.act("sample.add", Sample(8), key="k", actor=CLERK)
    assert caught.value.code == "kernel.key_reused"
    assert rows_of(node) == 1


def test_a_refusal_changes_nothing_and_is_remembered(node: Node) -> None:
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            node.act("sample.add", Sample(1, "refuse"), key="k", actor=CLERK)
        assert (caught.value.code, caught.value.reason) == ("sample.no", 'No "thank you".')
    assert rows_of(node) == 0
    with node.read() as tx:
        assert count_acts(tx) == (1, 1)


@pytest.mark.parametrize("mode", ["fault", "duplicate"])
def test_a_fault_is_not_recorded_and_may_be_tried_again(node: Node, mode: str) -> None:
    with pytest.raises(Exception) as caught:
        node.act("sample.add", Sample(1, mode), key="k", actor=CLERK)
    assert not isinstance(caught.value, Refused)
    with node.read() as tx:
        assert count_acts(tx) == (0, 0)
    assert rows_of(node) == 0
    node.act("sample.add", Sample(1), key="k", actor=CLERK)
    assert rows_of(node) == 1


def test_a_fault_in_one_act_of_a_group_leaves_its_neighbours(node: Node) -> None:
    modes = ["plain", "fault", "plain", "refuse", "duplicate", "plain"] * 20
    pending = [
        node.submit("sample.add", Sample(n, mode), key=f"k{n}", actor=CLERK)
        for n, mode in enumerate(modes)
    ]
    answers = []
    for one in pending:
        try:
            answers.append(one.result().number)
        except Exception as error:
            answers.append(type(error).__name__)
    for n, mode in enumerate(modes):
        if mode == "plain":
            assert answers[n] == n
        else:
            assert answers[n] != n
    assert rows_of(node) == 60


def test_a_dry_run_changes_and_records_nothing(node: Node) -> None:
    made = node.act("sample.add", Sample(7), key="k", actor=CLERK, dry_run=True)
    assert made.number == 7
    assert rows_of(node) == 0
    with node.read() as tx:
        assert count_acts(tx) == (0, 0)


def test_roles_keys_and_batches_are_checked_before_anything(node: Node) -> None:
    visitor = Actor("visitor", frozenset({"visitor"}))
    for code, kwargs in (
        ("kernel.role_missing", {"key": "k", "actor": visitor}),
        ("kernel.bad_key", {"key": "", "actor": CLERK}),
        ("kernel.bad_key", {"key": "k" * 201, "actor": CLERK}),
    ):
        with pytest.raises(Refused) as caught:
            node.act("sample.add", Sample(7), **kwargs)
        assert caught.value.code == code
    too_many = Sample(7, items=tuple(range(BATCH_MAX + 1)))
    with pytest.raises(Refused) as caught:
        node.act("sample.add", too_many, key="k", actor=CLERK)
    assert caught.value.code == "kernel.batch_too_large"
    with pytest.raises(Refused) as caught:
        node.act("sample.nothing", Sample(7), key="k", actor=CLERK)
    assert caught.value.code == "kernel.unknown_use_case"
    assert rows_of(node) == 0


def test_800_calls_of_8_threads_with_50_keys_have_50_effects(node: Node) -> None:
    answers: list[SampleMade] = []

    def call(thread: int) -> None:
        for n in range(100):
            number = (n * 7 + thread * 13) % 50
            answers.append(node.act("sample.add", Sample(number), key=f"key-{number}", actor=CLERK))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 800
    assert len({answer.id for answer in answers}) == 50
    assert rows_of(node) == 50
    with node.read() as tx:
        assert count_acts(tx) == (50, 0)


def test_concurrent_read_modify_write_loses_nothing(node: Node) -> None:
    """A counter read under a lock and written back counts every act exactly once."""
    seed = node.store.writer()
    seed.begin()
    seed.tx.put(ADD, id="counter", number=0)
    seed.commit()
    seed.close()

    def call(thread: int) -> None:
        for n in range(40):
            node.act("sample.count", Sample(1), key=f"{thread}-{n}", actor=CLERK)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with node.read() as tx:
        assert tx.one(COUNTER, id="counter").number == 320
    rose = [json.loads(row.outcome)["number"] for row in _journal_of(node, "sample.count")]
    assert rose == list(range(1, 321)), "the journal's order is a serial order"


def _journal_of(node: Node, name: str) -> list[Row]:
    node.store.settle_positions()
    return [row for row in read_journal(node.store) if row.name == name]


def test_positions_have_no_gap_and_settling_is_repeatable(node: Node) -> None:
    for n in range(12):
        node.act("sample.add", Sample(n), key=f"a{n}", actor=CLERK)
    node.store.settle_positions()
    for n in range(5):
        node.act("sample.add", Sample(n), key=f"b{n}", actor=CLERK)
    node.store.settle_positions()
    assert node.store.settle_positions() == 0
    rows = list(read_journal(node.store))
    assert [row.position for row in rows] == list(range(1, 18))
    assert [row.key for row in rows][:12] == [f"a{n}" for n in range(12)]


def test_identifiers_and_dice_come_from_the_key(node: Node) -> None:
    made = node.act("sample.add", Sample(7), key="some key", actor=CLERK)
    assert re.fullmatch(r"sample-[0-9a-f]{32}", made.id)
    other = node.act("sample.add", Sample(7), key="other key", actor=CLERK, dry_run=True)
    same = node.act("sample.add", Sample(7), key="other key", actor=CLERK)
    assert (same.id, same.dice) == (other.id, other.dice)
    assert same.id != made.id
