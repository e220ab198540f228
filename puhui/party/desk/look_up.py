"""Finding parties: by id, by reference, by identity number or phone through keyed digests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from puhui.kernel.act import Act
from puhui.kernel.clock import business_date
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import rules, tables
from puhui.party.desk.lists import hold_reasons, identity_rules
from puhui.party.nouns import (
    Hold,
    IdentityCheck,
    IdentityState,
    OwnerGrounds,
    Party,
    PartyKind,
    Relation,
    RelationKind,
)

PHONE_MATCHES_MAX = 100


_KINDS = {kind.value: kind for kind in PartyKind}
_STATES = {state.value: state for state in IdentityState}


def party_of(row: Row) -> Party:
    """The noun of a row with the columns of a party."""
    return Party(
        id=row.id,
        kind=_KINDS[row.kind],
        source=row.source,
        reference=row.reference,
        subject=row.subject,
        identity=_STATES[row.identity],
        is_erased=row.erased_us is not None,
    )


def find_parties(
    node: Node,
    tx: Transaction,
    *,
    party_ids: Sequence[str] = (),
    source: str | None = None,
    references: Sequence[str] = (),
    id_number: str | None = None,
    uscc: str | None = None,
    phone: str | None = None,
) -> tuple[Party, ...]:
    """The parties, erased ones too, known by one thing: ids, a source's references, a resident
    identity number, a unified social credit code, or a mobile number (at most 100 then).

    Numbers are looked up by their keyed digests. One statement; order by id. Refused:
    ``party.bad_id_number``, ``party.bad_uscc``, ``party.bad_phone``.
    """
    rows: list[Row] = []
    if party_ids:
        rows = tx.all(tables.READ_PARTIES, party_ids=party_ids)
    elif source is not None and references:
        rows = tx.all(tables.READ_BY_REFERENCES, source=source, references=references)
    elif id_number is not None:
        today = business_date(node.clock.now_us())
        number = rules.check_resident_id(id_number, identity_rules(), today).number
        rows = tx.all(tables.READ_BY_IDENTITY, digest=node.keys.index("id_number", number))
    elif uscc is not None:
        code = rules.check_uscc(uscc)
        rows = tx.all(tables.READ_BY_IDENTITY, digest=node.keys.index("uscc", code))
    elif phone is not None:
        digest = node.keys.index("phone", rules.check_mobile(phone, identity_rules()))
        rows = tx.all(tables.READ_BY_PHONE, digest=digest, count=PHONE_MATCHES_MAX)
    return tuple(sorted((party_of(row) for row in rows), key=lambda party: party.id))


def find_party(tx: Transaction, party_id: str) -> Party | None:
    """The party, erased or not; None where there is none. One statement."""
    row = tx.one(tables.READ_PARTY, party_id=party_id)
    return None if row is None else party_of(row)


def read_party(tx: Transaction, party_id: str) -> Party:
    """The living party, for queries. Refused: ``party.unknown``, ``party.erased``."""
    return rules.check_known(find_party(tx, party_id), party_id)


def take_party(act: Act, party_id: str) -> Party:
    """The living party, kept from being erased until the act ends. One statement.

    Refused: ``party.unknown``, ``party.erased``.
    """
    row = act.tx.one(tables.SHARE_PARTY, party_id=party_id)
    return rules.check_known(None if row is None else party_of(row), party_id)


def take_parties(act: Act, party_ids: Sequence[str]) -> dict[str, Party]:
    """The parties that exist among ``party_ids``, erased ones too, by id; kept from being erased
    until the act ends. One statement.
    """
    if not party_ids:
        return {}
    return {row.id: party_of(row) for row in act.tx.all(tables.SHARE_PARTIES, party_ids=party_ids)}


def holds_of(tx: Transaction, party_id: str, today: date) -> tuple[Hold, ...]:
    """Why the party cannot be erased on ``today``; empty where nothing stands against it."""
    holds = [
        Hold(
            party_id=row.party_id,
            reason=row.reason,
            reference=row.reference,
            until=None if row.until is None else date.fromisoformat(row.until),
            is_obligation=hold_reasons()[row.reason].is_obligation,
        )
        for row in tx.all(tables.READ_HOLDS, party_id=party_id)
    ]
    return rules.open_holds(holds, today)


def identity_checks_of(tx: Transaction, party_id: str) -> tuple[IdentityCheck, ...]:
    """All recorded identity checks of a party, oldest first."""
    return tuple(
        IdentityCheck(
            id=row.id,
            party_id=row.party_id,
            method=row.method,
            is_passed=bool(row.is_passed),
            evidence_digest=row.evidence_digest,
            checked_us=row.checked_us,
            checked_by=row.checked_by,
            valid_until=None if row.valid_until is None else date.fromisoformat(row.valid_until),
        )
        for row in tx.all(tables.READ_CHECKS, party_id=party_id)
    )


def relations_of(tx: Transaction, party_id: str) -> tuple[Relation, ...]:
    """The persons behind a firm, or the firms that a person stands behind."""
    return tuple(
        Relation(
            firm_id=row.firm_id,
            party_id=row.party_id,
            kind=RelationKind(row.kind),
            grounds=OwnerGrounds(row.grounds) if row.grounds else None,
            share=None if row.share is None else Decimal(row.share),
        )
        for row in tx.all(tables.READ_RELATIONS, party_id=party_id)
    )
