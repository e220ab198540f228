"""Consents: who may look at what, for which purpose, until when; and taking one back."""

from __future__ import annotations

import json

from starlette.responses import Response

from puhui.data import consents_of, read_lists
from puhui.data.window import accesses_of
from puhui.web.ask import Ask, Missing

ACCESSES_SHOWN = 50


def show(ask: Ask) -> Response:
    """Every consent of the customer, and who looked at what."""
    lists = read_lists()
    with ask.node.read() as tx:
        found = consents_of(ask.node, tx, party_id=ask.party_id)
        accesses = accesses_of(tx, ask.party_id)[:ACCESSES_SHOWN]
    return ask.page(
        "consents.html",
        consents=found,
        accesses=accesses,
        lists=lists,
        now_us=ask.node.clock.now_us(),
        done=ask.query.get("done", ""),
        back="/me",
    )


def revoke(ask: Ask) -> Response:
    """Take a consent back, from now on."""
    consent_id = ask.request.path_params["consent_id"]
    with ask.node.read() as tx:
        own = {one.terms.consent_id for one in consents_of(ask.node, tx, party_id=ask.party_id)}
    if consent_id not in own:
        raise Missing
    ask.act("data.revoke_consent", {"consent_id": consent_id})
    return ask.go("/consents?done=revoked")


def receipt(ask: Ask) -> Response:
    """The signed receipt of a consent, to keep."""
    consent_id = ask.request.path_params["consent_id"]
    with ask.node.read() as tx:
        for one in consents_of(ask.node, tx, party_id=ask.party_id):
            if one.terms.consent_id == consent_id:
                return ask.page(
                    "receipt.html",
                    consent=one,
                    told=json.loads(one.receipt.text),
                    lists=read_lists(),
                    back="/consents",
                )
    raise Missing
