"""What guards look at, out of records and the applicant's own words: the more careful of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date

from puhui.merchant.nouns import Flows, Guarded, Invoice, Observed, PastInstalment, Stated

Record = tuple[str, str, Mapping[str, object]]
"""An opened record: its kind, its reference, and what it says."""

Choice = Callable[[list[int]], int]


def years_between(born: str, today: date) -> int:
    """The age in whole years on ``today`` of somebody born on the ISO day ``born``."""
    day = date.fromisoformat(born)
    return today.year - day.year - ((today.month, today.day) < (day.month, day.day))


def observed_of(records: Iterable[Record], *, on: date, flows: Flows) -> Observed:
    """What signals are made of, out of opened records and the flows of the wallet."""
    invoices, past = [], []
    registered_on: date | None = None
    for kind, _, content in sorted(records, key=_number):
        told = {name: str(value) for name, value in content.items() if value is not None}
        if kind == "invoice":
            paid = told.get("paid_on")
            invoices.append(
                Invoice(
                    supplier=int(told["supplier"]),
                    issued_on=date.fromisoformat(told["issued_on"]),
                    due_on=date.fromisoformat(told["due_on"]),
                    paid_on=None if paid is None else date.fromisoformat(paid),
                    amount_minor=int(told["amount_minor"]),
                )
            )
        elif kind == "past_repayment":
            past.append(
                PastInstalment(
                    due_on=date.fromisoformat(told["due_on"]),
                    paid_on=date.fromisoformat(told["paid_on"]),
                    amount_minor=int(told["amount_minor"]),
                )
            )
        elif kind == "registry_fact":
            registered_on = date.fromisoformat(told["registered_on"])
    return Observed(on, flows, tuple(invoices), tuple(past), registered_on)


def _number(record: Record) -> tuple[int, str]:
    """Records in the order of the numbers that their references end with."""
    tail = record[1].partition("/")[2]
    return (int(tail) if tail.isdecimal() else 0, record[1])


def recorded(found: Guarded, records: Iterable[Record]) -> Guarded:
    """``found`` with the declared income and the credit bureau's report among ``records``."""
    told = {
        name: value
        for kind, _, content in records
        if kind in ("stated_income", "bureau_debt")
        for name, value in content.items()
        if isinstance(value, int)
    }
    return replace(
        found,
        yearly_income_minor=told.get("yearly_income_minor"),
        existing_debt_minor=told.get("debt_minor"),
        overdue_minor=told.get("overdue_minor"),
        overdue_days=told.get("overdue_days"),
    )


def with_stated(found: Guarded, stated: Stated) -> Guarded:
    """``found`` with what the applicant says: the lower income, the higher debts.

    Own words can make a case weaker than records do, never stronger; where no record says
    anything they stand alone.
    """
    return replace(
        found,
        yearly_income_minor=_first(min, found.yearly_income_minor, stated.yearly_income_minor),
        existing_debt_minor=_first(max, found.existing_debt_minor, stated.existing_debt_minor),
        overdue_minor=_first(max, found.overdue_minor, stated.overdue_minor),
    )


def _first(choose: Choice, *amounts: int | None) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return choose(known) if known else None
