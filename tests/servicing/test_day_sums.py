"""What a day came to is told for each currency by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from puhui.cli.upkeep.days import day_figures, told_sums
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.servicing import noun, window
from puhui.servicing.rules.day import PARTS, add_sums, sums_of
from puhui.worker import ClosedDay, close_day
from tests.servicing.ordeal import Ordeal
from tests.servicing.test_ordeal import BASE

amounts = st.integers(-(10**12), 10**12)
sums = st.lists(
    st.builds(noun.DaySums, st.sampled_from(["CNY", "USD", "JPY"]), *[amounts] * len(PARTS)),
    max_size=9,
)


@given(sums, sums)
def test_sums_of_chunks_in_any_cut_are_those_of_the_day(
    first: list[noun.DaySums], second: list[noun.DaySums]
) -> None:
    whole = add_sums([*first, *second])
    assert add_sums([*add_sums(first), *add_sums(second)]) == whole
    assert [one.currency for one in whole] == sorted({one.currency for one in [*first, *second]})
    for one in whole:
        own = [each for each in [*first, *second] if each.currency == one.currency]
        assert one.debited_minor == sum(each.debited_minor for each in own)
        assert one.provided_minor == sum(each.provided_minor for each in own)


def test_a_part_is_told_where_there_is_any() -> None:
    found = sums_of(debited_minor={"CNY": 5}, accrued_minor={"CNY": 1, "USD": 2})
    assert found == (noun.DaySums("CNY", 5, 1), noun.DaySums("USD", 0, 2))


def test_a_day_of_loans_in_two_currencies(node: Node, clock: FixedClock) -> None:
    """Loans of 12 % a year: of 1,234,567 fen and of 500,000 cents. Past the end of a
    month the moves between buckets of both are kept."""
    loans = [
        Ordeal(
            node,
            clock,
            f"sums-{currency}-x",
            replace(BASE, currency=currency),
            lent=lent,
            is_joint=True,
        )
        for currency, lent in (("CNY", 1_234_567), ("USD", 500_000))
    ]
    loans[0].move(10)
    done = close_day(node, loans[0].today)
    told = {one.currency: one.accrued_minor for one in done.money}
    assert told == {"CNY": 4_059, "USD": 1_644}, "ten days of 365: 4,058.85 and 1,643.84"
    assert day_figures([done, done])["accrued_minor_USD"] == 3_288
    assert day_figures([done])["accrued_minor_CNY"] == 4_059
    line = "USD: 0.00 debited, 16.44 accrued, 0.00 suspended, 0.00 provided, 0.00 fees."
    assert told_sums(done.money[1]) == line
    day = loans[0].today + timedelta(days=21)
    loans[0].move(21)
    done = close_day(node, day)
    assert [one.debited_minor > 0 for one in done.money] == [True, True]
    with node.read() as tx:
        rolls = window.roll_rates(tx, "2026-03")
    assert {one.currency for one in rolls} == {"CNY", "USD"}
    for loan in loans:
        loan.check()
    assert isinstance(done, ClosedDay)
