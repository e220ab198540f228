"""What the guards look at: consent, and every debt and promise of a person known here."""

from __future__ import annotations

import json

from puhui.data import Permit, permit
from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.lending import tables
from puhui.lending.desk.guard.debt import open_debts, opened
from puhui.lending.desk.guard.obligation import (
    drawable_of,
    here_of,
    obligations_from,
    owed_of,
    with_declared,
)
from puhui.lending.formats.capacity import load_caps
from puhui.lending.nouns import GuardFacts, Product
from puhui.lending.nouns.obligation import Standing
from puhui.lending.nouns.request import Scored
from puhui.lending.rules.capacity import debt_in
from puhui.lending.tables.capacity import READ_STANDING
from puhui.party import Party

PURPOSE = "credit_decision"


def seek_permit(act: Act, party: Party, row: Row) -> Permit | None:
    """The permit for the facts of an application, None without a valid consent; it is logged."""
    try:
        return permit(act, party, purpose=PURPOSE, fields=json.loads(row.fields))
    except Refused as refused:
        if refused.code.startswith("data."):
            return None
        raise


def gather_facts(
    act: Act, row: Row, product: Product, party: Party, scored: Scored | None, is_consented: bool
) -> GuardFacts:
    """What the guards look at, with every debt of the person that is known here.

    Whoever asks holds the row of the obligor, so that no other decision on the person runs. Debts
    elsewhere are opened only where the person consented to a decision.
    """
    others = act.tx.all(tables.READ_OTHER_APPLICATIONS, party_id=row.party_id, id=row.id)
    rows = act.tx.all(READ_STANDING, party_id=row.party_id)
    elsewhere = open_debts(act, party, rows) if is_consented else opened(rows, {})
    debts = [found for found in rows if found.kind == "loan"]
    caps = load_caps(act.today)
    declared = None if scored is None else scored.existing_debt_minor
    here = here_of(act.tx, row.party_id, act.today)
    owed = obligations_from(row.party_id, rows, others, elsewhere, here)
    owed = with_declared(owed, row.currency, max(0, declared or 0), caps)
    of_product = [debt for debt in debts if debt.product == row.product]
    exposure = sum(owed_of(debt) + drawable_of(debt) for debt in of_product)
    exposure += sum(other.offered_minor for other in others if other.product == row.product)
    overdue_minor, overdue_days = _overdue(party, debts, scored)
    return GuardFacts(
        on=act.today,
        wanted_minor=row.wanted_minor,
        is_firm=party.kind == "firm",
        is_registered=scored is not None and not party.is_anonymous,
        is_identity_verified=None if party.is_anonymous else party.is_identified,
        age_years=None if scored is None else scored.age_years,
        is_consent_valid=is_consented,
        overdue_minor=overdue_minor,
        overdue_days=overdue_days,
        yearly_income_minor=None if scored is None else scored.yearly_income_minor,
        other_debt_minor=debt_in(owed, row.currency, caps),
        product_exposure_minor=exposure,
        owed_here_minor=max(exposure, owed.owed_here_minor(row.currency)),
        applications_open=sum(_is_before(other, row) for other in others),
        standing=Standing(owed, caps),
        term_months=row.term_months,
    )


def note_look(act: Act, party: Party) -> None:
    """Leave the line that ``gather_facts`` left in the log, where what it read is gone."""
    open_debts(act, party, act.tx.all(READ_STANDING, party_id=party.id))


def _is_before(other: Row, row: Row) -> bool:
    """Whether another application for the product came first, or holds an offer already: of two
    that are under way only the later is refused.
    """
    is_first = (other.applied_us, other.id) < (row.applied_us, row.id)
    return bool(other.product == row.product and (is_first or other.status == "offered"))


def _overdue(
    party: Party, debts: list[Row], scored: Scored | None
) -> tuple[int | None, int | None]:
    """Overdue amount and days, known here or declared; None for what neither says.

    Nothing overdue here says nothing of credit elsewhere: where only days or only an amount is
    declared, that one decides. What is declared can add to what is known, never take from it.
    """
    minor = sum(debt.arrears_minor for debt in debts)
    days = max((debt.days_past_due for debt in debts), default=0)
    declared_minor = None if scored is None else scored.overdue_minor
    declared_days = None if scored is None else scored.overdue_days
    if declared_minor is None and declared_days is None:
        is_known = not party.is_anonymous or minor or days
        return (minor, days) if is_known else (None, None)
    return (
        minor + max(0, declared_minor) if declared_minor is not None else minor or None,
        max(days, declared_days) if declared_days is not None else days or None,
    )
