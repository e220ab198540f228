"""All that a person owes in one view: loans and offers here, debts and guarantees elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from puhui.data import Permit
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables as lending_tables
from puhui.lending.desk.guard.debt import FIELDS, KINDS, opened, texts_of
from puhui.lending.desk.shelf import TERMS
from puhui.lending.nouns.obligation import Caps, Elsewhere, Obligation, ObligationKind, Obligations
from puhui.lending.rules.capacity import in_currency, monthly_of
from puhui.lending.rules.guarantee import a_month_of
from puhui.lending.rules.plan import drawable, months_of
from puhui.lending.tables import capacity as tables
from puhui.servicing import live


def obligations_of(
    tx: Transaction,
    party_id: str,
    *,
    on: date | None = None,
    node: Node | None = None,
    made: Permit | None = None,
) -> Obligations:
    """Everything a person owes or stands for as it is known here, with its limits.

    Debts elsewhere are sealed: with the permit ``made`` over ``bureau_debt`` (of an own page, of a
    recorded access, of an act) and the ``node`` they are opened, else they stand without amounts
    and are marked. What is declared in an application is sealed and not in it; the decision on
    the application counts it. Limits are those in force ``on`` a day: a cut whose notice runs
    does not count yet. Four statements, and one for each debt that is opened.
    Refused: ``data.false_permit``, ``data.field_not_permitted``.
    """
    promises = tx.all(tables.READ_PROMISES, party_id=party_id)
    rows = tx.all(tables.READ_STANDING, party_id=party_id)
    texts = {}
    if node is not None and made is not None:
        check_covers(made, party_id)
        sealed = [row for row in rows if row.kind in KINDS and row.total_cost_minor]
        texts = texts_of(node, tx, made, sealed)
    return obligations_from(
        party_id, rows, promises, opened(rows, texts), here_of(tx, party_id, on)
    )


@dataclass(frozen=True, slots=True)
class Here:
    """What servicing says of a person: a month of each loan by its present plan, guarantees that
    bind, with what may still be drawn of their loans; and the day that limits are asked for.
    """

    monthly_minor: Mapping[str, int]
    given: tuple[tuple[live.Given, int], ...]
    on: date | None


def here_of(tx: Transaction, party_id: str, on: date | None) -> Here:
    """What servicing says of a person. Two statements, and one for each guarantee given."""
    given = tuple(
        (one, _drawable(tx.one(lending_tables.READ_CONTRACT, id=one.loan_id)))
        for one in live.guarantees_given(tx, party_id)
    )
    return Here(live.burdens_of(tx, party_id), given, on)


def _drawable(contract: Row | None) -> int:
    return 0 if contract is None else drawable_of(contract)


def drawable_of(row: Row) -> int:
    """What may still be drawn of a contract that runs: promised, and owed by nobody yet."""
    if row.status not in ("current", "past_due"):
        return 0
    return drawable(
        live.plan_in(row.terms),
        principal_minor=int(row.principal_minor),
        outstanding_minor=int(row.outstanding_minor),
        disbursed_minor=int(row.disbursed_minor),
    )


def check_covers(made: Permit, party_id: str) -> None:
    """Whether a permit is for this person's debts. Refused: ``data.field_not_permitted``."""
    if made.party_id != party_id or not made.fields.issuperset(FIELDS):
        raise Refused("data.field_not_permitted", "The permit does not cover this person's debts.")


def obligations_from(
    party_id: str,
    rows: Sequence[Row],
    promises: Sequence[Row],
    debts: Mapping[str, Elsewhere],
    here: Here,
    *,
    without: str = "",
) -> Obligations:
    """The view from rows of ``READ_STANDING``, of applications with an offer, and opened debts.

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
    items += [_given(one, more) for one, more in here.given]
    own_limits: list[tuple[str, int]] = []
    credit_limits: dict[str, int] = {}
    cuts: dict[str, int] = {}
    for row in rows:
        if row.kind == "own_limit":
            own_limits.append((row.currency, int(row.principal_minor)))
        elif row.kind == "credit_limit":
            credit_limits[row.product] = int(row.principal_minor)
        elif row.kind == "credit_cut":
            if here.on is not None and row.reference <= here.on.isoformat():
                cuts[row.product] = int(row.principal_minor)
        elif row.kind == "loan" and row.reference != without:
            items.append(_loan(row, here))
        elif row.kind != "loan":
            items.append(_elsewhere(row, debts.get(row.reference)))
    in_force = tuple((credit_limits | cuts).items())
    return Obligations(party_id, tuple(items), tuple(own_limits), in_force)


def _given(one: live.Given, drawable_minor: int) -> Obligation:
    """The share that the guarantor stands for, also of what the borrower may still draw: nobody
    asks the guarantor again when it is drawn.
    """
    month = one.monthly_minor + a_month_of(drawable_minor, one.days_left)
    return Obligation(
        ObligationKind.GUARANTEE,
        one.guarantee_id,
        "",
        one.currency,
        live.share_of(one.outstanding_minor + drawable_minor, one.share_millionths),
        live.share_of(month, one.share_millionths),
        days_past_due=one.days_past_due,
    )


def _loan(row: Row, here: Here) -> Obligation:
    """A loan with what its plan asks for a month as it is now; before it is paid out, as signed."""
    monthly = 0
    if row.reference in here.monthly_minor:
        monthly = here.monthly_minor[row.reference]
    elif row.status != "written_off":
        terms = TERMS.validate_json(row.terms)
        monthly = -(-(row.principal_minor + row.total_cost_minor) // months_of(terms))
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


def _elsewhere(row: Row, debt: Elsewhere | None) -> Obligation:
    kind = ObligationKind(row.kind)
    if debt is None:
        return Obligation(kind, row.reference, "", row.currency, 0, 0, is_sealed=True)
    return Obligation(
        kind,
        row.reference,
        "",
        row.currency,
        debt.debt_minor,
        debt.monthly_minor,
        source=debt.source,
    )


def owed_of(row: Row) -> int:
    """What a contract counts as debt: the principal promised, then what is outstanding of it,
    and of a loan that was written off what the obligor still owes.
    """
    if row.status == "written_off":
        return int(row.arrears_minor)
    return int(row.principal_minor if row.status == "signed" else row.outstanding_minor)


def with_declared(owed: Obligations, currency: str, declared_minor: int, caps: Caps) -> Obligations:
    """With what the person declared beyond the debts elsewhere that are on record already.

    A declared debt and a report of the same debt are one: only what is declared above it adds.
    """
    known = (ObligationKind.DECLARED, ObligationKind.BUREAU)
    recorded = sum(
        in_currency(one.debt_minor, one.currency, to=currency, caps=caps)
        for one in owed.items
        if one.kind in known
    )
    more = declared_minor - recorded
    if more <= 0:
        return owed
    monthly = monthly_of(more, caps.declared_months, Decimal(0))
    declared = Obligation(ObligationKind.DECLARED, "", "", currency, more, monthly)
    return replace(owed, items=(*owed.items, declared))
