"""All that a person owes in one view: loans and offers here, debts and guarantees elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from puhui.kernel.store import Row, Transaction
from puhui.lending.desk.shelf import TERMS
from puhui.lending.nouns.obligation import Obligation, ObligationKind, Obligations
from puhui.lending.rules.capacity import monthly_of
from puhui.lending.tables import capacity as tables


def obligations_of(tx: Transaction, party_id: str) -> Obligations:
    """Everything a person owes or stands for as it is known here, with its own limits.

    Two statements. What is declared in an application is sealed and not in it; the decision on the
    application counts it.
    """
    rows = tx.all(tables.READ_STANDING, party_id=party_id)
    return obligations_from(party_id, rows, tx.all(tables.READ_PROMISES, party_id=party_id))


def obligations_from(
    party_id: str, rows: Sequence[Row], promises: Sequence[Row], *, without: str = ""
) -> Obligations:
    """The view from rows of ``READ_STANDING`` and of applications with an offer.

    ``without`` names a contract that is left out: the one that is about to be paid out.
    """
    items = [
        Obligation(
            ObligationKind.OFFER,
            one.id,
            one.product,
            one.currency,
            one.offered_minor,
            monthly_of(one.offered_minor, one.term_months, Decimal(0)),
        )
        for one in promises
        if one.offered_minor
    ]
    own_limits = []
    for row in rows:
        if row.kind == "own_limit":
            own_limits.append((row.currency, int(row.principal_minor)))
        elif row.reference != without:
            items.append(_loan(row) if row.kind == "loan" else _elsewhere(row))
    return Obligations(party_id, tuple(items), tuple(own_limits))


def _loan(row: Row) -> Obligation:
    monthly = 0
    if row.status != "written_off":
        terms = TERMS.validate_json(row.terms)
        monthly = -(-(row.principal_minor + row.total_cost_minor) // terms.count)
    return Obligation(
        ObligationKind.LOAN,
        row.reference,
        row.product,
        row.currency,
        owed_of(row),
        monthly,
        row.arrears_minor,
        row.days_past_due,
    )


def _elsewhere(row: Row) -> Obligation:
    return Obligation(
        ObligationKind(row.kind),
        row.reference,
        "",
        row.currency,
        int(row.principal_minor),
        int(row.total_cost_minor),
    )


def owed_of(row: Row) -> int:
    """What a contract counts as debt: the principal promised, then what is outstanding of it,
    and of a loan that was written off what the obligor still owes.
    """
    if row.status == "written_off":
        return int(row.arrears_minor)
    return int(row.principal_minor if row.status == "signed" else row.outstanding_minor)


def with_declared(
    owed: Obligations, currency: str, declared_minor: int, months: int
) -> Obligations:
    """With what the person declared beyond the debts elsewhere that are on record already.

    A declared debt and a report of the same debt are one: only what is declared above it adds.
    """
    known = (ObligationKind.DECLARED, ObligationKind.BUREAU)
    recorded = sum(
        one.debt_minor for one in owed.items if one.kind in known and one.currency == currency
    )
    more = declared_minor - recorded
    if more <= 0:
        return owed
    monthly = monthly_of(more, months, Decimal(0))
    declared = Obligation(ObligationKind.DECLARED, "", "", currency, more, monthly)
    return replace(owed, items=(*owed.items, declared))
