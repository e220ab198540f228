"""Security on a loan's file: pledges, guarantees asked for and called, ageing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.money import parse_money
from puhui.lending.window import guarantee
from puhui.party import find_parties
from puhui.servicing.window import guarantees_of, loan_row, pledges_of
from puhui.web.ask import Ask, Missing
from puhui.web.desks.loan import show_file
from puhui.web.pages.amount import plain_amount

Told = tuple[str, dict[str, object]]


def secure(ask: Ask) -> Response:
    """Do what one of the forms of the section asks for, or say what is wrong with it."""
    loan_id = ask.request.path_params["loan_id"]
    verb = VERBS.get(ask.text("security"))
    if verb is None:
        raise Missing
    name, told = verb(ask, loan_id)
    if ask.problems:
        return show_file(ask)
    try:
        ask.act(name, told)
    except Refused as refused:
        if refused.code == "servicing.no_loan":
            raise
        ask.wrong("security", said(refused.code, ask.view.language))
        return show_file(ask)
    return ask.go(f"/desk/loan/{loan_id}?done=changed")


def _add_pledge(ask: Ask, loan_id: str) -> Told:
    value = _amount(ask, loan_id, "worth")
    told = {"loan_id": loan_id, "kind": ask.text("pledge_kind"), "value_minor": value}
    return "servicing.add_pledge", told


def _release_pledge(ask: Ask, loan_id: str) -> Told:
    with ask.node.read() as tx:
        known = {one.id for one in pledges_of(tx, loan_id)}
    return "servicing.release_pledge", {"pledge_id": _one_of(ask, "pledge", known)}


def _call(ask: Ask, loan_id: str) -> Told:
    return "servicing.call_guarantee", {"guarantee_id": _guarantee(ask, loan_id)}


def _repay(ask: Ask, loan_id: str) -> Told:
    amount = _amount(ask, loan_id, "paid_back")
    told = {"guarantee_id": _guarantee(ask, loan_id), "amount_minor": amount}
    return "servicing.repay_guarantor", told


def _pause(ask: Ask, loan_id: str) -> Told:
    try:
        until = date.fromisoformat(ask.text("until"))
    except ValueError:
        ask.wrong("until", ask.say("arrears.bad_day"))
        until = ask.today
    return "servicing.pause_age", {"loan_id": loan_id, "until": until}


def _resume(ask: Ask, loan_id: str) -> Told:
    return "servicing.pause_age", {"loan_id": loan_id, "until": ask.today}


def _ask_guarantor(ask: Ask, loan_id: str) -> Told:
    share = _share(ask)
    with ask.node.read() as tx:
        if not find_parties(ask.node, tx, party_ids=[ask.text("guarantor")]):
            ask.wrong("guarantor", ask.say("guarantee.desk_bad_party"))
    told: dict[str, object] = {
        "contract_id": loan_id,
        "guarantor_id": ask.text("guarantor"),
        "share_millionths": share,
    }
    if ask.text("income"):
        told["verified_income"] = str(_amount(ask, loan_id, "income"))
    return "lending.ask_guarantee", told


def _share(ask: Ask) -> int:
    """A share in per cent as millionths."""
    try:
        found = Decimal(ask.text("share").removesuffix("%")) * 10_000
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or not 1 <= found <= 1_000_000 or found != int(found):
        ask.wrong("share", ask.say("guarantee.desk_bad_share"))
        return 0
    return int(found)


def _withdraw_ask(ask: Ask, loan_id: str) -> Told:
    with ask.node.read() as tx:
        known = {one.id for one in guarantee.asked_for(tx, loan_id)}
    return "lending.withdraw_guarantee_ask", {"ask_id": _one_of(ask, "ask", known)}


def _record_yes(ask: Ask, loan_id: str) -> Told:
    """The yes of a borrower without a login, on paper or by voice."""
    with ask.node.read() as tx:
        known = {one.id for one in guarantee.asked_for(tx, loan_id)}
    told: dict[str, object] = {
        "ask_id": _one_of(ask, "ask", known),
        "way": ask.text("yes_way"),
        "evidence": "".join(ask.text("evidence").split()).lower(),
    }
    return "lending.record_guarantee_consent", told


VERBS: dict[str, Callable[[Ask, str], Told]] = {
    "add_pledge": _add_pledge,
    "release_pledge": _release_pledge,
    "call": _call,
    "repay_guarantor": _repay,
    "ask_guarantor": _ask_guarantor,
    "record_yes": _record_yes,
    "withdraw_ask": _withdraw_ask,
    "pause": _pause,
    "resume": _resume,
}
"""What the section can ask for, by the word in its forms."""


def _guarantee(ask: Ask, loan_id: str) -> str:
    with ask.node.read() as tx:
        return _one_of(ask, "guarantee", {one.id for one in guarantees_of(tx, loan_id)})


def _one_of(ask: Ask, field: str, known: set[str]) -> str:
    """What was chosen, which must be of this loan."""
    if ask.text(field) not in known:
        raise Missing
    return ask.text(field)


def _amount(ask: Ask, loan_id: str, field: str) -> int:
    with ask.node.read() as tx:
        currency = loan_row(tx, loan_id).currency
    try:
        return parse_money(plain_amount(ask.text(field)), currency).minor
    except Refused:
        ask.wrong(field, ask.say("proposal.bad_number"))
        return 0
