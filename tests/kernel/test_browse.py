"""Acts counted by minute and by how they ended: the same on each kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from puhui.kernel import Act, Actor, Node, Refused, use_case
from puhui.kernel.act import USE_CASES
from puhui.kernel.clock import FixedClock
from puhui.kernel.store.browse import count_acts, count_ends

CLERK = Actor("clerk", frozenset({"clerk"}))
MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Number:
    number: int


@pytest.fixture(autouse=True)
def counted_use_cases() -> Iterator[None]:
    """Use cases that exist for these tests only."""

    @use_case("counted.even", roles=("clerk",))
    def even(act: Act, input: Number) -> Number:
        """Take even numbers."""
        if input.number % 2:
            raise Refused("counted.odd", "Only even numbers are taken.")
        return input

    @use_case("counted.other", roles=("clerk",))
    def other(act: Act, input: Number) -> Number:
        """Take any number."""
        return input

    yield
    del USE_CASES["counted.even"], USE_CASES["counted.other"]


def ask(node: Node, name: str, number: int) -> None:
    key = f"{name}-{number}"
    try:
        node.act(name, Number(number), key=key, actor=CLERK)
    except Refused:
        assert number % 2


def test_acts_are_counted_by_minute_and_by_end(node: Node, clock: FixedClock) -> None:
    since_us = clock.now_us()
    for number in range(5):
        ask(node, "counted.even", number)
    ask(node, "counted.other", 0)
    clock.set_us(since_us + 2 * MINUTE_US)
    later_us = clock.now_us()
    ask(node, "counted.even", 6)
    ask(node, "counted.even", 6)  # the same act asked for again is no other act
    until_us = clock.now_us() + 1
    names = ("counted.even", "counted.other")
    first, last = since_us - since_us % MINUTE_US, later_us - later_us % MINUTE_US
    with node.read() as tx:
        rows = count_acts(tx, names, since_us=since_us, until_us=until_us)
        ends = count_ends(tx, names, since_us=since_us, until_us=until_us)
        early = count_ends(tx, names, since_us=since_us, until_us=later_us)
        few = count_acts(tx, names, since_us=since_us, until_us=until_us, count=1)
        none = count_acts(tx, (), since_us=since_us, until_us=until_us)
    assert {(row.minute_us, row.name, row.refusal, row.acts) for row in rows} == {
        (first, "counted.even", None, 3),
        (first, "counted.even", "counted.odd", 2),
        (first, "counted.other", None, 1),
        (last, "counted.even", None, 1),
    }
    assert [row.minute_us for row in rows] == sorted(row.minute_us for row in rows)
    assert {(row.name, row.refusal, row.acts) for row in ends} == {
        ("counted.even", None, 4),
        ("counted.even", "counted.odd", 2),
        ("counted.other", None, 1),
    }
    assert sum(row.acts for row in early) == 6, "the end of the span is not in it"
    assert (len(few), none) == (1, [])
