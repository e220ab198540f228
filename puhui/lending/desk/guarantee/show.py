"""What a guarantor sees of somebody's loan: nothing before the borrower agreed, nothing after."""

from __future__ import annotations

from datetime import date, timedelta

from puhui.data import foresee, permit
from puhui.kernel.act import Act
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables as lending_tables
from puhui.lending.desk.loan.repay import read_loan
from puhui.lending.formats.shelf import load_guarantee_template
from puhui.lending.nouns import PlanState
from puhui.lending.nouns.guarantee import GuaranteeFacts, GuaranteeSeen, GuaranteeText
from puhui.lending.rules.guarantee import a_month_of, render_guarantee
from puhui.lending.rules.plan import drawable
from puhui.lending.tables import guarantee as tables
from puhui.party import Party, find_parties, take_party
from puhui.servicing import live

OPEN = ("asked", "signed")
"""While an asking stands so, who was asked sees what is owed, if the borrower agreed to it."""

PURPOSE = "guarantee_view"
FIELDS = ("loan_standing",)
"""What the borrower's consent is to; it names the guarantor, and the contract as its source."""

LEAST, MOST = timedelta(days=30), timedelta(days=3653)
"""How long a guarantor may see the loan, where its last instalment is due sooner or later."""


def shown_until(last_due: date, today: date) -> date:
    """To the end of which day a guarantor may see a loan whose last instalment is due then."""
    return min(max(last_due, today + LEAST), today + MOST)


def require_ask(row: Row | None, ask_id: str) -> Row:
    """An asking that is there. Refused: ``lending.no_guarantee_ask``."""
    if row is None:
        raise Refused("lending.no_guarantee_ask", f"Nobody asked for {ask_id[:60]}.")
    return row


def check_shown(node: Node, tx: Transaction, ask: Row) -> None:
    """Whether the borrower agreed, after the asking, that this guarantor sees this loan.

    Each asking needs a yes of its own: one that is older was given to another. Refused:
    ``data.no_consent``, ``data.consent_revoked``, ``data.consent_expired``,
    ``data.fields_not_consented``, ``data.party_erased``.
    """
    (borrower,) = find_parties(node, tx, party_ids=[ask.borrower_id])
    _check_agreed(tx, ask, borrower, node.clock.now_us())


def _check_agreed(tx: Transaction, ask: Row, borrower: Party, now_us: int) -> None:
    foresee(
        tx,
        borrower,
        purpose=PURPOSE,
        fields=FIELDS,
        now_us=now_us,
        recipient=ask.guarantor_id,
        source=ask.contract_id,
        since_us=ask.asked_us,
    )


def is_shown_now(tx: Transaction, ask: Row, borrower: Party, now_us: int) -> bool:
    """Whether a yes to this asking holds at a time, microseconds UTC."""
    try:
        _check_agreed(tx, ask, borrower, now_us)
    except Refused:
        return False
    return True


def take_shown(act: Act, ask: Row) -> None:
    """The same in an act: the consent is kept until it ends, and the look stands in the
    borrower's log. It refuses the same, and ``party.erased``.
    """
    permit(
        act,
        take_party(act, ask.borrower_id),
        purpose=PURPOSE,
        fields=FIELDS,
        recipient=ask.guarantor_id,
        source=ask.contract_id,
        since_us=ask.asked_us,
    )


def is_shown(node: Node, tx: Transaction, ask: Row) -> bool:
    """Whether the guarantor may see the loan of an asking now."""
    if ask.status not in OPEN:
        return False
    try:
        check_shown(node, tx, ask)
    except Refused:
        return False
    return True


def draft_guarantee(node: Node, tx: Transaction, ask_id: str, language: str) -> GuaranteeText:
    """What a guarantor would sign today, to be read before, and what is owed once it is signed.

    Without the borrower's consent, and once it was taken back, nobody is shown anything; neither
    is who said no or of whom the asking was taken back. Refused: ``lending.no_guarantee_ask``,
    ``lending.guarantee_answered``, ``lending.no_language``, ``data.no_consent``,
    ``data.consent_revoked``, ``data.consent_expired``, ``data.fields_not_consented``,
    ``data.party_erased``.
    """
    ask = require_ask(tx.one(tables.READ_ASK, id=ask_id), ask_id)
    if ask.status not in OPEN:
        raise Refused("lending.guarantee_answered", f"This guarantee is {ask.status} already.")
    check_shown(node, tx, ask)
    row = tx.one(lending_tables.READ_CONTRACT, id=ask.contract_id)
    assert row is not None, ask.contract_id
    return draft_for(tx, ask, row, business_date(node.clock.now_us()), language)


def draft_for(tx: Transaction, ask: Row, row: Row, on: date, language: str) -> GuaranteeText:
    """The text of an asking for a contract, as it stands on a day; whoever calls has looked at
    whether it may be shown. Refused: ``lending.no_language``.
    """
    state = read_loan(tx, row, on)
    drawable_minor, monthly_minor = to_come(row, state, on)
    facts = GuaranteeFacts(
        ask.id,
        row.id,
        ask.borrower_id,
        ask.guarantor_id,
        row.currency,
        row.principal_minor,
        state.outstanding_minor,
        state.owed_minor + drawable_minor,
        drawable_minor,
        live.burden_of_loan(tx, row.id) + monthly_minor,
        ask.share_millionths,
        state.days_past_due,
        ask.call_after_days,
        row.annual_rate,
        state.rows[-1].due_on.isoformat(),
        on.isoformat(),
    )
    return render_guarantee(load_guarantee_template(language), language, facts)


def to_come(row: Row, state: PlanState, on: date) -> tuple[int, int]:
    """What may still be drawn of a loan, and what that adds a month, minor units: a guarantor
    stands for it as well, and is not asked again.
    """
    if state.is_closed:
        return 0, 0
    drawable_minor = drawable(
        state.plan,
        principal_minor=int(row.principal_minor),
        outstanding_minor=state.outstanding_minor,
        disbursed_minor=state.disbursed_minor,
    )
    return drawable_minor, a_month_of(drawable_minor, (state.rows[-1].due_on - on).days)


def asked_of(node: Node, tx: Transaction, party_id: str) -> tuple[GuaranteeSeen, ...]:
    """Every guarantee that a person was asked for, the newest first, as that person may see it."""
    rows = tx.all(tables.ASKED_OF, party_id=party_id)
    return tuple(_seen(row, is_shown(node, tx, row)) for row in rows)


def _seen(row: Row, is_shown: bool) -> GuaranteeSeen:
    tells = is_shown or row.status == "signed"
    return GuaranteeSeen(
        id=row.id,
        status=row.status,
        currency=row.currency,
        asked_us=row.asked_us,
        answered_us=row.answered_us,
        is_shown=is_shown,
        contract_id=row.contract_id if tells else "",
        borrower_id=row.borrower_id if tells else "",
        share_millionths=row.share_millionths if tells else 0,
        call_after_days=row.call_after_days if tells else 0,
        guarantee_id=row.guarantee_id,
    )


def asked_for(tx: Transaction, contract_id: str) -> tuple[Row, ...]:
    """Everybody who was asked to stand for a loan, the newest first: for the borrower and staff."""
    return tuple(tx.all(tables.ASKED_FOR, contract_id=contract_id))


def waiting_for(tx: Transaction, borrower_id: str) -> tuple[Row, ...]:
    """Everybody who was asked to stand for a borrower's loans and has not answered."""
    return tuple(tx.all(tables.WAITING_FOR, party_id=borrower_id))


def ask_row(tx: Transaction, ask_id: str) -> Row:
    """One asking, with the text that was signed. Refused: ``lending.no_guarantee_ask``."""
    return require_ask(tx.one(tables.READ_ASK, id=ask_id), ask_id)
