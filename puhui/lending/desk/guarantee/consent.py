"""A borrower without a login agrees at a desk 柜台同意 that a guarantor sees the loan."""

from __future__ import annotations

from puhui.data import consent_at_desk
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.lending.desk.guarantee.show import (
    FIELDS,
    PURPOSE,
    is_shown_now,
    require_ask,
    shown_until,
)
from puhui.lending.desk.loan.contract import take_contract
from puhui.lending.desk.loan.repay import read_loan
from puhui.lending.nouns.guarantee import RecordShown, ShownRecorded
from puhui.lending.tables import guarantee as tables
from puhui.party import check_actor, take_party


@use_case("lending.record_guarantee_consent", roles=("loan_officer", "operator"))
def record_guarantee_consent(act: Act, input: RecordShown) -> ShownRecorded:
    """Record the yes of a borrower who has no login: whom they asked may see this loan.

    The yes is on paper or on tape, kept by the lender; its SHA-256 stands in the receipt. Another
    person than who asked for the guarantee records it, and neither the borrower nor the guarantor:
    nobody alone can show a loan to a friend. Who has a login agrees there. One yes is enough: of
    two, the one that is not taken back would go on showing the loan; and what was taken back takes
    another paper. Refused: ``lending.no_guarantee_ask``, ``lending.guarantee_answered``,
    ``lending.guarantee_shown``, ``lending.not_running``, ``data.own_consent_only``,
    ``data.bad_evidence``, ``party.four_eyes``, ``party.unknown``, ``party.erased``.
    """
    found = require_ask(act.tx.one(tables.READ_ASK, id=input.ask_id), input.ask_id)
    row = take_contract(act, found.contract_id)
    ask = require_ask(act.tx.one(tables.LOCK_ASK, id=input.ask_id), input.ask_id)
    for second_to in (ask.asked_by, ask.borrower_id, ask.guarantor_id):
        check_actor(act.tx, act.actor, second_to=second_to)
    if ask.status != "asked":
        raise Refused("lending.guarantee_answered", f"This guarantee is {ask.status} already.")
    if row.status not in ("current", "past_due"):
        raise Refused("lending.not_running", f"This contract is {row.status}.")
    until = shown_until(read_loan(act.tx, row, act.today).rows[-1].due_on, act.today)
    take_party(act, ask.guarantor_id)
    borrower = take_party(act, ask.borrower_id)
    if is_shown_now(act.tx, ask, borrower, act.now_us):
        raise Refused("lending.guarantee_shown", "The borrower agreed to this already.")
    given = consent_at_desk(
        act,
        borrower,
        purpose=PURPOSE,
        fields=FIELDS,
        source=row.id,
        recipient=ask.guarantor_id,
        until=until,
        way=input.way,
        evidence=input.evidence,
    )
    return ShownRecorded(ask.id, given.consent_id, until, given.receipt.digest)
