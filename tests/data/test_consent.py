"""Consents: granted, shown, expired, revoked; nothing personal is read without one."""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256

import pytest

from puhui.data import consents_of
from puhui.data.nouns import Consent, GrantConsent, GrantFileConsent, RevokeConsent
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock, start_of_day_us
from puhui.kernel.crypto import verify_signature
from puhui.party.nouns import RegisterParties
from tests.data.sharing import consent, fact, read, share
from tests.party.people import STAFF, person, register_person, register_user


def consents(node: Node, party_id: str) -> tuple[Consent, ...]:
    """The consents of a party."""
    with node.read() as tx:
        return consents_of(node, tx, party_id=party_id)


def revoke(node: Node, consent_id: str, key: str, actor: Actor = STAFF) -> int:
    """Take a consent back; when it ended."""
    made = node.act("data.revoke_consent", RevokeConsent(consent_id), key=key, actor=actor)
    return int(made.revoked_us)


def test_nothing_is_read_without_consent(node: Node) -> None:
    """No consent, another purpose, another field: no. With it: exactly what it covers."""
    party_id = register_person(node)
    share(node, "share", [fact(party_id, "i1"), fact(party_id, "t1", "tax_fact")])
    with pytest.raises(Refused, match=r"^data\.no_consent"):
        read(node, party_id, "a", "name")
    consent(node, party_id, "m", "name", purpose="marketing")
    with pytest.raises(Refused, match=r"^data\.no_consent"):
        read(node, party_id, "b", "name")
    granted = consent(node, party_id, "c", "name", "invoice")
    with pytest.raises(Refused, match=r"^data\.fields_not_consented.*tax_fact"):
        read(node, party_id, "d", "name", "tax_fact")
    fields, records = read(node, party_id, "e", "name", "invoice")
    assert fields == {"name": person(1).name}
    assert [record.reference for record in records] == ["i1"]
    assert records[0].content == {"amount_minor": 4321000}
    assert {one.terms.consent_id for one in consents(node, party_id)} >= {granted.consent_id}
    other_id = register_person(node, 2)
    with pytest.raises(Refused, match=r"^data\.no_consent"):
        read(node, other_id, "f", "name")


def test_a_consent_ends_with_its_last_day(node: Node, clock: FixedClock) -> None:
    """It holds to the last microsecond of the day in China, and not one longer."""
    party_id = register_person(node)
    consent(node, party_id, "c", "name", days=30)
    end_us = start_of_day_us(date(2026, 4, 2))
    clock.set_us(end_us - 1)
    assert read(node, party_id, "a", "name")[0]
    clock.set_us(end_us)
    with pytest.raises(Refused, match=r"^data\.consent_expired"):
        read(node, party_id, "b", "name")


def test_a_revoked_consent_is_worth_nothing(node: Node, clock: FixedClock) -> None:
    """From the same moment on; a second revocation changes nothing; strangers cannot."""
    party_id, other_id = register_person(node), register_person(node, 2)
    granted = consent(node, party_id, "c", "name")
    read(node, party_id, "a", "name")
    other = Actor(register_user(node, "13800000002", other_id), frozenset({"customer"}))
    with pytest.raises(Refused, match=r"^party\.not_yours"):
        revoke(node, granted.consent_id, "not mine", other)
    own = Actor(register_user(node, "13800000001", party_id), frozenset({"customer"}))
    first_us = revoke(node, granted.consent_id, "mine", own)
    clock.set_us(first_us + 1_000_000)
    assert revoke(node, granted.consent_id, "again", own) == first_us
    with pytest.raises(Refused, match=r"^data\.consent_revoked"):
        read(node, party_id, "b", "name")
    (shown,) = consents(node, party_id)
    assert shown.terms.revoked_us == first_us
    consent(node, party_id, "anew", "name")
    read(node, party_id, "d", "name")
    with pytest.raises(Refused, match=r"^data\.unknown_consent"):
        revoke(node, "consent-nothing", "nothing")


def test_the_receipt_can_be_shown_and_checked(node: Node) -> None:
    """Both languages, fields with levels, until when, how to revoke; signed; no name in it."""
    party_id = register_person(node)
    granted = consent(node, party_id, "c", "invoice", "id_number", sources=("tax_bureau",))
    (kept,) = consents(node, party_id)
    receipt = kept.receipt
    assert receipt == granted.receipt
    assert receipt.digest == sha256(receipt.text.encode()).hexdigest()
    assert verify_signature(receipt.public_key, receipt.text.encode(), receipt.signature)
    changed = receipt.text.replace("2026-04-01", "2027-04-01")
    assert changed != receipt.text
    assert not verify_signature(receipt.public_key, changed.encode(), receipt.signature)
    told = json.loads(receipt.text)
    assert told["party"] == party_id
    assert told["purpose"]["zh"] == "贷款审批与定价"
    assert [(field["name"], field["level"]) for field in told["fields"]] == [
        ("id_number", "L4"),
        ("invoice", "L3"),
    ]
    assert told["sources"] == ["tax_bureau"]
    assert "撤回" in told["revocation"]["zh"]
    assert "PIPL art. 13" in told["basis"]
    assert person(1).name not in receipt.text


def test_only_the_person_or_staff_consents(node: Node) -> None:
    """Another customer cannot consent for somebody; nobody consents to nonsense."""
    party_id, other_id = register_person(node), register_person(node, 2)
    given = GrantConsent(party_id, "credit_decision", ("name",), date(2026, 4, 1))
    stranger = Actor(other_id, frozenset({"customer"}))
    with pytest.raises(Refused, match=r"^party\.not_yours"):
        node.act("data.grant_consent", given, key="a", actor=stranger)
    node.act("data.grant_consent", given, key="b", actor=STAFF)
    for number, (fields, until, sources, code) in enumerate(
        [
            (("sex",), date(2026, 4, 1), (), "data.field_not_allowed"),
            (("name",), date(2026, 3, 1), (), "data.consent_in_past"),
            (("name",), date(2036, 3, 1), (), "data.consent_too_long"),
            (("name",), date(2026, 4, 1), ("",), "data.bad_source"),
        ]
    ):
        bad = GrantConsent(party_id, "credit_decision", fields, until, sources)
        with pytest.raises(Refused) as refused:
            node.act("data.grant_consent", bad, key=f"no {number}", actor=STAFF)
        assert refused.value.code == code


def test_one_consent_for_a_whole_file(node: Node) -> None:
    """It holds for every party of its source, for no other, and is revoked by staff alone."""
    for source in ("loans.csv", "other.csv"):
        batch = RegisterParties(source, ("row 1", "row 2"))
        node.act("party.register_parties", batch, key=source, actor=STAFF)
    parties = {
        source: node.act(
            "party.register_parties",
            RegisterParties(source, ("row 1",)),
            key=f"{source} again",
            actor=STAFF,
        ).party_ids[0]
        for source in ("loans.csv", "other.csv")
    }
    digest = sha256(b"the file").hexdigest()
    given = GrantFileConsent(
        source="loans.csv",
        file_digest=digest,
        basis="published open data without names",
        purpose="credit_decision",
        fields=("stated_turnover", "registry_fact"),
        until=date(2026, 12, 31),
    )
    granted = node.act("data.grant_file_consent", given, key="consent", actor=STAFF)
    told = json.loads(granted.receipt.text)
    assert (told["source"], told["file_sha256"]) == ("loans.csv", digest)
    share(node, "share", [fact(parties["loans.csv"], "r", "registry_fact", name="Shop")])
    fields, records = read(node, parties["loans.csv"], "a", "stated_turnover", "registry_fact")
    assert fields == {}
    assert [record.content for record in records] == [{"name": "Shop"}]
    with pytest.raises(Refused, match=r"^data\.no_consent"):
        read(node, parties["other.csv"], "b", "stated_turnover")
    with node.read() as tx:
        (kept,) = consents_of(node, tx, source="loans.csv")
    assert kept.party_id is None
    customer = Actor(register_person(node), frozenset({"customer"}))
    with pytest.raises(Refused, match=r"^party\.not_yours"):
        revoke(node, granted.consent_id, "customer", customer)
    revoke(node, granted.consent_id, "staff")
    with pytest.raises(Refused, match=r"^data\.consent_revoked"):
        read(node, parties["loans.csv"], "c", "stated_turnover")


@pytest.mark.parametrize(
    ("source", "digest", "basis", "code"),
    [
        ("", "0" * 64, "open", "data.bad_source"),
        ("s", "0" * 63, "open", "data.bad_file"),
        ("s", "X" * 64, "open", "data.bad_file"),
        ("s", "0" * 64, " ", "data.bad_file"),
    ],
)
def test_a_file_says_what_it_is(
    sqlite_node: Node, source: str, digest: str, basis: str, code: str
) -> None:
    """Without a name, a digest and a reason there is no consent for a file."""
    given = GrantFileConsent(
        source, digest, basis, "credit_decision", ("invoice",), date(2026, 4, 1)
    )
    with pytest.raises(Refused) as refused:
        sqlite_node.act("data.grant_file_consent", given, key="k", actor=STAFF)
    assert refused.value.code == code
