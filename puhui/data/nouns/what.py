"""Data levels, fields, purposes, consents with their receipts, permits, shared records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

Scalar = str | int | bool | None
"""What a record may hold: amounts as whole minor units, decimals as text, no floats."""


class DataLevel(IntEnum):
    """How much harm a leak does, from public (1) to grave (5). Source: JR/T 0197-2020."""

    L1 = 1
    L2 = 2
    L3 = 3
    L4 = 4
    L5 = 5


class Basis(StrEnum):
    """The ground in law on which a purpose may use personal data (PIPL art. 13 and 45)."""

    CONSENT = "consent"
    OBLIGATION = "obligation"
    DUTY = "duty"
    OWN = "own"


class ConsentWay(StrEnum):
    """How a person said yes; a file's consent was given by whoever published it."""

    PAGE = "page"
    PAPER = "paper"
    VOICE = "voice"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class DataField:
    """A field that permits name; ``is_record`` where partners share it, else party keeps it."""

    name: str
    zh: str
    en: str
    level: DataLevel
    is_record: bool


@dataclass(frozen=True, slots=True)
class Purpose:
    """An entry of the closed list of purposes; ``fields`` are all that it may ever use.

    ``is_for_one``: it shows something to one other party, whom each consent names; the person's own
    login gives that consent, or a desk records it of a person without one, with its evidence.
    """

    name: str
    zh: str
    en: str
    basis: Basis
    article: str
    days_max: int | None
    roles: frozenset[str]
    fields: frozenset[str]
    is_for_one: bool = False


@dataclass(frozen=True, slots=True)
class Lists:
    """The closed lists: purposes and fields by name, and two settings that stand with them."""

    purposes: Mapping[str, Purpose]
    fields: Mapping[str, DataField]
    sealed_from: DataLevel
    view_minutes: int


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """What a consent allows and until when; no ``sources`` means every source.

    ``recipient`` is the one party that it is shown to, "" where the lender alone uses it. Times
    are microseconds UTC; the consent holds while granted_us <= time < until_us.
    """

    consent_id: str
    fields: frozenset[str]
    sources: frozenset[str]
    granted_us: int
    until_us: int
    revoked_us: int | None
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class ConsentReceipt:
    """What the person can show: the text agreed to (JSON, zh and en), its SHA-256, and the
    node's Ed25519 signature over that text, base64.
    """

    text: str
    digest: str
    signature: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A recorded consent (授权同意): of a person, or of a whole source of anonymous parties."""

    party_id: str | None
    source: str | None
    purpose: str
    way: ConsentWay
    terms: ConsentTerms
    receipt: ConsentReceipt


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to read named fields of one party for one purpose, within one act.

    Only the room data can make one: ``mark`` is keyed with a secret of the process, and every
    read checks it. It is worth nothing in another process or after a change.
    """

    party_id: str
    subject: str | None
    purpose: str
    fields: frozenset[str]
    sources: frozenset[str]
    consent_id: str | None
    mark: bytes


@dataclass(frozen=True, slots=True)
class SharedRecord:
    """A fact that a partner shared about a party, opened for reading."""

    party_id: str
    kind: str
    source: str
    reference: str
    day: date
    content: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Access:
    """One line of the access log: who was permitted to read which fields for which purpose."""

    id: str
    party_id: str
    actor: str
    purpose: str
    fields: tuple[str, ...]
    consent_id: str | None
    at_us: int


@dataclass(frozen=True, slots=True)
class View:
    """What somebody with a recorded access sees: personal fields by name, and records."""

    fields: Mapping[str, str]
    records: tuple[SharedRecord, ...]
