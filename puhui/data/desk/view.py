"""Looking at a person's data on a page: recorded by an act first, shown afterwards; and the log."""

from __future__ import annotations

import json
from collections.abc import Collection

from puhui.data import rules, tables
from puhui.data.desk.consent import terms_of
from puhui.data.desk.lists import read_lists
from puhui.data.desk.permit import decide, log_access, make_permit
from puhui.data.desk.reading import read_person, read_records
from puhui.data.nouns import Access, AccessRecorded, Basis, Permit, RecordAccess, View
from puhui.kernel.act import Act, use_case
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import Party, actor_of, find_parties, take_party

ACCESSES_MAX = 1_000


@use_case(
    "data.record_access",
    roles=(
        "customer",
        "loan_officer",
        "risk_analyst",
        "collector",
        "operator",
        "auditor",
        "compliance_officer",
        "supervisor",
    ),
)
def record_access(act: Act, input: RecordAccess) -> AccessRecorded:
    """Record that somebody is about to look at a person's data, before it is shown.

    ``view`` then shows it to the same actor for some minutes. Refused: what ``permit`` refuses,
    ``party.unknown``, ``party.erased``, ``data.role_not_allowed``, ``data.not_own``.
    """
    party = take_party(act, input.party_id)
    purpose = rules.find_purpose(read_lists(), input.purpose)
    if purpose.basis is not Basis.OWN:
        rules.check_viewer(purpose, _roles_of(act), is_own=False)
    made = decide(
        act.tx,
        party,
        purpose.name,
        frozenset(input.fields),
        is_locked=True,
        now_us=act.now_us,
        actor=act.actor,
    )
    access_id = log_access(act, made)
    return AccessRecorded(access_id, act.now_us + read_lists().view_minutes * 60_000_000)


def _roles_of(act: Act) -> frozenset[str] | None:
    """The roles of a user or of a party that acts for itself; None for a machine."""
    if act.actor.startswith("user-"):
        return actor_of(act.tx, act.actor).roles
    return frozenset({"customer"}) if act.actor.startswith("party-") else None


def _access_of(row: Row) -> Access:
    return Access(
        id=row.id,
        party_id=row.party_id,
        actor=row.actor,
        purpose=row.purpose,
        fields=tuple(json.loads(row.fields)),
        consent_id=row.consent_id,
        at_us=row.at_us,
    )


def view(node: Node, tx: Transaction, access_id: str, *, viewer: str) -> View:
    """What a recorded access may show now: personal fields and shared records.

    ``viewer`` is the name of the actor who recorded it. A consent that was revoked or has ended
    since shows nothing. Refused: ``data.unknown_access``, ``data.access_over``,
    ``data.consent_revoked``, ``data.consent_expired``, ``data.party_erased``.
    """
    made = permit_of_access(node, tx, access_id, viewer=viewer)
    return View(read_person(node, tx, made), read_records(node, tx, made))


def permit_of_access(node: Node, tx: Transaction, access_id: str, *, viewer: str) -> Permit:
    """The permit that a recorded access still gives, as ``view`` uses it; it refuses the same."""
    row = tx.one(tables.READ_ACCESS, access_id=access_id)
    now_us = node.clock.now_us()
    minutes = read_lists().view_minutes
    access = rules.check_access(None if row is None else _access_of(row), viewer, now_us, minutes)
    (party,) = find_parties(node, tx, party_ids=(access.party_id,))
    rules.check_living(party)
    fields = frozenset(access.fields)
    sources: frozenset[str] = frozenset()
    if access.consent_id is not None:
        consent = terms_of(tx.one(tables.READ_TERMS_OF_ONE, consent_id=access.consent_id))
        own = [consent] if rules.holds_for(consent, "", "", 0) else []
        sources = rules.choose_consent(own, fields, now_us).sources
    return make_permit(party.id, party.subject, access.purpose, fields, sources, access.consent_id)


def own_permit(
    tx: Transaction, party: Party, *, actor: str, fields: Collection[str], now_us: int
) -> Permit:
    """The right of a person to read ``fields`` of their own, for a page that shows nobody else.

    It leaves no line in the log, which tells the person of others. Refused: ``data.not_own``,
    ``data.unknown_field``, ``data.no_fields``, ``data.party_erased``.
    """
    return decide(
        tx,
        party,
        "own_access",
        frozenset(fields),
        is_locked=False,
        now_us=now_us,
        actor=actor,
    )


def accesses_of(tx: Transaction, party_id: str) -> tuple[Access, ...]:
    """Who read a party's data, for what: newest first, up to 1,000 (PIPL art. 44 and 45)."""
    rows = tx.all(tables.READ_ACCESSES, party_id=party_id, count=ACCESSES_MAX)
    return tuple(_access_of(row) for row in rows)
