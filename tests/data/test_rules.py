"""Rules of data: what a purpose may use, which consent holds, what a record may be."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.data import read_lists, rules
from puhui.data.nouns import Basis, ConsentTerms, DataLevel, RecordToShare, Scalar
from puhui.kernel.errors import Refused
from puhui.party.nouns import PersonalField

TODAY = date(2026, 3, 2)
FIELDS = frozenset({"invoice", "tax_fact", "wallet_flow"})


def terms(
    name: str = "c",
    *,
    fields: frozenset[str] = FIELDS,
    span: tuple[int, int] = (10, 20),
    revoked_us: int | None = None,
) -> ConsentTerms:
    """A consent from the first to before the second microsecond of ``span``."""
    return ConsentTerms(name, fields, frozenset(), span[0], span[1], revoked_us)


@pytest.mark.parametrize(
    ("candidates", "at_us", "expected"),
    [
        ([], 15, "data.no_consent"),
        ([terms("a")], 10, "a"),
        ([terms("a")], 19, "a"),
        ([terms("a")], 9, "data.consent_expired"),
        ([terms("a")], 20, "data.consent_expired"),
        ([terms("a", revoked_us=12)], 15, "data.consent_revoked"),
        ([terms("a", fields=frozenset({"invoice"}))], 15, "data.fields_not_consented"),
        ([terms("a"), terms("b", span=(11, 30))], 15, "b"),
        ([terms("a"), terms("b", span=(11, 30), revoked_us=12)], 15, "a"),
        (
            [terms("a", span=(1, 5)), terms("b", span=(6, 9), revoked_us=7)],
            15,
            "data.consent_revoked",
        ),
        (
            [terms("a", span=(7, 9)), terms("b", span=(6, 9), revoked_us=7)],
            15,
            "data.consent_expired",
        ),
        (
            [terms("a", fields=frozenset({"invoice"})), terms("b", fields=frozenset({"tax_fact"}))],
            15,
            "data.fields_not_consented",
        ),
    ],
)
def test_which_consent_holds(candidates: list[ConsentTerms], at_us: int, expected: str) -> None:
    """Of several the one that lasts longest; none is pieced together from parts."""
    wanted = {"invoice", "tax_fact"}
    if "." not in expected:
        assert rules.choose_consent(candidates, wanted, at_us).consent_id == expected
        return
    with pytest.raises(Refused) as refused:
        rules.choose_consent(candidates, wanted, at_us)
    assert refused.value.code == expected


CONSENTS = st.lists(
    st.builds(
        lambda name, fields, start, length, revoked: terms(
            str(name), fields=frozenset(fields), span=(start, start + length), revoked_us=revoked
        ),
        st.integers(0, 9),
        st.sets(st.sampled_from(sorted(FIELDS))),
        st.integers(0, 20),
        st.integers(1, 20),
        st.none() | st.integers(0, 40),
    ),
    max_size=6,
)


@given(CONSENTS, st.sets(st.sampled_from(sorted(FIELDS)), min_size=1), st.integers(0, 45))
def test_a_chosen_consent_always_covers(
    candidates: list[ConsentTerms], wanted: set[str], at_us: int
) -> None:
    """What is chosen holds now, is not revoked and covers all; what is refused has none such."""
    fitting = [
        one
        for one in candidates
        if one.revoked_us is None
        and one.granted_us <= at_us < one.until_us
        and wanted <= one.fields
    ]
    if fitting:
        assert rules.choose_consent(candidates, wanted, at_us) in fitting
    else:
        with pytest.raises(Refused):
            rules.choose_consent(candidates, wanted, at_us)


def test_the_closed_lists_are_whole() -> None:
    """Every field that party keeps is listed and sealed; every purpose has its law and texts."""
    lists = read_lists()
    for kept in PersonalField:
        assert lists.fields[kept.value].level >= lists.sealed_from
        assert not lists.fields[kept.value].is_record
    for purpose in lists.purposes.values():
        assert purpose.zh and purpose.en and "PIPL art." in purpose.article
        assert purpose.roles or purpose.is_for_one, "shown by the act that needs it, to nobody else"
    for field in lists.fields.values():
        assert field.zh and field.en
    assert lists.purposes["own_access"].fields == lists.fields.keys()
    assert "sex" not in lists.purposes["credit_decision"].fields
    assert rules.highest_level(lists, ()) is DataLevel.L1
    assert rules.highest_level(lists, ("registry_fact", "bureau_debt")) is DataLevel.L4


@pytest.mark.parametrize(
    ("purpose", "fields", "days", "code"),
    [
        ("credit_decision", ("invoice",), 730, None),
        ("credit_decision", ("invoice",), 0, None),
        ("credit_decision", ("invoice",), 731, "data.consent_too_long"),
        ("credit_decision", ("invoice",), -1, "data.consent_in_past"),
        ("credit_decision", ("sex",), 1, "data.field_not_allowed"),
        ("credit_decision", ("shoe_size",), 1, "data.unknown_field"),
        ("credit_decision", (), 1, "data.no_fields"),
        ("marketing", ("invoice",), 1, "data.field_not_allowed"),
        ("audit", ("invoice",), 1, "data.consent_not_needed"),
        ("curiosity", ("invoice",), 1, "data.unknown_purpose"),
    ],
)
def test_what_can_be_consented_to(
    purpose: str, fields: tuple[str, ...], days: int, code: str | None
) -> None:
    """Only what the purpose needs, and no longer."""

    def check() -> None:
        found = rules.find_purpose(read_lists(), purpose)
        rules.check_terms(read_lists(), found, fields, TODAY, TODAY + timedelta(days=days))

    if code is None:
        check()
        return
    with pytest.raises(Refused) as refused:
        check()
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("kind", "reference", "day", "content", "code"),
    [
        ("invoice", "1", TODAY, {"amount_minor": 100}, None),
        ("invoice", "", TODAY, {"amount_minor": 100}, "data.bad_record"),
        ("invoice", "1", TODAY + timedelta(days=1), {"amount_minor": 100}, "data.bad_record"),
        ("invoice", "1", TODAY, {}, "data.bad_record"),
        ("invoice", "1", TODAY, {"amount": 1.5}, "data.bad_record"),
        ("invoice", "1", TODAY, {"text": "x" * 20_000}, "data.bad_record"),
        ("invoice", "1", TODAY, {str(n): n for n in range(201)}, "data.bad_record"),
        ("name", "1", TODAY, {"name": "x"}, "data.unknown_field"),
        ("gossip", "1", TODAY, {"text": "x"}, "data.unknown_field"),
    ],
)
def test_what_a_record_may_be(
    kind: str, reference: str, day: date, content: dict[str, Scalar], code: str | None
) -> None:
    """A known kind, a day that has come, a bounded content without floats."""
    record = RecordToShare("party-a", kind, reference, day, content)
    if code is None:
        assert rules.check_record(record, read_lists(), TODAY).name == kind
        return
    with pytest.raises(Refused) as refused:
        rules.check_record(record, read_lists(), TODAY)
    assert refused.value.code == code


def test_who_may_look() -> None:
    """A role of the purpose; for one's own right nobody but oneself, whatever the role."""
    lists = read_lists()
    decision, own = lists.purposes["credit_decision"], lists.purposes["own_access"]
    rules.check_viewer(decision, frozenset({"loan_officer"}), is_own=False)
    rules.check_viewer(decision, None, is_own=False)
    rules.check_viewer(own, frozenset(), is_own=True)
    with pytest.raises(Refused, match=r"^data\.role_not_allowed"):
        rules.check_viewer(decision, frozenset({"auditor", "customer"}), is_own=True)
    with pytest.raises(Refused, match=r"^data\.not_own"):
        rules.check_viewer(own, frozenset({"customer", "administrator"}), is_own=False)
    assert {purpose.basis for purpose in lists.purposes.values()} == set(Basis)
