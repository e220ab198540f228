"""Events: what acts emit, in the order of the journal, behind a cursor for each subscriber."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from puhui.kernel import Act, Actor, Node, Refused, use_case
from puhui.kernel.act import USE_CASES
from puhui.kernel.event import (
    DAY_STEPS,
    MOVE_CURSOR,
    SUBSCRIBERS,
    DayStep,
    day_step,
    event_rows,
    next_events,
    parse_day,
    subscribe,
)
from puhui.kernel.store import change

CLERK = Actor("clerk", frozenset({"clerk"}))


@dataclass(frozen=True, slots=True)
class Ring:
    """How many events to emit, and whether to refuse afterwards."""

    count: int
    is_refused: bool = False


@pytest.fixture(scope="module", autouse=True)
def ring_use_case() -> Iterator[None]:
    @use_case("kernel.ring", roles=("clerk",))
    def ring(act: Act, input: Ring) -> Ring:
        """Emit events."""
        for number in range(input.count):
            act.emit("kernel.rung", f"bell {number}", {"number": number, "key": act.key})
        if input.is_refused:
            raise Refused("kernel.no_ring", "No.")
        return input

    yield
    del USE_CASES["kernel.ring"]


def names(node: Node, subscriber: str) -> list[tuple[str, int]]:
    node.store.settle_positions()
    with node.read() as tx:
        return [(one.event.act_key, one.event.number) for one in next_events(tx, subscriber)]


def test_events_come_in_the_order_of_the_journal(node: Node) -> None:
    for key, count in (("b", 3), ("a", 0), ("c", 2)):
        node.act("kernel.ring", Ring(count), key=key, actor=CLERK)
    with pytest.raises(Refused):
        node.act("kernel.ring", Ring(5, is_refused=True), key="refused", actor=CLERK)
    assert names(node, "x") == [("b", 0), ("b", 1), ("b", 2), ("c", 0), ("c", 1)]
    with node.read() as tx:
        first = next_events(tx, "x")[0]
    assert (first.event.name, first.event.subject) == ("kernel.rung", "bell 0")
    assert json.loads(first.event.payload) == {"key": "b", "number": 0}
    assert (first.position, first.time_us) == (1, node.clock.now_us())


def test_each_subscriber_has_a_cursor_of_its_own(node: Node) -> None:
    node.act("kernel.ring", Ring(4), key="k", actor=CLERK)
    with change(node.store) as tx:
        tx.put(MOVE_CURSOR, subscriber="x", position=1, number=1)
    assert names(node, "x") == [("k", 2), ("k", 3)]
    assert len(names(node, "y")) == 4
    with change(node.store) as tx:
        tx.put(MOVE_CURSOR, subscriber="x", position=1, number=3)
    assert names(node, "x") == []


def test_an_act_without_a_place_is_not_told_of_yet(node: Node) -> None:
    node.act("kernel.ring", Ring(1), key="k", actor=CLERK)
    with node.read() as tx:
        told = len(next_events(tx, "x"))
    assert told == (1 if node.store.dialect == "sqlite" else 0)
    assert node.store.settle_positions() == 1 - told
    assert names(node, "x") == [("k", 0)]


def test_pages_join_without_a_seam(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("puhui.kernel.event.PAGE", 3)
    for key in "abc":
        node.act("kernel.ring", Ring(4), key=key, actor=CLERK)
    node.store.settle_positions()
    seen = []
    while True:
        with node.read() as tx:
            page = next_events(tx, "x")
        if not page:
            break
        assert len(page) <= 3
        seen += [(one.event.act_key, one.event.number) for one in page]
        with change(node.store) as tx:
            tx.put(
                MOVE_CURSOR,
                subscriber="x",
                position=page[-1].position,
                number=page[-1].event.number,
            )
    assert seen == [(key, number) for key in "abc" for number in range(4)]


def test_rows_are_numbered_per_act() -> None:
    rows = event_rows("k", [("a.b", "s", {"x": 1}), ("a.c", "t", {})], json.dumps)
    assert [(row["act_key"], row["number"], row["name"]) for row in rows] == [
        ("k", 0, "a.b"),
        ("k", 1, "a.c"),
    ]


def test_registering_twice_is_a_mistake() -> None:
    subscribe("kernel.nobody", to=("a.b",))
    day_step(1, "kernel.nothing", lambda node, day: [])
    try:
        assert SUBSCRIBERS["kernel.nobody"] == {"a.b"}
        assert isinstance(DAY_STEPS["kernel.nothing"], DayStep)
        with pytest.raises(AssertionError):
            subscribe("kernel.nobody", to=("a.c",))
        with pytest.raises(AssertionError):
            day_step(2, "kernel.nothing", lambda node, day: [])
    finally:
        del SUBSCRIBERS["kernel.nobody"], DAY_STEPS["kernel.nothing"]


def test_days_as_people_write_them() -> None:
    assert parse_day("2026-11-22").isoformat() == "2026-11-22"
    for wrong in ("22.11.2026", "2026-13-01", "", "tomorrow"):
        with pytest.raises(Refused) as caught:
            parse_day(wrong)
        assert caught.value.code == "kernel.bad_day"
