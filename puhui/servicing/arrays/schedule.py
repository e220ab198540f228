"""Array twins of the rules for schedules: equal to them to the minor unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.kernel.money import Rounding
from puhui.servicing.nouns import Method
from puhui.servicing.rules.level import level_payment

Whole = NDArray[np.int64]
Real = NDArray[np.float64]

MILLION = 1_000_000

DOUBT = 1e-3
"""How near to half a minor unit a level from doubles is worked out again exactly."""


def schedule_rows(
    method: Method,
    principal_minor: Whole,
    rate_millionths: Whole,
    period_parts: Whole,
    year_parts: int,
    rounding: Rounding,
) -> tuple[Whole, Whole]:
    """Principal and interest of m loans over n periods, each (m, n) int64, minor units.

    ``principal_minor`` (m,) int64; ``rate_millionths`` (m,) int64, annual rate in millionths;
    ``period_parts`` (n,) or (m, n) int64 over ``year_parts``: days of each period over 360, 364 or
    365, or 30 over 360 for 30/360 by months. Twin of ``rules.level.lay_out``: level payments
    come from doubles and, within ``DOUBT`` of half a unit, from exact whole numbers.
    """
    count = period_parts.shape[-1]
    loans = principal_minor.shape[0]
    parts = np.broadcast_to(period_parts, (loans, count))
    assert rate_millionths.shape == (loans,), rate_millionths.shape
    if loans:
        most = int(principal_minor.max()) * int(rate_millionths.max()) * int(parts.max())
        assert most < 2**61, most
    is_even = rounding is Rounding.HALF_EVEN
    denominator = MILLION * year_parts
    principal = np.zeros((loans, count), np.int64)
    interest = np.zeros((loans, count), np.int64)
    if method is Method.EQUAL_INSTALMENT:
        levels = _levels(principal_minor, rate_millionths, parts, float(denominator))
        doubtful = np.abs(levels - np.floor(levels) - 0.5) < DOUBT
        whole = np.floor(levels + 0.5).astype(np.int64)
        for row in np.nonzero(doubtful)[0]:
            rate = int(rate_millionths[row])
            numerators = [rate * int(part) for part in parts[row]]
            whole[row] = level_payment(int(principal_minor[row]), numerators, denominator, rounding)
        _fill_level(
            principal_minor, rate_millionths, parts, denominator, whole, is_even,
            principal, interest,
        )  # fmt: skip
    else:
        if method is Method.EQUAL_PRINCIPAL:
            principal[:, :-1] = (principal_minor // count)[:, None]
        principal[:, -1] = principal_minor - principal[:, :-1].sum(axis=1)
        _fill_interest(
            principal_minor, rate_millionths, parts, denominator, is_even, principal, interest
        )
    return principal, interest


@njit
def _levels(balance: Whole, rate: Whole, parts: Whole, denominator: float) -> Real:
    loans, count = parts.shape
    levels = np.empty(loans, np.float64)
    for loan in range(loans):
        product, total = 1.0, 0.0
        for period in range(count):
            grown = 1.0 + rate[loan] * parts[loan, period] / denominator
            total = total * grown + 1.0
            product *= grown
        levels[loan] = balance[loan] * product / total
    return levels


@njit
def _fill_level(
    lent: Whole,
    rate: Whole,
    parts: Whole,
    denominator: int,
    levels: Whole,
    is_even: bool,
    principal: Whole,
    interest: Whole,
) -> None:
    loans, count = parts.shape
    double = 2 * denominator
    for loan in range(loans):
        balance, level = lent[loan], levels[loan]
        for period in range(count):
            value = 2 * balance * rate[loan] * parts[loan, period] + denominator
            due = value // double
            if is_even and value - due * double == 0 and due % 2 == 1:
                due -= 1
            part = min(max(level - due, 0), balance)
            principal[loan, period] = part
            interest[loan, period] = due
            balance -= part
        principal[loan, count - 1] += balance


@njit
def _fill_interest(
    lent: Whole,
    rate: Whole,
    parts: Whole,
    denominator: int,
    is_even: bool,
    principal: Whole,
    interest: Whole,
) -> None:
    loans, count = parts.shape
    double = 2 * denominator
    for loan in range(loans):
        balance = lent[loan]
        for period in range(count):
            value = 2 * balance * rate[loan] * parts[loan, period] + denominator
            due = value // double
            if is_even and value - due * double == 0 and due % 2 == 1:
                due -= 1
            interest[loan, period] = due
            balance -= principal[loan, period]
