"""No plan that ends sooner keeps a last instalment of which nothing is asked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.servicing.nouns import DayCount, Happening, Part, Plan, PlanEvent, PlanState
from puhui.servicing.rules.replay import replay
from tests.servicing.kinds import kinds

START = date(2026, 1, 31)
SHORT = ("fixed", "fixed_small", "fixed_again", "fixed_fees", "fewer", "fewer_fees")
HAPPENING = (
    Happening.REPAID, Happening.GOODWILL, Happening.WAIVED, Happening.RATE_CHANGED,
    Happening.DRAWN, Happening.CHARGED_BACK, Happening.FEE_CHARGED,
)  # fmt: skip
happens = st.tuples(
    st.sampled_from(HAPPENING), st.integers(0, 60), st.integers(1, 60), st.integers(0, 2400)
)


def empty(state: PlanState) -> bool:
    """Whether nothing was ever asked for or paid with the last of several instalments."""
    last = state.rows[-1]
    asked = last.principal_minor + last.interest_minor + last.fee_minor + last.penalty_minor
    return len(state.rows) > 1 and not asked and not last.paid_minor


@st.composite
def plans(draw: st.DrawFn) -> tuple[Plan, int]:
    """A plan of a kind that may end sooner, as contracts have it from now on, and an amount: where
    the instalment is worked out, one that rounding up to the fen does not use up.
    """
    name = draw(st.sampled_from(SHORT))
    small = [st.integers(100, 5_000)] if name.startswith("fixed") else []
    lent = draw(st.one_of(*small, st.integers(10_000, 10**9)))
    plan = kinds(lent)[name]
    count = draw(st.integers(1, 24))
    fixed = 0
    if plan.fixed_minor:
        fixed = max(1, lent * draw(st.integers(50, 300)) // (100 * count))
    found = replace(
        plan, count=count, fixed_minor=fixed, drops_fee_rows=True,
        annual_rate=Decimal(draw(st.integers(0, 2400))) / 10_000,
        fee_minor=draw(st.sampled_from([0, 1, 500])),
        day_count=draw(st.sampled_from(list(DayCount))),
        grace_principal=min(plan.grace_principal, count - 1),
    )  # fmt: skip
    return found, lent


@settings(max_examples=400, deadline=None)
@given(plans(), st.lists(happens, max_size=6))
def test_the_last_instalment_asks_for_something(
    given_plan: tuple[Plan, int], steps: list[tuple[Happening, int, int, int]]
) -> None:
    """Over amounts, rates, counts and anything that happens; all principal stands in the rows."""
    plan, lent = given_plan
    events = [PlanEvent("0", Happening.DRAWN, START, lent)]
    on = START
    assert not empty(replay(plan, events, on))
    for kind, days, part, rate in steps:
        on += timedelta(days=days)
        event = PlanEvent(
            str(len(events)), kind, on, max(1, lent * part // 100), part=Part.PRINCIPAL
        )
        if kind is Happening.RATE_CHANGED:
            event = replace(event, amount_minor=0, annual_rate=Decimal(rate) / 10_000)
        if kind is Happening.CHARGED_BACK:
            event = replace(event, undoes=str(len(events) - 1))
        if kind is Happening.FEE_CHARGED:
            event = replace(event, amount_minor=7)
        with suppress(Refused):
            state = replay(plan, [*events, event], on)
            events.append(event)
            assert not empty(state), state.rows
            left = sum(row.principal_owed_minor for row in state.rows)
            assert left == state.outstanding_minor


def test_a_fee_of_each_instalment_makes_none() -> None:
    """Of 1,340 at two instalments of 888, 591 are paid on day 17: 749 and interest are one row.

    A plan of an older release keeps its second, of which nothing is asked.
    """
    plan = replace(
        kinds(1_340)["fixed_fees"], count=2, fixed_minor=888, annual_rate=Decimal("0.12")
    )
    start = date(2026, 1, 6)
    events = [
        PlanEvent("0", Happening.DRAWN, start, 1_340),
        PlanEvent("1", Happening.REPAID, start + timedelta(days=17), 591),
    ]
    on = events[-1].on
    (row,) = replay(plan, events, on).rows
    assert (row.due_on, row.principal_minor, row.fee_minor) == (date(2026, 2, 6), 1_340, 500)
    older = replay(replace(plan, drops_fee_rows=False), events, on).rows
    assert [one.due_on for one in older] == [date(2026, 2, 6), date(2026, 3, 6)]
    assert (older[1].principal_minor, older[1].interest_minor, older[1].fee_minor) == (0, 0, 0)
