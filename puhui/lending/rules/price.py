"""Prices: the annual rate from risk and cost, under the caps of product and law."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding, round_minor
from puhui.lending.nouns import (
    FeeKind,
    GuaranteeTerms,
    Law,
    LegalCap,
    PriceBuild,
    PriceStep,
    Product,
)

PRECISION = Decimal("0.0001")


def legal_cap(law: Law, regime: str, on: date) -> LegalCap:
    """The cap of ``regime`` in force on ``on``. Refused: ``lending.no_legal_cap`` where none is."""
    caps = [cap for cap in law.caps if cap.regime == regime and cap.from_on <= on]
    if not caps:
        raise Refused("lending.no_legal_cap", f"No price cap is known for {regime} on {on}.")
    return max(caps, key=lambda cap: cap.from_on)


def apr_max(product: Product, law: Law, on: date) -> Decimal:
    """The highest apr 综合年化成本 of a product on a day: the law's, or the product's own if lower.

    The apr counts everything the borrower pays for the credit: interest, fees, premiums of
    guarantors and insurers. Source: ``data/law.toml``. Refused: ``lending.no_legal_cap``.
    """
    cap = legal_cap(law, product.legal_regime, on).rate_max
    own = product.pricing.apr_max
    return cap if own is None else min(cap, own)


def is_above(apr: Decimal, most: Decimal) -> bool:
    """Whether an apr is above a cap, both read to a hundredth of a percent: instalments rounded to
    the fen move it by less.
    """
    return apr.quantize(PRECISION) > most


def check_apr(apr: Decimal, product: Product, law: Law, on: date) -> None:
    """Stop an offer that costs more than may be charged. Refused: ``lending.apr_over_cap``,
    ``lending.no_legal_cap``.
    """
    most = apr_max(product, law, on)
    if is_above(apr, most):
        raise Refused(
            "lending.apr_over_cap",
            f"With fees and premiums this credit would cost {apr * 100:.2f}% a year; "
            f"at most {most * 100:.2f}% may be charged.",
        )


def interest_fee(product: Product, amount_minor: int, fee_minor: int) -> int:
    """What of ``fee_minor``, kept back at first of a loan of an amount, is part of its interest,
    minor units: all but fees for a service, which are earned at once. Source: IFRS 9 B5.4.1 to
    B5.4.3, 企业会计准则第22号 article 16.
    """
    fees = [fee for fee in product.fees if fee.kind is FeeKind.UP_FRONT and not fee.is_interest]
    share = sum((fee.share for fee in fees), Decimal(0))
    at_once = sum(fee.amount_minor for fee in fees) + round_minor(
        amount_minor * share, Rounding.HALF_UP
    )
    return max(0, fee_minor - at_once)


def premium_share(amount_minor: int, terms: GuaranteeTerms) -> int:
    """The premium of one guarantor for an amount, minor units."""
    return round_minor(amount_minor * terms.premium_share, Rounding.HALF_UP)


def premium_of(product: Product, amount_minor: int) -> int:
    """What all guarantors of a product ask a borrower for: it is a part of what credit costs."""
    return sum(premium_share(amount_minor, one) for one in product.guarantees)


def pd_decimal(pd: float) -> Decimal:
    """A model's probability of default 0..1 as a Decimal with six places."""
    assert 0.0 <= pd <= 1.0, pd
    return Decimal(round(pd * 1e6)).scaleb(-6)


def build_price(product: Product, law: Law, pd: float, on: date) -> PriceBuild:
    """The annual rate: cost of funds + operating cost + expected loss + margin, each per year.

    expected loss = pd x lgd x 12 / months of the pd's horizon, both on the balance outstanding.
    The sum is rounded up to the product's step, is never below its lowest rate, and is cut at the
    lower of the product's highest rate and the law's cap on ``on`` (rounded down to the step). A
    needed rate above the cap is shown as it is: the caller refuses with ``price_over_cap``.
    Refused: ``lending.no_legal_cap``.
    """
    pricing = product.pricing
    loss = (pd_decimal(pd) * pricing.lgd * 12 / pricing.pd_horizon_months).quantize(Decimal("1e-6"))
    steps = [
        PriceStep("cost_of_funds", pricing.cost_of_funds),
        PriceStep("operating_cost", pricing.operating_cost),
        PriceStep("expected_loss", loss),
        PriceStep("margin", pricing.margin),
    ]
    needed = sum((step.share for step in steps), Decimal(0))
    step = pricing.rate_step
    rounded = (needed / step).to_integral_value(ROUND_CEILING) * step
    if rounded != needed:
        steps.append(PriceStep("rounding", rounded - needed))
    if rounded < pricing.rate_min:
        steps.append(PriceStep("floor", pricing.rate_min - rounded))
        rounded = pricing.rate_min
    cap = legal_cap(law, product.legal_regime, on)
    by_law = cap.rate_max < pricing.rate_max
    cap_rate = min(cap.rate_max, pricing.rate_max)
    highest = (cap_rate / step).to_integral_value(ROUND_FLOOR) * step
    if rounded > highest:
        steps.append(PriceStep("cap", highest - rounded))
    return PriceBuild(
        tuple(steps),
        needed_rate=rounded,
        annual_rate=min(rounded, highest),
        rate_cap=highest,
        capped_by="law" if by_law else "product",
    )
