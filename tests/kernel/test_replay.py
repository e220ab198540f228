"""Replay: an identical dump from an empty node, and every difference is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Table, Text, bindparam, select

from puhui.kernel import Act, Actor, Node, Refused, use_case
from puhui.kernel.act import USE_CASES, Prepared
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import (
    destroy_subject_key,
    new_subject_key,
    open_sealed,
    read_subject_key,
    seal,
)
from puhui.kernel.dump import digest_store, dump_store
from puhui.kernel.replay import replay
from puhui.kernel.store import change, insert_all, metadata
from puhui.kernel.store.journal import JOURNAL, read_journal

NOTE = Table(
    "kernel_note",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("length", BigInteger, nullable=False),
)
ADD = insert_all(NOTE)
FIND = select(NOTE.c.sealed).where(NOTE.c.id == bindparam("id"))
CLERK = Actor("clerk", frozenset({"clerk"}))
BROKEN: set[str] = set()


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    subject: str
    text: str
    length: int = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Noted:
    id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    id: str
    subject: str
    length: int = -1


@pytest.fixture(scope="module", autouse=True)
def note_use_cases() -> Iterator[None]:
    def seal_text(node: Node, input: Note) -> Prepared:
        key = new_subject_key(node.keys, input.subject)
        return Prepared(dataclasses.replace(input, text=seal(key, "text", input.text)), (key,))

    def measure_text(act: Act, input: Measure) -> Measure | None:
        node, tx = act.node, act.tx
        row = tx.one(FIND, id=input.id)
        if row is None:
            raise Refused("note.missing", "There is no such note.")
        text = open_sealed(read_subject_key(tx, node.keys, input.subject), "text", row.sealed)
        if text is None:
            return None
        return dataclasses.replace(input, length=len(text) + len(BROKEN))

    @use_case("note.add", roles=("clerk",), prepare=seal_text)
    def add(act: Act, input: Note) -> Noted:
        """Keep a sealed note."""
        if input.subject == "nobody":
            raise Refused("note.nobody", "Nobody wrote this.")
        id_ = act.new_id("note")
        act.tx.put(ADD, id=id_, subject=input.subject, sealed=input.text, length=act.now_us)
        return Noted(id_)

    @use_case("note.measure", roles=("clerk",), recompute=measure_text)
    def measure(act: Act, input: Measure) -> Measure:
        """Say how long a note is."""
        act.note(note=input.id)
        made: Measure = input if act.recorded is None else act.recorded
        return made

    @use_case("note.erase", roles=("clerk",))
    def erase(act: Act, input: Measure) -> Measure:
        """Destroy a person's key."""
        destroy_subject_key(act.tx, input.subject)
        return input

    yield
    for name in ("note.add", "note.measure", "note.erase"):
        del USE_CASES[name]


def play(node: Node, clock: FixedClock) -> list[Noted]:
    noted = []
    for n in range(20):
        clock.set_us(clock.now_us() + 1_000_003)
        noted.append(node.act("note.add", Note(f"p{n}", "x" * n), key=f"n{n}", actor=CLERK))
    for n, note in enumerate(noted):
        measured = node.act("note.measure", Measure(note.id, f"p{n}"), key=f"m{n}", actor=CLERK)
        assert measured.length == n
    with pytest.raises(Refused):
        node.act("note.add", Note("nobody", "?"), key="refused", actor=CLERK)
    return noted


def empty_like(node: Node, tmp_path: Path, open_at: Callable[..., Node]) -> Node:
    return open_at(f"sqlite:///{tmp_path / 'again' / 'puhui.sqlite'}", writers=1)


def test_replay_gives_an_identical_dump(
    node: Node, tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    play(node, clock)
    other = empty_like(node, tmp_path, open_at)
    seen: list[tuple[int, int]] = []
    report = replay(node, other, progress=lambda done, total: seen.append((done, total)))
    assert report.differences == ()
    assert (report.acts, report.refused, report.erased) == (41, 1, 0)
    assert seen[-1] == (41, 41)
    assert digest_store(node.store) == digest_store(other.store)
    assert sorted(dump_store(node.store)) == sorted(dump_store(other.store))


def test_replay_tells_what_now_comes_out_otherwise(
    sqlite_node: Node, tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    play(sqlite_node, clock)
    other = empty_like(sqlite_node, tmp_path, open_at)
    BROKEN.add("longer")
    try:
        report = replay(sqlite_node, other)
    finally:
        BROKEN.clear()
    assert {difference.name for difference in report.differences} == {"note.measure", "dump"}
    assert "length" in report.differences[0].what
    assert len([one for one in report.differences if one.name == "note.measure"]) == 20


def test_replay_tells_of_a_row_that_was_changed(
    sqlite_node: Node, tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    noted = play(sqlite_node, clock)
    writer = sqlite_node.store.writer()
    writer.begin()
    changed = NOTE.update().where(NOTE.c.id == bindparam("id_")).values(length=1)
    writer.tx.run(changed, id_=noted[3].id)
    writer.commit()
    writer.close()
    report = replay(sqlite_node, empty_like(sqlite_node, tmp_path, open_at))
    assert [(one.name, one.key) for one in report.differences] == [("dump", "kernel_note")]


def test_replay_tells_of_forms_that_an_earlier_release_wrote(
    sqlite_node: Node, tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    """A use case that is gone and an input that reads otherwise now: told, and the rest goes on."""
    play(sqlite_node, clock)
    total = replay(sqlite_node, empty_like(sqlite_node, tmp_path / "first", open_at)).acts
    rows = list(read_journal(sqlite_node.store))
    with change(sqlite_node.store) as tx:
        told = JOURNAL.update().where(JOURNAL.c.key == bindparam("key_"))
        tx.run(told.values(name="note.gone"), key_=rows[-2].key)
        tx.run(told.values(input='{"secret":"x"}'), key_=rows[-1].key)
    report = replay(sqlite_node, empty_like(sqlite_node, tmp_path / "second", open_at))
    assert report.acts == total == len(rows)
    first, second = (one for one in report.differences if one.name != "dump")
    assert (first.name, first.key) == ("note.gone", rows[-2].key)
    assert "has no such use case" in first.what and rows[-2].code in first.what
    assert "another form" in second.what and "secret" not in second.what


def test_an_erased_person_cannot_be_measured_again_but_all_else_is_equal(
    sqlite_node: Node, tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    noted = play(sqlite_node, clock)
    before = dict.fromkeys(dump_store(sqlite_node.store))
    sqlite_node.act("note.erase", Measure("", "p5"), key="erase", actor=CLERK)
    with pytest.raises(Refused) as caught:
        sqlite_node.act("note.measure", Measure(noted[5].id, "p5"), key="late", actor=CLERK)
    assert caught.value.code == "kernel.erased"
    after = dict.fromkeys(dump_store(sqlite_node.store))
    assert set(before) - set(after) == set(), "what was said of others and of totals stays"
    assert len(set(after) - set(before)) == 2, "only the erasing and the late refusal are new"
    report = replay(sqlite_node, empty_like(sqlite_node, tmp_path, open_at))
    assert report.differences == ()
    assert report.erased == 1


def test_replay_needs_an_empty_node(
    sqlite_node: Node, tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    play(sqlite_node, clock)
    other = empty_like(sqlite_node, tmp_path, open_at)
    other.act("note.add", Note("p", "x"), key="n", actor=CLERK)
    with pytest.raises(Refused) as caught:
        replay(sqlite_node, other)
    assert caught.value.code == "replay.target_not_empty"
