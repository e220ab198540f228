"""Cases of Apache Fineract's progressive instalment test as plans, draws and payments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from puhui.servicing.nouns.plan import Plan, PlanEvent, Recalculation
from puhui.servicing.nouns.terms import DayCount, Frequency, Method
from puhui.servicing.rules.replay.layout import Book, Paid

DAY_COUNTS = {
    ("DAYS_360", "DAYS_30"): DayCount.THIRTY_360,
    ("DAYS_360", "ACTUAL"): DayCount.ACT_360,
    ("DAYS_364", "ACTUAL"): DayCount.ACT_364,
    ("DAYS_365", "ACTUAL"): DayCount.ACT_365,
    ("ACTUAL", "ACTUAL"): DayCount.ACT_ACT,
    ("DAYS_360", "INVALID"): DayCount.ACT_360,
}
DAY = re.compile(r"LocalDate\.of\((\d+), (\d+), (\d+)\)")
MONEY = re.compile(r"(?:toMoney|BigDecimal\.valueOf)\(([0-9.]+)\)")
NAMED = {
    "op1stCorrectionPeriodDueDate": "LocalDate.of(2024, 3, 1)",
    "op1stCorrectionDate": "LocalDate.of(2024, 2, 15)",
    "op2ndCorrectionPeriodDueDate": "LocalDate.of(2024, 4, 1)",
    "op2ndCorrectionDate": "LocalDate.of(2024, 3, 1)",
    "op2ndCorrectionAmount": "toMoney(16.42)",
}
"""Constants that the test names; the first amount depends on the case."""

FIRST_AMOUNTS = {"payoff_on0215": "toMoney(15.00)", "add_balance_correction": "toMoney(16.77)"}


def book_of(case: Mapping[str, Any]) -> Book:
    """The book of one case: its plan, what was drawn, and principal paid ahead or late."""
    periods = case["periods"]
    starts_on = date.fromisoformat(periods[0]["from"])
    plan = Plan(
        "EUR",
        Decimal(case["annual_rate_percent"]) / 100,
        Method.EQUAL_INSTALMENT,
        len(periods),
        every=int(case["repay_every"]),
        frequency=Frequency(str(case["frequency"]).lower()),
        day_count=DAY_COUNTS[case["days_in_year"], case["days_in_month"]],
        adjusts_instalment=True,
        joins_due_day=False,
        recalculation=Recalculation.EVERY_PERIOD,
        starts_on=starts_on,
    )
    due = [date.fromisoformat(period["due"]) for period in periods]
    draws, paid = [], []
    for event in case["events"]:
        if event["type"] == "disburse":
            minor = int(Decimal(event["amount"]) * 100)
            draws.append((date.fromisoformat(event["date"]), minor, 0))
        elif event["type"] == "payPrincipal":
            paid.append(_paid(case["id"], event["args"], due))
    changes: list[PlanEvent] = []
    return Book(plan, sorted(draws), changes, paid, starts_on)


def _paid(case_id: str, args: str, due: list[date]) -> Paid:
    names = dict(NAMED)
    for part, amount in FIRST_AMOUNTS.items():
        if part in case_id:
            names["op1stCorrectionAmount"] = amount
    for name, value in names.items():
        args = re.sub(rf"\b{name}\b", value, args)
    row, on = (date(*map(int, found)) for found in DAY.findall(args))
    found = MONEY.search(args)
    assert found, args
    return Paid((1, due.index(row)), on, on, int(Decimal(found.group(1)) * 100))
