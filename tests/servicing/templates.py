"""Made-up loans to make a book of: terms and events up to the day before."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from puhui.kernel.calendar import add_months
from puhui.kernel.money import Rounding
from puhui.servicing import noun
from puhui.servicing.rules.replay import replay
from puhui.servicing.rules.schedule import build_schedule

KEYS = tuple(
    (timing, part)
    for timing in (noun.Timing.PAST_DUE, noun.Timing.DUE)
    for part in (noun.Part.PENALTY, noun.Part.FEE, noun.Part.INTEREST, noun.Part.PRINCIPAL)
)
HORIZONTAL = noun.Plan(
    "CNY", Decimal(0), noun.Method.EQUAL_INSTALMENT, 1, rounding=Rounding.HALF_UP,
    cuts_shares=True, allocation=KEYS, recalculation=noun.Recalculation.TO_THE_DAY,
    penalty_multiplier=Decimal("1.5"), grace_days=3,
)  # fmt: skip
VERTICAL = replace(
    HORIZONTAL, rounding=Rounding.HALF_EVEN, direction=noun.Direction.VERTICAL,
    penalty_multiplier=Decimal("1.3"), penalty_year_days=365, penalty_on_interest=True,
    grace_days=0,
)  # fmt: skip
PRODUCTS = (
    ("smallfirm", noun.Method.EQUAL_INSTALMENT, noun.DayCount.THIRTY_360, "0.0435", 36),
    ("merchant", noun.Method.EQUAL_PRINCIPAL, noun.DayCount.ACT_365, "0.0725", 24),
    ("farm", noun.Method.INTEREST_FIRST, noun.DayCount.ACT_360, "0.0395", 36),
    ("consumer", noun.Method.EQUAL_INSTALMENT, noun.DayCount.ACT_ACT, "0.1234", 36),
    ("working", noun.Method.INTEREST_FIRST, noun.DayCount.ACT_360, "0.0505", 24),
    ("equipment", noun.Method.EQUAL_PRINCIPAL, noun.DayCount.THIRTY_360, "0.0615", 60),
)


@dataclass(frozen=True)
class Template:
    """One made-up loan: what it was agreed to be, and what happened to it."""

    product: str
    plan: noun.Plan
    events: tuple[noun.PlanEvent, ...]

    def state(self, on: date, more: Sequence[noun.PlanEvent] = ()) -> noun.PlanState:
        """The loan by the single path, with ``more`` events after its own."""
        events = [*self.events, *more]
        return replay(self.plan, events, max(on, max(event.on for event in events)))


def make_template(
    dice: random.Random, day: date, *, age: int, offset: int, missed: int
) -> Template:
    """A loan ``age`` months and ``offset`` days old on ``day``; the last ``missed`` dues unpaid."""
    name, method, count, rate, months = PRODUCTS[dice.randrange(len(PRODUCTS))]
    plan = replace(
        HORIZONTAL if dice.random() < 0.7 else VERTICAL,
        annual_rate=Decimal(rate), method=method, count=months, day_count=count,
        counts_each_year=True,
    )  # fmt: skip
    principal = dice.randrange(5_000_00, 300_000_00)
    starts_on = add_months(day, -age, None) - timedelta(days=offset)
    rows = [
        row for row in build_schedule(plan, principal, starts_on).instalments if row.due_on < day
    ]
    paid = [row for row in (rows[: len(rows) - missed] if missed else rows) if row.total_minor]
    drawn = noun.PlanEvent("0", noun.Happening.DRAWN, starts_on, principal)
    events = tuple(
        noun.PlanEvent(str(number), noun.Happening.REPAID, row.due_on, row.total_minor)
        for number, row in enumerate(paid, start=1)
    )
    return Template(name, plan, (drawn, *events))


def make_templates(
    day: date, *, ages: int = 24, offsets: int = 30, seed: int = 5
) -> tuple[list[Template], list[Template]]:
    """Loans that are current and loans in arrears, one of each for every age and due day."""
    dice = random.Random(seed)
    spread = [(age, offset) for age in range(ages) for offset in range(offsets)]
    current = [make_template(dice, day, age=a, offset=o, missed=0) for a, o in spread]
    late = [
        make_template(
            dice, day, age=max(a, 1), offset=o, missed=1 + dice.randrange(min(a or 1, 14))
        )
        for a, o in spread
    ]
    dice.shuffle(late)
    return current, late
