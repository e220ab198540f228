"""Array twins of the rules for schedules, profit and cut-off: equal to them to the minor unit."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.kernel.money import Rounding
from puhui.lending.nouns import CutOff, Method, Pricing
from puhui.lending.rules.profit import MILLION, default_shares, is_paid_down, millionths
from puhui.lending.rules.schedule import level_payment

Whole = NDArray[np.int64]
Real = NDArray[np.float64]

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
    365, or 30 over 360 for 30/360 by months. Twin of ``rules.schedule.lay_out``: level payments
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


def _rounded(numerator: Whole, denominator: int) -> Whole:
    """Half to even, whole numbers; twin of ``rules.period.divide``."""
    whole, rest = np.divmod(2 * numerator + denominator, 2 * denominator)
    return np.where((rest == 0) & (whole % 2 == 1), whole - 1, whole)


def realise_rows(
    pricing: Pricing,
    method: Method,
    *,
    principal_minor: Whole,
    rate_millionths: Whole,
    term_months: int,
    is_bad: NDArray[np.bool_],
    charged_off_share: Decimal | None = None,
) -> tuple[Whole, Whole, Whole]:
    """Interest, cost and loss of loans of known outcome, each (m,) int64 minor units.

    Twin of ``rules.profit.realise``; ``is_bad`` (m,) bool, the rest as in ``schedule_rows``.
    """
    months, year = (term_months + 1, 24) if is_paid_down(method) else (term_months, 12)
    spread = millionths(pricing.cost_of_funds + pricing.operating_cost)
    if len(principal_minor):
        rate_max = max(int(rate_millionths.max()), spread)
        assert int(principal_minor.max()) * rate_max * months < 2**61, "too large for 64 bits"
    interest = _rounded(principal_minor * rate_millionths * months, MILLION * year)
    cost = _rounded(principal_minor * (spread * months), MILLION * year)
    paid, lost = default_shares(pricing, method)
    if charged_off_share is not None:
        lost = charged_off_share
    loss = _rounded(principal_minor * millionths(lost), MILLION)
    return (
        np.where(is_bad, _rounded(interest * millionths(paid), MILLION), interest),
        np.where(is_bad, _rounded(cost * millionths(paid), MILLION), cost),
        np.where(is_bad, loss, 0),
    )


def expect_rows(
    pricing: Pricing,
    method: Method,
    *,
    principal_minor: Whole,
    rate_millionths: Whole,
    term_months: int,
    pd: Real,
    charged_off_share: Decimal | None = None,
) -> tuple[Whole, Whole, Whole]:
    """Expected interest, cost and loss, each (m,) int64; twin of ``rules.profit.expect``."""
    good, bad = (
        realise_rows(
            pricing,
            method,
            principal_minor=principal_minor,
            rate_millionths=rate_millionths,
            term_months=term_months,
            is_bad=np.full(len(principal_minor), outcome),
            charged_off_share=charged_off_share,
        )
        for outcome in (False, True)
    )
    weight = np.rint(pd * 1e6).astype(np.int64)
    interest, cost, loss = (
        _rounded(fine * (MILLION - weight) + poor * weight, MILLION)
        for fine, poor in zip(good, bad, strict=True)
    )
    return interest, cost, loss


def choose_cut_off_rows(pd: Real, net_minor: Whole, review_share: Decimal = Decimal(0)) -> CutOff:
    """The cut-off of highest net profit on training rows; twin of ``rules.profit.choose_cut_off``.

    ``pd`` (m,) float64 in 0..1, ``net_minor`` (m,) int64.
    """
    known = np.rint(pd * 1e6).astype(np.int64)
    order = np.argsort(known, kind="stable")
    ranked = known[order]
    totals = np.cumsum(net_minor[order])
    is_last_of_pd = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]
    ends = np.nonzero(is_last_of_pd)[0]
    if len(ends) == 0 or totals[ends].max() <= 0:
        return CutOff(Decimal(0), review_share, is_trained=True)
    best = ends[np.argmax(totals[ends])]
    return CutOff(Decimal(int(ranked[best])).scaleb(-6), review_share, is_trained=True)
