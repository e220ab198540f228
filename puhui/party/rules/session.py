"""Rules of codes, sessions, second factors and keys for machines."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import date, timedelta

from puhui.kernel.errors import Refused
from puhui.party.nouns import Role
from puhui.party.nouns.session import (
    ApiKeyRules,
    CreateApiKey,
    FactorRules,
    Grade,
    SessionRules,
    StoredSession,
)

SECOND_US = 1_000_000
SCOPE = re.compile(r"[a-z]+\.[a-z_]{2,40}")
NAME_LENGTH_MAX = 80
TOKEN_DIGEST_LENGTH = 64


def is_code(text: str, digits: int) -> bool:
    """Whether ``text`` is a code of that many ASCII digits."""
    return len(text) == digits and text.isascii() and text.isdigit()


def session_end_us(grade: Grade, now_us: int, rules: SessionRules) -> int:
    """When a session of this grade ends, however busily it is used; microseconds UTC."""
    lasts_s = rules.half_s if grade is Grade.HALF else rules.absolute_s
    return now_us + lasts_s * SECOND_US


def is_open(session: StoredSession, now_us: int, rules: SessionRules) -> bool:
    """Whether a session still opens anything at ``now_us``: neither closed, ended nor idle."""
    is_idle = now_us - session.seen_us > rules.idle_s * SECOND_US
    return not session.is_closed and not is_idle and now_us < session.expires_us


def check_open(session: StoredSession | None, now_us: int, rules: SessionRules) -> StoredSession:
    """The session, if it is open. Refused: ``party.session_over``."""
    if session is None or not is_open(session, now_us, rules):
        raise Refused("party.session_over", "The session has ended; please log in again.")
    return session


def check_half(session: StoredSession) -> None:
    """Whether a second factor is due in this session. Refused: ``party.factor_not_due``."""
    if session.grade is not Grade.HALF:
        raise Refused("party.factor_not_due", "This session needs no second factor.")


def totp(secret: bytes, step: int, digits: int) -> str:
    """The time-based one-time password of a time step.

    HMAC-SHA-1 of the step as 8 bytes, dynamic truncation to 31 bits, the last ``digits`` decimal
    digits. Source: RFC 6238 section 4, RFC 4226 section 5.3.
    """
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, digits: str, now_us: int, rules: FactorRules) -> int | None:
    """The time step around now whose password is ``digits``; None where none is.

    Every step is compared, in constant time each, so that the time taken tells nothing.
    """
    middle = now_us // SECOND_US // rules.step_s
    found = None
    for step in range(middle - rules.steps_around, middle + rules.steps_around + 1):
        wanted = totp(secret, step, rules.digits)
        if hmac.compare_digest(wanted.encode(), digits.encode()):
            found = step
    return found


def check_api_key(
    asked: CreateApiKey, roles: dict[str, Role], today: date, rules: ApiKeyRules
) -> None:
    """Whether a key for a machine may be made: a name, a role, scopes and bounds.

    Machines administer nobody. Refused: ``party.bad_api_key``, ``party.unknown_role``.
    """
    if asked.role not in roles or asked.role == "administrator":
        raise Refused("party.unknown_role", f"A machine cannot be {asked.role[:40]!r}.")
    is_named = 0 < len(asked.name) <= NAME_LENGTH_MAX and asked.name.isprintable()
    if not is_named:
        raise Refused("party.bad_api_key", "A key has a name of 1 to 80 characters.")
    if not 0 < len(asked.scopes) <= rules.scopes_max or len(set(asked.scopes)) < len(asked.scopes):
        raise Refused("party.bad_api_key", f"A key has 1 to {rules.scopes_max} different scopes.")
    if any(not SCOPE.fullmatch(scope) for scope in asked.scopes):
        raise Refused("party.bad_api_key", "A scope is named like lending.apply.")
    if not 0 < asked.rate_per_minute <= rules.rate_per_minute_max:
        raise Refused(
            "party.bad_api_key",
            f"A key is used at most {rules.rate_per_minute_max} times a minute.",
        )
    if not today <= asked.valid_until <= today + timedelta(days=rules.valid_days_max):
        raise Refused("party.bad_api_key", f"A key holds at most {rules.valid_days_max} days.")
    check_token_digest(asked.token_digest)


def check_token_digest(digest: str) -> None:
    """A token is known by its SHA-256 in small hex digits. Refused: ``party.bad_token``."""
    if len(digest) != TOKEN_DIGEST_LENGTH or set(digest) - set("0123456789abcdef"):
        raise Refused("party.bad_token", "A token is named by its SHA-256 in small hex digits.")
