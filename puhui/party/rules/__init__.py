"""Rules of identity: numbers that carry check digits, who stands behind a firm, logins, roles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.party.nouns import (
    BeneficialOwner,
    Hold,
    HoldReason,
    IdentityRules,
    LoginRules,
    LoginTries,
    OwnerGrounds,
    Party,
    PartyKind,
    ResidentId,
    Role,
    User,
    VerifyIdentity,
)
from puhui.party.nouns.session import CodeRules

RESIDENT_ID_CHECK = "10X98765432"
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
NAME_LENGTH_MAX = 100
ADDRESS_LENGTH_MAX = 200
REFERENCE_LENGTH_MAX = 128
SOURCE_LENGTH_MAX = 64
EVIDENCE_DIGEST_LENGTH = 64
AGE_YEARS_MAX = 150


def is_digits(text: str) -> bool:
    """Whether ``text`` is made of the ten ASCII digits alone."""
    return text.isascii() and text.isdigit()


def check_resident_id(number: str, rules: IdentityRules, today: date) -> ResidentId:
    """Read a resident identity number (公民身份号码): region, birth date, sex.

    18 characters: region (6, GB/T 2260), birth date (8), order (3, odd for men), check character
    by ISO 7064 MOD 11-2. A number of a person not yet born or over 150 years old is refused.
    Refused: ``party.bad_id_number``. Source: GB 11643-1999.
    """
    cleaned = number.strip().upper()
    if len(cleaned) != 18 or not is_digits(cleaned[:17]):
        raise Refused("party.bad_id_number", "An identity number has 18 digits, the last maybe X.")
    weighted = sum(int(digit) * pow(2, 17 - place) for place, digit in enumerate(cleaned[:17]))
    if RESIDENT_ID_CHECK[weighted % 11] != cleaned[17]:
        raise Refused("party.bad_id_number", "The identity number's check digit does not match.")
    if cleaned[:2] not in rules.provinces:
        raise Refused("party.bad_id_number", "The identity number's region does not exist.")
    try:
        birth_date = date(int(cleaned[6:10]), int(cleaned[10:12]), int(cleaned[12:14]))
    except ValueError:
        raise Refused(
            "party.bad_id_number", "The identity number's birth date does not exist."
        ) from None
    if birth_date > today or today.year - birth_date.year > AGE_YEARS_MAX:
        raise Refused("party.bad_id_number", "The identity number's birth date cannot be right.")
    sex = "male" if int(cleaned[16]) % 2 == 1 else "female"
    return ResidentId(cleaned, cleaned[:6], birth_date, sex)


def check_uscc(code: str) -> str:
    """Read a unified social credit code (统一社会信用代码) of a firm or institution.

    18 characters of 31 letters and digits (no I, O, S, V, Z); the last is the check character,
    31 minus the sum of value times 3 to the power of the place, modulo 31.
    Refused: ``party.bad_uscc``. Source: GB 32100-2015.
    """
    cleaned = code.strip().upper()
    if len(cleaned) != 18 or any(character not in USCC_ALPHABET for character in cleaned):
        raise Refused(
            "party.bad_uscc", "A unified social credit code has 18 letters and digits of GB 32100."
        )
    values = [USCC_ALPHABET.index(character) for character in cleaned]
    weighted = sum(value * pow(3, place, 31) for place, value in enumerate(values[:17]))
    if (31 - weighted % 31) % 31 != values[17]:
        raise Refused(
            "party.bad_uscc", "The unified social credit code's check character does not match."
        )
    return cleaned


def check_mobile(phone: str, rules: IdentityRules) -> str:
    """Read a mainland mobile number and write it as +86 and 11 digits (ITU-T E.164).

    Spaces and hyphens are taken out; the country code may be missing or written 0086.
    Refused: ``party.bad_phone``. Source: 电信网码号 allocation, dated in identity.toml.
    """
    cleaned = phone.strip().replace(" ", "").replace("-", "")
    for country in ("+86", "0086"):
        cleaned = cleaned.removeprefix(country)
    if len(cleaned) != 11 or not is_digits(cleaned) or cleaned[:2] not in rules.mobile_prefixes:
        raise Refused("party.bad_phone", "A mobile number has 11 digits and begins with 13 to 19.")
    return f"+86{cleaned}"


def check_bank_card(number: str) -> str:
    """Read a bank card number: 13 to 19 digits with a Luhn check digit.

    Refused: ``party.bad_bank_card``. Source: ISO/IEC 7812-1:2017 annex B.
    """
    cleaned = number.strip().replace(" ", "")
    if not 13 <= len(cleaned) <= 19 or not is_digits(cleaned):
        raise Refused("party.bad_bank_card", "A bank card number has 13 to 19 digits.")
    total = 0
    for place, digit in enumerate(reversed(cleaned)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    if total % 10 != 0:
        raise Refused("party.bad_bank_card", "The bank card number's check digit does not match.")
    return cleaned


def check_text(text: str, length_max: int, code: str) -> str:
    """A name or an address as one trimmed line. Refused: ``code`` when empty, long or control."""
    cleaned = " ".join(text.split())
    if not cleaned or len(cleaned) > length_max or not cleaned.isprintable():
        raise Refused(code, f"This needs 1 to {length_max} printable characters.")
    return cleaned


def check_source(source: str, references: Sequence[str]) -> None:
    """A batch of anonymous parties: a named source and different references.

    Refused: ``party.bad_source``, ``party.bad_reference``.
    """
    if not 0 < len(source) <= SOURCE_LENGTH_MAX or not source.isprintable():
        raise Refused("party.bad_source", "A source has a name of 1 to 64 printable characters.")
    if not references:
        raise Refused("party.bad_reference", "A batch has at least one reference.")
    if len(set(references)) != len(references):
        raise Refused("party.bad_reference", "A reference stands twice in the batch.")
    if any(not 0 < len(text) <= REFERENCE_LENGTH_MAX for text in references):
        raise Refused("party.bad_reference", "A reference has 1 to 128 characters.")


def check_kinds(parties: Iterable[Party], kind: PartyKind) -> None:
    """A reference names one party for good, so its kind cannot change.

    Refused: ``party.kind_differs``.
    """
    for party in parties:
        if party.kind is not kind:
            raise Refused("party.kind_differs", f"{party.reference!r} is a {party.kind.value}.")


def check_identity_check(
    check: VerifyIdentity, party: Party, rules: IdentityRules, today: date
) -> None:
    """Whether an identity check can be recorded: a known method, evidence named by SHA-256 in
    hex, and not expired already.

    Refused: ``party.anonymous``, ``party.bad_check``.
    """
    if party.is_anonymous:
        raise Refused("party.anonymous", "Nobody can be identified behind a reference alone.")
    if check.method not in rules.methods:
        raise Refused("party.bad_check", f"There is no method {check.method[:40]!r}.")
    digest = check.evidence_digest
    if len(digest) != EVIDENCE_DIGEST_LENGTH or set(digest) - set("0123456789abcdef"):
        raise Refused("party.bad_check", "Evidence is named by its SHA-256 in small hex digits.")
    if check.valid_until is not None and check.valid_until < today:
        raise Refused("party.bad_check", "The document had expired before the check.")


def check_beneficial_owners(
    owners: Sequence[BeneficialOwner], is_exempt: bool, rules: IdentityRules
) -> None:
    """Whether the persons named behind a firm can be all of its beneficial owners.

    Ownership needs a share of at least the threshold (a quarter), shares are 0..1 and sum to at
    most one, and a firm names somebody unless it has promised the small-firm exemption.
    Refused: ``party.bad_owner``, ``party.no_owner``.
    Source: 受益所有人信息管理办法 (PBoC and SAMR order 2024 No. 3), art. 3 and 6 to 8.
    """
    if not owners and not is_exempt:
        raise Refused("party.no_owner", "A firm names at least one beneficial owner.")
    if len({(owner.party_id, owner.grounds) for owner in owners}) != len(owners):
        raise Refused("party.bad_owner", "A beneficial owner is named twice on the same grounds.")
    total = Decimal(0)
    for owner in owners:
        by_share = owner.grounds in (OwnerGrounds.OWNERSHIP, OwnerGrounds.INCOME_OR_VOTES)
        if by_share != (owner.share is not None):
            raise Refused("party.bad_owner", "A share stands with ownership, income or votes only.")
        if owner.share is None:
            continue
        if not rules.owner_share_min <= owner.share <= 1:
            raise Refused(
                "party.bad_owner",
                f"A beneficial owner's share lies between {rules.owner_share_min} and 1.",
            )
        if owner.grounds is OwnerGrounds.OWNERSHIP:
            total += owner.share
    if total > 1:
        raise Refused("party.bad_owner", "The owners' shares sum to more than the whole firm.")


def check_known(party: Party | None, party_id: str) -> Party:
    """A party that exists and was not erased.

    Refused: ``party.unknown``, ``party.erased``.
    """
    if party is None:
        raise Refused("party.unknown", f"There is no party {party_id[:40]}.")
    if party.is_erased:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return party


def check_person(party: Party, what: str) -> None:
    """Whether ``party`` is a person with personal data. Refused: ``party.not_a_person``."""
    if party.kind is not PartyKind.PERSON or party.is_anonymous:
        raise Refused("party.not_a_person", f"{what} is a registered natural person.")


def open_holds(holds: Iterable[Hold], today: date) -> tuple[Hold, ...]:
    """The holds that still stand on ``today``; one with a last day stands to its end."""
    return tuple(hold for hold in holds if hold.until is None or today <= hold.until)


def check_erasable(
    party: Party, holds: Iterable[Hold], reasons: dict[str, HoldReason], today: date
) -> None:
    """Whether a person may be forgotten today.

    Refused: ``party.not_a_person``; ``party.money_aside`` while money of theirs lies beside a
    wallet, which has to be paid out first; ``party.has_holds`` while a debt, a duty or a legal
    period of retention is open; every reason is named in Chinese and English.
    Source: PIPL art. 47 (deletion, and only storage while a law asks for retention).
    """
    check_person(party, "Only who is erased")
    names = sorted({hold.reason for hold in open_holds(holds, today)})
    if names:
        told = "; ".join(f"{reasons[name].zh} ({reasons[name].en})" for name in names)
        code = "party.money_aside" if "money_aside" in names else "party.has_holds"
        raise Refused(code, f"The data must be kept for now: {told}.")


def check_password(password: str, login: str, rules: LoginRules) -> None:
    """Whether a password may be chosen. Refused: ``party.weak_password``.

    Length counts, composition does not; the login name itself is no password.
    Source: NIST SP 800-63B-4 section 3.1.1.
    """
    if not rules.password_length_min <= len(password) <= rules.password_length_max:
        raise Refused(
            "party.weak_password",
            f"A password has {rules.password_length_min} characters or more,"
            f" at most {rules.password_length_max}.",
        )
    if password.casefold() == login.casefold() or len(set(password)) < 4:
        raise Refused("party.weak_password", "This password is too easy to guess.")


def check_login(login: str, rules: IdentityRules) -> str:
    """A login in one spelling: a mobile number as +86..., else a name in small letters.

    Refused: ``party.bad_login``; ``party.bad_phone`` for digits that are no mobile number.
    """
    cleaned = login.strip()
    if cleaned.startswith("+") or is_digits(cleaned.replace(" ", "").replace("-", "")):
        return check_mobile(cleaned, rules)
    if not 3 <= len(cleaned) <= 64 or not cleaned.isprintable() or " " in cleaned:
        raise Refused("party.bad_login", "A login is a mobile number or 3 to 64 characters.")
    return cleaned.casefold()


def is_locked(tries: LoginTries | None, now_us: int) -> bool:
    """Whether tries under this name or from this address must still wait at ``now_us``."""
    return tries is not None and now_us < tries.locked_until_us


def count_failure(
    tries: LoginTries | None, now_us: int, failures_free: int, rules: LoginRules | CodeRules
) -> LoginTries:
    """Failed tries after one more: past the free ones each doubles the wait, up to the longest.

    A pause of ``forget_s`` starts the count anew. Times in microseconds UTC.
    """
    is_fresh = tries is None or now_us - tries.last_us >= rules.forget_s * 1_000_000
    failures = 1 if is_fresh or tries is None else tries.failures + 1
    over = failures - failures_free
    if over <= 0:
        return LoginTries(failures, now_us, 0)
    wait_s = min(rules.wait_s_first * 2 ** min(over - 1, 30), rules.wait_s_max)
    return LoginTries(failures, now_us, now_us + wait_s * 1_000_000)


def grant(user: User, role: str, roles: dict[str, Role]) -> tuple[str, ...]:
    """The roles of ``user`` with ``role`` added, in alphabetical order.

    Refused: ``party.unknown_role``, ``party.user_disabled``; ``party.roles_conflict`` where the
    closed list keeps two roles apart (who checks does not do).
    """
    if role not in roles:
        raise Refused("party.unknown_role", f"There is no role {role[:40]!r}.")
    if user.is_disabled:
        raise Refused("party.user_disabled", "This login was closed.")
    for held in user.roles:
        if held in roles[role].excludes or role in roles[held].excludes:
            raise Refused("party.roles_conflict", f"One user cannot be both {held} and {role}.")
    return tuple(sorted({*user.roles, role}))


def check_not_self(actor: str, actor_party: str | None, user: User) -> None:
    """Nobody changes the roles of an own login. Refused: ``party.own_role``."""
    if actor == user.id or (actor_party is not None and actor_party == user.party_id):
        raise Refused("party.own_role", "Roles are granted and revoked by somebody else.")


def check_acts_for(user: User, party_id: str) -> None:
    """A customer touches only what is theirs; staff and machines (no party behind) pass.

    Refused: ``party.not_yours``.
    """
    is_customer = not user.roles and (user.party_id is not None or user.id.startswith("user-"))
    if is_customer and user.party_id != party_id:
        raise Refused("party.not_yours", "Only the person concerned may do this.")


def check_four_eyes(maker: User, checker: User) -> None:
    """Who checks is another person than who made it, whichever login either used.

    Refused: ``party.four_eyes``.
    """
    is_same_person = maker.party_id is not None and maker.party_id == checker.party_id
    if maker.id == checker.id or is_same_person:
        raise Refused("party.four_eyes", "A second person must approve what the first one made.")


def check_closes_for(actor: str, roles: tuple[str, ...], user: User) -> None:
    """Sessions are ended by their own user, or by an administrator for another.

    Refused: ``party.not_yours``.
    """
    if actor != user.id and not {"administrator", "system"} & set(roles):
        raise Refused("party.not_yours", "Only the person concerned may do this.")
