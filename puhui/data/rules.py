"""Rules of data: which fields a purpose may use, when a consent holds, what a record may be."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from puhui.data.nouns import (
    Access,
    Basis,
    ConsentTerms,
    ConsentWay,
    DataField,
    DataLevel,
    Lists,
    Purpose,
    RecordToShare,
    Scalar,
)
from puhui.kernel.errors import Refused
from puhui.party import Party

REFERENCE_LENGTH_MAX = 128
SOURCE_LENGTH_MAX = 64
BASIS_LENGTH_MAX = 500
CONTENT_FIELDS_MAX = 200
CONTENT_LENGTH_MAX = 20_000
SHA256_LENGTH = 64


def find_purpose(lists: Lists, name: str) -> Purpose:
    """The purpose of that name. Refused: ``data.unknown_purpose``."""
    found = lists.purposes.get(name)
    if found is None:
        raise Refused("data.unknown_purpose", f"There is no purpose {name[:40]!r}.")
    return found


def check_fields(lists: Lists, purpose: Purpose, fields: Collection[str]) -> None:
    """Whether ``purpose`` may ever use these fields, and only known ones are named.

    Refused: ``data.unknown_field``, ``data.no_fields``, ``data.field_not_allowed``.
    Source: PIPL art. 6 (only what the purpose needs).
    """
    if not fields:
        raise Refused("data.no_fields", "At least one field must be named.")
    if purpose.fields.issuperset(fields):
        return
    for name in sorted(fields):
        if name not in lists.fields:
            raise Refused("data.unknown_field", f"There is no field {name[:40]!r}.")
        if name not in purpose.fields:
            raise Refused("data.field_not_allowed", f"{purpose.en} may not use {name}.")


def check_terms(
    lists: Lists, purpose: Purpose, fields: Sequence[str], today: date, until: date
) -> None:
    """Whether a person can consent to this: named fields, and no longer than the purpose needs.

    Refused: what ``check_fields`` refuses, ``data.consent_not_needed`` for a purpose that stands
    on a law or a contract, ``data.consent_in_past``, ``data.consent_too_long``.
    Source: PIPL art. 14 and 19.
    """
    check_fields(lists, purpose, fields)
    if purpose.basis is not Basis.CONSENT:
        raise Refused("data.consent_not_needed", f"{purpose.en} does not rest on consent.")
    assert purpose.days_max is not None, purpose.name
    if until < today:
        raise Refused("data.consent_in_past", "A consent ends today or later.")
    if until > today + timedelta(days=purpose.days_max):
        raise Refused(
            "data.consent_too_long",
            f"A consent to {purpose.en} lasts {purpose.days_max} days at most.",
        )


def check_file(source: str, file_digest: str, basis: str) -> None:
    """A file's consent names its source, its SHA-256 and the reason in words.

    Refused: ``data.bad_source``, ``data.bad_file``.
    """
    check_source(source)
    if not is_digest(file_digest):
        raise Refused("data.bad_file", "A file is named by its SHA-256 in small hex digits.")
    if not 0 < len(basis.strip()) <= BASIS_LENGTH_MAX:
        raise Refused("data.bad_file", "Say in 1 to 500 characters why the data may be used.")


def check_source(source: str) -> None:
    """The name of a partner or a file. Refused: ``data.bad_source``."""
    if not 0 < len(source) <= SOURCE_LENGTH_MAX or not source.isprintable():
        raise Refused("data.bad_source", "A source has a name of 1 to 64 printable characters.")


def check_evidence(way: str, evidence: str, *, is_needed: bool) -> None:
    """Whether a yes on paper or by voice is named by the SHA-256 of its scan or recording.

    Refused: ``data.bad_evidence``. Source: PIPL art. 14 and 69 (who handles data shows that the
    person agreed).
    """
    if not evidence and not is_needed:
        return
    if way not in (ConsentWay.PAPER, ConsentWay.VOICE) or not is_digest(evidence):
        raise Refused(
            "data.bad_evidence", "A yes on paper or by voice is named by its SHA-256 in small hex."
        )


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-256 in small hex digits."""
    return len(text) == SHA256_LENGTH and not set(text) - set("0123456789abcdef")


def check_recipient(
    purpose: Purpose, party_id: str, recipient: str, sources: Sequence[str], *, is_own: bool
) -> None:
    """Whether a consent names whom it shows something to, and what, where its purpose shows to one.

    Nobody gives it for the person: staff could else show what they like to whom they like.
    Refused: ``data.bad_recipient``, ``data.own_consent_only``. Source: PIPL art. 23 (a separate
    consent, knowing to whom).
    """
    if not purpose.is_for_one:
        if recipient:
            raise Refused("data.bad_recipient", f"{purpose.en} shows nothing to anybody else.")
        return
    if not recipient or recipient == party_id or not sources:
        raise Refused("data.bad_recipient", "Say who else may see it, and what is shown.")
    if not is_own:
        raise Refused("data.own_consent_only", "Only the person's own login agrees to this.")


def holds_for(terms: ConsentTerms, recipient: str, source: str, since_us: int) -> bool:
    """Whether a consent is about showing ``source`` to ``recipient``, given at ``since_us`` or
    after; with "" whether it is one of the lender's own.
    """
    if terms.recipient != recipient:
        return False
    return not recipient or (source in terms.sources and terms.granted_us >= since_us)


def choose_consent(
    candidates: Iterable[ConsentTerms], fields: Collection[str], at_us: int
) -> ConsentTerms:
    """The consent that allows ``fields`` at ``at_us``: of several the one that lasts longest.

    A consent holds from its grant up to, not including, its end, and never after revocation.
    One consent must cover all fields: they are not pieced together. If none holds, the newest
    says why. Refused: ``data.no_consent``, ``data.fields_not_consented``,
    ``data.consent_revoked``, ``data.consent_expired``.
    """
    newest: ConsentTerms | None = None
    best: ConsentTerms | None = None
    holding: ConsentTerms | None = None
    for terms in candidates:
        if newest is None or terms.granted_us >= newest.granted_us:
            newest = terms
        if terms.revoked_us is not None or not terms.granted_us <= at_us < terms.until_us:
            continue
        holding = terms
        if terms.fields.issuperset(fields) and (best is None or terms.until_us > best.until_us):
            best = terms
    if best is not None:
        return best
    if newest is None:
        raise Refused("data.no_consent", "The person has not consented to this purpose.")
    if holding is not None:
        missing = ", ".join(sorted(set(fields) - holding.fields))
        raise Refused("data.fields_not_consented", f"The consent does not cover: {missing}.")
    if newest.revoked_us is not None:
        raise Refused("data.consent_revoked", "The person has taken the consent back.")
    raise Refused("data.consent_expired", "The consent has ended.")


def check_obligation(purpose: Purpose, has_obligation: bool) -> None:
    """A purpose that carries out a contract needs an open one. Refused: ``data.no_obligation``.

    Source: PIPL art. 13(1)(2).
    """
    if not has_obligation:
        raise Refused("data.no_obligation", f"No contract is open that needs {purpose.en}.")


def check_viewer(purpose: Purpose, roles: frozenset[str] | None, is_own: bool) -> None:
    """Whether somebody with ``roles`` (None for a machine) may look for this purpose.

    One's own right is for oneself alone, whatever other roles one holds.
    Refused: ``data.not_own``, ``data.role_not_allowed``.
    """
    if purpose.basis is Basis.OWN:
        if not is_own:
            raise Refused("data.not_own", "Only the person concerned may do this.")
        return
    if roles is not None and not roles & purpose.roles:
        raise Refused("data.role_not_allowed", f"Your role does not include {purpose.en}.")


def check_access(access: Access | None, viewer: str, now_us: int, view_minutes: int) -> Access:
    """A recorded access can be used by who recorded it, for some minutes.

    Refused: ``data.unknown_access``, ``data.access_over``.
    """
    if access is None or access.actor != viewer:
        raise Refused("data.unknown_access", "No access was recorded for this.")
    if now_us - access.at_us >= view_minutes * 60_000_000:
        raise Refused("data.access_over", "Open the page again: the access has ended.")
    return access


def check_record(record: RecordToShare, lists: Lists, today: date) -> DataField:
    """The field that a shared record belongs to, if it can be kept.

    Content has 1 to 200 named scalars, no floats, 20,000 characters as JSON at most; its day is
    not in the future. Refused: ``data.unknown_field``, ``data.bad_record``.
    """
    field = lists.fields.get(record.kind)
    if field is None or not field.is_record:
        raise Refused("data.unknown_field", f"No record is called {record.kind[:40]!r}.")
    if not 0 < len(record.reference) <= REFERENCE_LENGTH_MAX:
        raise Refused("data.bad_record", "A record's reference has 1 to 128 characters.")
    if record.day > today:
        raise Refused("data.bad_record", "A record's day lies in the future.")
    if not 0 < len(record.content) <= CONTENT_FIELDS_MAX:
        raise Refused("data.bad_record", "A record has 1 to 200 fields.")
    if any(isinstance(value, float) for value in record.content.values()):
        raise Refused("data.bad_record", "A record holds whole numbers and text, no floats.")
    if len(json.dumps(dict(record.content))) > CONTENT_LENGTH_MAX:
        raise Refused("data.bad_record", "A record is too long.")
    return field


def check_living(party: Party) -> None:
    """Nothing is read of an erased person. Refused: ``data.party_erased``."""
    if party.is_erased:
        raise Refused("data.party_erased", "This person's data was erased at their wish.")


def check_party(party: Party | None, party_id: str, field: DataField, sealed_from: int) -> Party:
    """A party about which a record of this level can be kept: sealed data needs a key.

    Refused: ``data.unknown_party``, ``data.party_erased``, ``data.party_without_key``.
    """
    if party is None:
        raise Refused("data.unknown_party", f"There is no party {party_id[:40]}.")
    check_living(party)
    if party.is_anonymous and field.level >= sealed_from:
        raise Refused(
            "data.party_without_key",
            f"{field.en} cannot be kept for an anonymous party: register the person first.",
        )
    return party


def highest_level(lists: Lists, fields: Iterable[str]) -> DataLevel:
    """The highest level among ``fields``; level 1 where there is none."""
    return max((lists.fields[name].level for name in fields), default=DataLevel.L1)


def receipt_body(
    consent: Mapping[str, Scalar],
    purpose: Purpose,
    fields: Sequence[DataField],
    sources: Sequence[str],
) -> dict[str, object]:
    """The text of a consent receipt as data: who, purpose, fields with their levels, sources,
    until when, and how to take it back, in Chinese and English. No name and no number in it.

    Source: PIPL art. 14, 15 and 17; after the fields of ISO/IEC TS 27560:2023.
    """
    return {
        **consent,
        "purpose": {"name": purpose.name, "zh": purpose.zh, "en": purpose.en},
        "basis": purpose.article,
        "fields": [
            {"name": field.name, "zh": field.zh, "en": field.en, "level": f"L{field.level}"}
            for field in fields
        ],
        "sources": list(sources) or ["*"],
        "revocation": {
            "zh": "您可随时撤回本授权；撤回前已作出的处理不受影响。",
            "en": "You may revoke this consent at any time; what was done before stays valid.",
        },
    }
