"""Deferred fees on both stores: replayed alike, and a close that broke off is made good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.replay import replay
from puhui.kernel.store import Row
from puhui.servicing import live
from puhui.servicing.desk.day import spread
from puhui.servicing.nouns import Happening
from tests.servicing.ordeal import Ordeal
from tests.servicing.test_ordeal import BASE, take

LENT, FEE = 1_234_567, 24_691


def fee_of(loan: Ordeal) -> Row:
    with loan.node.read() as tx:
        row = live.deferral_of(tx, loan.loan_id)
    assert row is not None
    return row


def events_of(loan: Ordeal) -> list[Row]:
    with loan.node.read() as tx:
        return live.events_of(tx, loan.loan_id)


def month(loan: Ordeal) -> None:
    """To the end of this month, or the next, and close it."""
    loan.move(1)
    take(loan, "month", 0, 0)


def test_a_life_is_replayed_to_the_same_books(
    node: Node, clock: FixedClock, open_at: Callable[..., Node], tmp_path: Path
) -> None:
    """Months, early principal, its undoing, a write-off, its undoing, the end; two lend with us."""
    loan = Ordeal(node, clock, "spread-a-x", BASE, lent=LENT, is_joint=True, fee=FEE)
    earned = []
    for _ in range(2):
        month(loan)
        earned.append(fee_of(loan).income_minor)
    assert 0 < earned[0] < earned[1] < FEE * 600_001 // 1_000_000
    loan.happen(Happening.REPAID, amount_minor=LENT // 3)
    month(loan)
    before = fee_of(loan).income_minor
    early = next(one for one in events_of(loan) if one.amount_minor == LENT // 3)
    loan.happen(Happening.UNDONE, undoes=str(early.number))
    assert earned[1] < fee_of(loan).income_minor < before
    loan.happen(Happening.WRITTEN_OFF)
    assert fee_of(loan).lost_minor > 0
    loan.happen(Happening.UNDONE, undoes=str(events_of(loan)[-1].number))
    assert fee_of(loan).lost_minor == 0
    month(loan)
    take(loan, "pay_off", 0, 0)
    row = fee_of(loan)
    assert row.income_minor == row.fee_minor == FEE - 7_407 - 2_469
    with node.read() as tx:
        sums = live.deferred_sums(tx)
    assert [(one.fee_minor, one.income_minor) for one in sums] == [(row.fee_minor, row.fee_minor)]
    target = open_at(f"sqlite:///{tmp_path / 'replayed.sqlite'}")
    report = replay(node, target)
    assert report.differences == ()


def test_a_close_that_breaks_off_is_made_good(
    node: Node, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off after fees were written and before they were posted: nothing of it stays."""
    loan = Ordeal(node, clock, "spread-b-x", BASE, lent=LENT, is_joint=False, fee=FEE)
    month(loan)
    before, held = fee_of(loan), loan.own()
    post = spread.post_own

    def breaks(*told: Any) -> int:
        raise OSError("the power went")

    monkeypatch.setattr(spread, "post_own", breaks)
    with pytest.raises(OSError, match="power"):
        month(loan)
    assert (fee_of(loan), loan.own()) == (before, held)
    monkeypatch.setattr(spread, "post_own", post)
    loan.close()
    after = fee_of(loan)
    assert after.income_minor > before.income_minor
    loan.close()
    assert fee_of(loan) == after, "once"
