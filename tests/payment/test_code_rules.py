"""Rules of codes to scan: check digits, dated levels of risk, and what the pictures hold."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Refused
from puhui.payment.desk.level import code_figures, risk_levels
from puhui.payment.rules import code as rules
from puhui.payment.window import bars_svg, draw_shown_code, qr_svg


@given(st.integers(0, 10**30))
def test_one_wrong_digit_is_always_found(number: int) -> None:
    digits = rules.merchant_digits(number)
    assert rules.check_digits(digits, length=12) == digits
    assert rules.check_digits(rules.grouped(digits), length=12) == digits
    place, by = number % 12, number % 9 + 1
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    with pytest.raises(Refused, match="code_digits"):
        rules.check_digits(wrong, length=12)


def test_levels_come_strongest_first() -> None:
    levels = risk_levels()
    assert [one.name for one in levels] == ["A", "B", "C", "D"]
    assert [one.daily_minor_max for one in levels] == [None, 500_000, 100_000, 50_000]
    assert [one.institution_minor_max is None for one in levels] == [True, True, False, False]


def test_of_several_figures_the_newest_that_has_begun_holds() -> None:
    figures = dict(code_figures())
    later = {**figures["level"][3], "daily_minor_max": 7, "from": date(2027, 1, 1)}
    figures["level"] = [later, *figures["level"]]
    figures["institution"] = [{"level": "A", "daily_minor_max": 9, "from": date(2027, 1, 1)}]
    old, new = rules.levels_of(figures, date(2026, 12, 31)), rules.levels_of(figures, None)
    assert [one.daily_minor_max for one in old] == [None, 500_000, 100_000, 50_000]
    assert [one.daily_minor_max for one in new] == [None, 500_000, 100_000, 7]
    assert [one.institution_minor_max for one in old] == [None] * 4
    assert new == rules.levels_of(figures, date(2027, 1, 1))
    assert new[0].institution_minor_max == 9


def test_drawn_codes_differ_and_fit() -> None:
    drawn = {draw_shown_code()[0] for _ in range(200)}
    assert len(drawn) == 200
    assert all(rules.check_digits(one, length=18) == one for one in drawn)


def test_bars_are_those_of_the_standard() -> None:
    assert len(rules.CODE_128) == 107
    assert len(set(rules.CODE_128)) == 107
    assert all(sum(map(int, sign)) == 11 for sign in rules.CODE_128[:-1])
    assert all(sum(map(int, sign[::2])) % 2 == 0 for sign in rules.CODE_128[:-1])
    # "12345670" in set C: START C, 12, 34, 56, 70, check, STOP; the check worked out by hand:
    # 105 + 1 * 12 + 2 * 34 + 3 * 56 + 4 * 70 = 633 = 6 * 103 + 15
    signs = ("211232", "112232", "131123", "331121", rules.CODE_128[70], rules.CODE_128[15])
    signs += ("2331112",)
    assert rules.bars_of("12345670") == tuple(int(w) for sign in signs for w in sign)


def test_pictures_say_what_they_show() -> None:
    drawn = bars_svg(rules.shown_digits(5))
    assert drawn.startswith("<svg viewBox=")
    assert drawn.count("h") > 30
    square = qr_svg("000201", title="收款码")
    assert "<title>收款码</title>" in square
    assert "<path" in square
