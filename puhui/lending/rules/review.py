"""Overrides 人工复核: what a person may approve after the machine refused or asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from puhui.kernel.errors import Refused
from puhui.lending.nouns import (
    Decision,
    DecisionOutcome,
    Law,
    Method,
    Offer,
    Outcome,
    Product,
    Rhythm,
)
from puhui.lending.rules.decide import is_over_apr, upfront_fee
from puhui.lending.rules.profit import expect

CAPS = ("price_over_cap", "apr_over_cap")


def override(
    decision: Decision,
    product: Product,
    *,
    wanted_minor: int,
    term_months: int,
    method: str,
    pd: float,
    law: Law,
    on: date,
    due_day: int | None = None,
    rhythm: Rhythm | None = None,
) -> Decision:
    """The decision with a person's yes; amounts in minor units, pd 0..1.

    A person may judge the risk otherwise than the score did. What protects the applicant or is
    law stays: guards that refuse, the cap on the price, the credit limit.
    Refused: ``lending.not_overridable``.
    """
    firm = [g for g in decision.guards if g.outcome is Outcome.FAILED and not g.asks_person]
    if firm:
        raise Refused("lending.not_overridable", f"The guard {firm[0].code} may not be overridden.")
    if not decision.price.is_within_cap or set(CAPS) & set(decision.reasons):
        raise Refused("lending.not_overridable", "The price needed is above what may be charged.")
    amount = min(wanted_minor, decision.credit_limit.amount_minor)
    if amount < product.smallest_minor:
        raise Refused("lending.not_overridable", "The credit limit is below the smallest amount.")
    fee = upfront_fee(product, amount)
    offer = Offer(
        amount,
        product.currency,
        decision.price.annual_rate,
        term_months,
        Method(method),
        fee,
        is_capped=amount < wanted_minor,
        due_day=due_day,
        rhythm=rhythm,
    )
    if is_over_apr(offer, product, law, on):
        raise Refused("lending.not_overridable", "With fees it costs more than may be charged.")
    expected = expect(
        product.pricing,
        offer.method,
        principal_minor=offer.principal_minor,
        annual_rate=offer.annual_rate,
        term_months=offer.term_months,
        pd=pd,
    )
    return replace(decision, outcome=DecisionOutcome.APPROVED, offer=offer, expected=expected)
