"""Live loans as columns: one record a loan, what it owes by instalment, and its plan ahead.

Days are numbers (1 is 0001-01-01, as ``date.toordinal``), 0 is none; amounts are minor units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LIVE_FIELDS = (
    "opened_on",
    "matures_on",
    "counted_on",
    "principal_minor",
    "outstanding_minor",
    "number",
    "fixed_minor",
    "ahead_minor",
    "fixed_on",
    "factor_numerator",
    "factor_denominator",
    "is_half_even",
    "next_due_on",
    "next_principal_minor",
    "next_interest_minor",
    "next_interest_paid_minor",
    "next_fee_minor",
    "penalty_numerator",
    "penalty_denominator",
    "grace_days",
    "owing_principal_minor",
    "owing_interest_minor",
    "owing_fee_minor",
    "owing_penalty_minor",
    "oldest_due_on",
    "arrears_minor",
    "days_past_due",
    "paused_from",
    "paused_until",
    "paused_days",
    "watch_until",
    "cleared_on",
    "bucket",
    "month_bucket",
    "risk_class",
    "stage",
    "is_suspended",
    "accrued_minor",
    "booked_minor",
    "grade",
    "is_amortising",
    "lgd_millionths",
    "rate_millionths",
    "expected_loss_minor",
    "booked_loss_minor",
    "events",
    "changed_on",
    "next_penalty_minor",
    "penalty_on_interest",
    "base_lgd_millionths",
    "month_class",
    "closed_on",
    "first_grade",
    "credit_minor",
    "year_cut",
    "restructured_again",
    "looks_back",
)
LIVE = np.dtype([(name, "<i8") for name in LIVE_FIELDS])
"""A live loan. Interest of the running instalment to a day is ``fixed_minor`` plus ``ahead_minor``
x ``factor_numerator`` x days since ``fixed_on`` / ``factor_denominator``, rounded.
``accrued_minor`` is interest and penalty earned and not paid; ``booked_minor`` what of it stands
in the books; both as of ``counted_on``. ``closed_on`` is the last day that was closed over the
loan: events count it on by themselves. ``grade`` is of the chance of default now, ``first_grade``
of the day it was opened; ``credit_minor`` is up to what may be drawn at will, 0 of other loans.
``year_cut`` is 0 where factors are by day; else they are by part of a year's day (see
``arrays.day.units``), years being cut at 31 December (1) or 1 January (2).
``restructured_again`` is 1 where it was watched still when it was last restructured;
``looks_back`` where penalties follow rates of other days yet, and so from its events."""

OWING_FIELDS = (
    "number",
    "due_on",
    "principal_minor",
    "interest_minor",
    "fee_minor",
    "penalty_paid_minor",
    "minor_days",
    "counted_on",
)
OWING = np.dtype([(name, "<i8") for name in OWING_FIELDS])
"""An instalment that is due and not wholly paid: what is still owed of each part; overdue principal
times days up to ``counted_on``, from which penalty interest follows. Penalties that no days change
count as paid below nought."""

PLAN_FIELDS = (
    "number",
    "starts_on",
    "due_on",
    "principal_minor",
    "interest_minor",
    "fee_minor",
    "factor_numerator",
    "factor_denominator",
    "penalty_minor",
)
PLAN = np.dtype([(name, "<i8") for name in PLAN_FIELDS])
"""An instalment ahead: parts still to be paid; interest per minor unit and day as a fraction (per
part of a year's day where the loan has a ``year_cut``)."""

Rows = NDArray[np.void]
Whole = NDArray[np.int64]
WIDE = 2**62
"""A fraction whose parts multiply to less is divided exactly in 64 bits."""
