"""The officer's desk: applications, the review queue, and the case file of one application."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.data import consents_of, open_text, read_lists
from puhui.kernel.errors import Refused
from puhui.kernel.money import parse_money
from puhui.kernel.store import Row, Transaction
from puhui.lending import read_case, shelf
from puhui.lending.window import (
    application_row,
    contracts_for,
    decisions_of,
    list_applications,
    list_reviews,
    mapping_of,
    model_of,
    review_of,
)
from puhui.party import find_parties
from puhui.score import score_row
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.export import Fetch, listed
from puhui.web.look import permit_asked
from puhui.web.pages.amount import plain_amount
from puhui.web.table import Sheet

PURPOSE = "credit_decision"
REASONS_MAX = 8
STATUSES = ("open", "review", "offered", "refused", "accepted", "withdrawn", "expired")
OUTCOME_MARKS = {"offered": "yes", "accepted": "yes", "refused": "no"}

APPLICATIONS = (
    Column("applied", "application.applied", lambda row: row.applied_us, Kind.MOMENT,
           order="applied"),
    Column("application", "application.number", lambda row: row.id, Kind.ID,
           link=lambda row: f"/desk/case/{row.id}"),
    Column("party", "desk.customer", lambda row: row.party_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.party_id}"),
    Column("product", "desk.product", lambda row: row.product, Kind.PRODUCT),
    Column("status", "application.status", lambda row: row.status, Kind.WORD,
           words="application.status_", mark=lambda row: OUTCOME_MARKS.get(row.status, "wait")),
    Column("wanted", "apply.amount", lambda row: row.wanted_minor, Kind.MONEY, order="wanted"),
    Column("months", "desk.months", lambda row: row.term_months, Kind.COUNT),
    Column("points", "desk.score", lambda row: row.points, Kind.COUNT, order="points"),
)  # fmt: skip
REVIEWS = (
    Column("waiting_since", "desk.waiting_since", lambda row: row.opened_us, Kind.MOMENT,
           order="waiting"),
    Column("application", "application.number", lambda row: row.id, Kind.ID),
    Column("party", "desk.customer", lambda row: row.party_id, Kind.ID),
    Column("product", "desk.product", lambda row: row.product, Kind.PRODUCT),
    Column("status", "application.status", lambda row: row.status, Kind.WORD,
           words="desk.review_"),
    Column("proposal", "desk.proposal", lambda row: row.proposal, Kind.WORD,
           words="desk.proposal_"),
    Column("wanted", "apply.amount", lambda row: row.wanted_minor, Kind.MONEY, order="wanted"),
    Column("points", "desk.score", lambda row: row.points, Kind.COUNT, order="points"),
)  # fmt: skip
"""As a file; the page tells how long each waits."""


def applications(ask: Ask) -> Response:
    """Every application, by filters in the address."""

    def fetch(sheet: Sheet) -> Fetch:
        told: dict[str, Any] = {**sheet.filters, "order": sheet.order}
        return lambda tx, skip, count: list_applications(tx, **told, skip=skip, count=count)

    return listed(
        ask,
        "desk_applications.html",
        APPLICATIONS,
        fetch,
        at="applications",
        filters=("status", "product", "party"),
        order="-applied",
        statuses=STATUSES,
        products=shelf.product_names(),
    )


def queue(ask: Ask) -> Response:
    """Applications that wait for a person, the longest first."""

    def fetch(sheet: Sheet) -> Fetch:
        told: dict[str, Any] = {**sheet.filters, "order": sheet.order}
        return lambda tx, skip, count: list_reviews(tx, **told, skip=skip, count=count)

    return listed(
        ask,
        "desk_reviews.html",
        REVIEWS,
        fetch,
        at="reviews",
        filters=("status", "product"),
        order="waiting",
        now_us=ask.node.clock.now_us(),
        products=shelf.product_names(),
    )


def show(ask: Ask) -> Response:
    """The case file: who asked, what was known, why it was decided so, and what changed since."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    application_id = ask.request.path_params["application_id"]
    access_id = ask.query.get("access", "")
    with ask.node.read() as tx:
        row = application_row(tx, application_id)
        case, decision = read_case(tx, application_id)
        (party,) = find_parties(ask.node, tx, party_ids=[row.party_id])
        review = review_of(tx, application_id)
        history = decisions_of(tx, application_id)
        contracts = contracts_for(tx, application_id)
        holder = {"party_id": row.party_id} if party.source is None else {"source": party.source}
        consents = [one for one in consents_of(ask.node, tx, **holder) if one.purpose == PURPOSE]
        opened = _opened(ask, tx, row, review)
    book, known = shelf.load_reasons(), read_lists().fields
    codes = () if decision is None else decision.reasons
    return ask.page(
        "desk_case.html",
        at="applications",
        row=row,
        case=case,
        decision=decision,
        party=party,
        review=review,
        history=history,
        contracts=contracts,
        consents=consents,
        opened=opened,
        access_id=access_id,
        texts=[book.text(code) for code in codes],
        names=_signal_names(ask, row),
        fields=[ask.say.of(known[name], "") for name in json.loads(row.fields) if name in known],
        product=shelf.load_product(row.product),
        now_us=ask.node.clock.now_us(),
        reason=ask.text("reason"),
    )


def _signal_names(ask: Ask, row: Row) -> dict[str, str]:
    """The signals of the mapping by their code, in words; none where the mapping is gone."""
    try:
        mapping = mapping_of(ask.node.home, row.mapping)
    except Refused:
        return {}
    return {one.name: ask.say.of(one, "title") for one in mapping.signals}


def _opened(ask: Ask, tx: Transaction, row: Row, review: Row | None) -> dict[str, Any] | None:
    """The facts behind the decision, for somebody whose look is on record; None when over."""
    permit = permit_asked(ask, tx)
    if permit is None:
        return None
    if permit.party_id != row.party_id or not permit.fields.issuperset(json.loads(row.fields)):
        ask.wrong("_access", said("data.field_not_permitted", ask.view.language))
        return None

    def text_of(field: str, sealed: str | None) -> str:
        if not sealed or permit.subject is None:
            return sealed or ""
        return open_text(ask.node, tx, permit, field=field, sealed=sealed) or ""

    facts: dict[str, str] = json.loads(text_of("application", row.sealed) or "{}")
    words = ("statement", "proposal_reason", "confirm_reason")
    order = list(_signal_names(ask, row))
    shown = sorted(facts.items(), key=lambda one: order.index(one[0]) if one[0] in order else 99)
    return {
        "facts": dict(shown),
        "bars": _bars(ask, row, facts),
        "words": {
            name: text_of("review", getattr(review, name)) for name in words if review is not None
        },
    }


def _bars(ask: Ask, row: Row, facts: dict[str, str]) -> list[tuple[str, int]]:
    """What each signal cost in points, dearest first, by the model that decided."""
    with ask.node.read() as tx:
        digests = [one.model_digest for one in decisions_of(tx, row.id) if one.model_digest]
    if not digests or not facts:
        return []
    try:
        mapping = mapping_of(ask.node.home, row.mapping)
        model = model_of(ask.node.home, digests[-1])
        score = score_row(model, facts, reasons=REASONS_MAX, mapping=mapping)
    except Refused:
        return []
    return [(ask.say.of(reason, "title"), reason.points) for reason in score.reasons]


def open_facts(ask: Ask) -> Response:
    """Record that somebody looks at the facts, under the person's consent, and show them."""
    application_id = ask.request.path_params["application_id"]
    with ask.node.read() as tx:
        row = application_row(tx, application_id)
    told = {
        "party_id": row.party_id,
        "purpose": PURPOSE,
        "fields": json.loads(row.fields),
    }
    try:
        access = ask.act("data.record_access", told)
    except Refused as refused:
        ask.wrong("_access", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/case/{application_id}?access={access.access_id}")


def propose(ask: Ask) -> Response:
    """One officer proposes; another confirms."""
    told = {"approve": ask.text("answer") == "approve", "reason": ask.text("reason")}
    if ask.text("income"):
        try:
            income = parse_money(plain_amount(ask.text("income")), "CNY").minor
        except Refused:
            ask.wrong("income", ask.say("proposal.bad_number"))
            return _show(ask)
        told["verified_income"] = str(income)
    return _reviewed(ask, "lending.propose_review", told)


def confirm(ask: Ask) -> Response:
    """The second pair of eyes: agree, or send it back to the queue."""
    told = {"agree": ask.text("answer") == "agree", "reason": ask.text("reason")}
    return _reviewed(ask, "lending.confirm_review", told)


def _reviewed(ask: Ask, name: str, told: dict[str, object]) -> Response:
    application_id = ask.request.path_params["application_id"]
    if not ask.text("answer"):
        ask.wrong("answer", ask.say("desk.answer_missing"))
        return _show(ask)
    try:
        ask.act(name, {"application_id": application_id, **told})
    except Refused as refused:
        ask.wrong("reason", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/case/{application_id}")
