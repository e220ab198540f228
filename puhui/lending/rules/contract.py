"""Contract text 借款合同: filled from a template, total cost and apr before the consent, hashed."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from puhui.kernel.money import DIGITS, Money, figure_of
from puhui.lending.nouns import (
    Contract,
    ContractFacts,
    Cost,
    Method,
    Offer,
    Plan,
    Product,
    Schedule,
)

METHOD_NAMES = {
    "zh": {
        Method.EQUAL_INSTALMENT: "等额本息",
        Method.EQUAL_PRINCIPAL: "等额本金",
        Method.INTEREST_FIRST: "先息后本",
        Method.DRAW_AT_WILL: "随借随还，按日计息",
    },
    "en": {
        Method.EQUAL_INSTALMENT: "equal instalments",
        Method.EQUAL_PRINCIPAL: "equal principal",
        Method.INTEREST_FIRST: "interest first, principal at the end",
        Method.DRAW_AT_WILL: "draw and repay at will, interest by the day",
    },
}


def percent(share: Decimal) -> str:
    """A share per year as people read it: 0.078 is "7.8%"; at most four decimals of a percent."""
    figure = f"{(share * 100).quantize(Decimal('0.0001')):f}".rstrip("0").rstrip(".")
    return f"{figure}%"


def schedule_lines(schedule: Schedule, currency: str) -> str:
    """The schedule as lines: number, due day, total, principal, interest, principal left."""
    digits = DIGITS[currency]
    rows = zip(
        schedule.due_on,
        schedule.principal_minor,
        schedule.interest_minor,
        schedule.outstanding_minor,
        strict=True,
    )
    if digits == 2:  # the common case, written out: this is half the work of a contract
        return "\n".join(
            f"{number} | {due} | {(part + cost) // 100:,}.{(part + cost) % 100:02d}"
            f" | {part // 100:,}.{part % 100:02d} | {cost // 100:,}.{cost % 100:02d}"
            f" | {left // 100:,}.{left % 100:02d}"
            for number, (due, part, cost, left) in enumerate(rows, start=1)
        )
    return "\n".join(
        f"{number} | {due} | {figure_of(part + cost, digits)} | {figure_of(part, digits)}"
        f" | {figure_of(cost, digits)} | {figure_of(left, digits)}"
        for number, (due, part, cost, left) in enumerate(rows, start=1)
    )


def render_contract(
    template: str,
    language: str,
    facts: ContractFacts,
    product: Product,
    offer: Offer,
    plan: Plan,
    schedule: Schedule,
    cost: Cost,
) -> Contract:
    """Fill ``template`` (language "zh" or "en") and hash the text.

    The digest is SHA-256 over the UTF-8 bytes of the text exactly as shown, which ends with one
    line feed. Parties stand by pseudonymous id only. Rates are percent for the reader; amounts are
    written with all decimals of the currency.
    """
    currency = offer.currency
    servicing = product.servicing
    is_chinese = language == "zh"

    def money(minor: int) -> str:
        return str(Money(minor, currency))

    text = template.format(
        contract_id=facts.contract_id,
        lender=product.lender_zh if is_chinese else product.lender_en,
        lender_id=facts.lender_id,
        borrower_id=facts.borrower_id,
        wallet_id=facts.wallet_id,
        product=product.title_zh if is_chinese else product.title_en,
        version=product.version,
        signed_on=facts.signed_on.isoformat(),
        amount=money(offer.principal_minor),
        currency=currency,
        rate=percent(offer.annual_rate),
        term_months=offer.term_months,
        method=METHOD_NAMES[language][offer.method],
        total_interest=money(cost.interest_minor),
        fee=money(cost.fee_minor),
        total_cost=money(cost.total_minor),
        apr=percent(cost.apr),
        total_repaid=money(schedule.total_minor),
        count=len(schedule.due_on),
        first_due=money(schedule.principal_minor[0] + schedule.interest_minor[0]),
        schedule=schedule_lines(schedule, currency),
        penalty_multiplier=servicing.penalty_multiplier,
        penalty_rate=percent(plan.annual_rate * servicing.penalty_multiplier),
        grace_days=servicing.grace_days,
        cooling_off_days=servicing.cooling_off_days,
        complaints=product.complaints_zh if is_chinese else product.complaints_en,
        digest=product.digest,
    )
    return Contract(language, text, hashlib.sha256(text.encode()).hexdigest())
