"""Expected loss 预期信用损失 under IFRS 9: chance of default x loss x exposure, discounted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache

from puhui.servicing.nouns.live import RiskFigures

SCALE = 10**9
"""Shares of exposure are whole billionths, so that a loss is a whole number of minor units."""
MILLION = 10**6
YEAR = 12


def grade_of(figures: RiskFigures, pd: Decimal) -> int:
    """The grade of a chance of default within a year: 1 is the best, the last takes the rest."""
    return 1 + min(sum(pd > bound for bound in figures.grades), len(figures.grades) - 1)


@lru_cache(maxsize=65_536)
def loss_share(
    figures: RiskFigures,
    *,
    stage: int,
    grade: int,
    bucket: int,
    days: int,
    months: int,
    rate_percent: int,
    is_amortising: bool,
    lgd_millionths: int,
) -> int:
    """Expected loss per unit of exposure, in billionths, weighted over the scenarios.

    Stage one: defaults of the next twelve months; stage two: of the ``months`` left; stage three:
    the loss of an impaired loan by its days past due. What is past due outlives the last due day:
    of such a loan a year is looked at at the least. Within a year the chance is spread evenly by
    months; exposure falls evenly where the loan is paid in instalments, and stays where it is not.
    Losses are discounted by ``rate_percent`` a year. Source: IFRS 9 5.5.1 to 5.5.20 and B5.5.28;
    figures from ``data/risk.toml``.
    """
    lgd = Decimal(lgd_millionths) / MILLION
    with localcontext() as context:
        context.prec = 28
        if stage == 3:
            share = max(lgd, _impaired(figures, days))
            return int((min(share, Decimal(1)) * SCALE).to_integral_value(ROUND_HALF_UP))
        yearly = figures.grades[grade - 1]
        if bucket:
            yearly = max(yearly, figures.past_due[min(bucket, len(figures.past_due)) - 1])
        months = max(YEAR if bucket else 1, min(months, figures.months_max))
        horizon = months if stage == 2 else min(YEAR, months)
        total = Decimal(0)
        for scenario in figures.scenarios:
            chance = min(yearly * scenario.default_multiple, Decimal("0.999"))
            loss = min(lgd * scenario.loss_multiple, Decimal(1))
            total += (
                scenario.weight * loss * _sum(chance, horizon, months, rate_percent, is_amortising)
            )
        return int((total * SCALE).to_integral_value(ROUND_HALF_UP))


@lru_cache(maxsize=65_536)
def _sum(
    yearly: Decimal, horizon: int, months: int, rate_percent: int, is_amortising: bool
) -> Decimal:
    """Discounted exposure at default over ``horizon`` months, per unit of exposure today."""
    stays = (1 - yearly) ** (Decimal(1) / 12)
    discount = (1 + Decimal(rate_percent) / 100) ** (Decimal(-1) / 12)
    alive, factor, total = Decimal(1), Decimal(1), Decimal(0)
    for month in range(horizon):
        factor *= discount
        left = Decimal(months - month) / months if is_amortising else Decimal(1)
        total += alive * (1 - stays) * left * factor
        alive *= stays
    return total


def _impaired(figures: RiskFigures, days: int) -> Decimal:
    found = [share for first, share in figures.impaired if days >= first]
    return found[-1] if found else Decimal(0)


def covered_lgd(
    figures: RiskFigures,
    lgd: Decimal,
    *,
    outstanding_minor: int,
    pledges: Sequence[tuple[str, int]],
    guaranteed: Decimal,
    of_others: Decimal,
) -> Decimal:
    """Loss given default after pledges (kind and value), guarantees and joint lenders, 0..1.

    Pledges count with their haircuts and guarantees with the share that is got of them; what is
    covered is not lost, but never less than the floor. ``of_others`` is the share that joint
    lenders bear. Figures from ``data/risk.toml``.
    """
    haircuts = dict(figures.haircuts)
    worth = sum(
        (value * (1 - haircuts.get(kind, Decimal(1))) for kind, value in pledges), Decimal(0)
    )
    pledged = min(Decimal(1), worth / outstanding_minor) if outstanding_minor else Decimal(0)
    left = (1 - pledged) * (1 - guaranteed * figures.guarantee_paid)
    return max(lgd * left, min(lgd, figures.lgd_floor)) * (1 - of_others)


def weights_whole(figures: RiskFigures) -> bool:
    """Whether the scenarios' weights sum to one."""
    return sum((one.weight for one in figures.scenarios), Decimal(0)) == 1


def days_step(figures: RiskFigures, days: int) -> int:
    """The first day of the step of impaired losses that ``days`` is on; 0 before the first."""
    firsts: Sequence[int] = [first for first, _ in figures.impaired]
    place = bisect_right(firsts, days)
    return firsts[place - 1] if place else 0
