"""Contract text 借款合同: filled from a template, total cost and apr before the consent, hashed."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from puhui.kernel.money import DIGITS, Money, figure_of
from puhui.lending.nouns import (
    Contract,
    ContractFacts,
    Cost,
    Offer,
    Plan,
    Product,
    Schedule,
)
from puhui.lending.rules.wording import (
    cooling_words,
    early_words,
    late_fee_words,
    method_words,
)

COLUMNS = {
    "zh": ("期次 | 到期日 | 应还合计 | 本金 | 利息 | ", "费用 | ", "剩余本金"),
    "en": ("No | due day | total | principal | interest | ", "fee | ", "principal left"),
}


def percent(share: Decimal) -> str:
    """A share per year as people read it: 0.078 is "7.8%"; at most four decimals of a percent."""
    figure = f"{(share * 100).quantize(Decimal('0.0001')):f}".rstrip("0").rstrip(".")
    return f"{figure}%"


def schedule_lines(schedule: Schedule, currency: str) -> str:
    """The schedule as lines: number, due day, total, principal, interest, principal left.

    Where instalments bear fees, these stand before the principal left.
    """
    digits = DIGITS[currency]
    if schedule.fee_minor:
        return "\n".join(
            f"{one.number} | {one.due_on} | {figure_of(one.total_minor, digits)}"
            f" | {figure_of(one.principal_minor, digits)}"
            f" | {figure_of(one.interest_minor, digits)} | {figure_of(one.fee_minor, digits)}"
            f" | {figure_of(one.outstanding_after_minor, digits)}"
            for one in schedule.instalments
        )
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
    line feed. Parties stand by pseudonymous id only, at its end; people find the contract and the
    wallet by the numbers that the pages show. Rates are percent for the reader; amounts are written
    with all decimals of the currency.
    """
    currency = offer.currency
    servicing = product.servicing
    is_chinese = language == "zh"
    before, fees, after = COLUMNS[language]

    def money(minor: int) -> str:
        return str(Money(minor, currency))

    text = template.format(
        contract_id=facts.contract_id,
        lender=product.lender_zh if is_chinese else product.lender_en,
        lender_id=facts.lender_id,
        borrower_id=facts.borrower_id,
        number=facts.number,
        wallet_number=facts.wallet_number,
        wallet_id=facts.wallet_id,
        product=product.title_zh if is_chinese else product.title_en,
        version=product.version,
        signed_on=facts.signed_on.isoformat(),
        amount=money(offer.principal_minor),
        currency=currency,
        rate=percent(offer.annual_rate),
        term_months=offer.term_months,
        method=method_words(
            plan,
            language,
            fee_minor=max(schedule.fee_minor, default=0),
            has_drawings=product.schedule.has_drawings,
            is_published=schedule.is_calendar_published,
        ),
        columns=before + (fees if schedule.fee_minor else "") + after,
        total_interest=money(cost.interest_minor),
        fee=money(cost.all_fees_minor),
        total_cost=money(cost.total_minor),
        apr=percent(cost.apr),
        total_repaid=money(schedule.total_minor),
        count=len(schedule.due_on),
        first_due=money(schedule.instalments[0].total_minor),
        schedule=schedule_lines(schedule, currency),
        penalty_multiplier=servicing.penalty_multiplier,
        penalty_rate=percent(plan.annual_rate * servicing.penalty_multiplier),
        grace_days=servicing.grace_days,
        early=early_words(plan, language),
        late_fee=late_fee_words(plan, language),
        cooling_off=cooling_words(servicing.cooling_off_days, language),
        complaints=product.complaints_zh if is_chinese else product.complaints_en,
        digest=product.digest,
    )
    return Contract(language, text, hashlib.sha256(text.encode()).hexdigest())
