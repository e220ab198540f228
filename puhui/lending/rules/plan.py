"""Plans 还款方案 of loans that are lent: from an offer and its product."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding, round_minor
from puhui.lending.nouns import (
    FeeKind,
    Frequency,
    Interest,
    Method,
    Offer,
    Plan,
    Product,
    Recalculation,
    Rhythm,
    ScheduleTerms,
)

REVOLVING = (Method.DRAW_AT_WILL, Method.INTEREST_FIRST)
"""Methods by which what is repaid may be drawn again, where the product says so."""

PER_MONTH = {
    Frequency.MONTHS: Fraction(1),
    Frequency.WEEKS: Fraction(13, 3),
    Frequency.DAYS: Fraction(30),
}
"""How many days, weeks or months a month of a term counts as: a quarter has 13 weeks."""


BY_RHYTHM = {
    Rhythm.WEEK: (Frequency.WEEKS, 1),
    Rhythm.FORTNIGHT: (Frequency.WEEKS, 2),
    Rhythm.MONTH: (Frequency.MONTHS, 1),
}


def in_rhythm(schedule: ScheduleTerms, rhythm: Rhythm | None) -> ScheduleTerms:
    """The schedule with instalments as often as the borrower chose; as it is where nothing was."""
    if rhythm is None:
        return schedule
    frequency, every = BY_RHYTHM[rhythm]
    return replace(schedule, frequency=frequency, every=every)


def rhythm_in(word: str) -> Rhythm | None:
    """How often is to be paid, by its word; None for "", where nothing was chosen.

    Refused: ``lending.bad_rhythm``.
    """
    known = {one.value: one for one in Rhythm}
    if word and word not in known:
        raise Refused("lending.bad_rhythm", f"Nobody pays every {word[:20]!r} here.")
    return known[word] if word else None


def months_of(plan: Plan) -> int:
    """Over how many months a loan is repaid, rounded up; one is the least."""
    periods = (plan.count + plan.first_periods - 1) * plan.every
    return max(1, -int(-(periods / PER_MONTH[plan.frequency]) // 1))


def drawable(
    plan: Plan, *, principal_minor: int, outstanding_minor: int, disbursed_minor: int
) -> int:
    """What may still be drawn of a loan that runs, minor units: of one that is drawn at will what
    is not outstanding, of one with several drawings what was never paid out, of others nothing.
    """
    if plan.is_revolving:
        return max(0, principal_minor - outstanding_minor)
    return max(0, principal_minor - disbursed_minor) if plan.has_drawings else 0


def periods_of(schedule: ScheduleTerms, term_months: int) -> int | None:
    """How many periods a term has; None where they do not fill it.

    Terms are agreed in months: three months are 13 weeks, one month 30 days.
    """
    found = PER_MONTH[schedule.frequency] * term_months / schedule.every
    return found.numerator if found.denominator == 1 else None


def plan_of(offer: Offer, product: Product) -> Plan:
    """How a loan that takes ``offer`` is repaid, as its product says.

    Shares of the product become minor units of the amount, rounded half up. A grace on everything
    is a first instalment that spans its periods too; a bullet is one period as long as the term.
    A due day that was chosen is the day of the month of every instalment; a rhythm that was chosen
    says how often they are.
    Refused: ``lending.bad_terms`` where the term is not filled by whole periods.
    """
    day_count = product.day_count(offer.method)
    assert day_count is not None, offer
    servicing, schedule = product.servicing, in_rhythm(product.schedule, offer.rhythm)
    shares = schedule.variable_shares
    periods = periods_of(schedule, offer.term_months)
    if periods is None:
        raise Refused("lending.bad_terms", "The term is not filled by whole periods.")
    count, every = periods - schedule.grace_interest, schedule.every
    if schedule.is_bullet:
        count, every = 1, schedule.every * periods
    fee_minor, fee_share = product.fee(FeeKind.EACH_INSTALMENT)
    late_minor, late_share = product.fee(FeeKind.LATE)

    def part(share: Decimal) -> int:
        return round_minor(offer.principal_minor * share, Rounding.HALF_UP)

    return Plan(
        offer.currency,
        offer.annual_rate,
        offer.method,
        count,
        every=every,
        frequency=schedule.frequency,
        day_count=day_count,
        interest=schedule.interest,
        rounding=servicing.rounding,
        year_cut=schedule.year_cut,
        clamps_month_end=schedule.clamps_month_end,
        shifts_due_days=servicing.shifts_due_days,
        adjusts_instalment=schedule.adjusts_instalment,
        cuts_shares=True,
        grace_principal=schedule.grace_principal - schedule.grace_interest,
        interest_free=schedule.interest_free,
        fixed_minor=part(schedule.fixed_share),
        balloon_minor=part(schedule.balloon_share),
        down_payment_share=schedule.down_payment_share,
        allocation=servicing.allocation,
        direction=servicing.direction,
        recalculation=Recalculation.TO_THE_DAY,
        early=servicing.early,
        penalty_multiplier=servicing.penalty_multiplier,
        penalty_year_days=servicing.penalty_year_days,
        penalty_on_interest=servicing.penalty_on_interest,
        grace_days=servicing.grace_days,
        is_revolving=servicing.is_revolving and offer.method in REVOLVING,
        shift=servicing.shift,
        first_periods=schedule.grace_interest + 1,
        fee_minor=fee_minor,
        fee_share=fee_share,
        late_fee_minor=late_minor + part(late_share),
        variable_minor=schedule.variable_minor or tuple(part(share) for share in shares),
        multiple_minor=schedule.multiple_minor,
        anchor_day=offer.due_day,
        has_drawings=schedule.has_drawings,
        flat_counts_all=schedule.interest is Interest.FLAT,
        regains_rows=schedule.fixed_share > 0,
        keeps_due_days=True,
        drops_fee_rows=True,
        counts_each_year=True,
        keeps_past_rates=True,
    )
