"""My data: see what is kept, take it along as JSON, and have it erased."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.complaint import complaints_of
from puhui.data import consents_of, read_lists, view
from puhui.kernel.errors import Refused
from puhui.lending.window import applications_of, loans_of
from puhui.party import read_party_file
from puhui.web.ask import Ask

PERSONAL = ("name", "id_number", "phone", "address", "bank_card", "birth_date", "sex", "region")


def overview(ask: Ask) -> Response:
    """What can be done with one's own data, and what stands against erasing it."""
    return _overview(ask)


def _overview(ask: Ask) -> Response:
    with ask.node.read() as tx:
        told = read_party_file(tx, ask.party_id, ask.today)
    return ask.page(
        "mine.html", holds=told.holds, party=told.party, is_person=told.party.kind == "person",
        back="/me",
    )  # fmt: skip


def open_data(ask: Ask) -> Response:
    """Record the look, as every look is, and go where it is shown."""
    fields = sorted(read_lists().fields)
    told = {"party_id": ask.party_id, "purpose": "own_access", "fields": fields}
    access = ask.act("data.record_access", told)
    return ask.go(f"/mine/{access.access_id}")


def _gathered(ask: Ask) -> dict[str, Any]:
    """Everything that is kept of the customer, by what it is."""
    lists = read_lists()
    with ask.node.read() as tx:
        shown = view(ask.node, tx, ask.request.path_params["access_id"], viewer=ask.actor.name)
        applications = applications_of(tx, ask.party_id)
        loans = loans_of(tx, ask.party_id)
        consents = consents_of(ask.node, tx, party_id=ask.party_id)
        complaints = complaints_of(tx, ask.party_id)
    return {
        "party": ask.party_id,
        "personal": [
            (
                ask.say.of(lists.fields[name], ""),
                shown.fields[name],
                _plain(ask, name, str(shown.fields[name])),
            )
            for name in PERSONAL
            if name in shown.fields
        ],
        "records": [
            {
                "kind": ask.say.of(lists.fields[one.kind], ""),
                "source": one.source,
                "told": _source(ask, one.source),
                "day": one.day.isoformat(),
                "content": dict(one.content),
                "words": [_worded(ask, *item) for item in one.content.items()],
            }
            for one in shown.records
        ],
        "applications": applications,
        "loans": loans,
        "consents": consents,
        "complaints": complaints,
    }


def _source(ask: Ask, name: str) -> str:
    """Who told of a record: in words where it is one of the demo county's, else as it was named."""
    plain = name.removesuffix(" (synthetic)")
    made_up = ask.say("mine.synthetic") if plain != name else ""
    return f"{ask.say.maybe('mine.source_' + plain.replace(' ', '_'), plain)}{made_up}"


def _plain(ask: Ask, name: str, value: str) -> str:
    """One personal field as people write it: days, mobile numbers, and the sex as a word."""
    if name == "birth_date":
        return ask.say.day(value)
    if name == "sex":
        return ask.say.maybe(f"fairness.group_{value}", value)
    return value.removeprefix("+86") if name == "phone" else value


def _worded(ask: Ask, name: str, value: object) -> tuple[str, str]:
    """One thing that a record says: its name in words, amounts and days as people write them."""
    plain = name.removesuffix("_minor")
    label = ask.say.maybe(f"mine.key_{plain}", plain.replace("_", " "))
    if value is None:
        return label, "—"
    if name.endswith("_minor") and isinstance(value, int):
        return label, ask.say.money(value)
    if name.endswith("_on"):
        return label, ask.say.day(str(value))
    return label, str(value)


def show(ask: Ask) -> Response:
    """What is kept, in plain words."""
    return ask.page("mine_shown.html", **_gathered(ask), back="/mine")


def export(ask: Ask) -> Response:
    """The same as a file that programs read (PIPL art. 45: a copy to take along)."""
    found = _gathered(ask)
    told = {
        "party": found["party"],
        "personal": {label: kept for label, kept, _ in found["personal"]},
        "records": [
            {name: one[name] for name in ("kind", "source", "day", "content")}
            for one in found["records"]
        ],
        "applications": [
            {"id": row.id, "product": row.product, "status": row.status,
             "wanted_minor": row.wanted_minor, "currency": row.currency,
             "applied_on": row.applied_on}
            for row in found["applications"]
        ],
        "loans": [
            {"id": loan.contract_id, "product": loan.product, "status": loan.status,
             "principal_minor": loan.principal_minor, "outstanding_minor": loan.outstanding_minor,
             "annual_rate": str(loan.annual_rate), "signed_on": loan.signed_on.isoformat()}
            for loan in found["loans"]
        ],
        "consents": [
            {"receipt": json.loads(one.receipt.text), "signature": one.receipt.signature}
            for one in found["consents"]
        ],
        "complaints": [
            {"number": one.number, "subject": one.subject, "status": one.status}
            for one in found["complaints"]
        ],
    }  # fmt: skip
    return Response(
        json.dumps(told, ensure_ascii=False, indent=1),
        media_type="application/json; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
    )


def erase(ask: Ask) -> Response:
    """Have everything erased, after a second look at what that means."""
    if ask.text("sure") != "yes":
        ask.wrong("sure", ask.say("mine.sure_missing"))
        return _overview(ask)
    try:
        ask.act("party.erase_person", {"party_id": ask.party_id})
    except Refused as refused:
        ask.wrong("sure", said(refused.code, ask.view.language))
        return _overview(ask)
    ask.log_out()
    return ask.go("/erased")


def erased(ask: Ask) -> Response:
    """Nothing is left but totals."""
    return ask.page("erased.html", back="/")
