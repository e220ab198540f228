"""Array twins of the rules for profit and cut-off: equal to them to the minor unit."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from puhui.lending.nouns import CutOff, Method, Pricing
from puhui.lending.rules.profit import MILLION, default_shares, is_paid_down, millionths

Whole = NDArray[np.int64]
Real = NDArray[np.float64]


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
