"""Events when workers die: told at least once, in order per subject, handled once by key.

Goal: no event is lost or handled twice, whoever fails and whenever. Method: a subscriber that
refuses, fails and recovers on command, and workers that are stopped between their steps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from puhui import worker
from puhui.kernel import Fault, Node
from puhui.kernel.event import Delivery, next_events
from puhui.kernel.store.journal import read_journal
from puhui.worker import deliver, run_worker
from tests.faults.sample import BROKEN, CLERK, Sample, taken_of

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("samples")]


def add(node: Node, *numbers: int) -> None:
    """Add rows; their events have three subjects in turn."""
    for number in numbers:
        sample = Sample(number, subject=f"s{number % 3}")
        node.act("fault.add", sample, key=f"k{number}", actor=CLERK)


def deliveries_of(node: Node) -> list[str]:
    """The keys of the acts that took events, in the order of the journal."""
    node.store.settle_positions()
    return [row.key for row in read_journal(node.store) if row.name == "fault.take"]


def in_order(node: Node, numbers: list[int]) -> None:
    """These events were taken once each, and of each subject in the order they happened."""
    taken = taken_of(node)
    assert sorted(number for number, _, _ in taken) == numbers
    assert {times for _, _, times in taken} == {1}
    rows = [row for row in read_journal(node.store) if row.name == "fault.take"]
    assert [row.position for row in rows] == sorted(row.position for row in rows)
    order: dict[str, list[int]] = {}
    for number, subject, _ in taken:
        order.setdefault(subject, []).append(number)
    assert all(seen == sorted(seen) for seen in order.values())


def test_a_subscriber_that_refuses_is_passed_and_one_that_fails_is_waited_for(node: Node) -> None:
    add(node, *range(10))
    BROKEN.update({3: "refuse", 6: "fault"})
    passed = deliver(node)
    assert (passed.taken, passed.refused, passed.stuck) == (5, 1, ("fault.take",))
    for _ in range(2):
        stuck = deliver(node)
        assert (stuck.taken, stuck.refused, stuck.stuck) == (0, 0, ("fault.take",))
    BROKEN.clear()
    passed = deliver(node)
    assert (passed.taken, passed.refused, passed.stuck) == (4, 0, ())
    in_order(node, [0, 1, 2, 4, 5, 6, 7, 8, 9])


def test_a_lost_cursor_tells_everything_again_and_changes_nothing(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(node, *range(6))

    move = worker._move_cursor

    def die(node: Node, name: str, last: Delivery) -> None:
        if name == "fault.take":
            raise Fault("kernel.store_unavailable", "gone")
        move(node, name, last)

    with monkeypatch.context() as patched, pytest.raises(Fault):
        patched.setattr(worker, "_move_cursor", die)
        deliver(node)
    assert len(deliveries_of(node)) == 6
    passed = deliver(node)
    assert passed.taken == 6, "told a second time"
    assert len(deliveries_of(node)) == 6, "handled once"
    in_order(node, list(range(6)))


def test_more_than_a_page_and_two_workers_at_once(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("puhui.kernel.event.PAGE", 7)
    stop = threading.Event()
    threads = [
        threading.Thread(target=run_worker, args=(node, stop), kwargs={"idle_s": 0.01})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    add(node, *range(60))
    for _ in range(600):
        if len(taken_of(node)) == 60:
            break
        threading.Event().wait(0.05)
    stop.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    in_order(node, list(range(60)))


def test_a_worker_outlives_faults_of_the_store(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    add(node, *range(4))
    failures = iter([Fault("kernel.store_unavailable", "gone")] * 3)
    settle: Callable[[], int] = node.store.settle_positions

    def failing() -> int:
        for fault in failures:
            raise fault
        return settle()

    monkeypatch.setattr(node.store, "settle_positions", failing)
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(node, stop), kwargs={"idle_s": 0.01})
    thread.start()
    for _ in range(400):
        if len(taken_of(node)) == 4:
            break
        threading.Event().wait(0.05)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    in_order(node, list(range(4)))
    with node.read() as tx:
        assert next_events(tx, "fault.take") == []
