"""Guarantees that people sign 保证: who may sign, and the text that is read before."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import Money
from puhui.lending.nouns.guarantee import GuaranteeFacts, GuaranteeText
from puhui.lending.rules.capacity import months_left
from puhui.lending.rules.contract import percent
from puhui.lending.rules.guard import years_between

MILLION = 1_000_000


def share_of(amount_minor: int, share_millionths: int) -> int:
    """The guarantor's part of an amount in minor units, rounded up."""
    return -(-amount_minor * share_millionths // MILLION)


def a_month_of(drawable_minor: int, days_left: int) -> int:
    """What may still be drawn, spread over the months to the last due day, rounded up; minor units.

    A part of a month counts as one, and one is the least.
    """
    return -(-drawable_minor // months_left(days_left))


def check_guarantor(born_on: date | None, on: date, *, years_min: int, is_identified: bool) -> None:
    """Whether somebody may bind themselves for another's debt at all.

    Who was born on ``born_on`` must be ``years_min`` years old; of a firm, or of whom nothing is
    known by name, the day is None and the identity alone counts. Source of the age: Civil Code of
    the PRC, articles 17 and 18. Refused: ``lending.not_identified``, ``lending.guarantor_minor``.
    """
    if not is_identified:
        raise Refused("lending.not_identified", "The guarantor's identity is not verified.")
    if born_on is not None and years_between(born_on, on) < years_min:
        raise Refused(
            "lending.guarantor_minor", f"Nobody under {years_min} stands for another's debt."
        )


def render_guarantee(template: str, language: str, facts: GuaranteeFacts) -> GuaranteeText:
    """Fill the template of a language ("zh" or "en") and hash the text as it is shown."""
    share_minor = share_of(facts.owed_minor, facts.share_millionths)
    monthly_minor = share_of(facts.monthly_minor, facts.share_millionths)

    def money(minor: int) -> str:
        return str(Money(minor, facts.currency))

    text = template.format(
        ask_id=facts.ask_id,
        contract_id=facts.contract_id,
        borrower_id=facts.borrower_id,
        guarantor_id=facts.guarantor_id,
        on=facts.on,
        share=percent(Decimal(facts.share_millionths) / MILLION),
        outstanding=money(facts.outstanding_minor),
        owed=money(facts.owed_minor),
        drawable=money(facts.drawable_minor),
        share_amount=money(share_minor),
        monthly=money(monthly_minor),
        days_past_due=facts.days_past_due,
        principal=money(facts.principal_minor),
        rate=percent(Decimal(facts.annual_rate)),
        last_due=facts.last_due,
        call_after_days=facts.call_after_days,
    )
    return GuaranteeText(
        language,
        text,
        hashlib.sha256(text.encode()).hexdigest(),
        facts.outstanding_minor,
        share_minor,
        monthly_minor,
        facts.days_past_due,
    )
