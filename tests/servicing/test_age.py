"""Age, class, stage, suspension and expected loss: worked cases, and the compiled twin."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.servicing.arrays.day import divide, judge
from puhui.servicing.arrays.live import LIVE
from puhui.servicing.desk.arrears.collect import contact_figures
from puhui.servicing.desk.day.chunk import Chunk
from puhui.servicing.desk.day.lender import Others
from puhui.servicing.desk.day.month import expect_losses, lost_if_impaired
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.nouns.live import RiskClass
from puhui.servicing.rules.age import days_counted, has_risen, is_debit_day, judge_loan
from puhui.servicing.rules.contact import check_contact, step_of
from puhui.servicing.rules.debit import share_out
from puhui.servicing.rules.expected import (
    SCALE,
    grade_of,
    impaired_share,
    loss_share,
    weights_whole,
)

FIGURES = risk_figures()
DAY = date(2026, 3, 2).toordinal()


@pytest.mark.parametrize(
    ("days", "bucket", "risk", "stage", "is_suspended"),
    [
        (0, 0, RiskClass.NORMAL, 1, False),
        (1, 1, RiskClass.SPECIAL_MENTION, 1, False),
        (3, 2, RiskClass.SPECIAL_MENTION, 1, False),
        (30, 3, RiskClass.SPECIAL_MENTION, 1, False),
        (31, 3, RiskClass.SPECIAL_MENTION, 2, False),
        (90, 5, RiskClass.SPECIAL_MENTION, 2, True),
        (91, 5, RiskClass.SUBSTANDARD, 3, True),
        (271, 9, RiskClass.DOUBTFUL, 3, True),
        (361, 9, RiskClass.LOSS, 3, True),
    ],
)
def test_days_decide(
    days: int, bucket: int, risk: RiskClass, stage: int, is_suspended: bool
) -> None:
    """Bounds as in data/risk.toml, by hand."""
    found = judge_loan(FIGURES, DAY, days, stage_before=1, cleared_on=0, watch_until=0)
    told = (found.bucket, found.risk_class, found.stage, found.is_suspended)
    assert told == (bucket, risk, stage, is_suspended)


def test_a_chance_of_default_that_rose_much_is_stage_two() -> None:
    """Grades 0.5 % to 16 %: three times the first chance, whatever is past due."""
    told = {
        (first, now) for first in range(7) for now in range(7) if has_risen(FIGURES, first, now)
    }
    assert told == {(f, n) for f in range(1, 7) for n in range(1, 7) if n >= f + 2}
    found = judge_loan(FIGURES, DAY, 0, stage_before=1, cleared_on=0, watch_until=0, has_risen=True)
    assert (found.stage, found.risk_class) == (2, RiskClass.NORMAL)


def test_what_may_still_be_drawn_is_exposure() -> None:
    """Forty per cent of it, but of impaired lines and those past their last day. Of what is charged
    off all but the lenders' part is lost.
    """
    live = np.zeros(5, dtype=LIVE)
    live["outstanding_minor"] = 100_000
    live["credit_minor"] = [0, 200_000, 200_000, 200_000, 0]
    live["stage"], live["grade"], live["lgd_millionths"] = [1, 1, 3, 1, 3], 3, 550_000
    live["number"], live["matures_on"] = [1, 1, 1, 0, 1], DAY + 400
    chunk = Chunk([], live, live, live, live, live, live, ["live"] * 4 + ["charged_off"], set())
    others = np.array([0, 0, 0, 0, 30_000])
    expect_losses(chunk, Others(others, np.zeros(5, dtype=np.int64)), DAY, FIGURES)
    plain, line, impaired, over, gone = live["expected_loss_minor"].tolist()
    assert abs(line - plain * 1.4) <= 1 and over == plain
    assert (impaired, gone) == (55_000, 70_000)


def test_a_cured_loan_waits_for_the_probation() -> None:
    found = judge_loan(FIGURES, DAY, 0, stage_before=3, cleared_on=0, watch_until=0)
    assert (found.stage, found.cleared_on, found.risk_class) == (3, DAY, RiskClass.SUBSTANDARD)
    early = judge_loan(FIGURES, DAY + 89, 0, stage_before=3, cleared_on=DAY, watch_until=0)
    late = judge_loan(FIGURES, DAY + 90, 0, stage_before=3, cleared_on=DAY, watch_until=0)
    again = judge_loan(FIGURES, DAY + 50, 2, stage_before=3, cleared_on=DAY, watch_until=0)
    assert (early.stage, late.stage, late.cleared_on) == (3, 1, 0)
    assert (again.stage, again.cleared_on) == (3, 0)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 400), st.integers(1, 3), st.integers(0, 200), st.integers(-50, 400),
            st.integers(0, 60), st.integers(0, 60), st.integers(0, 30),
        ),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_compiled_says_the_same(loans: list[tuple[int, ...]]) -> None:
    """``arrays.day.judge`` decides of many loans what ``judge_loan`` decides of each."""
    live = np.zeros(len(loans), dtype=LIVE)
    pauses = []
    for n, (days, stage, cleared, watch, ago, length, gap) in enumerate(loans):
        live[n]["days_past_due"], live[n]["stage"] = days, stage
        live[n]["cleared_on"] = DAY - cleared if cleared else 0
        live[n]["watch_until"], live[n]["restructured_again"] = DAY + watch, gap % 2
        pauses.append(((DAY - ago - 2 * gap, DAY - ago - gap), (DAY - ago, DAY - ago + length)))
    before = live.copy()
    buckets, bounds = np.array(FIGURES.buckets), np.array(FIGURES.bounds)
    risen = np.array([one[0] % 3 == 0 for one in loans], dtype=np.int64)
    counted = [days_counted(loan[0], DAY, two) for loan, two in zip(loans, pauses, strict=True)]
    paused = np.array([loan[0] - days for loan, days in zip(loans, counted, strict=True)])
    judge(live, DAY, buckets, bounds, FIGURES.suspended_from, risen, paused)
    for one, now, has, days in zip(before, live, risen.tolist(), counted, strict=True):
        found = judge_loan(
            FIGURES, DAY, days, stage_before=int(one["stage"]),
            cleared_on=int(one["cleared_on"]), watch_until=int(one["watch_until"]),
            is_again=bool(one["restructured_again"]), has_risen=bool(has),
        )  # fmt: skip
        assert found.bucket == now["bucket"]
        assert found.risk_class == now["risk_class"]
        assert found.stage == now["stage"]
        assert found.cleared_on == now["cleared_on"]
        assert found.is_suspended == bool(now["is_suspended"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 999_999), st.integers(0, 500))))
def test_what_is_lost_of_impaired_loans(loans: list[tuple[int, int, int]]) -> None:
    """Of many loans the same as of each; of ours, not more than all of it."""
    live = np.zeros(len(loans), dtype=LIVE)
    live["lgd_millionths"] = [lgd * (10**6 - others) // 10**6 for lgd, others, _ in loans]
    live["days_past_due"] = [days for *_, days in loans]
    others = np.array([one[1] for one in loans], dtype=np.int64)
    found = lost_if_impaired(live, Others(others, others), FIGURES).tolist()
    for one, lost, (lgd, share, days) in zip(live, found, loans, strict=True):
        told = {"lgd_millionths": int(one["lgd_millionths"]), "others_millionths": share}
        assert lost == impaired_share(FIGURES, **told, days=days) <= 10**6
        by_days = {91: 550_000, 181: 750_000, 271: 900_000, 361: 10**6}
        least = max([0, *(part for first, part in by_days.items() if days >= first)])
        given_by_all = max(least, lgd)
        assert abs(lost - given_by_all) <= 10**6 // (10**6 - share) + 1


@settings(deadline=None)
@given(st.integers(0, 10**13), st.integers(1, 2**30), st.integers(1, 2**31), st.booleans())
def test_division_is_exact(amount: int, numerator: int, denominator: int, is_even: bool) -> None:
    whole, rest = divmod(2 * amount * numerator + denominator, 2 * denominator)
    if is_even and rest == 0 and whole % 2:
        whole -= 1
    if whole < 2**62:
        assert divide(amount, numerator, denominator, int(is_even)) == whole


def test_expected_loss_grows_with_stage_and_age() -> None:
    assert weights_whole(FIGURES)
    assert grade_of(FIGURES, Decimal("0.005")) == 1 and grade_of(FIGURES, Decimal("0.9")) == 6

    def share(**other: object) -> int:
        told = {
            "stage": 1, "grade": 3, "bucket": 0, "days": 0, "months": 24, "rate_percent": 6,
            "is_amortising": True, "lgd_millionths": 550_000,
        }  # fmt: skip
        return loss_share(FIGURES, **(told | other))  # type: ignore[arg-type]

    year, life = share(), share(stage=2)
    assert 0 < year < life < share(stage=2, bucket=3) < share(stage=3, days=91)
    assert share(stage=3, days=91) == SCALE * 55 // 100 and share(stage=3, days=361) == SCALE
    assert share(is_amortising=False) > year and share(rate_percent=12) < year
    # One month left, no discount: weights x multiples x monthly chance x loss, by hand.
    assert share(months=1, rate_percent=0) == pytest.approx(
        SCALE * 0.55 * sum(w * m * (1 - (1 - 0.02 * d) ** (1 / 12)) for w, d, m in
                           ((0.6, 1, 1), (0.15, 0.8, 0.95), (0.25, 1.5, 1.15))), abs=1
    )  # fmt: skip


@settings(deadline=None)
@given(st.integers(0, 5000), st.sampled_from(["horizontal", "vertical"]))
def test_debits_share_out_all_that_is_owed(amount: int, direction: str) -> None:
    keys = ",".join(
        f"{t}.{p}" for t in ("past_due", "due") for p in ("penalty", "fee", "interest", "principal")
    )
    owed = [
        {"due_on": DAY - 31, "principal": 1000, "interest": 50, "fee": 5, "penalty": 7},
        {"due_on": DAY, "principal": 1000, "interest": 40, "fee": 0, "penalty": 0},
    ]
    paid = share_out(owed, amount, f"{direction}|{keys}", DAY)
    assert sum(sum(one.values()) for one in paid) == min(amount, 2102)
    if amount <= 1062:
        assert not any(paid[1].values())


def test_wallets_are_asked_daily_and_then_weekly() -> None:
    asked = [days for days in range(50) if is_debit_day(FIGURES, days)]
    assert asked == [*range(31), 37, 44]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"person": "neighbour"}, "servicing.third_party"),
        ({"channel": "megaphone"}, "servicing.bad_contact"),
        ({"result": "shouted"}, "servicing.bad_contact"),
        ({"hour": 7}, "servicing.quiet_hours"),
        ({"hour": 22}, "servicing.quiet_hours"),
        ({"today": 6}, "servicing.contacted_enough"),
        ({"this_week": 15}, "servicing.contacted_enough"),
    ],
)
def test_contacts_within_the_rules(changed: dict[str, object], code: str) -> None:
    told: dict[str, object] = {
        "person": "borrower", "channel": "call", "result": "reached", "hour": 9, "today": 0,
        "this_week": 0,
    }  # fmt: skip
    assert check_contact(contact_figures(), **told) == 5  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        check_contact(contact_figures(), **(told | changed))  # type: ignore[arg-type]
    assert refused.value.code == code


def test_work_lists_by_age() -> None:
    found = [step_of(contact_figures(), days) for days in (0, 1, 8, 31, 61, 400)]
    assert found == ["", "remind", "call", "negotiate", "visit", "recover"]
    assert timedelta(days=contact_figures().promise_days_max) == timedelta(days=14)
