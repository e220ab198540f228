"""Cases of Apache Fineract's progressive instalment test as plans, draws and payments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from puhui.servicing.nouns.plan import Happening, Plan, PlanEvent, Recalculation
from puhui.servicing.nouns.terms import DayCount, Frequency, Method

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

PAYS = ("payPrincipal", "payInterest")
FIRST_AMOUNTS = {"payoff_on0215": "toMoney(15.00)", "add_balance_correction": "toMoney(16.77)"}


def read_case(case: Mapping[str, Any]) -> tuple[Plan, list[PlanEvent]]:
    """The plan of one case and what happened: draws, and money of a day ahead of its rows.

    The case pays principal and interest of rows by themselves, an instalment late as if it were on
    time; here the money of one day is one payment, and the engine has to share it out again.
    Instalments due by then are left to be paid on their days; interest that one case pays for a
    period that has not begun is left out, as no row hangs on it.
    """
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
    day_of = date.fromisoformat
    starts = {day_of(period["due"]): day_of(period["from"]) for period in periods}
    sums: dict[tuple[date, Happening], int] = {}
    draws: list[PlanEvent] = []
    for event in case["events"]:
        if event["type"] == "disburse":
            on, name = date.fromisoformat(event["date"]), f"draw {len(draws)}"
            draws.append(PlanEvent(name, Happening.DRAWN, on, int(Decimal(event["amount"]) * 100)))
        elif event["type"] in PAYS:
            row, on, minor = _paid(case["id"], event["args"])
            is_early = event["type"] == "payInterest" and starts[row] >= on
            if row > on and not is_early:
                sums[on, Happening.REPAID] = sums.get((on, Happening.REPAID), 0) + minor
    paid = [PlanEvent(f"paid {on}", kind, on, minor) for (on, kind), minor in sums.items()]
    return plan, sorted([*draws, *paid], key=lambda event: event.on)


def _paid(case_id: str, args: str) -> tuple[date, date, int]:
    """The due day of the row, the day of the payment and its amount."""
    names = dict(NAMED)
    for part, amount in FIRST_AMOUNTS.items():
        if part in case_id:
            names["op1stCorrectionAmount"] = amount
    for name, value in names.items():
        args = re.sub(rf"\b{name}\b", value, args)
    row, on = (date(*map(int, found)) for found in DAY.findall(args))
    found = MONEY.search(args)
    assert found, args
    return row, on, int(Decimal(found.group(1)) * 100)
