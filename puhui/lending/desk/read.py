"""What lists and pages show of applications, loans and reviews."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache

from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables
from puhui.lending.desk.serve.repay import read_loan
from puhui.lending.desk.shelf import DECISION, SERVICING
from puhui.lending.nouns import Decision, PlanRow, PlanState
from puhui.lending.nouns.request import CaseFile, LoanSummary


def read_case(tx: Transaction, application_id: str) -> tuple[CaseFile, Decision | None]:
    """An application with its newest decision. Refused: ``lending.no_application``."""
    row = tx.one(tables.READ_APPLICATION, id=application_id)
    if row is None:
        raise Refused("lending.no_application", f"There is no application {application_id[:60]}.")
    stored = tx.one(tables.READ_DECISION, id=row.decision_id) if row.decision_id else None
    decision = None
    if stored is not None and stored.decision != "null":
        decision = _decision_in(stored.decision)
    case = CaseFile(
        row.id,
        row.party_id,
        row.product,
        row.status,
        row.wanted_minor,
        row.currency,
        date.fromisoformat(row.applied_on),
        None if stored is None else stored.outcome,
        None if stored is None else stored.points,
        None if stored is None or stored.pd is None else float(stored.pd),
    )
    return case, decision


@lru_cache(maxsize=1024)
def _decision_in(text: str) -> Decision:
    """A stored decision as a noun: the same text is the same decision, and nothing changes it."""
    return DECISION.validate_json(text)


def _summary(row: Row) -> LoanSummary:
    return LoanSummary(
        row.id,
        row.application_id,
        row.party_id,
        row.product,
        row.currency,
        row.principal_minor,
        row.outstanding_minor,
        Decimal(row.annual_rate),
        row.status,
        business_date(row.accepted_us),
        None if row.started_on is None else date.fromisoformat(row.started_on),
        row.days_past_due,
        row.arrears_minor,
    )


def loans_of(tx: Transaction, party_id: str) -> tuple[LoanSummary, ...]:
    """All contracts of a party."""
    return tuple(_summary(row) for row in tx.all(tables.READ_CONTRACTS_OF, party_id=party_id))


def list_loans(tx: Transaction, *, after: str = "", count: int = 100) -> tuple[LoanSummary, ...]:
    """A page of all contracts, by id, after the one named."""
    return tuple(_summary(row) for row in tx.all(tables.READ_CONTRACTS, after=after, count=count))


def contract_of(tx: Transaction, application_id: str) -> LoanSummary | None:
    """The contract of an application that is in force, or None."""
    row = tx.one(tables.READ_CONTRACT_OF, application_id=application_id)
    return None if row is None else _summary(row)


def loan_state(tx: Transaction, contract_id: str, on: date) -> PlanState:
    """A loan recomputed from its events. Refused: ``lending.no_contract``."""
    row = tx.one(tables.READ_CONTRACT, id=contract_id)
    if row is None:
        raise Refused("lending.no_contract", f"There is no contract {contract_id[:60]}.")
    return read_loan(tx, row, on)


def plan_of(tx: Transaction, contract_id: str, on: date) -> tuple[PlanRow, ...]:
    """The plan of a loan on a day, row by row: what is due, what was paid, and when.

    Before the money is paid out it is the plan that was signed. Refused: ``lending.no_contract``.
    """
    return loan_state(tx, contract_id, on).rows


def cooling_off_days(row: Row) -> int:
    """For how many days a contract may be given back without a reason, nought for none."""
    return SERVICING.validate_json(row.servicing).cooling_off_days


def portfolio(tx: Transaction) -> tuple[Row, ...]:
    """Contracts and their sums in minor units by product, currency and status."""
    return tuple(tx.all(tables.READ_PORTFOLIO))


def review_queue(tx: Transaction) -> tuple[Row, ...]:
    """Reviews not closed yet, the longest waiting first."""
    return tuple(tx.all(tables.READ_REVIEW_QUEUE))
