"""Rules of party: check digits, owners, throttling, roles. Goal: every wrong digit is found."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.party import rules
from puhui.party.desk.lists import hold_reasons, identity_rules, login_rules, staff_roles
from puhui.party.nouns import (
    BeneficialOwner,
    Hold,
    IdentityState,
    LoginTries,
    OwnerGrounds,
    Party,
    PartyKind,
    User,
)
from tests.party.people import id_number

CASES: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "cases" / "numbers.toml").read_text("utf-8")
)
TODAY = date(2026, 3, 2)
SECOND_US = 1_000_000


def cases(kind: str) -> Any:
    """The worked cases of one kind, named by their source."""
    return pytest.mark.parametrize("case", CASES[kind], ids=lambda case: case["source"][:40])


@cases("resident_id")
def test_resident_id(case: dict[str, Any]) -> None:
    """Numbers of the standard are read, the rest is refused."""
    if case.get("refused"):
        with pytest.raises(Refused, match=r"^party\.bad_id_number"):
            rules.check_resident_id(case["number"], identity_rules(), TODAY)
        return
    read = rules.check_resident_id(case["number"], identity_rules(), TODAY)
    assert read.number == case["number"].strip().upper()
    assert (read.region, read.birth_date, read.sex) == (
        case["region"],
        case["birth_date"],
        case["sex"],
    )


@cases("uscc")
def test_uscc(case: dict[str, Any]) -> None:
    """Codes that institutions publish check; a forbidden letter does not."""
    if case.get("refused"):
        with pytest.raises(Refused, match=r"^party\.bad_uscc"):
            rules.check_uscc(case["code"])
    else:
        assert rules.check_uscc(case["code"].lower()) == case["code"]


@cases("mobile")
def test_mobile(case: dict[str, Any]) -> None:
    """Mobile numbers come out in one spelling."""
    if case.get("refused"):
        with pytest.raises(Refused, match=r"^party\.bad_phone"):
            rules.check_mobile(case["phone"], identity_rules())
    else:
        assert rules.check_mobile(case["phone"], identity_rules()) == case["gives"]


@cases("bank_card")
def test_bank_card(case: dict[str, Any]) -> None:
    """Luhn's digit is checked."""
    if case.get("refused"):
        with pytest.raises(Refused, match=r"^party\.bad_bank_card"):
            rules.check_bank_card(case["number"])
    else:
        assert rules.check_bank_card(case["number"]) == case["number"].replace(" ", "")


@given(
    order=st.integers(1, 999),
    born=st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    place=st.integers(0, 17),
    digit=st.sampled_from("0123456789X"),
)
@settings(max_examples=300)
def test_any_changed_digit_of_a_resident_id_is_found(
    order: int, born: date, place: int, digit: str
) -> None:
    """MOD 11-2 finds every single changed character."""
    number = id_number(order, born=born)
    read = rules.check_resident_id(number, identity_rules(), TODAY)
    assert read.birth_date == born
    changed = number[:place] + digit + number[place + 1 :]
    if changed != number:
        with pytest.raises(Refused, match=r"^party\.bad_id_number"):
            rules.check_resident_id(changed, identity_rules(), TODAY)


@given(
    body=st.text(rules.USCC_ALPHABET, min_size=17, max_size=17),
    place=st.integers(0, 17),
    other=st.sampled_from(rules.USCC_ALPHABET),
)
@settings(max_examples=300)
def test_any_changed_character_or_swap_of_a_uscc_is_found(
    body: str, place: int, other: str
) -> None:
    """Of 31 check characters one fits; another character, or two neighbours swapped, do not."""
    fitting = []
    for last in rules.USCC_ALPHABET:
        try:
            fitting.append(rules.check_uscc(body + last))
        except Refused:
            continue
    (code,) = fitting
    swapped = (
        body[: place - 1] + body[place : place + 1] + body[place - 1 :][:1] + body[place + 1 :]
    )
    for changed in (code[:place] + other + code[place + 1 :], swapped + code[17]):
        if changed != code and len(changed) == 18:
            with pytest.raises(Refused, match=r"^party\.bad_uscc"):
                rules.check_uscc(changed)


CHECKS: tuple[Callable[[str], object], ...] = (
    lambda text: rules.check_resident_id(text, identity_rules(), TODAY),
    rules.check_uscc,
    lambda text: rules.check_mobile(text, identity_rules()),
    rules.check_bank_card,
    lambda text: rules.check_login(text, identity_rules()),
    lambda text: rules.check_text(text, 100, "party.bad_name"),
)


@given(st.text(max_size=30))
def test_no_text_breaks_the_checks(text: str) -> None:
    """Whatever is typed, the answer is a number or a refusal, never a fault."""
    codes = set()
    for check in CHECKS:
        try:
            check(text)
        except Refused as refused:
            codes.add(refused.code.split("_")[0])
    assert codes <= {"party.bad"}


def test_nobody_is_born_tomorrow() -> None:
    """The day of birth may be today, not later; 150 years is the most."""
    born_today = id_number(1, born=TODAY)
    assert rules.check_resident_id(born_today, identity_rules(), TODAY).birth_date == TODAY
    for day in (date(2026, 3, 3), date(1875, 12, 31)):
        with pytest.raises(Refused, match="birth date cannot be right"):
            rules.check_resident_id(id_number(1, born=day), identity_rules(), TODAY)
    with pytest.raises(Refused, match="region does not exist"):
        rules.check_resident_id(id_number(1, region="990102"), identity_rules(), TODAY)


OWN = OwnerGrounds.OWNERSHIP


@pytest.mark.parametrize(
    ("owners", "is_exempt", "code"),
    [
        ((), True, None),
        ((), False, "party.no_owner"),
        ((BeneficialOwner("a", OWN, Decimal("0.25")),), False, None),
        ((BeneficialOwner("a", OWN, Decimal("0.2499")),), False, "party.bad_owner"),
        ((BeneficialOwner("a", OWN, Decimal("1.01")),), False, "party.bad_owner"),
        ((BeneficialOwner("a", OWN),), False, "party.bad_owner"),
        ((BeneficialOwner("a", OwnerGrounds.CONTROL),), False, None),
        (
            (BeneficialOwner("a", OwnerGrounds.DAILY_MANAGEMENT, Decimal("0.3")),),
            False,
            "party.bad_owner",
        ),
        (
            (BeneficialOwner("a", OWN, Decimal("0.6")), BeneficialOwner("b", OWN, Decimal("0.5"))),
            False,
            "party.bad_owner",
        ),
        (
            (BeneficialOwner("a", OWN, Decimal("0.5")), BeneficialOwner("a", OWN, Decimal("0.5"))),
            False,
            "party.bad_owner",
        ),
        (
            (
                BeneficialOwner("a", OWN, Decimal("0.6")),
                BeneficialOwner("b", OwnerGrounds.INCOME_OR_VOTES, Decimal("0.6")),
            ),
            False,
            None,
        ),
    ],
)
def test_beneficial_owners(
    owners: tuple[BeneficialOwner, ...], is_exempt: bool, code: str | None
) -> None:
    """A quarter makes an owner, shares stay within the whole, somebody is named."""
    if code is None:
        rules.check_beneficial_owners(owners, is_exempt, identity_rules())
        return
    with pytest.raises(Refused) as refused:
        rules.check_beneficial_owners(owners, is_exempt, identity_rules())
    assert refused.value.code == code


def test_waits_double_and_are_forgotten() -> None:
    """Five free tries, then 30 s, 60 s, 120 s up to an hour; a day's pause starts anew."""
    slowing = login_rules()
    tries: LoginTries | None = None
    waits = []
    now_us = 0
    for _ in range(16):
        tries = rules.count_failure(tries, now_us, slowing.failures_free, slowing)
        waits.append(max(0, tries.locked_until_us - now_us) // SECOND_US)
        now_us = max(now_us + 1, tries.locked_until_us)
    assert waits == [0] * 5 + [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert tries is not None
    later_us = tries.last_us + slowing.forget_s * SECOND_US
    assert rules.count_failure(tries, later_us, 5, slowing) == LoginTries(1, later_us, 0)
    assert rules.is_locked(tries, tries.locked_until_us - 1)
    assert not rules.is_locked(tries, tries.locked_until_us)
    assert not rules.is_locked(None, 0)


@pytest.mark.parametrize(
    ("password", "is_good"),
    [("correct horse", True), ("short", False), ("aaaaaaaaaaaa", False), ("x" * 129, False)],
)
def test_passwords(password: str, is_good: bool) -> None:
    """Length counts; one letter again and again, or the login itself, is no password."""
    if is_good:
        rules.check_password(password, "someone", login_rules())
        with pytest.raises(Refused, match=r"^party\.weak_password"):
            rules.check_password(password, password.upper(), login_rules())
    else:
        with pytest.raises(Refused, match=r"^party\.weak_password"):
            rules.check_password(password, "someone", login_rules())


def test_roles_that_check_and_do_are_kept_apart() -> None:
    """Conflicts hold from both sides, whichever role names the other."""
    roles = staff_roles()
    for name, role in roles.items():
        assert role.zh and role.en
        assert role.excludes <= roles.keys(), name
    for first in roles:
        for second in roles:
            excluded = second in roles[first].excludes or first in roles[second].excludes
            user = User("user-a", None, False, (first,))
            if excluded:
                with pytest.raises(Refused, match=r"^party\.roles_conflict"):
                    rules.grant(user, second, roles)
            else:
                assert rules.grant(user, second, roles) == tuple(sorted({first, second}))
    with pytest.raises(Refused, match=r"^party\.unknown_role"):
        rules.grant(User("user-a", None, False, ()), "king", roles)
    with pytest.raises(Refused, match=r"^party\.user_disabled"):
        rules.grant(User("user-a", None, True, ()), "auditor", roles)


def test_a_hold_ends_after_its_last_day() -> None:
    """It stands through its last day, and is named in both languages."""
    party = Party("p", PartyKind.PERSON, None, None, "s", IdentityState.UNCHECKED, False)
    hold = Hold("p", "legal_retention", "loan-1", TODAY, False)
    with pytest.raises(Refused, match=r"party\.has_holds.*法律规定.*retention"):
        rules.check_erasable(party, [hold], hold_reasons(), TODAY)
    rules.check_erasable(party, [hold], hold_reasons(), date(2026, 3, 3))
