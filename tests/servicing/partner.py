"""Who lends with us or stands for our loans, in tests."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.lending.bank import Bank
from tests.lending.test_desk_money import fund

NUMBERS = count(7_000)


def partner(town: Bank, name: str, money: int) -> str:
    """A party with money, registered under the name that products give it."""

    def do(use_case: str, **input: Any) -> Any:
        return town.act(use_case, f"partner-{next(NUMBERS)}", **input)

    party_id = town.person()
    do("payment.open_wallet", party_id=party_id, currency="CNY")
    fund(town, party_id, money, next(NUMBERS))
    do("servicing.register_partner", name=name, party_id=party_id)
    return party_id
