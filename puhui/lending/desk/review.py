"""Reviews by a person: asked for, proposed by one officer, confirmed by another."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.lending import tables
from puhui.lending.desk.apply import take_application
from puhui.lending.desk.decide import open_review, record_decision
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
from puhui.lending.rules.review import override
from puhui.party import check_actor

STATEMENT_MAX = 2000


@use_case("lending.request_review", roles=("customer", "loan_officer", "operator"), api=True)
def request_review(act: Act, input: RequestReview) -> Reviewed:
    """Have a person look at an application that was refused by machine.

    Refused: ``lending.no_application``, ``lending.not_refused``, ``lending.reviewed_already``,
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
    open_review(act, row.id, statement=input.statement)
    act.tx.put(tables.SET_APPLICATION_STATUS, id_=row.id, status_="review")
    act.emit("lending.review_requested", row.party_id, {"application": row.id})
    return Reviewed(row.id, "open", None)


@use_case("lending.propose_review", roles=("loan_officer",))
def propose_review(act: Act, input: ProposeReview) -> Reviewed:
    """One officer proposes to approve or to refuse an application in the queue.

    Refused: ``lending.no_application``, ``lending.no_review``, ``lending.review_closed``,
    ``lending.no_reason``, ``lending.not_overridable``.
    """
    review = _take_review(act, input.application_id)
    check_actor(act.tx, act.actor)
    if not input.reason.strip():
        raise Refused("lending.no_reason", "A review needs a reason in words.")
    _decision_after(act, take_application(act, input.application_id), approve=input.approve)
    act.tx.put(
        tables.PROPOSE_REVIEW,
        application_id_=review.application_id,
        proposed_by_=act.actor,
        proposal_="approved" if input.approve else "refused",
        proposal_reason_=input.reason,
    )
    return Reviewed(review.application_id, "proposed", None)


@use_case("lending.confirm_review", roles=("loan_officer", "risk_analyst"))
def confirm_review(act: Act, input: ConfirmReview) -> Reviewed:
    """Another officer confirms what was proposed, or sends it back to the queue.

    Refused: ``lending.no_application``, ``lending.no_review``, ``lending.review_closed``,
    ``lending.not_proposed``, ``lending.no_reason``, ``party.four_eyes``.
    """
    row = take_application(act, input.application_id)
    review = _take_review(act, input.application_id)
    if review.status != "proposed":
        raise Refused("lending.not_proposed", "Nobody has proposed a decision yet.")
    if not input.reason.strip():
        raise Refused("lending.no_reason", "A review needs a reason in words.")
    check_actor(act.tx, act.actor, second_to=review.proposed_by)
    if not input.agree:
        act.tx.put(tables.REOPEN_REVIEW, application_id_=review.application_id)
        return Reviewed(review.application_id, "open", None)
    decision, scored, pd_max = _decision_after(act, row, approve=review.proposal == "approved")
    record_decision(act, row, decision, scored, pd_max, proposed_by=review.proposed_by)
    act.tx.put(
        tables.CLOSE_REVIEW,
        application_id_=review.application_id,
        confirmed_by_=act.actor,
        confirm_reason_=input.reason,
        closed_us_=act.now_us,
    )
    return Reviewed(review.application_id, "closed", decision.outcome.value)


def _take_review(act: Act, application_id: str) -> Row:
    row = act.tx.one(tables.LOCK_REVIEW, application_id=application_id)
    if row is None:
        raise Refused("lending.no_review", "This application is not in the review queue.")
    if row.status == "closed":
        raise Refused("lending.review_closed", "This review is closed.")
    return row


def _decision_after(act: Act, row: Row, *, approve: bool) -> tuple[Decision, Scored, Decimal]:
    """The decision as a person makes it of what the machine had found."""
    stored = act.tx.one(tables.READ_DECISION, id=row.decision_id)
    assert stored is not None, row.id
    decision = None if stored.decision == "null" else DECISION.validate_json(stored.decision)
    if decision is None:
        raise Refused(
            "lending.not_overridable", "Nothing was looked at without consent; please apply again."
        )
    scored = Scored(
        stored.points or 0,
        float(stored.pd),
        decision.score_reasons,
        stored.model_digest,
        row.row_digest,
    )
    if not approve:
        refused = replace(decision, outcome=DecisionOutcome.REFUSED, offer=None, expected=None)
        return refused, scored, Decimal(stored.pd_max)
    approved = override(
        decision,
        load_product(row.product),
        wanted_minor=row.wanted_minor,
        term_months=row.term_months,
        method=row.method,
        pd=scored.pd,
    )
    return approved, scored, Decimal(stored.pd_max)
