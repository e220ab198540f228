"""A connection to PostgreSQL that is lost exactly at the commit: each act happens once.

Goal: whether the commit was done or not, the caller hears what the journal says, and no act takes
effect twice. Method: the node's writer loses its connection before the commit is sent, after it is
sent, or after the answer to it was read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from puhui.kernel import Node
from puhui.kernel.store.journal import EVENT
from tests.faults.sample import CLERK, Sample, rows_of
from tests.faults.test_group import answer, no_gap, submit

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("samples")]
TOLD = select(EVENT.c.act_key).order_by(EVENT.c.act_key, EVENT.c.number)


class Cut:
    """A writer that loses its connection at the next commits, as often as ``at`` says where."""

    def __init__(self, inner: Any, at: list[str]) -> None:
        self._inner = inner
        self._at = at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def keep(self) -> None:
        """End an act, or lose the connection on the way."""
        where = self._at.pop(0) if self._at else ""
        tx = self._inner.tx
        if where == "before":
            with psycopg.connect(self._inner._line.address.servers[0], autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (tx.connection.info.backend_pid,))
        elif where == "sent":
            tx.send(b"COMMIT")
            tx._wire.pipeline_sync()
            while tx._wire.flush():
                tx._wait(tx._either)
            tx.connection.close()
            raise psycopg.OperationalError("the connection was lost")
        self._inner.keep()
        if where == "answered":
            tx.connection.close()
            raise psycopg.OperationalError("the connection was lost")


@pytest.fixture
def cut(node: Node) -> Callable[[list[str]], None]:
    """Makes the connection be lost at the next commits; on PostgreSQL alone."""
    if node.store.dialect != "postgresql":
        pytest.skip("a file has no connection to lose")
    at: list[str] = []
    made = node.store.writer
    node.store.writer = lambda: Cut(made(), at)  # type: ignore[method-assign]
    node.store.writers = 1
    return at.extend


def told_by(node: Node) -> list[str]:
    """The acts that events are recorded of."""
    with node.read() as tx:
        return [row.act_key for row in tx.all(TOLD)]


@pytest.mark.parametrize(
    "where",
    [["before"], ["sent"], ["answered"], ["before", "sent", "answered"], ["sent"] * 3],
    ids="-".join,
)
def test_each_act_happens_once_and_is_answered(
    node: Node, cut: Callable[[list[str]], None], where: list[str]
) -> None:
    for number, mode in ((1, "plain"), (2, "refuse"), (3, "plain"), (1, "plain"), (2, "refuse")):
        cut(where)
        heard = answer(submit(node, number, mode))
        assert heard == (str(number) if mode == "plain" else "fault.no")
    assert sorted(no_gap(node)) == ["k1", "k2", "k3"]
    assert told_by(node) == ["k1", "k3"]
    assert rows_of(node) == 2


def test_a_key_of_another_request_is_still_refused(
    node: Node, cut: Callable[[list[str]], None]
) -> None:
    assert answer(submit(node, 1)) == "1"
    for where in ("before", "sent", "answered"):
        cut([where])
        other = node.submit("fault.add", Sample(2), key="k1", actor=CLERK)
        assert answer(other) == "kernel.key_reused"
    assert rows_of(node) == 1


def test_what_is_undone_leaves_nothing_though_the_connection_is_lost(
    node: Node, cut: Callable[[list[str]], None]
) -> None:
    dry = node.submit("fault.add", Sample(1), key="k1", actor=CLERK, dry_run=True)
    assert answer(dry) == "1"
    assert answer(submit(node, 2, "fault")) == "ZeroDivisionError"
    assert answer(submit(node, 3, "duplicate")) == "kernel.store_failed"
    cut(["sent"])
    assert answer(submit(node, 4)) == "4"
    assert no_gap(node) == told_by(node) == ["k4"]
    assert rows_of(node) == 1


def test_a_connection_that_is_lost_again_and_again_is_told(
    node: Node, cut: Callable[[list[str]], None]
) -> None:
    """The tries are bounded; nothing was done, and the same key may be tried again."""
    cut(["before"] * 9)
    assert answer(submit(node, 1)) == "kernel.store_unavailable"
    assert no_gap(node) == told_by(node) == []
    assert answer(submit(node, 1)) == "1"
    assert no_gap(node) == told_by(node) == ["k1"]
