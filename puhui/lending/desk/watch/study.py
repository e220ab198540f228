"""What a lending run learns and counts: the cut-off from training rows, and what loans earn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from puhui.lending.formats.shelf import load_law, load_product
from puhui.lending.nouns import CutOff, Decision, Earning
from puhui.lending.rules.price import build_price
from puhui.lending.rules.profit import choose_cut_off, expect, realise


def learn_cut_off(
    product_name: str,
    *,
    wanted_minor: Sequence[int],
    pd: Sequence[float],
    is_bad: Sequence[bool],
    charged_off_share: Decimal | None,
    on: date,
) -> CutOff:
    """The cut-off that would have earned most on training rows with known outcome.

    Each row is priced by its (held-out) pd and lent up to the product's largest amount; rows that
    cost more than may be charged are refused anyway and do not count. Shares are 0..1.
    """
    product, law = load_product(product_name), load_law()
    kept: list[float] = []
    net: list[int] = []
    for wanted, chance, bad in zip(wanted_minor, pd, is_bad, strict=True):
        price = build_price(product, law, chance, on)
        if not price.is_within_cap or wanted < product.smallest_minor:
            continue
        kept.append(chance)
        net.append(
            realise(
                product.pricing,
                product.default_method,
                principal_minor=min(wanted, product.largest_minor),
                annual_rate=price.annual_rate,
                term_months=product.default_term_months,
                is_bad=bad,
                charged_off_share=charged_off_share,
            ).net_minor
        )
    return choose_cut_off(kept, net, product.cut_off.review_share)


def earnings_of(
    product_name: str,
    decision: Decision,
    *,
    wanted_minor: int,
    pd: float,
    is_bad: bool | None,
    charged_off_share: Decimal | None,
) -> tuple[Earning, Earning]:
    """What one application is expected to bring, and what it brought (as good where unknown).

    A refused one counts as if it had been lent at its price, up to the product's largest amount.
    """
    product = load_product(product_name)
    offer = decision.offer
    principal = offer.principal_minor if offer else min(wanted_minor, product.largest_minor)
    rate = offer.annual_rate if offer else decision.price.annual_rate
    months = offer.term_months if offer else product.default_term_months
    method = offer.method if offer else product.default_method
    expected = expect(
        product.pricing,
        method,
        principal_minor=principal,
        annual_rate=rate,
        term_months=months,
        pd=pd,
        charged_off_share=charged_off_share,
    )
    realised = realise(
        product.pricing,
        method,
        principal_minor=principal,
        annual_rate=rate,
        term_months=months,
        is_bad=bool(is_bad),
        charged_off_share=charged_off_share,
    )
    return expected, realised
