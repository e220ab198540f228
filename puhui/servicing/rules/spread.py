"""Fees as interest 实际利率法: a fee at first is earned over the life of its loan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from puhui.servicing.nouns.plan import Plan
from puhui.servicing.nouns.spread import Deferral, Flow, Knots, Rates
from puhui.servicing.nouns.state import PlanState
from puhui.servicing.nouns.terms import Method
from puhui.servicing.rules.replay.calendar import factor

DIGITS = 34
PLACES = Decimal("1e-15")
NEAR = Decimal("1e-20")
STEPS_MAX = 100


def is_by_days(plan: Plan) -> bool:
    """Whether a fee is earned evenly by days: where nobody knows beforehand what will be drawn."""
    return plan.is_revolving or plan.has_drawings or plan.method is Method.DRAW_AT_WILL


def flows_of(state: PlanState) -> tuple[Flow, ...]:
    """What is expected of a loan after the day of ``state``: principal and interest not paid yet.

    Fees of instalments are no part of it: they are earned as they fall due. What falls due on one
    day is one flow. A period is measured as the contract counts its interest; one that bears none,
    or is no period of the contract, by days of a year of 365.
    """
    found: list[Flow] = []
    for row in sorted(state.rows, key=lambda row: row.due_on):
        if row.due_on <= state.on or state.is_written_off:
            continue
        amount = max(0, row.principal_owed_minor + row.interest_owed_minor)
        if found and found[-1].due_on == row.due_on:
            amount += found[-1].amount_minor
            found[-1] = replace(found[-1], amount_minor=amount)
            continue
        starts_on = found[-1].due_on if found else min(row.starts_on, state.on)
        days = (row.due_on - starts_on).days
        numerator, denominator = days, 365
        if row.starts_on == starts_on and row.annual_rate:
            whole = replace(row, annual_rate=Decimal(1))
            numerator, denominator = factor(state.plan, whole, starts_on, row.due_on)
        with localcontext() as context:
            context.prec = DIGITS
            years = Decimal(numerator) / denominator
        found.append(Flow(starts_on, row.due_on, amount, years))
    return tuple(found)


def rates_of(advanced_minor: int, fee_minor: int, flows: Sequence[Flow]) -> Rates | None:
    """The rates of a loan of which ``fee_minor`` was kept back on the first day, 15 decimals.

    None where no rate makes the flows worth it, as where the fee eats the amount.
    Source: IFRS 9 appendix A, effective interest rate, and B5.4.1; 企业会计准则第22号 article 16.
    """
    total = sum(flow.amount_minor for flow in flows)
    if not 0 < fee_minor < advanced_minor or total <= advanced_minor - fee_minor:
        return None
    with localcontext() as context:
        context.prec = DIGITS
        contract = _solve(min(advanced_minor, total), flows)
        return Rates(contract, _solve(advanced_minor - fee_minor, flows))


def _solve(advanced_minor: int, flows: Sequence[Flow]) -> Decimal:
    """The rate at which flows are worth the advance: by Newton from nought, as worth is convex and
    falling in the rate, so that no step passes it.
    """
    rate = Decimal(0)
    for _ in range(STEPS_MAX):
        worth, slope = Decimal(0), Decimal(0)
        for flow in reversed(flows):
            grown = 1 + rate * flow.years
            worth = (worth + flow.amount_minor) / grown
            slope = (slope - flow.years * worth) / grown
        step = (worth - advanced_minor) / slope if slope else Decimal(0)
        rate -= step
        if abs(step) < NEAR:
            break
    return rate.quantize(PLACES)


def knots_of(state: PlanState, deferral: Deferral) -> Knots:
    """What of a fee is not earned yet, on the first day of the running period and each due day.

    By effective interest it is what the flows ahead are worth at the contract's rate beyond what
    they are worth at the effective one: the fee on the first day, nought on the last. For a loan
    that runs as agreed that is the balance with its interest, less the amortised cost, so that
    interest and fee together are the effective rate on the amortised cost in each period. Where
    other flows are expected (early repayment, new terms), those are put in at the rates of the
    first day, and the difference is income or expense of that day: cumulative catch-up. It is
    neither below nought nor above the fee. Loans that are drawn at will or in parts earn it evenly
    by days up to the last due day; one that is written off has none left.
    Source: IFRS 9 5.4.1, 5.4.3, B5.4.1 to B5.4.6; 企业会计准则第22号 articles 16, 38 and 42.
    """
    if state.is_written_off:
        return ()
    fee, rates = deferral.fee_minor, deferral.rates
    if rates is None:
        first, last = state.drawn[0][0].toordinal(), state.rows[-1].due_on.toordinal()
        return ((first, fee), (max(last, first + 1), 0))
    flows = flows_of(state)
    if not flows:
        return ()
    found = [(flows[-1].due_on.toordinal(), 0)]
    with localcontext() as context:
        context.prec = DIGITS
        own = Decimal(fee) / deferral.charged_minor
        agreed = paid_for = Decimal(0)
        for flow in reversed(flows):
            agreed = (agreed + flow.amount_minor) / (1 + rates.contract * flow.years)
            paid_for = (paid_for + flow.amount_minor) / (1 + rates.effective * flow.years)
            left = int(((agreed - paid_for) * own).to_integral_value(ROUND_HALF_EVEN))
            found.append((flow.starts_on.toordinal(), min(max(left, 0), fee)))
    return tuple(reversed(found))


def left_on(knots: Knots, day: int) -> int:
    """What of a fee is not earned at the end of a day by its number, minor units.

    Between two days that are known it is earned evenly by days, as interest of a period is; parts
    of a minor unit count as not earned.
    """
    if not knots:
        return 0
    before = knots[0]
    if day < before[0]:
        return before[1]
    for knot in knots[1:]:
        if day < knot[0]:
            earned = (before[1] - knot[1]) * (day - before[0]) // (knot[0] - before[0])
            return before[1] - earned
        before = knot
    return 0
