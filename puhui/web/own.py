"""What customers see is their own: drafts, applications and contracts, checked one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from puhui.data import open_text
from puhui.data.window import own_permit
from puhui.draft import draft_field, sealed_draft
from puhui.kernel.store import Row, Transaction
from puhui.lending import loan_state
from puhui.lending.window import Obligations, application_row, contract_row, obligations_of
from puhui.party import Party, find_parties
from puhui.servicing import noun
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


RUNNING = ("current", "past_due")
LOANS_MAX = 20


@dataclass(frozen=True, slots=True)
class Running:
    """A loan as it stands today, and the instalment that is due next; None where all is paid."""

    contract_id: str
    currency: str
    state: noun.PlanState
    coming: noun.PlanRow | None

    @property
    def is_late(self) -> bool:
        """Whether something is overdue."""
        return self.state.arrears_minor > 0


def running_loans(ask: Ask, tx: Transaction, loans: Sequence[Any]) -> tuple[Running, ...]:
    """How the running ones of a customer's loans stand today, what is overdue first, up to 20."""
    found = []
    for one in [loan for loan in loans if loan.status in RUNNING][:LOANS_MAX]:
        state = loan_state(tx, one.contract_id, ask.today)
        coming = next((row for row in state.rows if row.owed_minor > 0), None)
        found.append(Running(one.contract_id, one.currency, state, coming))
    return tuple(sorted(found, key=lambda one: not one.is_late))


def read_draft(ask: Ask, kind: str = DRAFT) -> dict[str, str]:
    """What the customer has typed of an application, or of another kind, on whichever device; and
    what was typed last, where a form is shown again after a login.
    """
    with ask.node.read() as tx:
        sealed = sealed_draft(tx, ask.party_id, kind)
        text = ""
        if sealed is not None:
            text = open_own(ask, tx, field=draft_field(kind), sealed=sealed)
    found: dict[str, str] = json.loads(text) if text else {}
    return {**found, **ask.form} if ask.is_look else found


def keep_draft(ask: Ask, values: Mapping[str, str], kind: str = DRAFT) -> None:
    """Keep what was typed, in place of what was kept before."""
    told = {"party_id": ask.party_id, "kind": kind, "values": dict(values)}
    ask.act("draft.keep", told)


def drop_draft(ask: Ask, kind: str = DRAFT) -> None:
    """Let the draft go: what it was for was done."""
    ask.act("draft.drop", {"party_id": ask.party_id, "kind": kind})
