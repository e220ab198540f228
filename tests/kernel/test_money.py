"""Money: exact, whole minor units, one currency at a time; rounding by the named mode."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Money, Refused
from puhui.kernel.money import (
    DIGITS,
    MINOR_MAX,
    Rounding,
    allocate,
    figure_of,
    parse_money,
    round_minor,
)

# The decimal specification's own modes are the reference (ISO/IEC 60559), save HALF_UP below
# nought: there half goes up to nought here, as Java's Math.round does, not away from it.
TABLE = [
    # value, HALF_EVEN, HALF_UP, DOWN, UP
    ("0", 0, 0, 0, 0),
    ("0.4", 0, 0, 0, 1),
    ("0.5", 0, 1, 0, 1),
    ("0.6", 1, 1, 0, 1),
    ("1.5", 2, 2, 1, 2),
    ("2.5", 2, 3, 2, 3),
    ("2.500001", 3, 3, 2, 3),
    ("-0.4", 0, 0, 0, -1),
    ("-0.5", 0, -1, 0, -1),
    ("-0.6", -1, -1, 0, -1),
    ("-1.5", -2, -2, -1, -2),
    ("-2.5", -2, -3, -2, -3),
    ("-3", -3, -3, -3, -3),
]
REFERENCE = {
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.UP: ROUND_UP,
}


@pytest.mark.parametrize("value, even, up, down, away", TABLE)
def test_rounding_by_table(value: str, even: int, up: int, down: int, away: int) -> None:
    modes = (Rounding.HALF_EVEN, Rounding.HALF_UP, Rounding.DOWN, Rounding.UP)
    assert [round_minor(Decimal(value), mode) for mode in modes] == [even, up, down, away]


@given(st.decimals(-(10**12), 10**12, places=4), st.sampled_from(list(Rounding)))
def test_rounding_is_that_of_the_decimal_specification(value: Decimal, mode: Rounding) -> None:
    assert round_minor(value, mode) == int(value.quantize(Decimal(1), REFERENCE[mode]))


@given(st.fractions(max_denominator=10**6), st.sampled_from(list(Rounding)))
def test_rounding_moves_by_less_than_one_and_keeps_whole_numbers(
    value: Fraction, mode: Rounding
) -> None:
    assert abs(round_minor(value, mode) - value) < 1
    assert round_minor(int(value), mode) == int(value)


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.fractions(0, 100, max_denominator=1000), min_size=1, max_size=12).filter(any),
)
def test_shares_sum_to_the_whole(total: int, weights: list[Fraction]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts[:-1], weights, strict=False):
        exact = total * weight / whole
        assert abs(part) <= abs(exact)
        assert abs(part - exact) < 1


def test_the_last_share_takes_the_remainder() -> None:
    assert allocate(100, [1, 1, 1]) == (33, 33, 34)
    assert allocate(-100, [1, 1, 1]) == (-33, -33, -34)
    assert allocate(1, [0, 1]) == (0, 1)
    for weights in ([], [0, 0], [1, -1], [2, -1]):
        with pytest.raises(AssertionError):
            allocate(100, weights)


def test_money_keeps_to_its_currency() -> None:
    one, two = Money(150, "CNY"), Money(50, "CNY")
    assert (one + two, one - two, -one) == (
        Money(200, "CNY"),
        Money(100, "CNY"),
        Money(-150, "CNY"),
    )
    assert two < one
    assert two <= one
    assert sorted([one, two]) == [two, one]
    for work in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(AssertionError):
            work(one, Money(1, "USD"))
    for wrong in (1.0, True, Decimal(1)):
        with pytest.raises(AssertionError):
            Money(wrong, "CNY")  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        Money(1, "XXX")


def test_money_is_written_with_all_its_decimals() -> None:
    assert str(Money(4_300_000, "CNY")) == "43,000.00 元"
    assert str(Money(4_300_000, "USD")) == "43,000.00 USD"
    assert str(Money(-5, "CNY")) == "-0.05 元"
    assert str(Money(1_234, "JPY")) == "1,234 JPY"
    assert figure_of(-1_234_567, 3) == "-1,234.567"
    assert Money(-1_050, "CNY").major() == Decimal("-10.50")


@given(st.integers(-MINOR_MAX + 1, MINOR_MAX - 1), st.sampled_from(sorted(DIGITS)))
def test_what_was_written_is_read_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert parse_money(money.figure(), currency) == money


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1.005", "1e30", "--1", "9" * 25])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_money(text, "CNY")
    assert caught.value.code == "kernel.bad_amount"


def test_amounts_as_people_write_them() -> None:
    assert parse_money(" 43,000 ", "CNY") == Money(4_300_000, "CNY")
    assert parse_money("43，000.5", "CNY") == Money(4_300_050, "CNY")
    assert parse_money("1e2", "JPY") == Money(100, "JPY")
