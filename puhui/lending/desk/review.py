"""Reviews by a person: asked for, proposed by one officer, confirmed by another."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.lending import tables
from puhui.lending.desk.apply import hold_application, take_application
from puhui.lending.desk.decide import compute_score, open_review, record_decision
from puhui.lending.desk.facts import gather_facts, is_permitted
from puhui.lending.desk.shelf import DECISION
from puhui.lending.formats.shelf import load_product
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
from puhui.lending.rules.review import override
from puhui.party import check_actor, take_party

STATEMENT_MAX = 2000


@use_case("lending.request_review", roles=("customer", "loan_officer", "operator"), api=True)
def request_review(act: Act, input: RequestReview) -> Reviewed:
    """Have a person look at an application that was refused by machine.

    Refused: ``lending.no_application``, ``lending.not_refused``, ``lending.reviewed_already``,
    ``lending.not_overridable`` where nothing was looked at without consent,
    ``lending.statement_too_long``, ``party.not_yours``. Source: PIPL art. 24(3).
    """
    row = take_application(act, input.application_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if len(input.statement) > STATEMENT_MAX:
        raise Refused("lending.statement_too_long", f"At most {STATEMENT_MAX} characters.")
    if row.status != "refused":
        raise Refused("lending.not_refused", f"This application is {row.status}.")
    if act.tx.one(tables.LOCK_REVIEW, application_id=row.id) is not None:
        raise Refused("lending.reviewed_already", "A person has looked at this application.")
    _stored_decision(act, row)
    open_review(act, row.id, statement=input.statement)
    act.tx.put(tables.SET_APPLICATION_STATUS, id_=row.id, status_="review")
    hold_application(act, row.party_id, row.id)
    act.emit("lending.review_requested", row.party_id, {"application": row.id})
    return Reviewed(row.id, "open", None)


@use_case("lending.propose_review", roles=("loan_officer",))
def propose_review(act: Act, input: ProposeReview) -> Reviewed:
    """One officer proposes to approve or to refuse an application in the queue.

    Refused: ``lending.no_application``, ``lending.no_review``, ``lending.review_closed``,
    ``lending.no_reason``, ``lending.not_overridable``, ``lending.product_changed``,
    ``lending.statement_too_long``, ``party.four_eyes`` on an application of one's own.
    """
    row = take_application(act, input.application_id)
    review = _take_review(act, row)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    _check_reason(input.reason)
    decision, stored = _stored_decision(act, row)
    if input.approve:
        _approve(row, decision, stored)
    act.tx.put(
        tables.PROPOSE_REVIEW,
        application_id_=review.application_id,
        proposed_by_=act.actor,
        proposal_="approved" if input.approve else "refused",
        proposal_reason_=input.reason,
    )
    return Reviewed(review.application_id, "proposed", None)


@use_case("lending.confirm_review", roles=("loan_officer", "risk_analyst"),
          recompute=compute_score)  # fmt: skip
def confirm_review(act: Act, input: ConfirmReview) -> Reviewed:
    """Another officer confirms what was proposed, or sends it back to the queue.

    Before a yes, guards and credit limit are worked out anew: the person may owe more by now.
    Refused: ``lending.no_application``, ``lending.no_review``, ``lending.review_closed``,
    ``lending.not_proposed``, ``lending.no_reason``, ``lending.statement_too_long``,
    ``lending.not_overridable``, ``lending.product_changed``, ``lending.no_consent``,
    ``lending.facts_changed``, ``party.four_eyes`` and those of ``compute_score``.
    """
    act.tx.put(tables.LOCK_OBLIGOR, party_id=input.party_id, decisions=0)
    row = take_application(act, input.application_id)
    review = _take_review(act, row)
    if review.status != "proposed":
        raise Refused("lending.not_proposed", "Nobody has proposed a decision yet.")
    _check_reason(input.reason)
    check_actor(act.tx, act.actor, second_to=review.proposed_by)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    if not input.agree:
        act.tx.put(tables.REOPEN_REVIEW, application_id_=review.application_id)
        return Reviewed(review.application_id, "open", None)
    decision, stored = _stored_decision(act, row)
    if review.proposal == "approved":
        decision = _approve(row, _look_again(act, row, decision, stored, input.scored), stored)
    else:
        decision = replace(decision, outcome=DecisionOutcome.REFUSED, offer=None, expected=None)
    scored = Scored(
        stored.points, float(stored.pd), decision.score_reasons, stored.model_digest, row.row_digest
    )
    pd_max = Decimal(stored.pd_max)
    record_decision(act, row, decision, scored, pd_max, proposed_by=review.proposed_by)
    act.tx.put(
        tables.CLOSE_REVIEW,
        application_id_=review.application_id,
        confirmed_by_=act.actor,
        confirm_reason_=input.reason,
        closed_us_=act.now_us,
    )
    return Reviewed(review.application_id, "closed", decision.outcome.value)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused("lending.no_reason", "A review needs a reason in words.")
    if len(reason) > STATEMENT_MAX:
        raise Refused("lending.statement_too_long", f"At most {STATEMENT_MAX} characters.")


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


def _look_again(
    act: Act, row: Row, decision: Decision, stored: Row, scored: Scored | None
) -> Decision:
    """The decision with guards and credit limit as they are today; its score stays."""
    product = load_product(row.product)
    party = take_party(act, row.party_id)
    if scored is None or not is_permitted(act, party, row):
        raise Refused("lending.no_consent", "There is no valid consent for this purpose any more.")
    if scored.row_digest != row.row_digest:
        raise Refused("lending.facts_changed", "The facts changed while they were scored.")
    facts = gather_facts(act, row, product, party, scored, is_consented=True)
    credit_limit = size_credit(
        product,
        stored.points,
        yearly_income_minor=facts.yearly_income_minor,
        other_debt_minor=facts.other_debt_minor,
        monthly_inflow_minor=scored.monthly_inflow_minor,
    )
    return replace(decision, guards=run_guards(facts, product), credit_limit=credit_limit)


def _approve(row: Row, decision: Decision, stored: Row) -> Decision:
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
        pd=float(stored.pd),
    )
