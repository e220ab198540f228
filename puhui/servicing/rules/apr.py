"""Cost of credit: total cost, and apr 年化综合成本 as the internal rate of return."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext

from puhui.kernel.calendar import add_months
from puhui.kernel.errors import Refused
from puhui.servicing.nouns import Cost, Frequency, Method, Plan, Schedule

PLACES = Decimal("1e-10")
EXACT = Context(prec=34)
STEPS_MAX = 100


def cost(plan: Plan, schedule: Schedule, upfront_fee_minor: int = 0) -> Cost:
    """Total cost and apr of a credit of which ``upfront_fee_minor`` is kept back at first.

    The apr is the rate of one period times the periods of a year (monthly repayment: monthly IRR x
    12), as the People's Bank's announcement 2021 No. 3 asks for with compound reckoning and as
    appendix J of the American Regulation Z states it: the period is the regular time between
    repayments; for one repayment it is the term, at most a year, so that the apr of a credit of one
    year equals its simple rate. Small differences of actual days do not move the apr.
    ``effective_rate`` compounds the same period over a year. Fees of instalments are paid with
    them; a down payment lowers what is advanced; a first instalment after several periods counts
    as that many. Where the due day was chosen, the days by which the first period is longer or
    shorter count as parts of a month of 30 days (appendix J of Regulation Z, odd first periods).
    Refused: ``lending.bad_cash_flow`` when the fee eats the amount.
    """
    principal, fee = sum(schedule.principal_minor), upfront_fee_minor
    rows = schedule.instalments
    paid = [row.total_minor for row in rows if row.due_on > schedule.starts_on]
    down = sum(row.total_minor for row in rows if row.due_on <= schedule.starts_on)
    flows: list[tuple[Decimal | int, int]]
    if len(paid) == 1 or plan.method is Method.DRAW_AT_WILL:
        offset, per_year = _single_period(plan, schedule)
        flows = [(offset, paid[-1])]
    else:
        per_year = _periods_per_year(plan)
        first = _first_offset(plan, schedule)
        flows = [(first + place, amount) for place, amount in enumerate(paid)]
    rate = period_rate(principal - fee - down, flows)
    with localcontext(EXACT):
        apr = (rate * per_year).quantize(PLACES)
        whole = int(per_year)
        grown = 1 + rate
        effective = grown**whole if per_year == whole else grown**per_year
        effective_rate = (effective - 1).quantize(PLACES)
    return Cost(
        principal,
        schedule.total_interest_minor,
        fee,
        apr,
        effective_rate,
        sum(schedule.fee_minor),
    )


def _first_offset(plan: Plan, schedule: Schedule) -> Decimal | int:
    """How many periods after the money the first instalment falls due."""
    if plan.anchor_day is None or plan.frequency is not Frequency.MONTHS:
        return plan.first_periods
    regular = add_months(schedule.starts_on, plan.every * plan.first_periods)
    anchored = add_months(schedule.starts_on, plan.every * plan.first_periods, plan.anchor_day)
    odd = (anchored - regular).days
    return plan.first_periods + EXACT.divide(Decimal(odd), Decimal(30 * plan.every))


def _periods_per_year(plan: Plan) -> Decimal:
    """Regular periods in a year: months exactly, weeks as 52, days as 365."""
    year = {Frequency.MONTHS: 12, Frequency.WEEKS: 52, Frequency.DAYS: 365}[plan.frequency]
    return EXACT.divide(Decimal(year), Decimal(plan.every))


def _single_period(plan: Plan, schedule: Schedule) -> tuple[int, Decimal]:
    """Offset and periods a year for one repayment: its term in months or days, a year at most."""
    if plan.frequency is Frequency.MONTHS:
        length, year = plan.every * plan.count, 12
    else:
        length, year = (schedule.due_on[-1] - schedule.starts_on).days, 365
    if length <= year:
        return 1, EXACT.divide(Decimal(year), Decimal(length))
    if length % year == 0:
        return length // year, Decimal(1)
    return length, Decimal(year)


def period_rate(advanced_minor: int, flows: Sequence[tuple[Decimal | int, int]]) -> Decimal:
    """The rate per period at which ``flows`` (offset in periods, amount) are worth the advance.

    Offsets grow and lie above nought; amounts are not negative, so at most one rate above -1
    exists. A double finds it by Newton from the safe side (the value is convex in the rate),
    an exact step with 34 digits makes it good, and a change of sign 5e-15 to either side proves
    it. Refused: ``lending.bad_cash_flow`` when nothing was advanced or
    less comes back than went out.
    """
    total = sum(amount for _, amount in flows)
    if advanced_minor <= 0 or total < advanced_minor:
        raise Refused("lending.bad_cash_flow", "The cash flows have no rate of return.")
    if total == advanced_minor:
        return Decimal(0)
    rate = _newton(float(advanced_minor), flows)
    with localcontext(EXACT):
        exact = Decimal(rate)
        worth, slope = _worth(exact, advanced_minor, flows)
        exact -= worth / slope
        bound = Decimal("5e-15")
        assert _worth(exact - bound, advanced_minor, flows)[0] > 0, exact
        assert _worth(exact + bound, advanced_minor, flows)[0] < 0, exact
    return exact


def _newton(advanced: float, flows: Sequence[tuple[Decimal | int, int]]) -> float:
    """Newton from rate 0: the value is convex and falling there, so steps never pass the root."""
    rate = 0.0
    for _ in range(STEPS_MAX):
        worth, slope = -advanced, 0.0
        for exact_offset, amount in flows:
            offset = float(exact_offset)
            present = amount / (1.0 + rate) ** offset
            worth += present
            slope -= offset * present
        step = worth * (1.0 + rate) / slope
        rate -= step
        if abs(step) < 1e-13 * (1.0 + rate):
            break
    return rate


def _worth(
    rate: Decimal, advanced_minor: int, flows: Sequence[tuple[Decimal | int, int]]
) -> tuple[Decimal, Decimal]:
    """Present value less the advance, and its slope by the rate."""
    factor = 1 / (1 + rate)
    worth, slope = Decimal(-advanced_minor), Decimal(0)
    power, reached = Decimal(1), Decimal(0)
    for offset, amount in flows:
        power *= factor if offset == reached + 1 else factor ** (offset - reached)
        reached = Decimal(offset)
        present = amount * power
        worth += present
        slope -= offset * present
    return worth, slope * factor
