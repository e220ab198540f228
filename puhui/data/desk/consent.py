"""Granting and revoking consents, each with a signed receipt that the person can show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256

from puhui.data import rules, tables
from puhui.data.desk.lists import read_lists
from puhui.data.nouns import (
    Consent,
    ConsentGranted,
    ConsentReceipt,
    ConsentRevoked,
    ConsentTerms,
    ConsentWay,
    GrantConsent,
    GrantFileConsent,
    RevokeConsent,
    Scalar,
)
from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.crypto import canonical_json
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import Party, check_actor, read_party_file, take_party

CONSENTS_MAX = 1_000


def holder_of_source(source: str) -> str:
    """How a consent for all parties of a source is filed."""
    return f"source:{source}"


def terms_of(row: Row) -> ConsentTerms:
    """The noun of a row with the columns of a consent's terms."""
    return ConsentTerms(
        consent_id=row.id,
        fields=frozenset(json.loads(row.fields)),
        sources=frozenset(json.loads(row.sources)),
        granted_us=row.granted_us,
        until_us=row.until_us,
        revoked_us=row.revoked_us,
        recipient=row.recipient,
    )


def _record(
    act: Act,
    holder: dict[str, str],
    *,
    purpose_name: str,
    fields: Sequence[str],
    sources: Sequence[str],
    way: ConsentWay,
    until: date,
    told: dict[str, Scalar],
    recipient: str = "",
) -> ConsentGranted:
    """Check, sign and store a consent of a party or of a source."""
    lists = read_lists()
    purpose = rules.find_purpose(lists, purpose_name)
    rules.check_terms(lists, purpose, fields, act.today, until)
    consent_id = act.new_id("consent")
    named = sorted(set(fields))
    text = canonical_json(
        rules.receipt_body(
            {
                "consent": consent_id,
                **holder,
                "way": way.value,
                "granted": act.now.isoformat(timespec="seconds"),
                "until": until.isoformat(),
                "issuer": act.node.keys.public_key,
                **told,
            },
            purpose,
            [lists.fields[name] for name in named],
            sorted(set(sources)),
        )
    )
    receipt = ConsentReceipt(
        text=text,
        digest=sha256(text.encode()).hexdigest(),
        signature=act.node.keys.sign(text.encode()),
        public_key=act.node.keys.public_key,
    )
    act.tx.put(
        tables.INSERT_CONSENT,
        id=consent_id,
        holder=holder.get("party") or holder_of_source(holder["source"]),
        party_id=holder.get("party"),
        source=holder.get("source"),
        purpose=purpose.name,
        fields=canonical_json(named),
        sources=canonical_json(sorted(set(sources))),
        way=way.value,
        granted_us=act.now_us,
        until_us=start_of_day_us(until + timedelta(days=1)),
        revoked_us=None,
        receipt=text,
        digest=receipt.digest,
        signature=receipt.signature,
        recipient=recipient,
    )
    subject = holder.get("party") or holder_of_source(holder["source"])
    act.emit("data.consent_granted", subject, {"consent": consent_id, "purpose": purpose.name})
    return ConsentGranted(consent_id, receipt)


@use_case("data.grant_consent", roles=("customer", "loan_officer", "operator", "system"), api=True)
def grant_consent(act: Act, input: GrantConsent) -> ConsentGranted:
    """Record a person's consent to one purpose; it can be shown and revoked at any time.

    Where the purpose shows something to one other party, the person names that party and agrees
    by a login of their own. What was agreed to on paper or by voice may name its evidence. Refused:
    ``data.bad_recipient``, ``data.own_consent_only``, ``data.bad_evidence``, ``party.unknown``,
    ``party.erased``, ``party.not_yours``, ``data.unknown_purpose``, ``data.unknown_field``,
    ``data.no_fields``, ``data.field_not_allowed``, ``data.bad_source``,
    ``data.consent_not_needed``, ``data.consent_in_past``, ``data.consent_too_long``.
    """
    is_own = check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = take_party(act, input.party_id)
    for source in input.sources:
        rules.check_source(source)
    rules.check_recipient(
        rules.find_purpose(read_lists(), input.purpose),
        party.id,
        input.recipient,
        input.sources,
        is_own=is_own,
    )
    rules.check_evidence(input.way, input.evidence, is_needed=False)
    if input.recipient:
        take_party(act, input.recipient)
    told: dict[str, Scalar] = {}
    if input.recipient:
        told["recipient"] = input.recipient
    if input.evidence:
        told["evidence_sha256"] = input.evidence
    return _record(
        act,
        {"party": party.id},
        purpose_name=input.purpose,
        fields=input.fields,
        sources=input.sources,
        way=input.way,
        until=input.until,
        told=told,
        recipient=input.recipient,
    )


def consent_at_desk(
    act: Act,
    party: Party,
    *,
    purpose: str,
    fields: Sequence[str],
    source: str,
    recipient: str,
    until: date,
    way: str,
    evidence: str,
) -> ConsentGranted:
    """Record that a person without a login agreed, on paper or by voice, to show ``source`` to one
    other party; ``evidence`` is the SHA-256 of what proves it.

    Whoever calls has looked at who records it. A paper shows one thing to one party once: what was
    taken back, or was for an earlier asking, takes another. Refused: ``data.own_consent_only``
    where the person has a login, ``data.bad_evidence``, ``data.bad_recipient`` and those of
    ``check_terms``.
    """
    rules.check_evidence(way, evidence, is_needed=True)
    has_login = any(
        not one.is_disabled for one in read_party_file(act.tx, party.id, act.today).users
    )
    rules.check_recipient(
        rules.find_purpose(read_lists(), purpose),
        party.id,
        recipient,
        (source,),
        is_own=not has_login,
    )
    for row in act.tx.all(tables.READ_CONSENTS, holder=party.id, count=CONSENTS_MAX):
        told = json.loads(row.receipt)
        is_same = row.recipient == recipient and source in json.loads(row.sources)
        if is_same and told.get("evidence_sha256") == evidence:
            raise Refused("data.bad_evidence", "This scan or recording was for an earlier yes.")
    return _record(
        act,
        {"party": party.id},
        purpose_name=purpose,
        fields=fields,
        sources=(source,),
        way=ConsentWay(way),
        until=until,
        told={"recipient": recipient, "evidence_sha256": evidence, "recorded_by": act.actor},
        recipient=recipient,
    )


@use_case("data.grant_file_consent", roles=("operator", "system"))
def grant_file_consent(act: Act, input: GrantFileConsent) -> ConsentGranted:
    """Record on what ground the data of a whole file of anonymous parties may be used.

    It holds for every party registered under ``source``. Refused: ``data.bad_source``,
    ``data.bad_file`` and what ``grant_consent`` refuses of purpose, fields and time.
    """
    rules.check_file(input.source, input.file_digest, input.basis)
    return _record(
        act,
        {"source": input.source},
        purpose_name=input.purpose,
        fields=input.fields,
        sources=(),
        way=ConsentWay.FILE,
        until=input.until,
        told={"file_sha256": input.file_digest, "ground": input.basis.strip()},
    )


@use_case("data.revoke_consent", roles=("customer", "loan_officer", "operator", "system"), api=True)
def revoke_consent(act: Act, input: RevokeConsent) -> ConsentRevoked:
    """Take a consent back from now on; a second time changes nothing (PIPL art. 15).

    Refused: ``data.unknown_consent``, ``party.not_yours``.
    """
    row = act.tx.one(tables.LOCK_CONSENT, consent_id=input.consent_id)
    if row is None:
        raise Refused("data.unknown_consent", f"There is no consent {input.consent_id[:40]}.")
    check_actor(act.tx, act.actor, acts_for=row.party_id or "")
    if row.revoked_us is not None:
        return ConsentRevoked(row.id, row.revoked_us)
    act.tx.put(tables.REVOKE, consent_id=row.id, now_us=act.now_us)
    act.emit("data.consent_revoked", row.party_id or row.id, {"consent": row.id})
    return ConsentRevoked(row.id, act.now_us)


def consents_of(
    node: Node, tx: Transaction, *, party_id: str | None = None, source: str | None = None
) -> tuple[Consent, ...]:
    """All consents of a party or of a source with their receipts, newest first, up to 1,000."""
    assert (party_id is None) != (source is None), (party_id, source)
    holder = party_id if source is None else holder_of_source(source)
    return tuple(
        Consent(
            party_id=row.party_id,
            source=row.source,
            purpose=row.purpose,
            way=ConsentWay(row.way),
            terms=terms_of(row),
            receipt=ConsentReceipt(row.receipt, row.digest, row.signature, node.keys.public_key),
        )
        for row in tx.all(tables.READ_CONSENTS, holder=holder, count=CONSENTS_MAX)
    )
