"""Groups that run without marks, and are run again with them once an act has to be undone.

Goal: running a group a second time is not to be noticed, and an undone act leaves nothing behind.
Method: acts are queued before the writer starts, so that they form one group; a writer that keeps
a diary tells how often it was run.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from puhui.kernel import Act, Actor, Node, use_case
from puhui.kernel import node as kernel_node
from puhui.kernel.act import USE_CASES
from puhui.kernel.replay import replay
from puhui.kernel.store.journal import EVENT
from puhui.kernel.store.sqlite import GROUPS_MARKED
from tests.faults.sample import CLERK, Sample, SampleMade, rows_of
from tests.faults.test_group import Failing, answer, no_gap, submit

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("samples")]
TOLD = select(EVENT.c.act_key).order_by(EVENT.c.act_key, EVENT.c.number)
ODD = {
    "half": {"subject": "\ud800"},
    "nothing": {"subject": None},
    "name": {"name": "a\udfff"},
}
"""What no event can hold, by the mode that asks for it."""


class Diary:
    """A writer that notes each group: ``plain``, or ``marked``, and that it was run ``again``."""

    def __init__(self, inner: Any, notes: list[str]) -> None:
        self._inner = inner
        self._notes = notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def begin(self, *, is_again: bool = False) -> None:
        """Start a group and note how."""
        self._inner.begin(is_again=is_again)
        word = "marked" if self._inner._is_marking else "plain"
        self._notes.append("again" if is_again else word)


@pytest.fixture
def notes(sqlite_node: Node) -> list[str]:
    """What the writer of ``sqlite_node`` notes."""
    noted: list[str] = []
    made = sqlite_node.store.writer
    sqlite_node.store.writer = lambda: Diary(made(), noted)  # type: ignore[method-assign]
    return noted


@pytest.fixture(autouse=True)
def long_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group takes in all that waits, however slow the machine is."""
    monkeypatch.setattr(kernel_node, "GROUP_S", 600.0)


@contextmanager
def one_group(node: Node) -> Iterator[None]:
    """What is submitted inside the block, first of all on ``node``, forms one group."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node, "_start", lambda: None)
        yield
    node._start()


def told_by(node: Node) -> list[str]:
    """The acts that events are recorded of."""
    with node.read() as tx:
        return [row.act_key for row in tx.all(TOLD)]


@pytest.fixture
def odd() -> Iterator[None]:
    """An act that tells what no store can keep, when it is asked to."""

    @use_case("fault.odd", roles=("clerk",))
    def tell(act: Act, input: Sample) -> SampleMade:
        """Tell of something."""
        words: dict[str, Any] = {"name": "fault.told", "subject": "s", **ODD.get(input.mode, {})}
        act.emit(words["name"], words["subject"], {})
        return SampleMade("odd", input.number)

    yield
    del USE_CASES["fault.odd"]


def test_a_group_that_is_run_again_is_answered_as_if_run_once(
    sqlite_node: Node, notes: list[str], open_at: Callable[..., Node], tmp_path: Path
) -> None:
    node = sqlite_node
    asks = [
        ("k0", 0, "plain", "0"),
        ("k2", 2, "plain", "2"),
        ("k0", 0, "plain", "0"),  # asked twice in one group
        ("k2", 99, "plain", "kernel.key_reused"),
        ("k1", 1, "refuse", "fault.no"),  # from here on the group is run again
        ("k3", 3, "fault", "ZeroDivisionError"),
        ("k4", 4, "plain", "4"),
        ("k5", 5, "duplicate", "kernel.store_failed"),
        ("k1", 1, "refuse", "fault.no"),
        ("k3", 3, "plain", "3"),  # the key of a fault is free
        ("k7", 7, "dry", "7"),
        ("k0", 0, "dry", "0"),
        ("k8", 8, "dry", "8"),
        ("k8", 8, "plain", "8"),
    ]
    with one_group(node):
        asked = [
            node.submit(
                "fault.add",
                Sample(number, mode.replace("dry", "plain")),
                key=key,
                actor=CLERK,
                dry_run=mode == "dry",
            )
            for key, number, mode, _ in asks
        ]
    assert [answer(one) for one in asked] == [heard for _, _, _, heard in asks]
    assert notes == ["plain", "again", "marked"]
    assert no_gap(node) == ["k0", "k2", "k1", "k4", "k3", "k8"]
    assert told_by(node) == ["k0", "k2", "k3", "k4", "k8"]
    assert rows_of(node) == 5
    other = open_at(f"sqlite:///{tmp_path / 'again.sqlite'}")
    report = replay(node, other)
    assert (report.acts, report.differences) == (6, ())
    assert told_by(other) == told_by(node)


def test_a_group_without_an_undone_act_is_run_once(sqlite_node: Node, notes: list[str]) -> None:
    with one_group(sqlite_node):
        asked = [submit(sqlite_node, number % 5) for number in range(10)]
    assert [answer(one) for one in asked] == [str(number % 5) for number in range(10)]
    assert notes == ["plain"]
    assert no_gap(sqlite_node) == told_by(sqlite_node) == [f"k{n}" for n in range(5)]


def test_the_next_groups_are_marked_and_later_ones_are_not(
    sqlite_node: Node, notes: list[str]
) -> None:
    numbers = iter(range(10_000))

    def run(mode: str, times: int = 1) -> list[str]:
        del notes[:]
        for _ in range(times):
            answer(submit(sqlite_node, next(numbers), mode))
        return list(notes)

    assert run("plain", 3) == ["plain"] * 3
    assert run("refuse") == ["plain", "again"]
    assert run("fault") == ["marked"]
    left = GROUPS_MARKED - 2
    assert run("plain", left + 2) == ["marked"] * left + ["plain"] * 2
    assert run("duplicate") == ["plain", "again"]
    assert no_gap(sqlite_node) == told_and_refused(sqlite_node)


def told_and_refused(node: Node) -> list[str]:
    """The keys of acts that told something, and the one refused, as numbers go up."""
    return sorted({*told_by(node), "k3"}, key=lambda key: int(key[1:]))


@pytest.mark.parametrize("is_marked", [False, True])
def test_an_act_undone_after_it_was_recorded_leaves_no_row(
    sqlite_node: Node, is_marked: bool
) -> None:
    """The last step of an act fails when its row and its events are already put down."""
    at: list[str] = []
    made = sqlite_node.store.writer
    error = sqlite3.OperationalError("no")
    sqlite_node.store.writer = (  # type: ignore[method-assign]
        lambda: Failing(made(), at, error)
    )
    assert answer(submit(sqlite_node, 1, "refuse" if is_marked else "plain")) in ("1", "fault.no")
    at.append("keep")
    heard = answer(submit(sqlite_node, 2))
    assert heard == ("kernel.store_failed" if is_marked else "2")
    assert answer(submit(sqlite_node, 3)) == "3"
    assert no_gap(sqlite_node) == (["k1", "k3"] if is_marked else ["k1", "k2", "k3"])
    assert told_by(sqlite_node) == (["k3"] if is_marked else ["k1", "k2", "k3"])
    assert answer(submit(sqlite_node, 2)) == "2"


@pytest.mark.usefixtures("odd")
def test_what_no_store_can_keep_harms_no_neighbour(node: Node) -> None:
    """An actor's name, an event's subject: written late, but the fault of one act alone."""
    half = Actor("\ud800", frozenset({"clerk"}))
    with one_group(node):
        asked = [submit(node, 1)]
        asked += [
            node.submit("fault.odd", Sample(2, mode), key=f"odd {mode}", actor=CLERK)
            for mode in ODD
        ]
        asked.append(node.submit("fault.add", Sample(3), key="half", actor=half))
        asked.append(submit(node, 4, "refuse"))
        asked.append(submit(node, 5))
    heard = [answer(one) for one in asked]
    assert [n for n, what in enumerate(heard) if what in ("1", "5", "fault.no")] == [0, 5, 6]
    assert heard[1] == heard[4] == "UnicodeEncodeError"
    assert sorted(no_gap(node)) == ["k1", "k4", "k5"]
    assert told_by(node) == ["k1", "k5"]
    assert answer(node.submit("fault.odd", Sample(2), key="odd half", actor=CLERK)) == "2"


def test_a_commit_that_fails_oddly_is_no_decision(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the store but the program fails at the commit: a refusal was not recorded either."""
    made = sqlite_node.store.writer
    at: list[str] = []
    sqlite_node.store.writer = (  # type: ignore[method-assign]
        lambda: Failing(made(), at, MemoryError())  # type: ignore[arg-type]
    )
    at.append("commit")
    with one_group(sqlite_node):
        asked = [submit(sqlite_node, 1), submit(sqlite_node, 2, "refuse")]
    assert [answer(one) for one in asked] == ["kernel.not_durable"] * 2
    assert answer(submit(sqlite_node, 2, "refuse")) == "fault.no"
    assert no_gap(sqlite_node) == ["k2"]


class Caller:
    """Stands for an act that its caller begins to wait for while callers are let go."""

    def __init__(self, *is_awaited: bool) -> None:
        self._is_awaited = list(is_awaited)
        self.answers = 0

    @property
    def is_awaited(self) -> bool:
        """What is told each time; the last stays."""
        return self._is_awaited.pop(0) if len(self._is_awaited) > 1 else self._is_awaited[0]

    def answer(self) -> None:
        """Count it."""
        self.answers += 1


@pytest.mark.parametrize("others", [0, 1, 2, 5])
def test_who_begins_to_wait_while_callers_are_let_go_is_answered(
    sqlite_node: Node, others: int
) -> None:
    group: list[Any] = [Caller(False, True), *(Caller(True) for _ in range(others))]
    group.append(Caller(False, True, True))
    sqlite_node._let_go(group)
    assert [one.answers for one in group] == [1] * len(group)
    assert_at_rest(sqlite_node)


def assert_at_rest(node: Node) -> None:
    """Nobody is left to be answered, and the next group is not held up."""
    assert not node._answers
    assert node._wanted == 0
    assert not node._enough.locked()


def test_one_caller_and_callers_who_do_not_wait_are_never_kept(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that would take for ever: whoever had to wait for one would never be answered."""
    for name in ("GATHER_S", "GATHER_STEP_S", "GATHER_IDLE_S"):
        monkeypatch.setattr(kernel_node, name, 3600.0)
    for number in range(3):
        assert answer(submit(sqlite_node, number)) == str(number)
    asked = [submit(sqlite_node, number) for number in range(10, 20)]
    assert answer(asked[-1]) == "19"
    assert [answer(one) for one in asked] == [str(number) for number in range(10, 20)]


def test_callers_who_never_come_back_are_all_answered(sqlite_node: Node) -> None:
    heard: list[str] = []
    threads = []
    with one_group(sqlite_node):
        asked = [submit(sqlite_node, number) for number in range(60)]
        for one in asked[:50]:
            thread = threading.Thread(target=lambda one=one: heard.append(answer(one)))
            thread.start()
            threads.append(thread)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a caller was left without an answer"
    assert sorted(heard, key=int) == [str(number) for number in range(50)]
    assert [answer(one) for one in asked[50:]] == [str(number) for number in range(50, 60)]
    assert answer(submit(sqlite_node, 60)) == "60"
    sqlite_node.close()
    assert_at_rest(sqlite_node)


def test_closing_answers_what_was_submitted_in_bulk(node: Node) -> None:
    """Callers with many acts on their way, some of them undone, when the node is closed."""
    modes = ["plain", "plain", "refuse", "plain", "fault"]
    heard: dict[int, str] = {}
    begun = threading.Barrier(5)

    def call(thread: int) -> None:
        begun.wait(30)
        for start in range(thread * 100_000, (thread + 1) * 100_000, 40):
            asked = []
            try:
                for number in range(start, start + 40):
                    asked.append((number, submit(node, number, modes[number % 5])))
            except Exception as error:
                heard[number] = getattr(error, "code", type(error).__name__)
            heard.update((number, answer(one)) for number, one in asked)
            if len(asked) < 40:
                return

    threads = [threading.Thread(target=call, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    begun.wait(30)
    for number in range(900_000, 900_005):
        assert answer(submit(node, number)) == str(number)
    node.close()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a caller was left without an answer"
    right = {"plain": "", "refuse": "fault.no", "fault": "ZeroDivisionError"}
    done = {n for n, what in heard.items() if what == (right[modes[n % 5]] or str(n))}
    assert {heard[n] for n in heard.keys() - done} == {"kernel.closed"}
    recorded = {f"k{n}" for n in done if modes[n % 5] != "fault"}
    assert set(no_gap(node)) == recorded | {f"k{n}" for n in range(900_000, 900_005)}
    assert_at_rest(node)
