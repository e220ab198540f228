"""Deciding: consented facts, score, guards, price, credit limit, and the decision on record."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from puhui.data import foresee, open_text
from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import canonical_json
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, Rounding, round_minor
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables
from puhui.lending.desk.apply import release_application, take_application
from puhui.lending.desk.facts import PURPOSE, gather_facts, is_permitted
from puhui.lending.desk.shelf import DECISION, mapping_of, model_of
from puhui.lending.formats.shelf import load_law, load_product
from puhui.lending.nouns import (
    CutOff,
    Decision,
    DecisionOutcome,
    GuardFacts,
    Method,
    Product,
    Request,
    ScoreFacts,
)
from puhui.lending.nouns.request import (
    ConfirmReview,
    CutOffSet,
    Decide,
    Decided,
    Scored,
    SetCutOff,
)
from puhui.lending.rules.decide import decide as decide_application
from puhui.lending.rules.guard import run_guards
from puhui.party import check_actor, find_parties, take_party
from puhui.score import champion, score_row
from puhui.score import study as score_study

REASONS_MAX = 4
UNREADABLE = ("score.bad_number", "score.bad_date", "score.out_of_range", "lending.bad_facts")
Scorable = TypeVar("Scorable", Decide, ConfirmReview)
STATUS_OF = {
    DecisionOutcome.APPROVED: "offered",
    DecisionOutcome.REVIEW: "review",
    DecisionOutcome.REFUSED: "refused",
}


def compute_score(node: Node, tx: Transaction, input: Scorable, now_us: int) -> Scorable | None:
    """Score an application with the model in force for its product.

    Nothing of a person is opened without a consent that covers the fields; then ``scored`` stays
    empty. None when the person's key was destroyed since.
    Refused: ``lending.no_application``, ``lending.no_model``, ``lending.mapping_differs``,
    ``lending.bad_facts``, ``score.model_missing``, ``score.model_damaged``.
    """
    row = tx.one(tables.READ_APPLICATION, id=input.application_id)
    if row is None:
        raise Refused("lending.no_application", "There is no such application.")
    (party,) = find_parties(node, tx, party_ids=[row.party_id])
    text: str | None = row.sealed
    if party.subject is not None:
        try:
            made = foresee(tx, party, purpose=PURPOSE, fields=json.loads(row.fields), now_us=now_us)
        except Refused as refused:
            if not refused.code.startswith("data."):
                raise
            return replace(input, party_id=row.party_id, scored=None)
        text = open_text(node, tx, made, field="application", sealed=row.sealed)
    if text is None:
        return None
    model = champion(tx, row.champion)
    if model is None:
        raise Refused("lending.no_model", f"No model is in force as {row.champion}.")
    mapping = mapping_of(node.home, row.mapping)
    scorer = model_of(node.home, model.digest)
    if scorer.mapping_digest != mapping.digest:
        raise Refused("lending.mapping_differs", "The model in force reads other facts than these.")
    facts = json.loads(text)
    try:
        score = score_row(scorer, facts, mapping=mapping)
        if score.pd >= _pd_explained(tx, row.product, model.digest):
            score = score_row(scorer, facts, reasons=REASONS_MAX, mapping=mapping)
        guard_facts = _guard_facts(mapping, facts, row.currency)
    except Refused as refused:
        if refused.code not in UNREADABLE:
            raise
        # What the score room says of it quotes the fact, and facts are shown to nobody here.
        raise Refused("lending.bad_facts", "A fact cannot be read; please apply again.") from None
    return replace(
        input,
        party_id=row.party_id,
        scored=Scored(
            score.points,
            score.pd,
            tuple(reason.code for reason in score.reasons),
            model.digest,
            row.row_digest,
            **guard_facts,
        ),
    )


def _pd_explained(tx: Transaction, product_name: str, model_digest: str) -> float:
    """From which pd on a decision may go against the applicant, so that reasons are worked out."""
    product = load_product(product_name)
    bound = _cut_off(tx, product, model_digest)
    return float(bound.pd_max * (1 - bound.review_share))


def _cut_off(tx: Transaction, product: Product, model_digest: str) -> CutOff:
    """The cut-off in force: the one trained for this model, else the product's own."""
    found = tx.one(tables.READ_CUT_OFF, product=product.name, model_digest=model_digest)
    if found is None:
        return product.cut_off
    return CutOff(Decimal(found.pd_max), product.cut_off.review_share, is_trained=True)


FACT_MAX = 10**15
MONEY_ROLES = {
    "yearly_income": "yearly_income_minor",
    "existing_debt": "existing_debt_minor",
    "monthly_inflow": "monthly_inflow_minor",
    "overdue": "overdue_minor",
}
NUMBER_ROLES = {"age": "age_years", "overdue_days": "overdue_days"}


def _guard_facts(
    mapping: score_study.Mapping, facts: dict[str, str], currency: str
) -> dict[str, Any]:
    """What guards read off a row, as far as the mapping says where; missing stays missing."""
    found: dict[str, Any] = {}
    for guard in mapping.guards:
        number = score_study.read_number(facts.get(guard.column)) if guard.column else float("nan")
        if number != number:
            continue
        exact = Decimal(str(number)) * Decimal(guard.times)
        if abs(exact) >= FACT_MAX:
            raise Refused("lending.bad_facts", "A fact is larger than any that is kept here.")
        if guard.role in MONEY_ROLES:
            scaled = exact.scaleb(DIGITS[currency])
            found[MONEY_ROLES[guard.role]] = round_minor(scaled, Rounding.HALF_UP)
        elif guard.role in NUMBER_ROLES:
            found[NUMBER_ROLES[guard.role]] = round_minor(exact, Rounding.DOWN)
    return found


@use_case("lending.decide", roles=("customer", "loan_officer", "operator", "system"),
          purpose=PURPOSE, api=True, recompute=compute_score)  # fmt: skip
def decide(act: Act, input: Decide) -> Decided:
    """Decide an application: guards, score, price, credit limit, and an offer or reasons.

    Decisions on one person take turns, so two applications at once cannot both pass a guard on
    debt. Refused: ``lending.no_application``, ``lending.not_open``, ``lending.product_changed``,
    ``lending.facts_changed``, ``party.not_yours`` and those of ``compute_score``.
    """
    act.tx.put(tables.LOCK_OBLIGOR, party_id=input.party_id, decisions=1)
    row = take_application(act, input.application_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if row.status != "open":
        raise Refused("lending.not_open", f"This application is {row.status} already.")
    product = load_product(row.product)
    if product.digest != row.product_digest:
        raise Refused("lending.product_changed", "The product was changed; please apply again.")
    scored = input.scored
    if scored is not None and scored.row_digest != row.row_digest:
        raise Refused("lending.facts_changed", "The facts changed while they were scored.")
    party = take_party(act, row.party_id)
    is_consented = is_permitted(act, party, row)
    facts = gather_facts(act, row, product, party, scored if is_consented else None, is_consented)
    if scored is None or not is_consented:
        return _refuse_unread(act, row, product, facts)
    bound = _cut_off(act.tx, product, scored.model_digest)
    decision = decide_application(
        Request(row.wanted_minor, row.term_months, Method(row.method), act.today),
        ScoreFacts(scored.points, scored.pd, scored.reasons, scored.model_digest),
        run_guards(facts, product),
        product,
        load_law(),
        yearly_income_minor=facts.yearly_income_minor,
        other_debt_minor=facts.other_debt_minor,
        monthly_inflow_minor=scored.monthly_inflow_minor,
        cut_off=bound,
    )
    return record_decision(act, row, decision, scored, bound.pd_max)


def _refuse_unread(act: Act, row: Row, product: Product, facts: GuardFacts) -> Decided:
    """Refuse without having looked at anything that the person did not consent to."""
    results = run_guards(replace(facts, is_consent_valid=False), product)
    reasons = tuple(result.reason for result in results if result.reason)
    decided = Decided(
        row.id, act.new_id("decision"), "refused", reasons, None, None, 0, None, False
    )
    _insert(act, row, decided, decision="null", model_digest="", pd_max="")
    release_application(act, row)
    return decided


def record_decision(
    act: Act,
    row: Row,
    decision: Decision,
    scored: Scored,
    pd_max: Decimal,
    *,
    proposed_by: str | None = None,
) -> Decided:
    """Store a decision, move the application on, and open a review where a person is asked."""
    offer = decision.offer
    decided = Decided(
        row.id,
        act.new_id("decision"),
        decision.outcome.value,
        decision.reasons,
        scored.points,
        scored.pd,
        offer.principal_minor if offer else 0,
        offer.annual_rate if offer else None,
        bool(offer and offer.is_capped),
    )
    text = DECISION.dump_json(decision).decode()
    _insert(
        act,
        row,
        decided,
        decision=text,
        model_digest=scored.model_digest,
        pd_max=str(pd_max),
        proposed_by=proposed_by,
    )
    act.note(product=row.product_digest, model=scored.model_digest)
    if decision.outcome is DecisionOutcome.REVIEW:
        open_review(act, row.id, statement="")
    elif decision.outcome is DecisionOutcome.REFUSED:
        release_application(act, row)
    return decided


def open_review(act: Act, application_id: str, *, statement: str) -> None:
    """Put an application into the queue of reviews by a person."""
    act.tx.put(
        tables.INSERT_REVIEW,
        application_id=application_id,
        status="open",
        asked_by=act.actor,
        statement=statement,
        opened_us=act.now_us,
        proposed_by=None,
        proposal=None,
        proposal_reason=None,
        confirmed_by=None,
        confirm_reason=None,
        closed_us=None,
    )


def _insert(
    act: Act,
    row: Row,
    decided: Decided,
    *,
    decision: str,
    model_digest: str,
    pd_max: str,
    proposed_by: str | None = None,
) -> None:
    act.tx.put(
        tables.INSERT_DECISION,
        id=decided.decision_id,
        application_id=row.id,
        outcome=decided.outcome,
        reasons=canonical_json(decided.reasons),
        points=decided.points,
        pd=None if decided.pd is None else repr(decided.pd),
        model_digest=model_digest,
        pd_max=pd_max,
        decision=decision,
        decided_by=act.actor,
        proposed_by=proposed_by,
        decided_us=act.now_us,
    )
    act.tx.put(
        tables.SET_APPLICATION,
        id_=row.id,
        status_=STATUS_OF[DecisionOutcome(decided.outcome)],
        decision_id_=decided.decision_id,
        offered_minor_=decided.principal_minor,
    )
    payload = {"application": row.id, "outcome": decided.outcome}
    act.emit("lending.decided", row.party_id, payload)


@use_case("lending.set_cut_off", roles=("risk_analyst", "system"))
def set_cut_off(act: Act, input: SetCutOff) -> CutOffSet:
    """Put the cut-off in force that was chosen on a model's training rows.

    Refused: ``lending.no_product``, ``lending.bad_cut_off``.
    """
    load_product(input.product)
    if not Decimal(0) <= input.pd_max <= Decimal(1):
        raise Refused("lending.bad_cut_off", "A cut-off is a probability from 0 to 1.")
    act.tx.put(
        tables.PUT_CUT_OFF,
        product=input.product,
        model_digest=input.model_digest,
        pd_max=str(input.pd_max),
        reason=input.reason,
        set_by=act.actor,
        set_us=act.now_us,
    )
    act.note(model=input.model_digest)
    return CutOffSet(input.product, input.model_digest, input.pd_max)
