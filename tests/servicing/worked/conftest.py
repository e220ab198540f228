"""A bank that lends by products made for one example: on SQLite, or on each kind of store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.lending.formats import shelf
from tests.lending.bank import open_bank
from tests.servicing.worked.loan import Lend, lend_by


def opens(
    monkeypatch: pytest.MonkeyPatch, node: Node, operator: Actor, clock: FixedClock, home: Path
) -> Callable[[str], Lend]:
    """Opens the bank of a node on a day."""
    monkeypatch.setattr(shelf, "OWN", {})
    shelf.load_product.cache_clear()

    def open_on(day: str) -> Lend:
        clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T09:00:00+08:00")))
        return lend_by(open_bank(node, operator, home), clock, home)

    return open_on


@pytest.fixture
def opened(
    monkeypatch: pytest.MonkeyPatch,
    sqlite_node: Node,
    operator: Actor,
    clock: FixedClock,
    tmp_path: Path,
) -> Callable[[str], Lend]:
    """Opens the bank on a day; it lends from then on."""
    return opens(monkeypatch, sqlite_node, operator, clock, tmp_path)


@pytest.fixture
def opened_each(
    monkeypatch: pytest.MonkeyPatch,
    store_url: str,
    open_at: Callable[..., Node],
    operator: Actor,
    clock: FixedClock,
    tmp_path: Path,
) -> Callable[[str], Lend]:
    """The same, on each kind of store in turn."""
    return opens(monkeypatch, open_at(store_url), operator, clock, tmp_path)
