"""A journal of payments, run again in an empty node, leads to the same books and tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock, start_of_day_us
from puhui.kernel.replay import replay
from puhui.worker import close_day
from tests.payment.purse import batch, pay, pay_batch, person, run, self_of, today


def test_payments_are_replayed_to_the_same_state(
    bank: Node, clock: FixedClock, open_at: Callable[..., Node], tmp_path: Path
) -> None:
    anna, bo = person(bank, 1, tier=4, money=900_000), person(bank, 2)
    paid = pay(bank, anna, bo, 1_000, payment_id="a", remark="茶")
    with pytest.raises(Refused):
        pay(bank, anna, bo, 200_001)
    run(bank, "refund", self_of(bo), id=paid.id, amount_minor=10)
    told = {"payer_id": anna, "amount_minor": 500, "currency": "CNY"}
    held = run(bank, "hold", self_of(anna), payee=bo, timeout_s=60, **told)
    run(bank, "capture", self_of(bo), id=held.id, amount_minor=100)
    run(bank, "request", self_of(bo), payee_id=bo, **told)
    starts_on = today(bank)
    run(bank, "create_order", payee_id=bo, every="week", starts_on=starts_on, **told)
    clock.set_us(start_of_day_us(starts_on) + 20 * 3_600_000_000)
    close_day(bank, starts_on)
    lines = [(f"{n}", anna, bo, 500 + n % 3) for n in range(400)]
    assert pay_batch(bank, batch(*lines)).posted == 400
    assert len(pay_batch(bank, batch(("new", anna, bo, 200_001), *lines[:300])).repeated) == 300
    clock.set_us(start_of_day_us(starts_on + timedelta(days=8)))
    close_day(bank, starts_on + timedelta(days=8))
    target = open_at(f"sqlite:///{tmp_path / 'replayed.sqlite'}")
    report = replay(bank, target)
    assert report.differences == ()
    assert report.refused >= 1
