"""All that a customer owes as staff see it, and putting a debt elsewhere on record."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.lending.window import obligations_of
from puhui.party import find_parties
from puhui.web.ask import Ask, Missing
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.look import permit_for
from puhui.web.own import DEBTS
from puhui.web.pages.amount import amount_of, read_amount
from puhui.web.pages.credit import COLUMNS, CURRENCY

PURPOSE = "debt_check"
KINDS = ("bureau", "declared", "wallet_credit", "guarantee")
LINKS = {"loan": "/desk/loan/{}", "offer": "/desk/case/{}"}


def show(ask: Ask) -> Response:
    """Every debt and guarantee that is known, with the person's own limit."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    party_id = ask.request.path_params["party_id"]
    with ask.node.read() as tx:
        if not find_parties(ask.node, tx, party_ids=[party_id]):
            raise Missing
        made = permit_for(ask, tx, party_id=ask.request.path_params["party_id"], field=DEBTS)
        found = obligations_of(
            tx, party_id, on=ask.today, node=ask.node if made else None, made=made
        )
    if ending_of(ask):
        return file_reply(ask, "obligations", COLUMNS, of_rows(found.items), {"party": party_id})
    return ask.page(
        "desk_debts.html",
        at="customers",
        party_id=party_id,
        found=found,
        currency=CURRENCY,
        debt_minor=found.debt_minor(CURRENCY),
        monthly_minor=found.monthly_minor(CURRENCY),
        own_minor=found.own_limit_minor(CURRENCY),
        columns=COLUMNS,
        kinds=KINDS,
        links=LINKS,
        is_sealed=any(one.is_sealed for one in found.items),
        access_id=ask.query.get("access", ""),
        typed={name: ask.text(name) for name in ("kind", "amount", "monthly", "source")},
        done=ask.query.get("done", ""),
    )


def open_debts(ask: Ask) -> Response:
    """Record a look at debts elsewhere, to keep anybody from too much of them, and show them."""
    party_id = ask.request.path_params["party_id"]
    told = {"party_id": party_id, "purpose": PURPOSE, "fields": (DEBTS,)}
    try:
        access = ask.act("data.record_access", told)
    except Refused as refused:
        if refused.code == "party.unknown":
            raise
        ask.wrong("_access", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/customer/{party_id}/debts?access={access.access_id}")


def record(ask: Ask) -> Response:
    """Put a debt or a guarantee elsewhere on record; it counts from now on."""
    party_id = ask.request.path_params["party_id"]
    if ask.text("kind") not in KINDS:
        ask.wrong("kind", ask.say("debt.kind_missing"))
    debt_minor = amount_of(ask, CURRENCY)
    monthly_minor = 0
    if ask.text("monthly"):
        found = read_amount(ask.text("monthly"), CURRENCY)
        if found is None:
            ask.wrong("monthly", ask.say("debt.monthly_bad"))
        else:
            monthly_minor = found
    if not ask.text("source"):
        ask.wrong("source", ask.say("debt.source_missing"))
    if ask.problems:
        return _show(ask)
    told = {
        "party_id": party_id,
        "kind": ask.text("kind"),
        "currency": CURRENCY,
        "debt_minor": debt_minor,
        "monthly_minor": monthly_minor,
        "source": ask.text("source"),
    }
    try:
        ask.act("lending.record_obligation", told)
    except Refused as refused:
        if refused.code == "party.unknown":
            raise
        field = "amount" if refused.code == "lending.bad_amount" else "kind"
        ask.wrong(field, said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/customer/{party_id}/debts?done=recorded")


def close(ask: Ask) -> Response:
    """Count a recorded debt no more."""
    party_id = ask.request.path_params["party_id"]
    with ask.node.read() as tx:
        own = {one.reference for one in obligations_of(tx, party_id).items}
    wanted = ask.text("debt")
    if wanted not in own:
        raise Missing
    try:
        ask.act("lending.close_obligation", {"obligation_id": wanted})
    except Refused as refused:
        ask.wrong("_debt", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/customer/{party_id}/debts?done=closed")
