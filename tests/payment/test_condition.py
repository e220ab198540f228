"""Conditions as data, and promises: met or not, and where the money is."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Refused
from puhui.payment.nouns.promise import Condition, Facts
from puhui.payment.rules import condition as rules

DAY = date(2026, 3, 2)
LATER = DAY + timedelta(days=30)
FROM = Condition("from", on=DAY + timedelta(days=1))
UNTIL = Condition("until", on=LATER)
SEED = Condition("purpose", purposes=("5261", "0763"))
RAIN = Condition(
    "reading",
    source="weather.lankao",
    name="rain_mm.may",
    comparison="lt",
    threshold=Decimal("40.0"),
)


def both(*parts: Condition) -> Condition:
    return Condition("all", parts=parts)


def either(*parts: Condition) -> Condition:
    return Condition("any", parts=parts)


KEY = ("weather.lankao", "rain_mm.may")


@pytest.mark.parametrize(
    "condition, facts, is_met",
    [
        (FROM, Facts(DAY), False),
        (FROM, Facts(DAY + timedelta(days=1)), True),
        (UNTIL, Facts(LATER), True),
        (UNTIL, Facts(LATER + timedelta(days=1)), False),
        (SEED, Facts(DAY), False),
        (SEED, Facts(DAY, frozenset({"5411"})), False),
        (SEED, Facts(DAY, frozenset({"5411", "5261"})), True),
        (RAIN, Facts(DAY), False),
        (RAIN, Facts(DAY, readings={KEY: Decimal(40)}), False),
        (RAIN, Facts(DAY, readings={KEY: Decimal("39.99")}), True),
        (RAIN, Facts(DAY, readings={("weather.other", KEY[1]): Decimal(0)}), False),
        (RAIN, Facts(DAY, readings={(KEY[0], "rain_mm.june"): Decimal(0)}), False),
        (both(UNTIL, SEED), Facts(DAY), False),
        (both(UNTIL, SEED), Facts(DAY, frozenset({"0763"})), True),
        (either(FROM, RAIN), Facts(DAY), False),
        (either(FROM, RAIN), Facts(DAY, readings={KEY: Decimal(1)}), True),
        (both(UNTIL, either(SEED, both(FROM, RAIN))), Facts(DAY), False),
    ],
)
def test_conditions_are_met_by_facts(condition: Condition, facts: Facts, is_met: bool) -> None:
    assert rules.is_met(condition, facts) is is_met
    if not is_met:
        with pytest.raises(Refused, match="not_met"):
            rules.check_met(condition, facts)


@pytest.mark.parametrize("comparison, values", [
    ("lt", (True, False, False)),
    ("le", (True, True, False)),
    ("eq", (False, True, False)),
    ("ge", (False, True, True)),
    ("gt", (False, False, True)),
])  # fmt: skip
def test_comparisons(comparison: str, values: tuple[bool, ...]) -> None:
    one = Condition("reading", source="s", name="n", comparison=comparison, threshold=Decimal("2"))
    found = [rules.is_met(one, Facts(DAY, readings={("s", "n"): Decimal(v)})) for v in (1, 2, 3)]
    assert tuple(found) == values


def deep(levels: int) -> Condition:
    found = UNTIL
    for _ in range(levels):
        found = both(found)
    return found


@pytest.mark.parametrize(
    "condition",
    [
        Condition("never"),
        Condition(""),
        Condition("from"),
        Condition("from", on=DAY, purposes=("X",)),
        Condition("purpose"),
        Condition("purpose", purposes=("small",)),
        Condition("purpose", purposes=("X" * 36,)),
        Condition("purpose", purposes=tuple(f"X{n}" for n in range(9))),
        Condition("all"),
        Condition("any", parts=(UNTIL,) * 9),
        Condition("any", parts=(Condition("all", parts=(UNTIL,) * 6),) * 3),
        Condition("reading", source="s", name="n", comparison="near", threshold=Decimal(1)),
        Condition("reading", source="S'", name="n", comparison="lt", threshold=Decimal(1)),
        Condition("reading", source="s", name="n", comparison="lt"),
        Condition("reading", source="s", name="n", comparison="lt", threshold=Decimal("NaN")),
        Condition("reading", source="s", name="n", comparison="lt", threshold=Decimal("Infinity")),
        Condition("reading", source="s", name="n", comparison="lt", threshold=Decimal("1e30")),
        Condition("reading", source="s", name="n", comparison="lt", threshold=Decimal("1e-30")),
        deep(4),
    ],
)
def test_what_is_no_condition_is_refused(condition: Condition) -> None:
    with pytest.raises(Refused, match="bad_condition"):
        rules.check_condition(condition)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"until":"tomorrow"}',
        '{"until":"2026-03-02","from":"2026-03-02"}',
        '{"all":{}}',
        '{"all":7}',
        '{"reading":{"source":"s"}}',
        '{"reading":{"source":"s","name":"n","comparison":"lt","threshold":"x"}}',
        '{"all":' * 5000 + "[]" + "}" * 5000,
        '{"all":[{"all":[{"all":[{"all":[{"until":"2026-03-02"}]}]}]}]}',
    ],
)
def test_texts_that_are_no_condition_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="bad_condition"):
        rules.condition_of(text)


def conditions() -> st.SearchStrategy[Condition]:
    days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
    codes = st.lists(st.sampled_from(["5261", "0763", "SEED"]), min_size=1, max_size=3)
    leaves = st.one_of(
        st.builds(lambda day: Condition("from", on=day), days),
        st.builds(lambda day: Condition("until", on=day), days),
        st.builds(lambda some: Condition("purpose", purposes=tuple(sorted(set(some)))), codes),
        st.builds(
            lambda how, value: Condition(
                "reading", source="s", name="n", comparison=how, threshold=value
            ),
            st.sampled_from(sorted(rules.COMPARISONS)),
            st.decimals(-1000, 1000, places=2),
        ),
    )
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda kind, parts: Condition(kind, parts=tuple(parts)),
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=6,
    )


def levels(one: Condition) -> int:
    return 1 + max((levels(part) for part in one.parts), default=0)


@given(conditions(), st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.booleans())
def test_texts_and_facts(one: Condition, day: date, is_known: bool) -> None:
    """A text says its condition again; unmet parts are named where and only where it is unmet;
    more facts of a purpose never undo what was met; naming no purpose meets no purpose."""
    if levels(one) > rules.DEPTH_MAX:
        with pytest.raises(Refused, match="bad_condition"):
            rules.check_condition(one)
        return
    text = rules.text_of(one)
    again = rules.condition_of(text)
    assert rules.text_of(again) == text
    assert rules.digest_of(text) == rules.digest_of(rules.text_of(again))
    facts = Facts(day, frozenset({"5261"}) if is_known else frozenset())
    assert rules.is_met(one, facts) == rules.is_met(again, facts)
    if rules.is_met(one, facts):
        assert rules.is_met(one, Facts(day, frozenset({"5261", "0763", "SEED"})))
    if rules.binds_purpose(one):
        assert not rules.is_met(one, Facts(day))
    can = rules.can_be_met(one, first=date(2026, 1, 1), last=date(2026, 12, 31))
    if rules.is_met(one, facts):
        assert can


def test_equal_conditions_have_one_text() -> None:
    other = Condition("purpose", purposes=("0763", "5261", "5261"))
    assert rules.text_of(other) == rules.text_of(SEED) == '{"purpose":["0763","5261"]}'
    assert rules.text_of(RAIN) == (
        '{"reading":{"comparison":"lt","name":"rain_mm.may",'
        '"source":"weather.lankao","threshold":"40"}}'
    )
