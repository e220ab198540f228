"""What of a fee at first is part of the interest, as the product says."""

from __future__ import annotations

from puhui.lending.formats.product import parse_product
from puhui.lending.rules.decide import upfront_fee
from puhui.lending.rules.price import interest_fee
from tests.lending.test_terms import figure, share, with_schedule


def test_a_fee_at_first_is_interest_unless_it_is_for_a_service() -> None:
    """1 % and 3.00 are part of the interest, 0.5 % and 2.00 are not, of 12,000.00."""
    first = f'[[fee]]\nkind = "up_front"\nshare = {share("0.01")}\namount = {figure("3", "CNY")}\n'
    service = (
        f'[[fee]]\nkind = "up_front"\nshare = {share("0.005")}\namount = {figure("2", "CNY")}\n'
        "is_interest = false\n"
    )
    plain = parse_product(with_schedule("", tail=first))
    both = parse_product(with_schedule("", tail=first + service))
    assert [fee.is_interest for fee in both.fees] == [True, False]
    assert upfront_fee(plain, 1_200_000) == interest_fee(plain, 1_200_000, 12_300) == 12_300
    assert upfront_fee(both, 1_200_000) == 18_500
    assert interest_fee(both, 1_200_000, 18_500) == 12_300
    assert interest_fee(both, 1_200_000, 100) == 0, "no more than was kept back"
