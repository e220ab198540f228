"""What customers see is their own: drafts, applications and contracts, checked one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping

from puhui.data import open_text
from puhui.data.window import own_permit
from puhui.draft import draft_field, sealed_draft
from puhui.kernel.store import Row, Transaction
from puhui.lending.window import Obligations, application_row, contract_row, obligations_of
from puhui.party import Party, find_parties
from puhui.web.ask import Ask, Missing

DRAFT = "apply"
DEBTS = "bureau_debt"
"""The field of data that debts elsewhere are, whoever reported them."""


def own_party(ask: Ask, tx: Transaction) -> Party:
    """The person or firm that the customer acts for."""
    found = find_parties(ask.node, tx, party_ids=[ask.party_id])
    if not found:
        raise Missing
    return found[0]


def own_application(ask: Ask, tx: Transaction) -> Row:
    """The application that the address names, if it is the customer's own."""
    row = application_row(tx, ask.request.path_params["application_id"])
    if row.party_id != ask.party_id:
        raise Missing
    return row


def own_contract(ask: Ask, tx: Transaction) -> Row:
    """The contract that the address names, if it is the customer's own."""
    row = contract_row(tx, ask.request.path_params["contract_id"])
    if row.party_id != ask.party_id:
        raise Missing
    return row


def open_own(ask: Ask, tx: Transaction, *, field: str, sealed: str) -> str:
    """What a customer has written and another room has sealed; "" when it cannot be opened."""
    party = own_party(ask, tx)
    if not sealed or party.subject is None:
        return sealed
    made = own_permit(
        tx,
        party,
        actor=ask.actor.name,
        fields=["name"],
        now_us=ask.node.clock.now_us(),
    )
    return open_text(ask.node, tx, made, field=field, sealed=sealed) or ""


def own_debts(ask: Ask, tx: Transaction) -> Obligations:
    """All that the customer owes, debts elsewhere opened: they are the customer's own."""
    party = own_party(ask, tx)
    if party.subject is None:
        return obligations_of(tx, party.id, on=ask.today)
    now_us = ask.node.clock.now_us()
    made = own_permit(tx, party, actor=ask.actor.name, fields=[DEBTS], now_us=now_us)
    return obligations_of(tx, party.id, on=ask.today, node=ask.node, made=made)


def read_draft(ask: Ask, kind: str = DRAFT) -> dict[str, str]:
    """What the customer has typed of an application, or of another kind, on whichever device."""
    with ask.node.read() as tx:
        sealed = sealed_draft(tx, ask.party_id, kind)
        if sealed is None:
            return {}
        text = open_own(ask, tx, field=draft_field(kind), sealed=sealed)
    found: dict[str, str] = json.loads(text) if text else {}
    return found


def keep_draft(ask: Ask, values: Mapping[str, str], kind: str = DRAFT) -> None:
    """Keep what was typed, in place of what was kept before."""
    told = {"party_id": ask.party_id, "kind": kind, "values": dict(values)}
    ask.act("draft.keep", told)


def drop_draft(ask: Ask, kind: str = DRAFT) -> None:
    """Let the draft go: what it was for was done."""
    ask.act("draft.drop", {"party_id": ask.party_id, "kind": kind})
