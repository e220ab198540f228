"""Reviews by a person: asked for, proposed by one officer, confirmed by another."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.lending import tables
from puhui.lending.desk.ask.apply import hold_application, take_application
from puhui.lending.desk.ask.decide import (
    Opened,
    compute_score,
    offer_of,
    open_review,
    record_decision,
    struck_decision,
)
from puhui.lending.desk.ask.facts import gather_facts, note_look
from puhui.lending.desk.guard.income import open_income, seal_income
from puhui.lending.desk.shelf import DECISION
from puhui.lending.formats.shelf import load_law, load_product
from puhui.lending.nouns import Decision, DecisionOutcome
from puhui.lending.nouns.request import (
    ConfirmReview,
    ProposeReview,
    RequestReview,
    Reviewed,
    Scored,
)
from puhui.lending.rules.credit_limit import size_credit
from puhui.lending.rules.guard import run_guards
from puhui.lending.rules.plan import rhythm_in
from puhui.lending.rules.review import override
from puhui.party import check_actor, find_parties, take_party

STATEMENT_MAX = 2000


Worded = TypeVar("Worded", ProposeReview, ConfirmReview)


def seal_statement(node: Node, input: RequestReview) -> RequestReview:
    """Encrypt what the applicant says. Refused: ``lending.statement_too_long``."""
    if len(input.statement) > STATEMENT_MAX:
        raise Refused("lending.statement_too_long", f"At most {STATEMENT_MAX} characters.")
    return replace(input, statement=_sealed(node, input.application_id, input.statement))


def seal_reason(node: Node, input: Worded) -> Worded:
    """Encrypt what an officer says of a person.

    Refused: ``lending.no_reason``, ``lending.statement_too_long``, ``lending.bad_amount``.
    """
    if not input.reason.strip():
        raise Refused("lending.no_reason", "A review needs a reason in words.")
    if len(input.reason) > STATEMENT_MAX:
        raise Refused("lending.statement_too_long", f"At most {STATEMENT_MAX} characters.")
    sealed = replace(input, reason=_sealed(node, input.application_id, input.reason))
    if isinstance(sealed, ProposeReview) and sealed.verified_income:
        with node.read() as tx:
            row = tx.one(tables.READ_APPLICATION, id=input.application_id)
        assert row is not None, input.application_id
        income = seal_income(node, row.party_id, sealed.verified_income)
        return replace(sealed, verified_income=income)
    return sealed


def _sealed(node: Node, application_id: str, words: str) -> str:
    with node.read() as tx:
        row = tx.one(tables.READ_APPLICATION, id=application_id)
        found = find_parties(node, tx, party_ids=[row.party_id]) if row is not None else ()
        subject = found[0].subject if found else None
        key = read_subject_key(tx, node.keys, subject) if subject else None
    if row is None:
        raise Refused("lending.no_application", f"There is no application {application_id[:60]}.")
    if subject and key is None:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return seal(key, "review", words) if key and words else words


@use_case("lending.request_review", roles=("customer", "loan_officer", "operator"), api=True,
          prepare=seal_statement)  # fmt: skip
def request_review(act: Act, input: RequestReview) -> Reviewed:
    """Have a person look at an application that was refused by machine.

    Refused: ``lending.no_application``, ``lending.not_refused``, ``lending.reviewed_already``,
    ``lending.not_overridable`` where nothing was looked at without consent,
    ``lending.statement_too_long``, ``party.not_yours``. Source: PIPL art. 24(3).
    """
    row = take_application(act, input.application_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if row.status != "refused":
        raise Refused("lending.not_refused", f"This application is {row.status}.")
    if act.tx.one(tables.LOCK_REVIEW, application_id=row.id) is not None:
        raise Refused("lending.reviewed_already", "A person has looked at this application.")
    _stored_decision(act, row)
    open_review(act, row.id, statement=input.statement)
    act.tx.put(tables.SET_APPLICATION_STATUS, id_=row.id, status_="review")
    hold_application(act, take_party(act, row.party_id), row.id)
    act.emit("lending.review_requested", row.party_id, {"application": row.id})
    return Reviewed(row.id, "open", None)


@use_case("lending.propose_review", roles=("loan_officer",), prepare=seal_reason)
def propose_review(act: Act, input: ProposeReview) -> Reviewed:
    """One officer proposes to approve or to refuse an application in the queue.

    Where nobody told an income, a yes states the one that the officer verified: limits, drawdowns
    and rises go by it. Refused: ``lending.income_unknown``, ``lending.bad_amount``,
    ``lending.no_application``, ``lending.no_review``, ``lending.review_closed``,
    ``lending.no_reason``, ``lending.not_overridable``, ``lending.product_changed``,
    ``lending.statement_too_long``, ``party.four_eyes`` on an application of one's own.
    """
    row = take_application(act, input.application_id)
    review = _take_review(act, row)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    decision, stored = _stored_decision(act, row)
    if input.approve:
        _approve(row, decision, stored, act.today)
        _require_income(decision, input.verified_income)
    act.tx.put(
        tables.PROPOSE_REVIEW,
        application_id_=review.application_id,
        proposed_by_=act.actor,
        proposal_="approved" if input.approve else "refused",
        proposal_reason_=input.reason,
        verified_income_=input.verified_income or None,
    )
    return Reviewed(review.application_id, "proposed", None)


@use_case("lending.confirm_review", roles=("loan_officer", "risk_analyst"),
          prepare=seal_reason, recompute=compute_score)  # fmt: skip
def confirm_review(act: Act, input: ConfirmReview) -> Reviewed:
    """Another officer confirms what was proposed, or sends it back to the queue.

    Before a yes, guards and credit limit are worked out anew: the person may owe more by now.
    Refused: ``lending.no_application``, ``lending.no_review``, ``lending.review_closed``,
    ``lending.not_proposed``, ``lending.no_reason``, ``lending.statement_too_long``,
    ``lending.not_overridable``, ``lending.product_changed``, ``lending.no_consent``,
    ``party.four_eyes`` and those of ``compute_score``.
    """
    opened: Opened = act.kept["opened"]
    row = opened.row
    review = _take_review(act, row)
    if review.status != "proposed":
        raise Refused("lending.not_proposed", "Nobody has proposed a decision yet.")
    check_actor(act.tx, act.actor, second_to=review.proposed_by)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    if not input.agree:
        act.tx.put(tables.REOPEN_REVIEW, application_id_=review.application_id)
        return Reviewed(review.application_id, "open", None)
    decision, stored = _stored_decision(act, row)
    if act.recorded is not None:
        if review.proposal == "approved":
            note_look(act, opened.party)
            open_income(act, opened.party, review.verified_income)
        decision = _repeated(row, stored, act.recorded)
    elif review.proposal == "approved":
        found = _look_again(act, opened, decision, stored, review.verified_income)
        decision = _approve(row, found, stored, act.today)
    else:
        decision = replace(decision, outcome=DecisionOutcome.REFUSED, offer=None, expected=None)
    pd = None if stored.pd is None else float(stored.pd)
    scored = Scored(stored.points, pd, decision.score_reasons, stored.model_digest)
    pd_max = Decimal(stored.pd_max)
    decided = record_decision(act, row, decision, scored, pd_max, proposed_by=review.proposed_by)
    act.tx.put(
        tables.CLOSE_REVIEW,
        application_id_=review.application_id,
        confirmed_by_=act.actor,
        confirm_reason_=input.reason,
        closed_us_=act.now_us,
    )
    return Reviewed(
        review.application_id,
        "closed",
        decided.outcome,
        decided.principal_minor,
        decided.annual_rate,
        decided.upfront_fee_minor,
        decided.is_capped,
    )


def _repeated(row: Row, stored: Row, recorded: Reviewed) -> Decision:
    """On replay, the recorded end of a review of a person who was erased since."""
    offer = offer_of(
        row,
        recorded.principal_minor,
        recorded.annual_rate,
        recorded.upfront_fee_minor,
        is_capped=recorded.is_capped,
    )
    assert recorded.outcome is not None, row.id
    return struck_decision(row, recorded.outcome, tuple(json.loads(stored.reasons)), offer)


def _take_review(act: Act, application: Row) -> Row:
    row = act.tx.one(tables.LOCK_REVIEW, application_id=application.id)
    if row is None:
        raise Refused("lending.no_review", "This application is not in the review queue.")
    if row.status == "closed" or application.status != "review":
        raise Refused("lending.review_closed", "This review is closed.")
    return row


def _stored_decision(act: Act, row: Row) -> tuple[Decision, Row]:
    """What the machine had found, as a noun and as stored."""
    stored = act.tx.one(tables.READ_DECISION, id=row.decision_id)
    assert stored is not None, row.id
    decision = None if stored.decision == "null" else DECISION.validate_json(stored.decision)
    if decision is None:
        raise Refused(
            "lending.not_overridable", "Nothing was looked at without consent; please apply again."
        )
    return decision, stored


def _require_income(decision: Decision, verified: str) -> None:
    """Refused: ``lending.income_unknown``."""
    is_unknown = any(one.reason == "income_unknown" for one in decision.guards)
    if is_unknown and not verified:
        raise Refused(
            "lending.income_unknown", "No income is known: verify one, and state it with the yes."
        )


def _look_again(
    act: Act, opened: Opened, decision: Decision, stored: Row, verified: str | None
) -> Decision:
    """The decision with guards and credit limit as they are today; its score stays.

    An income that an officer verified stands in place of what was told.
    """
    row, scored = opened.row, opened.scored
    product = load_product(row.product)
    if scored is None:
        raise Refused("lending.no_consent", "There is no valid consent for this purpose any more.")
    facts = gather_facts(act, row, product, opened.party, scored, is_consented=True)
    income = open_income(act, opened.party, verified)
    if income is not None:
        facts = replace(facts, yearly_income_minor=income)
    credit_limit = size_credit(
        product,
        stored.points,
        yearly_income_minor=facts.yearly_income_minor,
        other_debt_minor=facts.other_debt_minor,
        monthly_inflow_minor=scored.monthly_inflow_minor,
        lent_minor=facts.product_exposure_minor or 0,
        owed_here_minor=facts.owed_here_minor,
    )
    return replace(decision, guards=run_guards(facts, product), credit_limit=credit_limit)


def _approve(row: Row, decision: Decision, stored: Row, on: date) -> Decision:
    """The decision as a person's yes makes it."""
    product = load_product(row.product)
    if product.digest != row.product_digest:
        raise Refused("lending.product_changed", "The product was changed; please apply again.")
    return override(
        decision,
        product,
        wanted_minor=row.wanted_minor,
        term_months=row.term_months,
        method=row.method,
        pd=float(stored.pd or 0),
        law=load_law(),
        on=on,
        due_day=row.due_day,
        rhythm=rhythm_in(row.rhythm),
    )
