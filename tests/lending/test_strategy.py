"""Policies tried on the past, and the monthly review of credit limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.lending.formats.credit_limit_rules import load_credit_limit_rules
from puhui.lending.formats.shelf import load_law, load_product
from puhui.lending.nouns.strategy import Conduct, CreditLimitReview, Strategy, StrategyStep
from puhui.lending.rules.dynamic_limit import proposed_rise, review_credit_limit
from puhui.lending.rules.price import build_price
from puhui.lending.rules.profit import realise
from puhui.lending.window import strategy
from tests.lending.bank import BAD_ROW, PRODUCT, Bank

ON = date(2026, 11, 27)
PDS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.9)
BADS = (False, False, True, False, True, True)
GROUPS = ("urban", "rural", "urban", "rural", "urban", "rural")
GOOD = Conduct(12, 6, 0, 0, Decimal("0.5"), 900_000, 800_000)


def simulated(is_bad: tuple[bool, ...] | None = BADS, extra: str = "0") -> Strategy:
    product = load_product("small_loan")
    wanted = [product.smallest_minor * 2] * len(PDS)
    return strategy.simulate_strategy(
        product, load_law(), wanted_minor=wanted, pd=PDS, is_bad=is_bad, groups=GROUPS, on=ON,
        extra_margin=Decimal(extra),
    )  # fmt: skip


def test_every_cut_off_is_told_with_approvals_bads_profit_and_groups() -> None:
    found, product = simulated(), load_product("small_loan")
    assert found.rows == 6
    assert all(type(step) is StrategyStep for step in found.steps)
    assert found.group_rows == (("rural", 3), ("urban", 3))
    assert [step.approved for step in found.steps] == [0, 1, 2, 3, 4, 5], "0.9 costs too much"
    assert [step.bads for step in found.steps] == [0, 0, 0, 1, 1, 2]
    assert found.steps[2].approved_by_group == (("rural", 1), ("urban", 1))
    assert found.steps[0].bad_rate() is None
    assert found.steps[3].bad_rate() == pytest.approx(1 / 3)
    price = build_price(product, load_law(), PDS[0], ON)
    earned = realise(
        product.pricing, product.default_method, principal_minor=product.smallest_minor * 2,
        annual_rate=price.annual_rate, term_months=product.default_term_months, is_bad=False,
    ).net_minor  # fmt: skip
    assert abs(found.steps[1].profit_minor - earned) <= 1 + product.smallest_minor * 2 / 10**6
    assert found.best() is max(found.steps, key=lambda step: step.profit_minor)


def test_what_ended_is_counted_and_moves_no_figure() -> None:
    ended = (False, None, True, False, None, True)
    product = load_product("small_loan")
    told = {"wanted_minor": [product.smallest_minor * 2] * 6, "pd": PDS, "groups": GROUPS}
    plain = strategy.simulate_strategy(product, load_law(), is_bad=None, on=ON, **told)
    found = strategy.simulate_strategy(
        product, load_law(), is_bad=None, on=ON, ended_bad=ended, **told
    )
    assert [(step.ended, step.ended_bad) for step in found.steps] == [
        (0, 0), (1, 0), (1, 0), (2, 1), (3, 1), (3, 1),
    ], "0.9 is never approved, so its end is never told"  # fmt: skip
    assert [step.profit_minor for step in found.steps] == [
        step.profit_minor for step in plain.steps
    ]


def test_the_past_is_read_with_how_it_ended(bank: Bank) -> None:
    repaid, running, refused = (bank.person() for _ in range(3))
    contract = bank.lend(repaid, "1", wanted=1_000_000)
    bank.repay(contract, 1_000_000, "all")
    bank.lend(running, "2", wanted=1_000_000)
    bank.decide(bank.apply(refused, "3", row=BAD_ROW))
    bank.apply(bank.person(), "4")
    with bank.node.read() as tx:
        found = {one.party_id: one for one in strategy.past_applications(tx, PRODUCT, 10)}
        assert len(strategy.past_applications(tx, PRODUCT, 2)) == 2
        assert strategy.past_applications(tx, "small_loan", 10) == ()
    assert set(found) == {repaid, running, refused}, "whoever waits has no score yet"
    assert [found[one].is_bad for one in (repaid, running, refused)] == [False, None, None]
    assert {one.model_digest for one in found.values()} == {bank.model_digest}
    assert found[repaid].wanted_minor == 1_000_000 <= found[repaid].credit_minor
    assert found[refused].pd > found[refused].pd_max >= found[repaid].pd


def test_without_outcomes_profit_is_expected() -> None:
    found = simulated(None)
    assert found.steps[-1].bads == pytest.approx(sum(PDS[:5]))


def test_the_last_cut_off_approves_all_who_may_be() -> None:
    """However many rows no cut-off approves, they take no step from the others."""
    product = load_product("small_loan")
    pds = [*(place / 100_000 for place in range(1, 696)), *[0.9] * 305]
    found = strategy.simulate_strategy(
        product, load_law(), wanted_minor=[product.smallest_minor] * 1_000, pd=pds, is_bad=None,
        groups=["a"] * 695 + ["b"] * 305, on=ON,
    )  # fmt: skip
    last = found.steps[-1]
    assert (last.approved, len(found.steps), found.rows) == (695, 101, 1_000)
    assert last.approved_by_group == (("a", 695), ("b", 0))
    assert found.group_rows == (("a", 695), ("b", 305))
    assert last.bads == pytest.approx(sum(pds[:695]))


def test_a_dearer_price_earns_more_until_it_may_not_be_charged() -> None:
    assert simulated(extra="0.01").steps[1].profit_minor > simulated().steps[1].profit_minor
    assert len(simulated(extra="0.9").steps) == 1, "nobody may be charged so much"


def review(conduct: Conduct, **changes: object) -> tuple[int, str, int]:
    words: dict[str, object] = {
        "credit_minor": 1_000_000, "drawn_minor": 200_000, "cap_minor": 5_000_000,
        "step_minor": 10_000, "capacity_reason": None,
    }  # fmt: skip
    rules, told = load_credit_limit_rules(), words | changes
    found = review_credit_limit(rules, conduct, **told)  # type: ignore[arg-type]
    assert type(found) is CreditLimitReview
    return found.after_minor, found.reason, found.notice_days


@pytest.mark.parametrize(
    "conduct, changes, expected",
    [
        (GOOD, {}, (1_200_000, "rise", 0)),
        (GOOD, {"cap_minor": 1_105_000}, (1_100_000, "rise", 0)),
        (GOOD, {"cap_minor": 1_000_000}, (1_000_000, "kept", 0)),
        (GOOD, {"capacity_reason": "debt_over_income"}, (1_000_000, "debt_over_income", 0)),
        (GOOD, {"nudge_reason": "no_offers"}, (1_000_000, "no_offers", 0)),
        (GOOD, {"cap_minor": 600_000, "nudge_reason": "no_offers"}, (600_000, "over_cap", 15)),
        (GOOD, {"cap_minor": 600_000}, (600_000, "over_cap", 15)),
        (GOOD, {"cap_minor": 0}, (200_000, "over_cap", 15)),
        (replace(GOOD, months_on_book=5), {}, (1_000_000, "kept", 0)),
        (replace(GOOD, months_since_change=2), {}, (1_000_000, "kept", 0)),
        (replace(GOOD, days_past_due_max=1), {}, (1_000_000, "kept", 0)),
        (replace(GOOD, share_used=Decimal("0.29")), {}, (1_000_000, "kept", 0)),
        (replace(GOOD, days_past_due_now=15), {}, (700_000, "late", 15)),
        (replace(GOOD, days_past_due_now=15), {"drawn_minor": 900_000}, (900_000, "late", 15)),
        (replace(GOOD, days_past_due_now=15), {"cap_minor": 950_000}, (700_000, "late", 15)),
        (replace(GOOD, days_past_due_now=15), {"cap_minor": 600_000}, (600_000, "over_cap", 15)),
        (replace(GOOD, monthly_inflow_minor=480_000), {}, (700_000, "inflow_fell", 15)),
        (
            replace(GOOD, monthly_inflow_minor=480_000, is_fall_counted=True),
            {},
            (1_000_000, "kept", 0),
        ),
        (replace(GOOD, monthly_inflow_minor=None), {}, (1_200_000, "rise", 0)),
    ],
)
def test_conduct_moves_the_credit_limit(
    conduct: Conduct, changes: dict[str, object], expected: tuple[int, str, int]
) -> None:
    assert review(conduct, **changes) == expected


AMOUNTS = st.integers(0, 10**9)


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 90), st.integers(0, 90), AMOUNTS, AMOUNTS)
def test_no_review_breaks_a_cap_or_what_is_drawn(
    credit: int, drawn: int, cap: int, late: int, ever: int, now: int, before: int
) -> None:
    conduct = Conduct(12, 6, late, max(late, ever), Decimal("0.5"), now, before)
    rules, drawn = load_credit_limit_rules(), min(drawn, credit)
    found = review_credit_limit(
        rules, conduct, credit_minor=credit, drawn_minor=drawn, cap_minor=cap, step_minor=10_000,
        capacity_reason=None,
    )  # fmt: skip
    assert found.after_minor <= max(cap, drawn)
    assert found.after_minor >= min(drawn, credit)
    assert found.needs_consent == (found.after_minor > credit)
    if found.after_minor > credit:
        assert conduct.days_past_due_max == 0
        assert found.after_minor == proposed_rise(
            rules, conduct, credit_minor=credit, cap_minor=cap, step_minor=10_000
        )
    if found.is_change and found.after_minor < credit:
        assert found.notice_days == rules.notice_days_cut > 0


def test_no_limit_rises_on_an_old_score() -> None:
    rules = load_credit_limit_rules()
    bounds = {"credit_minor": 1_000_000, "cap_minor": 5_000_000, "step_minor": 10_000}
    last = rules.months_since_decision_max
    assert proposed_rise(rules, replace(GOOD, months_since_decision=last), **bounds) == 1_200_000
    old = replace(GOOD, months_since_decision=last + 1)
    assert proposed_rise(rules, old, **bounds) == 1_000_000
