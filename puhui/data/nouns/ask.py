"""Inputs and outcomes of the use cases of data; of each input what is given, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from puhui.data.nouns.what import ConsentReceipt, ConsentWay, Scalar


@dataclass(frozen=True, slots=True)
class GrantConsent:
    """A person's yes: to one purpose, these fields, from these sources, to the end of a day.

    ``recipient`` is the party that something is shown to, for purposes that show to one; their
    ``sources`` are what is shown, such as a contract. ``evidence`` is the SHA-256 of the scan or
    the recording of a yes on paper or by voice, in hex; the receipt names it.
    """

    party_id: str
    purpose: str
    fields: tuple[str, ...]
    until: date
    sources: tuple[str, ...] = ()
    way: ConsentWay = ConsentWay.PAGE
    recipient: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class GrantFileConsent:
    """One consent for all anonymous parties of ``source``; ``basis`` says in words why their
    data may be used, ``file_digest`` is the SHA-256 of the file.
    """

    source: str
    file_digest: str
    basis: str
    purpose: str
    fields: tuple[str, ...]
    until: date


@dataclass(frozen=True, slots=True)
class ConsentGranted:
    """The recorded consent and its receipt."""

    consent_id: str
    receipt: ConsentReceipt


@dataclass(frozen=True, slots=True)
class RevokeConsent:
    """A consent to take back."""

    consent_id: str


@dataclass(frozen=True, slots=True)
class ConsentRevoked:
    """When the consent ended; a second revocation changes nothing."""

    consent_id: str
    revoked_us: int


@dataclass(frozen=True, slots=True)
class RecordToShare:
    """A fact about a party as a partner gives it; ``reference`` is the partner's own."""

    party_id: str
    kind: str
    reference: str
    day: date
    content: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class ShareRecords:
    """Up to 8,190 records of one partner."""

    source: str
    records: tuple[RecordToShare, ...]


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record as it is kept: ``content`` sealed under the party's key, or JSON up to level 2."""

    party_id: str
    kind: str
    reference: str
    day: date
    content: str
    is_sealed: bool
    digest: str


@dataclass(frozen=True, slots=True)
class RecordRefusal:
    """Why one record of a batch was not kept."""

    kind: str
    reference: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class SealedRecords:
    """A batch with its records sealed, and those that could not be."""

    source: str
    records: tuple[SealedRecord, ...]
    refusals: tuple[RecordRefusal, ...]


@dataclass(frozen=True, slots=True)
class RecordsShared:
    """How many records are new, how many were there already, and which were refused."""

    new_count: int
    repeated_count: int
    refusals: tuple[RecordRefusal, ...]


@dataclass(frozen=True, slots=True)
class RecordAccess:
    """Somebody is about to look at a person's data; it is recorded before it is shown."""

    party_id: str
    purpose: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessRecorded:
    """The id to view with, by the same actor, before ``until_us``."""

    access_id: str
    until_us: int


@dataclass(frozen=True, slots=True)
class PartyForgotten:
    """What went with an erased person."""

    party_id: str
    records_count: int
    consents_count: int


@dataclass(frozen=True, slots=True)
class RecordExport:
    """A list leaves as a file: ``form`` is csv or json, ``filters`` pairs of name and word."""

    list_name: str
    form: str
    filters: tuple[tuple[str, str], ...]
    rows: int


@dataclass(frozen=True, slots=True)
class ExportRecorded:
    """The record of a file that left, and how many rows it has."""

    export_id: str
    rows: int
