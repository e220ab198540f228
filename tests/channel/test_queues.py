"""The queues of channels: off unless asked for, opened once, drained when a store is there."""

from __future__ import annotations

import pytest

from puhui.channel import queues
from puhui.kernel import Node, Refused


def test_queues_are_off_unless_a_folder_is_named(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUHUI_QUEUE", raising=False)
    assert queues.queue_folder(node.home) is None
    assert queues.open_queue(node, "pay") is None
    queues.keep_queue(node, "serve")
    assert queues.queue_of(node) is None


def test_a_queue_is_kept_by_one_and_drains_nothing_when_empty(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUHUI_QUEUE", "queues")
    assert queues.queue_folder(node.home) == node.home / "queues"
    queues.keep_queue(node, "serve")
    kept = queues.queue_of(node)
    assert kept is not None
    assert set(kept.use_cases) == set(queues.QUEUED_USE_CASES)
    with pytest.raises(Refused) as refused:
        queues.open_queue(node, "serve")
    assert refused.value.code == "kernel.queue_in_use"
    done = queues.drain(kept)
    assert not kept.waiting
    assert done.posted == 0
