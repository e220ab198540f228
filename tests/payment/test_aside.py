"""What is set aside, as the window tells it: promises and money held, and when each ends."""

from __future__ import annotations

from datetime import UTC, date, datetime

from puhui.kernel import Node
from puhui.kernel.act import SYSTEM
from puhui.payment.formats.iso20022 import read_camt054
from puhui.payment.window import HeldMoney, Promise, holds_of, messages, promises_of
from tests.payment.purse import person


def test_held_money_ends_by_its_time(bank: Node) -> None:
    anna, bo = person(bank, 1, money=10_000), person(bank, 2)
    told = {"payer_id": anna, "payee": bo, "amount_minor": 700, "currency": "CNY"}
    made = bank.act("payment.hold", {**told, "timeout_s": 60}, key="hold", actor=SYSTEM)
    now_us = bank.clock.now_us()
    with bank.read() as tx:
        (held,) = holds_of(tx, bo, now_us=now_us)
        (later,) = holds_of(tx, anna, now_us=now_us + 60_000_000)
        found = promises_of(tx, anna)
    assert isinstance(held, HeldMoney)
    assert (held.id, held.status, held.expires_us) == (made.id, "held", now_us + 60_000_000)
    assert later.status == "ended"
    assert [one for one in found if isinstance(one, Promise)] == []


def test_what_came_in_on_a_day_is_a_notice(bank: Node) -> None:
    anna = person(bank, 1, money=10_000)
    now = datetime(2026, 4, 1, tzinfo=UTC)
    days = ((date(2026, 3, 2), 1), (date(2026, 3, 3), 0))
    for day, count in days:
        with bank.read() as tx:
            text = messages.credits_camt054(tx, anna, "CNY", day, created=now)
        assert len(read_camt054(text).statements[0].entries) == count
