"""Every kind of plan that a product can ask for, for tests of what services them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from puhui.servicing.nouns import DayCount, Early, Frequency, Interest, Method, Plan, Shift, YearCut
from tests.servicing import plan

LEVEL, SHARES = Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL
FIRST = Method.INTEREST_FIRST


def kinds(lent: int) -> dict[str, Plan]:
    """Plans over ``lent`` minor units by their names; twelve periods each."""
    whole = plan.terms("0.12", LEVEL, 12, fee_minor=0)
    flat = replace(whole, interest=Interest.FLAT, early=Early.NEXT_REPAYMENT)
    tenth = lent // 10
    return {
        "level": whole,
        "flat": flat,
        "flat_shares": replace(flat, method=SHARES),
        "flat_all": replace(flat, flat_counts_all=True),
        "flat_all_first": replace(flat, flat_counts_all=True, method=FIRST),
        "flat_first": replace(flat, method=FIRST, day_count=DayCount.ACT_365),
        "shares": replace(whole, method=SHARES, day_count=DayCount.ACT_360),
        "first": replace(whole, method=FIRST),
        "bullet": replace(whole, method=FIRST, count=1, every=12, day_count=DayCount.ACT_365),
        "balloon": replace(whole, balloon_minor=3 * tenth),
        "balloon_shares": replace(whole, method=SHARES, balloon_minor=3 * tenth),
        "grace": replace(whole, grace_principal=3),
        "grace_shares": replace(whole, method=SHARES, grace_principal=3),
        "grace_all": replace(whole, count=9, first_periods=4),
        "grace_both": replace(whole, count=10, first_periods=3, grace_principal=2),
        "free": replace(whole, interest_free=3),
        "free_first": replace(whole, method=FIRST, interest_free=2),
        "fixed": replace(whole, fixed_minor=tenth, early=Early.REDUCE_COUNT),
        "fixed_small": replace(whole, fixed_minor=lent // 50, early=Early.REDUCE_COUNT),
        "fixed_again": replace(whole, fixed_minor=tenth, regains_rows=True, has_drawings=True),
        "weeks": replace(whole, frequency=Frequency.WEEKS, method=SHARES,
                         day_count=DayCount.ACT_365),
        "fortnights": replace(whole, frequency=Frequency.WEEKS, every=2, shifts_due_days=True),
        "days": replace(whole, frequency=Frequency.DAYS, every=10, day_count=DayCount.ACT_364),
        "quarters": replace(whole, every=3, day_count=DayCount.ACT_ACT),
        "cut": replace(whole, day_count=DayCount.ACT_ACT, year_cut=YearCut.FIRST_DAY),
        "quarters_each": replace(whole, every=3, day_count=DayCount.ACT_ACT, counts_each_year=True),
        "cut_each": replace(whole, method=FIRST, count=2, every=6, day_count=DayCount.ACT_ACT,
                            year_cut=YearCut.FIRST_DAY, counts_each_year=True),
        "rates": replace(whole, grace_days=10, keeps_past_rates=True),
        "rates_weeks": replace(whole, frequency=Frequency.WEEKS, every=1, grace_days=9,
                               penalty_on_interest=True, keeps_past_rates=True,
                               day_count=DayCount.ACT_365),
        "roll": replace(whole, clamps_month_end=False, day_count=DayCount.ACT_360),
        "before": replace(whole, shifts_due_days=True, shift=Shift.PREVIOUS,
                          day_count=DayCount.ACT_360),
        "modified": replace(whole, shifts_due_days=True, shift=Shift.MODIFIED_NEXT,
                            day_count=DayCount.ACT_360),
        "down": replace(whole, down_payment_share=Decimal("0.2")),
        "down_free": replace(whole, down_payment_share=Decimal("0.2"), interest_free=2),
        "adjusted": replace(whole, adjusts_instalment=True),
        "fees": replace(whole, fee_minor=500, fee_share=Decimal("0.001")),
        "flat_fees": replace(flat, fee_minor=500),
        "fewer": replace(whole, early=Early.REDUCE_COUNT, grace_principal=2),
        "fixed_fees": replace(whole, fixed_minor=tenth, fee_minor=500, drops_fee_rows=True),
        "fewer_fees": replace(whole, early=Early.REDUCE_COUNT, fee_minor=500, drops_fee_rows=True),
        "following": replace(whole, early=Early.NEXT_REPAYMENT, fee_minor=300),
    }  # fmt: skip


NAMES = tuple(kinds(1_200_000))
