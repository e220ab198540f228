"""A bank on SQLite that lends by products made for one example."""

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


@pytest.fixture
def opened(
    monkeypatch: pytest.MonkeyPatch,
    sqlite_node: Node,
    operator: Actor,
    clock: FixedClock,
    tmp_path: Path,
) -> Callable[[str], Lend]:
    """Opens the bank on a day; it lends from then on."""
    monkeypatch.setattr(shelf, "OWN", {})
    shelf.load_product.cache_clear()

    def open_on(day: str) -> Lend:
        clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T09:00:00+08:00")))
        return lend_by(open_bank(sqlite_node, operator, tmp_path), clock, tmp_path)

    return open_on
