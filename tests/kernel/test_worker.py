"""The worker: deliveries are acts of their own, and a day is closed chunk by chunk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from puhui.kernel import Act, Actor, Node, Refused, use_case
from puhui.kernel.act import USE_CASES
from puhui.kernel.event import DAY_STEPS, SUBSCRIBERS, Delivery, day_step, subscribe
from puhui.kernel.store.journal import read_journal
from puhui.worker import close_day, deliver, digest_of_key, run_worker

CLERK = Actor("clerk", frozenset({"clerk"}))
DAY = date(2026, 3, 2)
FAILING: set[str] = set()
ORDER: list[str] = []


@dataclass(frozen=True, slots=True)
class Word:
    """A word to say or a chunk to work on."""

    text: str


@pytest.fixture(autouse=True)
def word_use_cases() -> Iterator[None]:
    @use_case("kernel.say", roles=("clerk",))
    def say(act: Act, input: Word) -> Word:
        """Say a word, as two events."""
        act.emit("kernel.said", input.text, {"text": input.text})
        act.emit("kernel.whispered", input.text, {})
        return input

    @use_case("kernel.hear", roles=("system",))
    def hear(act: Act, input: Delivery) -> Word:
        """Hear a word."""
        if input.event.subject == "nonsense":
            raise Refused("kernel.nonsense", "What?")
        if input.event.subject in FAILING:
            raise KeyError(input.event.subject)
        return Word(input.event.subject)

    @use_case("kernel.early", roles=("system",))
    def early(act: Act, input: Word) -> Word:
        """A step of the day."""
        return _step("early", input)

    @use_case("kernel.late", roles=("system",))
    def late(act: Act, input: Word) -> Word:
        """A later step of the day."""
        return _step("late", input)

    def _step(name: str, input: Word) -> Word:
        if f"{name} {input.text}" in FAILING:
            raise KeyError(input.text)
        ORDER.append(f"{name} {input.text}")
        return input

    kept = dict(DAY_STEPS)
    DAY_STEPS.clear()
    subscribe("kernel.hear", to=("kernel.said",))
    day_step(20, "kernel.late", lambda node, day: [Word("a")])
    day_step(10, "kernel.early", lambda node, day: [Word("a"), Word("b"), Word("c")])
    ORDER.clear()
    FAILING.clear()
    yield
    DAY_STEPS.clear()
    DAY_STEPS.update(kept)
    del SUBSCRIBERS["kernel.hear"]
    for name in ("say", "hear", "early", "late"):
        del USE_CASES[f"kernel.{name}"]


def say(node: Node, *words: str) -> None:
    for word in words:
        node.act("kernel.say", Word(word), key=word, actor=CLERK)


def heard(node: Node) -> list[tuple[str, str | None]]:
    node.store.settle_positions()
    return [(row.key, row.refusal) for row in read_journal(node.store) if row.name == "kernel.hear"]


def key_of(word: str) -> str:
    return f"event:kernel.hear:{digest_of_key(word)}:0"


def test_a_delivery_is_an_act_with_a_key_of_its_own(node: Node) -> None:
    say(node, "one", "nonsense", "two")
    passed = deliver(node)
    assert (passed.taken, passed.refused, passed.stuck) == (2, 1, ())
    assert heard(node) == [
        (key_of("one"), None),
        (key_of("nonsense"), "kernel.nonsense"),
        (key_of("two"), None),
    ]
    assert deliver(node).taken == 0
    assert len(digest_of_key("one")) == 32 != len(digest_of_key("one" * 99)) + 1


def test_a_mistake_of_a_subscriber_holds_that_subscriber_only(node: Node) -> None:
    say(node, "one", "two", "three")
    FAILING.add("two")
    assert deliver(node).stuck == ("kernel.hear",)
    assert deliver(node).taken == 0, "what went well is not told again"
    assert heard(node) == [(key_of("one"), None)]
    FAILING.clear()
    assert deliver(node).taken == 2
    assert [key for key, _ in heard(node)] == [key_of(word) for word in ("one", "two", "three")]


def test_the_worker_stops_when_told(node: Node) -> None:
    say(node, "one", "two")
    stop = threading.Event()
    taken: list[int] = []
    thread = threading.Thread(target=lambda: taken.append(run_worker(node, stop, idle_s=0.01)))
    thread.start()
    for _ in range(200):
        if len(heard(node)) == 2:
            break
        threading.Event().wait(0.02)
    stop.set()
    thread.join(20)
    assert taken == [2]


def test_a_day_is_closed_in_order_and_taken_up_where_it_stopped(node: Node) -> None:
    FAILING.add("early b")
    with pytest.raises(KeyError):
        close_day(node, DAY)
    assert ORDER == ["early a"]
    FAILING.clear()
    seen: list[tuple[str, int, int]] = []
    closed = close_day(
        node, DAY, progress=lambda name, done, total: seen.append((name, done, total))
    )
    assert (closed.day, closed.steps, closed.chunks) == (DAY, 2, 4)
    assert ORDER == ["early a", "early b", "early c", "late a"]
    assert seen[0] == ("kernel.early", 1, 3)
    assert seen[-1] == ("kernel.late", 1, 1)
    assert close_day(node, DAY).chunks == 4
    assert len(ORDER) == 4, "a second time finds everything done"
    node.store.settle_positions()
    keys = [row.key for row in read_journal(node.store)]
    assert keys[0].startswith("day:2026-03-02:kernel.early:")
    assert len(set(keys)) == len(keys) == 4
    assert close_day(node, date(2026, 3, 3)).chunks == 4
    assert len(ORDER) == 8


def test_a_worker_that_is_stopped_begins_no_further_delivery(node: Node) -> None:
    """A long line of events does not hold up the end; the next worker goes on where it was."""
    for word in "abc":
        node.act("kernel.say", Word(word), key=word, actor=CLERK)
    stop = threading.Event()
    stop.set()
    assert deliver(node, stop).taken == 0
    taken = deliver(node).taken
    assert taken >= 3
    assert deliver(node).taken == 0
