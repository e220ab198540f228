"""An application: its decision in plain words, review by a person, the contract, signing it."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.lending import contract_of, draft_contract, read_case, shelf
from puhui.lending.window import Decision, mapping_of, review_of
from puhui.servicing import build_schedule
from puhui.web.ask import Ask
from puhui.web.own import own_application
from puhui.web.pages.apply import decide
from puhui.web.say import Say

OFFER_DAYS = 30
STATEMENT_MAX = 2000


def show(ask: Ask) -> Response:
    """The decision: what was decided, why, what would change it, and what can be done now."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        row = own_application(ask, tx)
        case, decision = read_case(tx, row.id)
        loan = contract_of(tx, row.id)
        review = review_of(tx, row.id) if row.status in ("review", "refused") else None
        cost = None
        if row.status == "offered":
            try:
                cost = draft_contract(tx, row.id, ask.today, ask.view.language)
            except Refused as refused:
                ask.wrong("_offer", said(refused.code, ask.view.language))
    codes: tuple[str, ...] = () if decision is None else decision.reasons
    if decision is None and case.decision == "refused":
        codes = ("consent_missing",)
    book = shelf.load_reasons()
    return ask.page(
        "application.html",
        status=200,
        row=row,
        case=case,
        decision=decision,
        loan=loan,
        review=review,
        cost=cost,
        texts=[book.text(code) for code in codes],
        book=book,
        signals=_score_reasons(ask, row, decision),
        product=shelf.load_product(row.product),
        here=ask.query.get("here") == "1",
        statement=ask.text("statement"),
        back="/me",
    )


def _score_reasons(ask: Ask, row: Row, decision: Decision | None) -> tuple[tuple[str, str], ...]:
    """What cost points, each with what would help, in words."""
    if decision is None or not decision.score_reasons:
        return ()
    try:
        return _worded(ask.node.home, row.mapping, decision.score_reasons, ask.say)
    except Refused:
        return ()


@lru_cache(maxsize=1024)
def _worded(
    home: Path, mapping: str, reasons: tuple[str, ...], say: Say
) -> tuple[tuple[str, str], ...]:
    """Reasons of a score in words; a mapping by digest never changes."""
    signals = {one.name: one for one in mapping_of(home, mapping).signals}
    codes = [code.removeprefix("score.") for code in reasons]
    return tuple(
        (say.of(signals[code], "title"), say.of(signals[code], "advice"))
        for code in codes
        if code in signals
    )


def decide_now(ask: Ask) -> Response:
    """Decide an application that could not be decided when it was sent."""
    with ask.node.read() as tx:
        row = own_application(ask, tx)
    decide(ask, row.id)
    return ask.go(f"/application/{row.id}")


def request_review(ask: Ask) -> Response:
    """Have a person look at a refusal."""
    with ask.node.read() as tx:
        row = own_application(ask, tx)
    told = {"application_id": row.id, "statement": ask.text("statement")}
    try:
        ask.act("lending.request_review", told)
    except Refused as refused:
        ask.wrong("statement", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/application/{row.id}")


def withdraw(ask: Ask) -> Response:
    """Take an application back."""
    with ask.node.read() as tx:
        row = own_application(ask, tx)
    ask.act("lending.withdraw", {"application_id": row.id})
    return ask.go(f"/application/{row.id}")


def contract(ask: Ask) -> Response:
    """The contract to read, total cost and APR first, and the consent under it."""
    return _contract(ask)


def _contract(ask: Ask) -> Response:
    with ask.node.read() as tx:
        row = own_application(ask, tx)
        if row.status != "offered":
            return ask.go(f"/application/{row.id}")
        text, plan, cost = draft_contract(tx, row.id, ask.today, ask.view.language)
    schedule = build_schedule(plan, cost.principal_minor, ask.today)
    return ask.page(
        "contract.html",
        row=row,
        text=text,
        terms=plan,
        cost=cost,
        first_minor=schedule.instalments[0].total_minor,
        is_calendar_published=schedule.is_calendar_published,
        until=ask.today + timedelta(days=OFFER_DAYS),
        product=shelf.load_product(row.product),
        back=f"/application/{row.id}",
    )


def sign(ask: Ask) -> Response:
    """Sign the contract that was read; the same form sent again finds it signed."""
    with ask.node.read() as tx:
        row = own_application(ask, tx)
        signed = contract_of(tx, row.id)
    if signed is not None:
        return ask.go(f"/loan/{signed.contract_id}")
    if ask.text("agree") != "yes":
        ask.wrong("agree", ask.say("contract.agree_missing"))
        return _contract(ask)
    told = {
        "application_id": row.id,
        "contract_digest": ask.text("digest"),
        "language": ask.text("language"),
    }
    try:
        made = ask.act("lending.accept", told)
    except Refused as refused:
        if refused.code not in ("lending.contract_changed", "lending.no_language"):
            raise
        ask.wrong("agree", said(refused.code, ask.view.language))
        return _contract(ask)
    return ask.go(f"/loan/{made.contract_id}")
