"""What other rooms pay out of a wallet counts for its limits."""

from __future__ import annotations

from typing import Any

import pytest

from puhui import payment
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.act import USE_CASES, Act, use_case
from tests.payment.purse import person

CLERK = Actor("clerk", frozenset({"operator"}))

if "payment.spend_in_test" not in USE_CASES:

    @use_case("payment.spend_in_test", roles=("operator",))
    def _spend_in_test(act: Act, input: dict[str, Any]) -> int:
        party, amount = input["party"], input["amount"]
        if amount < 0:
            payment.take_back(act, party, "CNY", -amount, spent_us=input["spent_us"])
        else:
            payment.spend(act, party, "CNY", amount)
        return int(input["amount"])


def test_a_wallet_is_held_to_its_limits(node: Node) -> None:
    """Tier 3: 5,000.00 at once and 10,000.00 a day; tier 1 has no limits."""
    bounded, free = person(node, 1, tier=3), person(node, 2)

    def spend(party: str, amount: int, key: str, spent_us: int = 0) -> None:
        told = {"party": party, "amount": amount, "spent_us": spent_us}
        node.act("payment.spend_in_test", told, key=key, actor=CLERK)

    with pytest.raises(Refused, match="single_limit"):
        spend(bounded, 500_001, "a")
    spend(bounded, 500_000, "b")
    spend(bounded, 499_999, "c")
    with pytest.raises(Refused, match="daily_limit"):
        spend(bounded, 2, "d")
    spend(bounded, 1, "e")
    now_us = node.clock.now_us()
    spend(bounded, -400_000, "yesterday", now_us - 86_400_000_000)
    with pytest.raises(Refused, match="daily_limit"):
        spend(bounded, 400_000, "too much")
    spend(bounded, -400_000, "today", now_us)
    spend(bounded, 400_000, "again")
    with pytest.raises(Refused, match="bad_amount"):
        spend(free, 0, "f")
    spend(free, 10**9, "g")
