"""Who and what: persons and firms, their sealed fields, users, roles and holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class PartyKind(StrEnum):
    """A natural person or a firm (companies, cooperatives, sole traders with a licence)."""

    PERSON = "person"
    FIRM = "firm"


class IdentityState(StrEnum):
    """What the latest identity check said."""

    UNCHECKED = "unchecked"
    PASSED = "passed"
    FAILED = "failed"


class PersonalField(StrEnum):
    """What is kept about a party, each sealed by itself; levels stand with the room data.

    Birth date, sex and region follow from a resident identity number and are sealed apart from
    it, so that an age can be read without the number.
    """

    NAME = "name"
    ID_NUMBER = "id_number"
    PHONE = "phone"
    ADDRESS = "address"
    BANK_CARD = "bank_card"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    REGION = "region"


class OwnerGrounds(StrEnum):
    """Why a person is a beneficial owner (受益所有人信息管理办法 2024 No. 3, art. 6 to 8)."""

    OWNERSHIP = "ownership"
    INCOME_OR_VOTES = "income_or_votes"
    CONTROL = "control"
    DAILY_MANAGEMENT = "daily_management"


class RelationKind(StrEnum):
    """What a person is to a firm."""

    LEGAL_REPRESENTATIVE = "legal_representative"
    BENEFICIAL_OWNER = "beneficial_owner"


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a firm, without anything personal.

    ``source`` and ``reference`` are set where a file or a platform named the party; ``subject``
    names the key that its fields are sealed with, and is None for an anonymous party.
    """

    id: str
    kind: PartyKind
    source: str | None
    reference: str | None
    subject: str | None
    identity: IdentityState
    is_erased: bool

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing is known but a reference: no key, no personal field."""
        return self.subject is None

    @property
    def is_identified(self) -> bool:
        """Whether the latest identity check passed."""
        return self.identity is IdentityState.PASSED


@dataclass(frozen=True, slots=True)
class SealedField:
    """One field of a party, encrypted under the party's own key, base64."""

    field: str
    sealed: str


@dataclass(frozen=True, slots=True)
class ResidentId:
    """What a checked resident identity number says."""

    number: str
    region: str
    birth_date: date
    sex: str


@dataclass(frozen=True, slots=True)
class BeneficialOwner:
    """A registered person behind a firm; ``share`` of the firm is 0..1, None if not by share."""

    party_id: str
    grounds: OwnerGrounds
    share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A person's place in a firm."""

    firm_id: str
    party_id: str
    kind: RelationKind
    grounds: OwnerGrounds | None
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """One recorded identity check; the evidence itself stays with whoever holds it."""

    id: str
    party_id: str
    method: str
    is_passed: bool
    evidence_digest: str
    checked_us: int
    checked_by: str
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class PlainText:
    """What a room kept plain of a person, to be sealed as ``field``; ``id`` names the row."""

    id: str
    party_id: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason why a party may not be erased yet; it ends by release or after ``until``.

    ``is_obligation`` tells debts and contracts from duties and periods of retention.
    """

    party_id: str
    reason: str
    reference: str
    until: date | None
    is_obligation: bool


@dataclass(frozen=True, slots=True)
class HoldReason:
    """One entry of the closed list of reasons, in both languages."""

    name: str
    zh: str
    en: str
    is_obligation: bool
    source: str


@dataclass(frozen=True, slots=True)
class Role:
    """What a user may be granted; ``excludes`` lists roles that one user may not hold with it."""

    name: str
    zh: str
    en: str
    excludes: frozenset[str]


@dataclass(frozen=True, slots=True)
class User:
    """A login. Staff and customers are both users; ``party_id`` is the person behind it."""

    id: str
    party_id: str | None
    is_disabled: bool
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoginRules:
    """When failed logins slow down; waits double from ``wait_s_first`` to ``wait_s_max``."""

    failures_free: int
    address_failures_free: int
    wait_s_first: int
    wait_s_max: int
    forget_s: int
    password_length_min: int
    password_length_max: int


@dataclass(frozen=True, slots=True)
class LoginTries:
    """Failed logins in a row under one login name or from one address."""

    failures: int
    last_us: int
    locked_until_us: int


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """Dated facts that identity checks need: regions, methods, ownership threshold."""

    provinces: frozenset[str]
    methods: frozenset[str]
    mobile_prefixes: frozenset[str]
    owner_share_min: Decimal


@dataclass(frozen=True, slots=True)
class PartyFile:
    """What is known of a party without anything personal, for a page or an audit."""

    party: Party
    holds: tuple[Hold, ...]
    checks: tuple[IdentityCheck, ...]
    relations: tuple[Relation, ...]
    users: tuple[User, ...]
