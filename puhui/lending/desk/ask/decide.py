"""Deciding: consented facts, score, guards, price, credit limit, and the decision on record."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

from puhui.data import open_text
from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import canonical_json
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.money import DIGITS, Rounding, round_minor
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.lending import tables
from puhui.lending.desk.ask.apply import (
    release_application,
    require_application,
    take_application,
)
from puhui.lending.desk.ask.facts import PURPOSE, gather_facts, note_look, seek_permit
from puhui.lending.desk.shelf import SCORED, mapping_of, model_of, text_of
from puhui.lending.formats.shelf import load_law, load_product
from puhui.lending.nouns import (
    CreditLimit,
    CutOff,
    Decision,
    DecisionOutcome,
    GuardFacts,
    Method,
    Offer,
    PriceBuild,
    Product,
    Request,
    ScoreFacts,
)
from puhui.lending.nouns.request import (
    ConfirmReview,
    Decide,
    Decided,
    Scored,
)
from puhui.lending.rules.decide import decide as decide_application
from puhui.lending.rules.decide import strike
from puhui.lending.rules.guard import run_guards
from puhui.lending.rules.plan import rhythm_in
from puhui.party import Party, check_actor, take_party
from puhui.score import champion, score_row
from puhui.score import study as score_study

REASONS_MAX = 4
UNREADABLE = ("score.bad_number", "score.bad_date", "score.out_of_range", "lending.bad_facts")
OUT_OF_ORDER = (
    "lending.mapping_damaged",
    "lending.mapping_missing",
    "score.model_damaged",
    "score.model_missing",
)
Scorable = TypeVar("Scorable", Decide, ConfirmReview)
STATUS_OF = {
    DecisionOutcome.APPROVED: "offered",
    DecisionOutcome.REVIEW: "review",
    DecisionOutcome.REFUSED: "refused",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """What was read of an application for one act, and goes no further than that act.

    ``scored`` is None where no valid consent covers the facts.
    """

    row: Row
    party: Party
    scored: Scored | None
    bound: CutOff


def compute_score(act: Act, input: Scorable) -> Scorable | None:
    """Open an application and score it with the model in force; the act keeps what was read.

    The person's row is locked, then the application; nothing of the person is opened without a
    consent that covers the facts, and the look is logged. None when the person's key was
    destroyed since.
    Refused: ``lending.no_application``, ``lending.mapping_differs``, ``lending.bad_facts``,
    ``party.erased``. Fault, so that the act may be tried again once it is mended:
    ``lending.no_model``, a model or a mapping that is missing or damaged.
    """
    row = _take_turn(act, input)
    party = take_party(act, row.party_id)
    product = load_product(row.product)
    made = seek_permit(act, party, row)
    if made is None:
        act.kept["opened"] = Opened(row, party, None, product.cut_off)
        return replace(input, scored_digest="")
    text = row.sealed
    if party.subject is not None:
        text = open_text(act.node, act.tx, made, field="application", sealed=row.sealed)
    model_digest = champion(act.tx, row.champion)
    if model_digest is None:
        raise Fault("lending.no_model", f"No model is in force as {row.champion}.")
    bound = _cut_off(act, product, model_digest)
    act.kept["opened"] = Opened(row, party, None, bound)
    act.kept["model_digest"] = model_digest
    if text is None:
        return None
    try:
        scored = _score(act.node, row, model_digest, json.loads(text), bound)
    except Refused as refused:
        if refused.code in OUT_OF_ORDER:
            raise Fault(refused.code, refused.reason) from None
        raise
    act.kept["opened"] = Opened(row, party, scored, bound)
    digest = act.node.keys.digest(SCORED.dump_json(scored))
    return replace(input, scored_digest=digest)


def _take_turn(act: Act, input: Scorable) -> Row:
    """The application, locked after the person's row: decisions on one person take turns, and
    none holds an application that another one waits for.

    Refused: ``lending.no_application``.
    """
    id_ = input.application_id
    party_id = require_application(act.tx.one(tables.READ_APPLICANT, id=id_), id_).party_id
    decisions = int(isinstance(input, Decide))
    act.tx.put(tables.LOCK_OBLIGOR, party_id=party_id, decisions=decisions)
    return take_application(act, id_)


def _score(node: Node, row: Row, model_digest: str, facts: dict[str, str], bound: CutOff) -> Scored:
    """What the model says of the facts, with reasons where they may go against the applicant."""
    mapping = mapping_of(node.home, row.mapping)
    model = model_of(node.home, model_digest)
    if model.mapping_digest != mapping.digest:
        raise Refused("lending.mapping_differs", "The model in force reads other facts than these.")
    try:
        score = score_row(model, facts, mapping=mapping)
        if score.pd >= float(bound.pd_max * (1 - bound.review_share)):
            score = score_row(model, facts, reasons=REASONS_MAX, mapping=mapping)
        guard_facts = _guard_facts(mapping, facts, row.currency)
    except Refused as refused:
        if refused.code not in UNREADABLE:
            raise
        # What the score room says of it quotes the fact, and facts are shown to nobody here.
        raise Refused("lending.bad_facts", "A fact cannot be read; please apply again.") from None
    reasons = tuple(reason.code for reason in score.reasons)
    return Scored(score.points, score.pd, reasons, model_digest, **guard_facts)


def _cut_off(act: Act, product: Product, model_digest: str) -> CutOff:
    """The cut-off in force: the one trained for this model, else the product's own."""
    found = act.tx.one(tables.READ_CUT_OFF, product=product.name, model_digest=model_digest)
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
    ``party.not_yours`` and those of ``compute_score``.
    """
    opened: Opened = act.kept["opened"]
    row, party, scored = opened.row, opened.party, opened.scored
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if row.status != "open":
        raise Refused("lending.not_open", f"This application is {row.status} already.")
    product = load_product(row.product)
    if product.digest != row.product_digest:
        raise Refused("lending.product_changed", "The product was changed; please apply again.")
    if act.recorded is not None:
        note_look(act, party)
        return _repeat(act, opened, act.recorded)
    facts = gather_facts(act, row, product, party, scored, is_consented=scored is not None)
    if scored is None:
        return _refuse_unread(act, row, product, facts)
    assert scored.points is not None, row.id
    assert scored.pd is not None, row.id
    decision = decide_application(
        Request(
            row.wanted_minor,
            row.term_months,
            Method(row.method),
            act.today,
            row.due_day,
            rhythm_in(row.rhythm),
        ),
        ScoreFacts(scored.points, scored.pd, scored.reasons, scored.model_digest),
        run_guards(facts, product),
        product,
        load_law(),
        yearly_income_minor=facts.yearly_income_minor,
        other_debt_minor=facts.other_debt_minor,
        monthly_inflow_minor=scored.monthly_inflow_minor,
        lent_minor=facts.product_exposure_minor or 0,
        owed_here_minor=facts.owed_here_minor,
        cut_off=opened.bound,
    )
    return record_decision(act, row, decision, scored, opened.bound.pd_max)


def _repeat(act: Act, opened: Opened, recorded: Decided) -> Decided:
    """On replay, the recorded decision on a person who was erased since."""
    row = opened.row
    offer = offer_of(
        row,
        recorded.principal_minor,
        recorded.annual_rate,
        recorded.upfront_fee_minor,
        is_capped=recorded.is_capped,
    )
    scored = Scored(None, None, (), act.kept["model_digest"])
    decision = struck_decision(row, recorded.outcome, recorded.reasons, offer)
    return record_decision(act, row, decision, scored, opened.bound.pd_max)


def offer_of(
    row: Row,
    principal_minor: int,
    annual_rate: Decimal | None,
    upfront_fee_minor: int,
    *,
    is_capped: bool,
) -> Offer | None:
    """The offer that a recorded outcome tells of; None without one."""
    if annual_rate is None:
        return None
    return Offer(
        principal_minor,
        row.currency,
        annual_rate,
        row.term_months,
        Method(row.method),
        upfront_fee_minor,
        is_capped,
        row.due_day,
        rhythm_in(row.rhythm),
    )


def struck_decision(
    row: Row, outcome: str, reasons: tuple[str, ...], offer: Offer | None
) -> Decision:
    """A decision of which only outcome, reasons and offer are known any more."""
    none = PriceBuild((), Decimal(0), Decimal(0), Decimal(0), "")
    found = Decision(
        DecisionOutcome(outcome), reasons, (), (), none, CreditLimit(0, "", ()), offer, None
    )
    return strike(found, row.wanted_minor)


def _refuse_unread(act: Act, row: Row, product: Product, facts: GuardFacts) -> Decided:
    """Refuse without having looked at anything that the person did not consent to."""
    results = run_guards(replace(facts, is_consent_valid=False), product)
    reasons = tuple(result.reason for result in results if result.reason)
    decided = Decided(row.id, act.new_id("decision"), "refused", reasons, 0, None, 0, False)
    unread = Scored(None, None, (), "")
    _insert(act, row, decided, unread, decision="null", pd_max="")
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
        offer.principal_minor if offer else 0,
        offer.annual_rate if offer else None,
        offer.upfront_fee_minor if offer else 0,
        bool(offer and offer.is_capped),
    )
    _insert(
        act,
        row,
        decided,
        scored,
        decision=text_of(decision),
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
        verified_income=None,
    )


def _insert(
    act: Act,
    row: Row,
    decided: Decided,
    scored: Scored,
    *,
    decision: str,
    pd_max: str,
    proposed_by: str | None = None,
) -> None:
    act.tx.put(
        tables.INSERT_DECISION,
        id=decided.decision_id,
        application_id=row.id,
        outcome=decided.outcome,
        reasons=canonical_json(decided.reasons),
        points=scored.points,
        pd=None if scored.pd is None else repr(scored.pd),
        model_digest=scored.model_digest,
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
