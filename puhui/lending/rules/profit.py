"""Profit of a loan, expected and realised, and the cut-off that makes most of it.

Notation: P amount, r annual rate, k cost of funds and operating cost per year, n months, t the
share of the term after which a defaulting loan stops paying (``default_time_share``).

- balance-years Y: (n + 1) / 24 for loans paid down in instalments, n / 12 for the others;
- a good loan brings interest P r Y and costs P k Y;
- a bad one brings and costs the share q of that: q = 1 - (1 - t)^2 when paid down, else q = t; and
  P s is charged off, where s is the charged-off share learned on training rows, or without one
  lgd x balance at default, which is lgd (1 - t) when paid down and lgd else;
- realised profit = interest paid until default - charged-off amount;
- expected profit weighs good and bad by 1 - pd and pd; net profit takes the cost off as well.

Every product is rounded half to even to whole minor units; shares count to six decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from puhui.kernel.money import Rounding
from puhui.lending.nouns import CutOff, Earning, Method, Pricing
from puhui.lending.rules.price import pd_decimal
from puhui.servicing import divide

MILLION = 1_000_000


def millionths(share: Decimal) -> int:
    """A share as whole millionths; every share here has at most six decimals that count."""
    return round(share * MILLION)


def is_paid_down(method: Method) -> bool:
    """Whether principal comes back in instalments (and not all at the end)."""
    return method in (Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL)


def default_shares(pricing: Pricing, method: Method) -> tuple[Decimal, Decimal]:
    """(q, s): share of interest paid by a bad loan, and share of its amount charged off."""
    time = pricing.default_time_share
    if is_paid_down(method):
        return 1 - (1 - time) ** 2, pricing.lgd * (1 - time)
    return time, pricing.lgd


def realise(
    pricing: Pricing,
    method: Method,
    *,
    principal_minor: int,
    annual_rate: Decimal,
    term_months: int,
    is_bad: bool,
    charged_off_share: Decimal | None = None,
) -> Earning:
    """What a loan of known outcome brought, by the formula at the top of this module."""
    months, year = (term_months + 1, 24) if is_paid_down(method) else (term_months, 12)
    spread = pricing.cost_of_funds + pricing.operating_cost
    interest = _rounded(principal_minor * millionths(annual_rate) * months, MILLION * year)
    cost = _rounded(principal_minor * millionths(spread) * months, MILLION * year)
    if not is_bad:
        return Earning(interest, cost, 0)
    paid, lost = default_shares(pricing, method)
    if charged_off_share is not None:
        lost = charged_off_share
    return Earning(
        _rounded(interest * millionths(paid), MILLION),
        _rounded(cost * millionths(paid), MILLION),
        _rounded(principal_minor * millionths(lost), MILLION),
    )


def expect(
    pricing: Pricing,
    method: Method,
    *,
    principal_minor: int,
    annual_rate: Decimal,
    term_months: int,
    pd: float,
    charged_off_share: Decimal | None = None,
) -> Earning:
    """What a loan is expected to bring: good and bad outcome weighed by 1 - pd and pd."""
    good, bad = (
        realise(
            pricing,
            method,
            principal_minor=principal_minor,
            annual_rate=annual_rate,
            term_months=term_months,
            is_bad=is_bad,
            charged_off_share=charged_off_share,
        )
        for is_bad in (False, True)
    )
    weight = millionths(pd_decimal(pd))

    def weigh(good_minor: int, bad_minor: int) -> int:
        return _rounded(good_minor * (MILLION - weight) + bad_minor * weight, MILLION)

    return Earning(
        weigh(good.interest_minor, bad.interest_minor),
        weigh(good.cost_minor, bad.cost_minor),
        weigh(0, bad.loss_minor),
    )


def _rounded(numerator: int, denominator: int) -> int:
    return divide(numerator, denominator, Rounding.HALF_EVEN)


def choose_cut_off(
    pds: Sequence[float], net_minor: Sequence[int], review_share: Decimal = Decimal(0)
) -> CutOff:
    """The pd up to which approving the training rows would have brought the highest net profit.

    ``net_minor`` is the realised net profit of each row had it been approved. Rows of one pd (to
    six decimals) stand or fall together; of equal profits the lower cut-off wins; pd_max is 0
    where no cut-off brings any. Choose on training rows only.
    """
    rows = sorted((pd_decimal(pd), net) for pd, net in zip(pds, net_minor, strict=True))
    best, best_pd, total = 0, Decimal(0), 0
    for index, (pd, net) in enumerate(rows):
        total += net
        is_last_of_pd = index + 1 == len(rows) or rows[index + 1][0] != pd
        if is_last_of_pd and total > best:
            best, best_pd = total, pd
    return CutOff(best_pd, review_share, is_trained=True)
