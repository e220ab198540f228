"""Steps of Apache Fineract's loan features as plans and events; expected rows stay outside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from puhui.kernel.errors import Refused
from puhui.servicing.nouns.plan import (
    STANDARD_ORDER,
    Basis,
    Early,
    Happening,
    Interest,
    Plan,
    PlanEvent,
    Recalculation,
)
from puhui.servicing.nouns.terms import DayCount, Frequency, Method, Part, Timing
from puhui.servicing.rules.replay.run import replay

MONTHS = tuple(
    "January February March April May June July August September October November December".split()
)
DUE = (Timing.PAST_DUE, Timing.DUE)
PENALTY, FEE, INTEREST, PRINCIPAL = Part.PENALTY, Part.FEE, Part.INTEREST, Part.PRINCIPAL


def _order(due: Sequence[Part], ahead: Sequence[Part]) -> tuple[tuple[Timing, Part], ...]:
    return tuple((timing, part) for timing in DUE for part in due) + tuple(
        (Timing.IN_ADVANCE, part) for part in ahead
    )


STRATEGIES = {
    "PENALTIES_FEES_INTEREST_PRINCIPAL_ORDER": STANDARD_ORDER,
    "ADVANCED_PAYMENT_ALLOCATION": STANDARD_ORDER,
    "DUE_PENALTY_FEE_INTEREST_PRINCIPAL_IN_ADVANCE_PRINCIPAL_PENALTY_FEE_INTEREST": _order(
        (PENALTY, FEE, INTEREST, PRINCIPAL), (PRINCIPAL, PENALTY, FEE, INTEREST)
    ),
    "DUE_PENALTY_INTEREST_PRINCIPAL_FEE_IN_ADVANCE_PENALTY_INTEREST_PRINCIPAL_FEE": _order(
        (PENALTY, INTEREST, PRINCIPAL, FEE), (PENALTY, INTEREST, PRINCIPAL, FEE)
    ),
}
METHODS = {
    "EQUAL_INSTALLMENTS": Method.EQUAL_INSTALMENT,
    "EQUAL_PRINCIPAL_PAYMENTS": Method.EQUAL_PRINCIPAL,
}
PENALTY_CHARGES = ("LOAN_NSF_FEE",)


def day_of(text: str) -> date:
    """A day as the features write it: "1 September 2023"."""
    day, month, year = text.split()
    return date(int(year), MONTHS.index(month) + 1, int(day))


def cents(text: str) -> int:
    """An amount of two decimals in minor units."""
    return int((Decimal(text.replace(",", "")) * 100).to_integral_exact())


def plan_of(row: Mapping[str, str]) -> Plan:
    """The plan of a fully customised loan: the row's own terms over its product's defaults.

    The cumulative products say act/act, yet count every year as 365 days, leap years as well. The
    peer's own step sends its column "interest free period" as grace on interest, over the column
    of that name, and asks for no interest-free periods (apache/fineract, fineract-e2e-tests-core,
    step "creates a fully customized loan"); so it is read here.
    """
    product = row["LoanProduct"]
    is_first = product.startswith("LP1")
    is_progressive = "ADV_P" in product
    plan = Plan(
        "EUR",
        Decimal(row["ANNUAL interest rate %"]) / 100,
        METHODS[row["amortization type"]],
        int(row["numberOfRepayments"]),
        every=int(row["repaymentEvery"]),
        frequency=Frequency(row["repaymentFrequencyType"].lower()),
        day_count=DayCount.ACT_365,
        interest=Interest.FLAT if row["interest type"] == "FLAT" else Interest.DECLINING,
        basis=Basis.DAILY if row["interest calculation period"] == "DAILY" else Basis.WHOLE_PERIOD,
        multiple_minor=1 if is_progressive else 100,
        joins_due_day=not is_progressive,
        shares_whole_term=not is_progressive,
        levels_by_first_period=not is_progressive and row["interest calculation period"] == "DAILY",
        allocation=STRATEGIES[row["Payment strategy"]],
        grace_principal=int(row["graceOnPrincipalPayment"]),
        grace_interest=int(row["interest free period"]),
    )
    if not is_first and "360_30" not in product:
        is_auto = "_AUTO" in product
        plan = replace(plan, down_payment_share=Decimal("0.25"), pays_down_by_itself=is_auto)
    if "360_30" in product:
        plan = replace(
            plan,
            day_count=DayCount.THIRTY_360,
            adjusts_instalment=True,
            recalculation=Recalculation.EVERY_PERIOD,
        )
    return _recalculating(plan, product)


def _recalculating(plan: Plan, product: str) -> Plan:
    """The cumulative products with interest recalculation."""
    if "RECALCULATION" not in product or plan.recalculation is not Recalculation.NONE:
        return plan
    early = Early.REDUCE_INSTALMENT
    if "REDUCE_NR_INST" in product:
        early = Early.REDUCE_COUNT
    elif "RESCH_NEXT_REP" in product:
        early = Early.NEXT_REPAYMENT
    return replace(
        plan,
        recalculation=Recalculation.RUNNING_PERIOD,
        early=early,
        compounds_overdue="COMPOUNDING_MONTHLY" in product,
        rests_on_due_day="RECALCULATION_SAME_AS_REPAYMENT" in product,
    )


@dataclass(slots=True)
class Book:
    """What the steps so far have made: a plan, its events, and the business day."""

    on: date = date(2000, 1, 1)
    plan: Plan | None = None
    events: list[PlanEvent] = field(default_factory=list)
    recalculated_on: date = date(2000, 1, 1)
    proposed: PlanEvent | None = None

    def add(self, kind: Happening, on: date, **fields: Any) -> None:
        """Put one event into the book."""
        self.events.append(PlanEvent(f"e{len(self.events) + 1}", kind, on, **fields))
        self.recalculated_on = max(self.recalculated_on, on)


QUOTED = re.compile(r'"([^"]*)"')
AMOUNT = re.compile(r"with ([0-9.]+) EUR|and ([0-9.]+) EUR")
IDLE = (
    "Admin creates a client",
    "Admin successfully approves",
    "Global configuration",
    "Admin puts",
    "Admin removes",
    "Admin checks",
    "Loan's all installments",
    "Loan Repayment schedule",
    "Loan Transactions tab",
)
"""Steps that set nothing in a loan, or that only look at it."""


def take_step(book: Book, step: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Put one step into the book. Refused: ``servicing.unknown_step``."""
    words = QUOTED.findall(step)
    if step.startswith("Admin sets the business date"):
        book.on = day_of(words[0])
    elif step.startswith("Admin creates a fully customized loan"):
        book.plan = plan_of(rows[0])
        lent = cents(rows[0]["with Principal"])
        day = day_of(rows[0]["submitted on date"])
        book.proposed = PlanEvent("proposed", Happening.DRAWN, day, amount_minor=lent)
        if "MULTIDISB" in rows[0]["LoanProduct"]:
            book.plan = replace(book.plan, fixed_minor=first_instalment(book.plan, book.proposed))
    elif step.startswith("Admin successfully disburse"):
        book.add(Happening.DRAWN, day_of(words[0]), amount_minor=cents(words[1]))
    elif step.startswith("Customer makes"):
        book.add(Happening.REPAID, day_of(words[1]), amount_minor=_amount(step))
    elif step.startswith("Loan Pay-off"):
        book.add(Happening.PAID_OFF, day_of(words[0]))
    elif step.startswith("Admin adds"):
        is_penalty = words[0] in PENALTY_CHARGES
        kind = Happening.PENALTY_CHARGED if is_penalty else Happening.FEE_CHARGED
        book.add(kind, book.on, due_on=day_of(words[1]), amount_minor=_amount(step))
    elif step.startswith("Admin creates and approves Loan reschedule"):
        _reschedule(book, rows[0])
    elif step.startswith(("Admin runs inline COB", "Admin runs COB")):
        book.recalculated_on = book.on
    elif not step.startswith(IDLE):
        raise Refused("servicing.unknown_step", f"This step is not known: {step}")


def _amount(step: str) -> int:
    found = AMOUNT.search(step)
    if found is None:
        raise Refused("servicing.unknown_step", f"This step names no amount: {step}")
    return cents(found.group(1) or found.group(2))


def _reschedule(book: Book, row: Mapping[str, str]) -> None:
    """Changes of a loan from a due day on."""
    rate = row.get("newInterestRate")
    moved = row.get("adjustedDueDate")
    book.add(
        Happening.RESCHEDULED,
        day_of(row["submittedOnDate"]),
        due_on=day_of(row["rescheduleFromDate"]),
        moved_to=day_of(moved) if moved else None,
        count=int(row.get("extraTerms") or 0),
        grace=int(row.get("graceOnPrincipal") or 0),
        annual_rate=Decimal(rate) / 100 if rate else None,
    )


def first_instalment(plan: Plan, draw: PlanEvent) -> int:
    """The instalment of the amount that was approved: a product with several draws keeps it."""
    return replay(plan, [draw], draw.on).rows[0].due_minor
