"""How somebody proves who they are: codes, sessions, second factors, keys for machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from puhui.party.nouns.ask import CheckedLogin, SealedParty


class Grade(StrEnum):
    """What a session allows: a customer's own things, the second factor alone, or staff work."""

    OWN = "own"
    HALF = "half"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class CodeRules:
    """How long a one-time code holds, and how sending slows down; waits in seconds."""

    digits: int
    valid_s: int
    tries: int
    wait_s_first: int
    wait_s_max: int
    forget_s: int
    phone_free: int
    address_free: int


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a session lasts: unused, at most, before its second factor, after its proof."""

    idle_s: int
    absolute_s: int
    half_s: int
    proof_s: int
    keep_s: int
    forget_days: int


@dataclass(frozen=True, slots=True)
class FactorRules:
    """Time-based one-time passwords: step, digits, steps accepted around now."""

    step_s: int
    digits: int
    steps_around: int


@dataclass(frozen=True, slots=True)
class ApiKeyRules:
    """The bounds of a key for machines."""

    rate_per_minute_max: int
    valid_days_max: int
    scopes_max: int


@dataclass(frozen=True, slots=True)
class SendCode:
    """A code, made by the channel from the machine's chance, that is to go to a phone."""

    phone: str
    code: str
    address: str


@dataclass(frozen=True, slots=True)
class SealedCode:
    """A code to send, by keyed digests alone."""

    login_digest: str
    address_digest: str
    code_digest: str


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """Whether the code may be sent, and until when it holds; ``code`` is the refusal."""

    expires_us: int | None
    code: str | None
    wait_until_us: int | None


@dataclass(frozen=True, slots=True)
class CheckCode:
    """A code as somebody typed it; ``address`` is the network address it came from."""

    phone: str
    code: str
    address: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """The act that proved who logs in, by its key, and the digest of the new token."""

    proof_key: str
    token_digest: str


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The new session and what it allows."""

    session_id: str
    user_id: str
    grade: Grade
    expires_us: int


@dataclass(frozen=True, slots=True)
class KeepSession:
    """A session that is in use."""

    session_id: str


@dataclass(frozen=True, slots=True)
class RotateSession:
    """A session that gets another token."""

    session_id: str
    token_digest: str


@dataclass(frozen=True, slots=True)
class SessionKept:
    """The session as it stands."""

    session_id: str
    expires_us: int


@dataclass(frozen=True, slots=True)
class CloseSession:
    """A session to end."""

    session_id: str


@dataclass(frozen=True, slots=True)
class CloseSessions:
    """All sessions of a user, but for one that goes on."""

    user_id: str
    except_session_id: str | None = None


@dataclass(frozen=True, slots=True)
class SessionsClosed:
    """How many sessions ended."""

    closed_count: int


@dataclass(frozen=True, slots=True)
class ForgetSessions:
    """Sessions and codes that ended before this time (microseconds UTC)."""

    before_us: int


@dataclass(frozen=True, slots=True)
class SessionsForgotten:
    """How many rows were deleted."""

    sessions: int
    codes: int


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """The own password: the old one and the new one; ``address`` as in ``Authenticate``."""

    login: str
    old: str
    new: str
    address: str


@dataclass(frozen=True, slots=True)
class HashedChange:
    """A compared old password and the hash of the new one."""

    tried: CheckedLogin
    password_hash: str


@dataclass(frozen=True, slots=True)
class EnrolFactor:
    """A half session whose user wants a second factor."""

    session_id: str


@dataclass(frozen=True, slots=True)
class SealedFactor:
    """A new second factor, its secret sealed under the node's key."""

    session_id: str
    user_id: str
    sealed: str


@dataclass(frozen=True, slots=True)
class FactorEnrolled:
    """Whose second factor waits for its first code."""

    user_id: str


@dataclass(frozen=True, slots=True)
class ConfirmFactor:
    """Six digits for a half session, and the digest of the token that it gets then."""

    session_id: str
    digits: str
    token_digest: str


@dataclass(frozen=True, slots=True)
class ComparedFactor:
    """The time step whose digits were given, None where they match none."""

    session_id: str
    step: int | None
    token_digest: str


@dataclass(frozen=True, slots=True)
class FactorAnswer:
    """The full session, or why not: party.factor_wrong or party.factor_throttled."""

    session_id: str | None
    code: str | None
    wait_until_us: int | None


@dataclass(frozen=True, slots=True)
class ResetFactor:
    """A user whose device is lost."""

    user_id: str


@dataclass(frozen=True, slots=True)
class BecomeCustomer:
    """Who a logged-in visitor is; the phone is the one logged in with."""

    name: str
    id_number: str
    phone: str
    address: str | None = None
    bank_card: str | None = None


@dataclass(frozen=True, slots=True)
class SealedCustomer:
    """A person, sealed, with the digest of the login that the phone makes."""

    party: SealedParty
    login_digest: str


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """A key for a machine: its role, what it may call, how often, and until when."""

    name: str
    role: str
    scopes: tuple[str, ...]
    rate_per_minute: int
    valid_until: date
    token_digest: str


@dataclass(frozen=True, slots=True)
class ApiKeyCreated:
    """The id of the new key, which is also the name of its actor."""

    key_id: str


@dataclass(frozen=True, slots=True)
class RevokeApiKey:
    """A key to end."""

    key_id: str


@dataclass(frozen=True, slots=True)
class ApiKeyRevoked:
    """The key that no longer opens anything."""

    key_id: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A machine's key as it stands; its token is known by digest alone."""

    id: str
    name: str
    role: str
    scopes: tuple[str, ...]
    rate_per_minute: int
    created_us: int
    created_by: str
    valid_until: date
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it is kept, with the user behind it."""

    id: str
    user_id: str
    party_id: str | None
    grade: Grade
    opened_us: int
    seen_us: int
    expires_us: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Factor:
    """A user's second factor; ``step_last`` is the last time step that was used."""

    user_id: str
    session_id: str
    sealed: str
    is_confirmed: bool
    step_last: int
