"""What a guarantor pays never passes the share that was signed, however often it is called."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from puhui import servicing
from puhui.kernel.clock import FixedClock
from puhui.lending.nouns import GuaranteeTerms
from puhui.servicing.rules.burden import call_of
from puhui.servicing.tables import collect
from tests.lending.bank import Bank
from tests.lending.conftest import bank, terms  # noqa: F401  the fixtures
from tests.lending.test_hostile import do, partner
from tests.lending.test_loan import in_wallet
from tests.servicing.test_security import close, pay

HALF = (GuaranteeTerms("county_fund", Decimal("0.5"), Decimal(0), 30),)


def test_a_guarantor_called_day_after_day_pays_the_share_once(
    bank: Bank,  # noqa: F811
    clock: FixedClock,
    terms: Any,  # noqa: F811
) -> None:
    """Half of what the borrower leaves unpaid: not half of the rest again on each later day."""
    terms(guarantees=HALF)
    guarantor, party_id = partner(bank, "county_fund", 5_000_000), bank.person()
    contract_id = bank.lend(party_id, "1", wanted=2_400_000)
    friend = bank.person()
    do(bank, "payment.open_wallet", party_id=friend, currency="CNY")
    do(bank, "payment.pay", **pay(party_id, friend, 2_400_000))
    close(bank, clock, 45)
    close(bank, clock, 16)
    for _ in range(4):
        close(bank, clock, 1)
    with bank.node.read() as tx:
        row = servicing.live.take_loan(tx, contract_id)
        (stood,) = tx.all(collect.READ_GUARANTEES, loan_id=contract_id)
    assert stood.called_minor == 5_000_000 - in_wallet(bank, guarantor) > 0
    assert stood.called_minor == (row.arrears_minor + stood.called_minor) // 2


@given(
    st.integers(1, 10**9),
    st.lists(st.integers(1, 500_000), min_size=1, max_size=2),
    st.integers(0, 10**9),
)
def test_calls_come_to_the_shares_in_any_order(arrears: int, shares: list[int], later: int) -> None:
    """Called again and again, and again once more fell due: each paid the share, to the fen."""
    claims = {str(n): 0 for n in range(len(shares))}
    unpaid = 0
    for more in (arrears, 0, later, 0):
        unpaid += more
        for n, share in enumerate(shares):
            left = unpaid - sum(claims.values())
            claims[str(n)] += max(0, call_of(left, share, claims, str(n)))
    assert [claims[str(n)] for n in range(len(shares))] == [
        unpaid * share // 1_000_000 for share in shares
    ]
