"""What each kind of event does to a loan, by hand, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from puhui.kernel.errors import Refused
from puhui.servicing.nouns import (
    Early,
    Happening,
    Interest,
    LoanStatus,
    Part,
)
from puhui.servicing.rules.replay import deltas, quote, replay
from tests.servicing import plan
from tests.servicing.plan import START
from tests.servicing.test_step import DRAW, FEBRUARY, LENT, PLAN, event, parts, run


def test_a_penalty_is_owed_at_once() -> None:
    kind = Happening.PENALTY_CHARGED
    alone = run(PLAN, event("1", date(2026, 1, 5), 300, kind))
    assert (alone.rows[0].penalty_minor, alone.owed_today_minor) == (300, 300)
    with_late = run(PLAN, event("1", date(2026, 2, 11), 300, kind), on=date(2026, 2, 11))
    assert with_late.rows[0].penalty_minor == 1_980 + 300


def test_a_waiver_takes_parts_off_and_principal_bears_less() -> None:
    on = date(2026, 2, 11)
    waived = event("1", on, 1_980, Happening.WAIVED, part=Part.PENALTY)
    assert run(PLAN, waived).arrears_minor == 408_027
    principal = event("1", on, 396_027, Happening.WAIVED, part=Part.PRINCIPAL)
    state = run(PLAN, principal)
    assert state.outstanding_minor == LENT - 396_027
    assert parts(state.shares[0])[0] == 396_027
    with pytest.raises(Refused) as refused:
        run(PLAN, replace(waived, amount_minor=1_981))
    assert refused.value.code == "servicing.over_waived"


def test_a_write_off_ends_the_asset_and_recovery_goes_on() -> None:
    on = date(2026, 12, 1)
    claim = quote(PLAN, [DRAW], on).total_minor
    assert claim > LENT
    lost = event("1", on, kind=Happening.WRITTEN_OFF)
    state = run(PLAN, lost)
    assert (state.outstanding_minor, state.written_off_minor) == (0, LENT)
    assert (state.arrears_minor, state.days_past_due, state.owed_today_minor) == (0, 0, 0)
    part = event("2", date(2027, 1, 5), 100_000, Happening.RECOVERED)
    state = run(PLAN, lost, part)
    assert state.shares[-1].recovered_minor == 100_000
    assert quote(PLAN, [DRAW, lost, part], part.on).total_minor == claim - 100_000
    state = run(PLAN, lost, part, event("3", date(2027, 1, 6), claim))
    assert state.credit_minor == 100_000
    assert state.status is LoanStatus.WRITTEN_OFF


def test_a_back_dated_repayment_is_replayed_in_its_place() -> None:
    """A late payment turns out to have come on its day: no penalty remains."""
    late = event("1", date(2026, 2, 20), 410_000)
    assert run(PLAN, late).shares[0].penalty_minor > 0
    right = replace(late, on=FEBRUARY, event_id="2")
    undo = event("3", date(2026, 2, 20), kind=Happening.UNDONE, undoes="1")
    before, after = run(PLAN, late), run(PLAN, late, right, undo)
    assert [share.penalty_minor for share in after.shares] == [0]
    changed = {share.event_id: share.total_minor for share in deltas(before, after)}
    assert changed == {"1": -410_000, "2": 410_000}


def test_a_charge_back_is_owed_again_part_by_part() -> None:
    paid = event("1", FEBRUARY, 408_027)
    kind = Happening.CHARGED_BACK
    back = event("2", date(2026, 2, 10), 400_000, kind, undoes="1")
    state = run(PLAN, paid, back)
    assert parts(state.shares[1]) == (-396_027, -3_973, 0, 0, 0)
    assert state.outstanding_minor == LENT
    assert state.owed_today_minor == 0
    rest = replace(back, event_id="3", amount_minor=8_027)
    assert run(PLAN, paid, back, rest).shares[2].interest_minor == -8_027
    for wrong, code in (
        (replace(rest, amount_minor=8_028), "servicing.bad_event"),
        (replace(rest, undoes="9"), "servicing.unknown_event"),
    ):
        with pytest.raises(Refused) as refused:
            run(PLAN, paid, back, wrong)
        assert refused.value.code == code
    ends = quote(PLAN, [DRAW, paid, back], date(2026, 2, 20))
    whole = run(PLAN, paid, back, event("3", ends.on, ends.total_minor))
    assert whole.status is LoanStatus.PAID_OFF


def test_reschedules_touch_what_lies_ahead() -> None:
    twelve = plan.terms(count=12)
    on, due = date(2026, 2, 10), date(2026, 4, 1)
    paid = event("1", FEBRUARY, run(twelve).rows[0].due_minor)
    before = run(twelve, paid, on=on)
    moved = run(twelve, paid, event("2", on, kind=Happening.DUE_DAY_MOVED, due_on=due,
                                    moved_to=date(2026, 4, 15)))  # fmt: skip
    days = [row.due_on for row in moved.rows]
    assert days[1:4] == [date(2026, 3, 1), date(2026, 4, 15), date(2026, 5, 15)]
    assert moved.rows[1] == before.rows[1]
    assert moved.rows[2].interest_minor > before.rows[2].interest_minor
    more = run(twelve, paid, event("2", on, kind=Happening.RESCHEDULED, due_on=due, count=3))
    assert (len(more.rows), more.rows[-1].due_on) == (15, date(2027, 4, 1))
    pause = run(twelve, paid, event("2", on, kind=Happening.RESCHEDULED, due_on=due, grace=2))
    assert [row.principal_minor for row in pause.rows[2:4]] == [0, 0]
    assert pause.rows[2].interest_minor > 0 and len(pause.rows) == 14
    rate = run(twelve, paid, event("2", on, kind=Happening.RATE_CHANGED, annual_rate=Decimal(0)))
    assert rate.rows[1].interest_minor == rate.accruing_minor > 0
    assert [row.interest_minor for row in rate.rows[2:]] == [0] * 10
    for state in (moved, more, pause, rate):
        assert state.outstanding_minor == before.outstanding_minor
        assert sum(row.principal_minor for row in state.rows) == LENT


def test_re_ageing_starts_anew_and_re_amortising_spreads() -> None:
    on = date(2026, 3, 20)
    late = run(plan.terms(count=12), on=on)
    assert late.days_past_due > 40
    aged = run(plan.terms(count=12), event("1", on, kind=Happening.RE_AGED,
                                           due_on=date(2026, 4, 15), count=6))  # fmt: skip
    assert aged.days_past_due == 0 and aged.outstanding_minor == LENT
    assert [row.due_on for row in aged.rows][-1] == date(2026, 9, 15)
    owed = late.arrears_minor - sum(row.principal_minor for row in late.rows[:2])
    assert aged.rows[-6].penalty_minor > 0
    assert aged.rows[-6].interest_minor + aged.rows[-6].penalty_minor > owed
    spread = run(plan.terms(count=12), event("1", on, kind=Happening.RE_AMORTISED))
    assert spread.days_past_due == 0 and len(spread.rows) == 12
    assert spread.rows[-1].due_on == late.rows[-1].due_on
    before = quote(plan.terms(count=12), [DRAW], on).total_minor
    for kind in (aged, spread):
        after = quote(kind.plan, [DRAW, event("1", on, kind=Happening.RE_AMORTISED)], on)
        assert after.total_minor == before


def test_flat_interest_is_owed_whole() -> None:
    flat = plan.terms(interest=Interest.FLAT)
    assert [row.interest_minor for row in run(flat).rows] == [12_000] * 3
    ends = quote(flat, [DRAW], date(2026, 1, 10))
    assert ends.total_minor == LENT + 36_000
    paid = run(flat, event("1", ends.on, ends.total_minor))
    assert paid.status is LoanStatus.PAID_OFF


def test_flat_interest_counts_on_all_that_was_lent_whatever_happens() -> None:
    """12,000.00 flat at 1 % a month: 120.00 a row, 150.00 from the row in which 3,000.00 are drawn
    on; a row more bears it too, a moved one for its days, a new rate from the next row on.
    """
    flat = plan.terms(interest=Interest.FLAT, flat_counts_all=True, has_drawings=True)
    drawn = event("1", date(2026, 2, 11), 300_000, Happening.DRAWN)
    state = run(flat, drawn)
    assert [row.interest_minor for row in state.rows] == [12_000, 15_000, 15_000]
    assert state.rows[1].starts_on == FEBRUARY, "its period did not begin anew"
    more = event(
        "1", date(2026, 2, 11), kind=Happening.RESCHEDULED, due_on=date(2026, 4, 1), count=2
    )
    assert [row.interest_minor for row in run(flat, more).rows] == [12_000] * 5
    rate = event("1", date(2026, 2, 11), kind=Happening.RATE_CHANGED, annual_rate=Decimal("0.06"))
    assert [row.interest_minor for row in run(flat, rate).rows] == [12_000, 12_000, 6_000]
    moved = event(
        "1", FEBRUARY, kind=Happening.DUE_DAY_MOVED, due_on=date(2026, 3, 1),
        moved_to=date(2026, 3, 11),
    )  # fmt: skip
    found = run(flat, moved).rows
    assert [row.interest_minor for row in found] == [12_000, 12_000 * 38 // 30, 12_000]
    early = run(flat, event("2", date(2026, 1, 10), 412_000), drawn)
    assert [row.interest_minor for row in early.rows] == [12_000, 15_000, 15_000]
    assert sum(row.principal_minor for row in early.rows) == 1_500_000
    assert early.rows[0].owed_minor == 0


def test_flat_plans_of_older_releases_count_on_what_was_left() -> None:
    """The same loan as those releases laid it out: what lies ahead begins anew with a change."""
    flat = plan.terms(interest=Interest.FLAT, has_drawings=True)
    drawn = event("1", date(2026, 2, 11), 300_000, Happening.DRAWN)
    state = run(flat, drawn)
    assert [row.interest_minor for row in state.rows] == [12_000, 4_286 + 6_600, 11_000]
    assert state.rows[1].starts_on == date(2026, 2, 11)


def test_pauses_are_events() -> None:
    pause = event("1", date(2026, 2, 10), kind=Happening.PAUSED, due_on=date(2026, 3, 10))
    ended = event("2", date(2026, 2, 20), kind=Happening.RESUMED)
    tenth, twentieth = date(2026, 2, 10).toordinal(), date(2026, 2, 20).toordinal()
    whole = (tenth, date(2026, 3, 10).toordinal())
    assert run(PLAN, pause).pauses == (whole,)
    assert run(PLAN, pause, ended).pauses == ((tenth, twentieth),)
    assert run(PLAN, pause, replace(pause, event_id="3", on=date(2026, 4, 1),
                                    due_on=date(2026, 4, 5))).pauses[0] == whole  # fmt: skip


LOST = event("1", START, kind=Happening.WRITTEN_OFF)


def test_nothing_is_laid_out_anew_after_the_last_instalment() -> None:
    """Past it a row of charges may lie ahead, with principal of a payment that was taken back."""
    rows = run(PLAN).rows
    last = rows[-1].due_on
    after, later = last + timedelta(days=5), last + timedelta(days=40)
    paid = event("1", last, quote(PLAN, [DRAW], last).total_minor)
    fee = event("2", after, 500, Happening.FEE_CHARGED, due_on=later)
    back = event("3", after, 10_000, Happening.CHARGED_BACK, undoes="1")
    state = run(PLAN, paid, fee, back)
    assert state.outstanding_minor == state.rows[-1].principal_owed_minor == 10_000
    waived = event("4", after, 4_000, Happening.WAIVED, part=Part.PRINCIPAL)
    assert run(PLAN, paid, fee, back, waived).outstanding_minor == 6_000
    for early in Early:
        terms = replace(PLAN, early=early)
        book = (replace(paid, amount_minor=quote(terms, [DRAW], last).total_minor), fee, back)
        state = run(terms, *book, event("4", after, 10_500))
        assert state.status is LoanStatus.PAID_OFF, early
        state = run(terms, *book, event("4", after, 7_500))
        assert state.outstanding_minor == 3_000, early


REFUSALS: list[tuple[Callable[[], object], str]] = [
    (lambda: run(PLAN, event("1", START, 0, Happening.FEE_CHARGED)), "servicing.bad_event"),
    (lambda: run(PLAN, event("1", START, -1)), "servicing.bad_event"),
    (lambda: run(PLAN, event("1", START, 5, Happening.CREDIT_REFUNDED)), "servicing.over_credit"),
    (lambda: run(PLAN, LOST, replace(LOST, event_id="2")), "lending.written_off"),
    (lambda: run(PLAN, LOST, event("2", START, 5, Happening.FEE_CHARGED)), "lending.written_off"),
    (lambda: run(PLAN, event("1", START, LENT), replace(LOST, event_id="2")),
     "lending.nothing_owed"),
    (lambda: run(PLAN, event("1", START, kind=Happening.PAUSED)), "servicing.bad_event"),
    (lambda: run(PLAN, event("1", START, kind=Happening.RESCHEDULED, due_on=START)),
     "servicing.bad_event"),
    (lambda: run(PLAN, event("1", date(2026, 6, 1), kind=Happening.RE_AMORTISED)),
     "servicing.bad_event"),
    (lambda: run(PLAN, event("1", START, kind=Happening.RE_AGED, due_on=FEBRUARY)),
     "lending.bad_terms"),
    (lambda: run(PLAN, event("1", date(2026, 6, 1), 5, Happening.DRAWN)), "lending.bad_terms"),
    (lambda: replay(PLAN, [event("1", START, 5)], START), "servicing.nothing_drawn"),
    (lambda: replay(PLAN, [DRAW], date(2025, 1, 1)), "servicing.nothing_drawn"),
]  # fmt: skip


@pytest.mark.parametrize(("attempt", "code"), REFUSALS, ids=range(len(REFUSALS)))
def test_refusals(attempt: Callable[[], object], code: str) -> None:
    with pytest.raises(Refused) as refused:
        attempt()
    assert refused.value.code == code
