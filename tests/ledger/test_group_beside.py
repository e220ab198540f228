"""A group of acts beside the store whose engine fails in between: none is lost, none half."""

from __future__ import annotations

from typing import Any

import pytest

from puhui.kernel import Fault, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import Transfer
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.engines.log.engine import LogEngine
from tests.ledger.books import ALICE, BOB, FUND, OPERATOR, create_transfers, pay, sums_of
from tests.ledger.test_outside import Nothing, beside, swap

__all__ = ["beside"]

ACTS = 12


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fails_at", range(1, 6))
def test_an_engine_that_fails_within_a_group_loses_nothing(
    beside: Node,
    store_url: str,
    tmp_path: Any,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
    fails_at: int,
    is_done: bool,
) -> None:
    """The n-th call of a group fails, before or after it was done; chains and refusals between."""
    create_transfers(beside, pay(1, FUND, ALICE, 1_000))
    real, calls = LogEngine.create_transfers, 0

    def failing(engine: LogEngine, *given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == fails_at and not is_done:
            raise Fault("ledger.log_failed", "cut off")
        made = real(engine, *given, **named)
        if calls == fails_at:
            raise Fault("ledger.log_failed", "cut off")
        return made

    def ask(n: int) -> Any:
        chain = (
            pay(100 + n, ALICE, BOB, 10, Transfer.LINKED),
            pay(200 + n, BOB, FUND, 3, Transfer.LINKED),
            pay(300 + n, BOB, ALICE, 1),
        )
        batch = CreateTransfers(chain)
        return beside.submit("ledger.create_transfers", batch, key=f"g{n}", actor=OPERATOR)

    with monkeypatch.context() as cut:
        cut.setattr(LogEngine, "create_transfers", failing)
        sent = []
        for n in range(ACTS):
            sent.append(ask(n))
            if n % 5 == 0:
                no = beside.submit("outside.refuse", Nothing(), key=f"no{n}", actor=OPERATOR)
                sent.append(no)
        for one in sent:
            try:
                one.result()
            except (Fault, Refused):
                continue
    for _ in range(2):
        assert [ask(n).result().statuses for n in range(ACTS)] == [("created",) * 3] * ACTS
        left = 1_000 - 9 * ACTS
        (alice, bob) = sums_of(beside, [ALICE, BOB])
        assert (alice[0], alice[3] - alice[1]) == (0, left)
        assert (bob[0], bob[3] - bob[1]) == (0, 6 * ACTS)
        swap(beside, store_url, tmp_path, clock)
