"""The cost of an application: worked by hand, its sensitivity, and where its prices come from."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from importlib import resources

from hypothesis import given
from hypothesis import strategies as st

from puhui.intake import cost_of_application


def test_worked_by_hand() -> None:
    """3.6 processor-seconds and a million bytes at a million applications a year."""
    cost = cost_of_application(cpu_seconds=3.6, stored_bytes=1_000_000)
    parts = {part.code: part.yuan for part in cost.parts}
    assert parts == {
        "cpu": Decimal("0.000250000"),  # 0.25 yuan an hour
        "storage": Decimal("0.180000000"),  # 1 yuan a gigabyte-month, 3 copies, 60 months
        "identity": Decimal("0.850000000"),
        "bureau": Decimal("0.500000000"),
        "message": Decimal("0.090000000"),
        "servers": Decimal("0.040000000"),
        "staff": Decimal("0.300000000"),
    }
    assert cost.yuan == Decimal("1.96025")
    assert (cost.survey_machine_yuan, cost.survey_people_yuan) == (2, 200)


def test_a_firm_is_looked_up_at_a_firms_price() -> None:
    """The report on a firm costs 4.50 instead of 0.50."""
    person = cost_of_application(cpu_seconds=0.0, stored_bytes=0.0)
    firm = cost_of_application(cpu_seconds=0.0, stored_bytes=0.0, is_firm=True)
    assert firm.yuan - person.yuan == Decimal(4)
    assert {part.code for part in firm.parts} - {part.code for part in person.parts} == {
        "bureau_firm"
    }


@given(st.floats(0, 10), st.floats(0, 1e9), st.integers(100, 10**9))
def test_sensitivity_is_that_of_the_parts(cpu: float, stored: float, volume: int) -> None:
    """Swings are half of each part around the whole; more volume never costs more each."""
    cost = cost_of_application(cpu_seconds=cpu, stored_bytes=stored, volume=volume)
    assert sum(part.yuan for part in cost.parts) == cost.yuan
    by_code = {part.code: part.yuan for part in cost.parts}
    for swing in cost.swings:
        assert swing.high_yuan - swing.low_yuan == by_code[swing.code]
        assert swing.low_yuan + swing.high_yuan == 2 * cost.yuan
    counts = [count for count, _ in cost.by_volume]
    assert counts == sorted(counts)
    assert counts[2] == volume
    assert cost.by_volume[2][1] == cost.yuan
    each = [yuan for _, yuan in cost.by_volume]
    assert each == sorted(each, reverse=True)


def test_every_price_says_where_it_comes_from() -> None:
    """Value, unit, first day, source and kind; a guess is called an assumption."""
    text = (resources.files("puhui.intake") / "data" / "cost.toml").read_text("utf-8")
    sheet = tomllib.loads(text)
    figures = [part["price"] for part in sheet["part"]]
    figures += [sheet["volume"]["applications"], sheet["survey"]["machine"]]
    for figure in figures:
        assert set(figure) == {"value", "unit", "from", "source", "kind"}
        assert Decimal(figure["value"]) > 0
        assert figure["from"] <= date(2026, 11, 23)
        assert len(figure["source"]) > 20
        assert figure["kind"] in ("tariff", "list", "assumption")
    assert any(figure["kind"] == "assumption" for figure in figures)
    codes = [part["code"] for part in sheet["part"]]
    assert len(set(codes)) == len(codes)
