"""Inputs and outcomes of the use cases of party; of each input what is given, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from puhui.party.nouns.who import (
    BeneficialOwner,
    IdentityState,
    PartyKind,
    SealedField,
)


@dataclass(frozen=True, slots=True)
class RegisterPerson:
    """A natural person as given by a channel; never stored in this form."""

    name: str
    id_number: str
    phone: str
    address: str | None = None
    bank_card: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterFirm:
    """A firm as given by a channel; the persons behind it are registered before."""

    name: str
    uscc: str
    legal_representative: str
    beneficial_owners: tuple[BeneficialOwner, ...] = ()
    is_owner_filing_exempt: bool = False
    phone: str | None = None
    address: str | None = None
    bank_card: str | None = None


@dataclass(frozen=True, slots=True)
class SealedParty:
    """A checked person or firm with every field sealed: what the journal keeps."""

    kind: PartyKind
    subject: str
    fields: tuple[SealedField, ...]
    identity_digest: str
    phone_digest: str | None
    legal_representative: str | None = None
    beneficial_owners: tuple[BeneficialOwner, ...] = ()


@dataclass(frozen=True, slots=True)
class PartyRegistered:
    """The id of the new party."""

    party_id: str


@dataclass(frozen=True, slots=True)
class RegisterParties:
    """Up to 8,190 anonymous parties of one file or platform, by its references."""

    source: str
    references: tuple[str, ...]
    kind: PartyKind = PartyKind.PERSON


@dataclass(frozen=True, slots=True)
class PartiesRegistered:
    """One id per reference, in the order given; ``new_count`` of them did not exist before."""

    party_ids: tuple[str, ...]
    new_count: int


@dataclass(frozen=True, slots=True)
class ChangeDetails:
    """New contact data of a party; None leaves a field as it is."""

    party_id: str
    phone: str | None = None
    address: str | None = None
    bank_card: str | None = None


@dataclass(frozen=True, slots=True)
class SealedDetails:
    """Changed contact data, sealed."""

    party_id: str
    subject: str
    fields: tuple[SealedField, ...]
    phone_digest: str | None


@dataclass(frozen=True, slots=True)
class DetailsChanged:
    """Which fields have new values."""

    party_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyIdentity:
    """The result of an identity check; ``evidence_digest`` is the SHA-256 of what was seen."""

    party_id: str
    method: str
    is_passed: bool
    evidence_digest: str
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class IdentityVerified:
    """The recorded check and where the party now stands."""

    check_id: str
    identity: IdentityState


@dataclass(frozen=True, slots=True)
class RegisterUser:
    """A login: a staff name or a mobile number, with a password; without one it is a mobile
    number, and its holder logs in by a code.
    """

    login: str
    password: str | None = None
    party_id: str | None = None


@dataclass(frozen=True, slots=True)
class HashedUser:
    """A login with a keyed digest of its name and the Argon2 hash of its password, if any."""

    login_digest: str
    password_hash: str | None
    party_id: str | None


@dataclass(frozen=True, slots=True)
class UserRegistered:
    """The id of the new user."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Authenticate:
    """A try to log in; ``address`` is the network address it came from."""

    login: str
    password: str
    address: str


@dataclass(frozen=True, slots=True)
class CheckedLogin:
    """A try with its password already compared; ``seen`` names the hash it was compared with."""

    login_digest: str
    address_digest: str
    seen: str | None
    is_match: bool


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """Who logged in, or why not; ``wait_until_us`` is when the next try counts.

    A refused login is an outcome, not a refusal, because the failed try must be stored.
    ``code`` is party.login_failed, party.login_throttled or party.user_disabled.
    """

    user_id: str | None
    code: str | None
    wait_until_us: int | None


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """A role to grant to or revoke from a user."""

    user_id: str
    role: str


@dataclass(frozen=True, slots=True)
class RolesChanged:
    """The roles that the user now has, in alphabetical order."""

    user_id: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UserDisabled:
    """The user can no longer log in."""

    user_id: str


@dataclass(frozen=True, slots=True)
class DisableUser:
    """A login to close."""

    user_id: str


@dataclass(frozen=True, slots=True)
class ErasePerson:
    """A person who asks to be forgotten."""

    party_id: str


@dataclass(frozen=True, slots=True)
class PersonErased:
    """The person's key is destroyed; ``users_count`` logins were closed with it."""

    party_id: str
    users_count: int
