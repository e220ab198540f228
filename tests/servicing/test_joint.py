"""Joint lenders 联合贷: of every part of every posting ours and theirs are the loan's."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui.kernel import Node
from puhui.kernel.act import USE_CASES, Act, use_case
from puhui.kernel.clock import FixedClock
from puhui.servicing import live, noun
from puhui.servicing.arrays.day import parts_of
from puhui.servicing.desk.loan.joint import share_booked
from puhui.servicing.nouns.plan import Happening
from puhui.servicing.rules.joint import part_of, passed_on
from puhui.servicing.rules.replay import quote
from puhui.servicing.tables import collect
from tests.servicing.ordeal import Done, Ordeal
from tests.servicing.shares import LENDERS, Sums
from tests.servicing.templates import HORIZONTAL
from tests.servicing.test_ordeal import PLANS, step, take

NUMBERS = count(1)
BASE = replace(HORIZONTAL, annual_rate=Decimal("0.12"), count=6)
HAPPENING = settings(
    max_examples=8,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def joint_loan(node: Node, clock: FixedClock, plan: noun.Plan = BASE, lent: int = 1_234_567) -> Any:
    """A loan that two others have lent 30 % and 9.9999 % of."""
    loan_id = f"joint-{next(NUMBERS):06d}x"
    return Ordeal(node, clock, loan_id, plan, lent=lent, is_joint=True)


def run(node: Node, clock: FixedClock, plan: noun.Plan, steps: list[tuple[str, int, int]]) -> None:
    loan = joint_loan(node, clock, plan)
    for one in steps:
        take(loan, *one)
        loan.close()


@HAPPENING
@given(st.sampled_from(PLANS), st.lists(step, min_size=4, max_size=16))
def test_shares_are_the_loans_whatever_happens(
    node: Node, clock: FixedClock, plan: noun.Plan, steps: list[tuple[str, int, int]]
) -> None:
    run(node, clock, plan, steps)


@settings(HAPPENING, max_examples=3)
@given(st.sampled_from(PLANS), st.lists(step, min_size=4, max_size=12))
def test_shares_are_the_loans_in_a_log_beside_the_store(
    node_beside: Node, clock: FixedClock, plan: noun.Plan, steps: list[tuple[str, int, int]]
) -> None:
    run(node_beside, clock, plan, steps)


def test_interest_is_due_to_lenders_as_it_is_earned(sqlite_node: Node, clock: FixedClock) -> None:
    """1,000,000 fen at 12 % a year of 365 days: ten days are 3,287.67, booked as 3,288.

    30 % of it are 986.4 and 9.9999 % are 328.79, cut to 986 and 328; 1,974 are ours.
    """
    plan = replace(BASE, day_count=noun.DayCount.ACT_365, method=noun.Method.INTEREST_FIRST)
    loan = joint_loan(sqlite_node, clock, plan, lent=1_000_000)
    loan.move(10)
    loan.close()
    assert [one.due_minor for one in loan.lenders()] == [986, 328]
    assert loan.own()["interest_receivable"] == 3_288
    assert loan.own()["interest_income"] == -1_974
    # Eleven days are 3,616.44; 1,000 are waived: of 2,616 lenders have 784.8 and 261.6.
    loan.happen(Happening.WAIVED, amount_minor=1_000, part=noun.Part.INTEREST)
    loan.move(1)
    loan.close()
    assert [one.due_minor for one in loan.lenders()] == [784, 261]
    assert loan.own()["interest_income"] == -1_571


def test_a_fee_a_waiver_and_a_charge_back_by_hand(sqlite_node: Node, clock: FixedClock) -> None:
    """Parts of 1,001 are 300.3 and 100.099, of 10,001 3,000.3 and 1,000.09; all are cut."""
    plan = replace(BASE, annual_rate=Decimal(0))
    loan = joint_loan(sqlite_node, clock, plan, lent=600_000)
    a, b = loan.lenders()
    assert (a.principal_minor, b.principal_minor) == (180_000, 59_999)

    loan.happen(Happening.FEE_CHARGED, amount_minor=1_001)
    loan.happen(Happening.FEE_CHARGED, amount_minor=501)
    loan.happen(Happening.WAIVED, amount_minor=501, part=noun.Part.FEE)
    now = [here - was for here, was in zip(loan.lenders(), (a, b), strict=True)]
    assert now == [Sums(0, 0, 0), Sums(0, 0, 0)], "what is waived is paid to nobody"
    assert loan.own()["fee_income"] == loan.own()["loan_loss"] == 0, "nor was it anybody's"

    loan.happen(Happening.REPAID, amount_minor=1_001)
    now = [here - was for here, was in zip(loan.lenders(), (a, b), strict=True)]
    assert now == [Sums(0, 0, 300), Sums(0, 0, 100)]
    assert loan.own()["fee_income"] == -(1_001 - 300 - 100)

    loan.happen(Happening.REPAID, amount_minor=100_000)
    now = [here - was for here, was in zip(loan.lenders(), (a, b), strict=True)]
    assert now == [Sums(-30_000, 0, 30_300), Sums(-10_000, 0, 10_100)], "49,999.5 is cut"
    loan.happen(Happening.CHARGED_BACK, amount_minor=100_000, undoes="5")
    now = [here - was for here, was in zip(loan.lenders(), (a, b), strict=True)]
    assert now == [Sums(0, 0, 300), Sums(0, 0, 100)], "lenders pay their parts back"
    loan.happen(Happening.WAIVED, amount_minor=10_001, part=noun.Part.PRINCIPAL)
    now = [here - was for here, was in zip(loan.lenders(), (a, b), strict=True)]
    assert now == [Sums(-3_001, 0, 301), Sums(-1_000, 0, 100)], "589,999 leaves 176,999 and 58,999"
    assert loan.own()["loan_loss"] == 10_001 - 3_000 - 1_000, "each bears its part"


def test_a_loan_given_up_is_provided_for_as_far_as_it_is_ours(
    sqlite_node: Node, clock: FixedClock
) -> None:
    loan = joint_loan(sqlite_node, clock, lent=1_000_000)
    loan.move(20)
    loan.close()
    assert loan.own()["interest_income"] < 0 < min(one.due_minor for one in loan.lenders())
    loan.happen(Happening.CHARGED_OFF)
    assert loan.own()["interest_income"] == 0, "interest that is suspended is nobody's yet"
    assert [one.due_minor for one in loan.lenders()] == [0, 0]
    assert loan.own()["loan_loss_allowance"] == -(1_000_000 - 300_000 - 99_999)
    take(loan, "month", 0, 0)
    with sqlite_node.read() as tx:
        row = live.take_loan(tx, loan.loan_id)
    assert row.booked_loss_minor == row.outstanding_minor - sum(
        one.principal_minor for one in loan.lenders()
    )
    assert loan.own()["loan_loss_allowance"] == -row.booked_loss_minor
    loan.happen(Happening.WRITTEN_OFF)
    assert loan.own()["loan_loss_allowance"] == 0
    assert loan.own()["loan_loss"] == row.booked_loss_minor, "no more is lost of ours"


UNDONE = st.sampled_from(["repay", "fee_paid", "waive", "charge_back", "goodwill", "write_off",
                          "penalty_paid", "charge_off", "pay_off"])  # fmt: skip


@settings(HAPPENING, max_examples=20)
@given(UNDONE, st.integers(1, 60), st.integers(1, 400_000))
def test_what_is_undone_leaves_every_account_as_before(
    sqlite_node: Node, clock: FixedClock, name: str, days: int, amount: int
) -> None:
    loan = joint_loan(sqlite_node, clock)
    start = loan.lenders()
    loan.happen(Happening.REPAID, amount_minor=7_777)
    loan.move(days)
    loan.close()
    if name.endswith("_paid"):
        kind = Happening.FEE_CHARGED if name == "fee_paid" else Happening.PENALTY_CHARGED
        loan.happen(kind, amount_minor=333)
    before = loan.books()
    with sqlite_node.read() as tx:
        book = live.read_book(tx, loan.loan_id)
    told: dict[str, tuple[Happening, dict[str, Any]]] = {
        "waive": (Happening.WAIVED, {"amount_minor": amount, "part": noun.Part.INTEREST}),
        "charge_back": (Happening.CHARGED_BACK, {"amount_minor": 7_777, "undoes": "1"}),
        "goodwill": (Happening.GOODWILL, {"amount_minor": amount}),
        "write_off": (Happening.WRITTEN_OFF, {}),
        "charge_off": (Happening.CHARGED_OFF, {}),
        "pay_off": (Happening.PAID_OFF, {
            "amount_minor": quote(book.plan, book.events, loan.today).total_minor}),
    }  # fmt: skip
    kind, fields = told.get(name, (Happening.REPAID, {"amount_minor": amount}))
    if loan.happen(kind, **fields):
        assert name == "waive" or loan.books() != before, "a waiver is booked with the day"
        with sqlite_node.read() as tx:
            number = len(live.read_book(tx, loan.loan_id).events) - 1
        assert loan.happen(Happening.UNDONE, undoes=str(number))
    loan.close()
    if name == "charge_off":
        loan.move(1)
        loan.close()
        with sqlite_node.read() as tx:
            accrued = live.take_loan(tx, loan.loan_id).accrued_minor
        due = [
            one.due_minor - was.due_minor for one, was in zip(loan.lenders(), start, strict=True)
        ]
        assert due == [part_of(accrued, share) for _, share in LENDERS], "the next day books it"
        return
    after, provided = loan.books(), ("loan_loss", "loan_loss_allowance")
    assert sum(after[one] - before[one] for one in provided) == 0
    if name in ("pay_off", "write_off"):
        # Of a loan that ended provisions were released: the end of the month brings them back.
        for books in (after, before):
            for one in provided:
                del books[one]
    assert after == before


@dataclass(frozen=True)
class Forget:
    """A loan as an older release left it: nothing is due to its lenders."""

    loan_id: str


def forget(act: Act, input: Forget) -> Done:
    """Take back what was booked for the lenders of a loan."""
    share_booked(act, live.take_loan(act.tx, input.loan_id), 0)
    return Done(0)


if "ordeal.forget" not in USE_CASES:
    use_case("ordeal.forget", roles=("system",))(forget)


@pytest.mark.parametrize("has_event", [False, True])
def test_a_loan_of_an_older_release_comes_right_at_the_next_day(
    node: Node, clock: FixedClock, has_event: bool
) -> None:
    loan = joint_loan(node, clock)
    loan.move(20)
    loan.close()
    due = [one.due_minor for one in loan.lenders()]
    assert min(due) > 0
    loan.act("ordeal.forget", Forget(loan.loan_id))
    assert [one.due_minor for one in loan.lenders()] == [0, 0]
    with pytest.raises(AssertionError):
        loan.check()
    if has_event:
        loan.happen(Happening.REPAID, amount_minor=1_000)
    else:
        loan.move(1)
        loan.close()
    loan.check()
    with node.read() as tx:
        booked = [one.booked_minor for one in tx.all(collect.READ_SHARES, loan_id=loan.loan_id)]
    assert booked == [one.due_minor for one in loan.lenders()]


amounts = st.integers(-(10**15), 10**15)
millionths = st.integers(1, 999_999)


@given(st.lists(st.tuples(amounts, millionths), min_size=1, max_size=20))
def test_parts_of_many_are_the_parts_of_each(given: list[tuple[int, int]]) -> None:
    found = parts_of(*(np.array(column, dtype=np.int64) for column in zip(*given, strict=True)))
    assert found.tolist() == [part_of(*one) for one in given]
    for amount, share in given:
        part = part_of(amount, share)
        assert part == -part_of(-amount, share)
        assert 0 <= abs(amount) * share - abs(part) * 10**6 < 10**6


shares = st.dictionaries(
    st.sampled_from("12345"),
    st.tuples(*[st.integers(-(10**9), 10**9)] * 6),
    max_size=5,
)


@given(shares, shares, shares, st.sets(st.sampled_from("12345")), millionths)
def test_what_is_passed_on_depends_on_where_events_come_to_alone(
    first: Any, second: Any, third: Any, losses: set[str], share: int
) -> None:
    """Back and forth is nought, and by a detour it is the same."""
    states = [
        tuple(noun.Share(key, date.min, *parts) for key, parts in one.items())
        for one in (first, second, third)
    ]
    there = np.array(astuple(passed_on(states[0], states[1], losses, share)))
    on = np.array(astuple(passed_on(states[1], states[2], losses, share)))
    back = np.array(astuple(passed_on(states[2], states[0], losses, share)))
    assert (there + on + back == 0).all()
    paid = passed_on((), states[0], losses, share)
    own = [one for one in states[0] if one.event_id in losses]
    assert paid.lost_minor == sum(part_of(one.principal_minor, share) for one in own)
