"""Registering, finding and correcting parties, on both stores; nothing is readable at rest."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from puhui.kernel import Actor, Node, Refused
from puhui.kernel.act import BATCH_MAX
from puhui.kernel.clock import FixedClock
from puhui.kernel.store.journal import read_journal
from puhui.party import (
    Party,
    find_parties,
    read_party_file,
    sealing,
)
from puhui.party.nouns import (
    ChangeDetails,
    IdentityState,
    PartyKind,
    RegisterParties,
    RegisterUser,
    RelationKind,
    SealedParty,
    VerifyIdentity,
)
from tests.party.people import (
    STAFF,
    id_number,
    person,
    register_firm,
    register_person,
    register_user,
)

TODAY = date(2026, 3, 2)
DIGEST = sha256(b"a photograph").hexdigest()


def one(node: Node, party_id: str) -> Party:
    """The party as it stands now."""
    with node.read() as tx:
        (found,) = find_parties(node, tx, party_ids=(party_id,))
    return found


def test_a_person_is_found_by_number_and_phone(node: Node) -> None:
    """Look-ups work on keyed digests, in any spelling."""
    party_id = register_person(node)
    other_id = register_person(node, 2, phone="+86 138 0000 0001")
    party = one(node, party_id)
    assert party.kind is PartyKind.PERSON
    assert not party.is_anonymous
    assert not party.is_identified
    with node.read() as tx:
        assert find_parties(node, tx, id_number=id_number(1).lower()) == (party,)
        assert find_parties(node, tx, id_number=id_number(3)) == ()
        family = find_parties(node, tx, phone="13800000001")
        assert {found.id for found in family} == {party_id, other_id}
        assert find_parties(node, tx) == ()
        fields = sealing.sealed_fields(tx, party_id, ("name", "id_number", "sex"))
        assert set(fields) == {"name", "id_number", "sex"}
        assert sealing.sealed_fields(tx, party_id, ()) == {}


def test_one_identity_number_is_one_person(node: Node) -> None:
    """A second registration is refused and leaves nothing behind; the same key is the same."""
    party_id = register_person(node)
    assert register_person(node) == party_id
    with pytest.raises(Refused, match=r"^party\.identity_taken"):
        node.act("party.register_person", person(1), key="again", actor=STAFF)
    with node.read() as tx:
        assert len(find_parties(node, tx, phone=person(1).phone)) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id_number": "110105194912310021"}, "party.bad_id_number"),
        ({"phone": "12345"}, "party.bad_phone"),
        ({"phone": ""}, "party.bad_phone"),
        ({"name": " \n "}, "party.bad_name"),
        ({"address": "x" * 201}, "party.bad_address"),
        ({"bank_card": "6222020000000000001"}, "party.bad_bank_card"),
    ],
)
def test_bad_data_is_refused_before_the_act(
    sqlite_node: Node, changes: dict[str, str], code: str
) -> None:
    """What is wrong is said, and not even the attempt is journalled in the clear."""
    given = person(1, **changes)
    with pytest.raises(Refused) as refused:
        sqlite_node.act("party.register_person", given, key="bad", actor=STAFF)
    assert refused.value.code == code
    assert list(read_journal(sqlite_node.store)) == []


def test_sealed_input_cannot_be_brought_along(sqlite_node: Node) -> None:
    """The sealed form is made by the node alone, else somebody could plant a false digest."""
    forged = SealedParty(PartyKind.PERSON, "subject-x", (), "00", None)
    for name in ("party.register_person", "party.register_firm"):
        with pytest.raises(Refused, match=r"^party\.sealed_input"):
            sqlite_node.act(name, forged, key=name, actor=STAFF)


def test_a_firm_and_the_persons_behind_it(node: Node) -> None:
    """The firm is found by its code and names its persons, who are held with it."""
    person_id = register_person(node)
    firm_id = register_firm(node, person_id)
    with node.read() as tx:
        (firm,) = find_parties(node, tx, uscc="12100000400002259p")
        told = read_party_file(tx, firm_id, TODAY)
        of_person = read_party_file(tx, person_id, TODAY)
    assert firm.id == firm_id
    assert firm.kind is PartyKind.FIRM
    assert {relation.kind for relation in told.relations} == set(RelationKind)
    assert {relation.firm_id for relation in of_person.relations} == {firm_id}
    assert [hold.reason for hold in of_person.holds] == ["firm_role"]
    with pytest.raises(Refused, match=r"^party\.unknown"):
        register_firm(node, "party-nobody", "12100000400000624D")
    with pytest.raises(Refused, match=r"^party\.not_a_person"):
        register_firm(node, firm_id, "91100000100003962T")


def test_anonymous_parties_come_in_batches(node: Node) -> None:
    """A batch is idempotent by reference; nothing personal is made up."""
    references = tuple(f"row {number}" for number in range(BATCH_MAX))
    batch = RegisterParties("loans.csv", references)
    first = node.act("party.register_parties", batch, key="a", actor=STAFF)
    again = node.act("party.register_parties", batch, key="b", actor=STAFF)
    assert first.new_count == BATCH_MAX
    assert again.new_count == 0
    assert first.party_ids == again.party_ids
    assert len(set(first.party_ids)) == BATCH_MAX
    part = RegisterParties("loans.csv", ("row 7", "row new"))
    partly = node.act("party.register_parties", part, key="c", actor=STAFF)
    assert partly.new_count == 1
    assert partly.party_ids[0] == first.party_ids[7]
    elsewhere = RegisterParties("other.csv", ("row 7",))
    other = node.act("party.register_parties", elsewhere, key="d", actor=STAFF)
    assert other.party_ids[0] not in first.party_ids
    party = one(node, partly.party_ids[1])
    assert party.is_anonymous
    assert (party.source, party.reference) == ("loans.csv", "row new")
    with node.read() as tx:
        assert sealing.sealed_fields(tx, party.id, ("name", "id_number", "phone")) == {}


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        (RegisterParties("", ("a",)), "party.bad_source"),
        (RegisterParties("s", ()), "party.bad_reference"),
        (RegisterParties("s", ("a", "a")), "party.bad_reference"),
        (RegisterParties("s", ("a" * 129,)), "party.bad_reference"),
        (RegisterParties("s", tuple(map(str, range(8191)))), "kernel.batch_too_large"),
    ],
)
def test_bad_batches_are_refused(sqlite_node: Node, batch: RegisterParties, code: str) -> None:
    """A batch that cannot be right is refused whole."""
    with pytest.raises(Refused) as refused:
        sqlite_node.act("party.register_parties", batch, key="k", actor=STAFF)
    assert refused.value.code == code


def test_a_reference_keeps_its_kind(node: Node) -> None:
    """What was a person does not become a firm."""
    batch = RegisterParties("s", ("a",), PartyKind.PERSON)
    node.act("party.register_parties", batch, key="a", actor=STAFF)
    firms = RegisterParties("s", ("b", "a"), PartyKind.FIRM)
    with pytest.raises(Refused, match=r"^party\.kind_differs"):
        node.act("party.register_parties", firms, key="b", actor=STAFF)


def test_identity_checks_are_recorded(node: Node, clock: FixedClock) -> None:
    """The latest check says where the party stands; all of them are kept."""
    party_id = register_person(node)
    for number, is_passed in enumerate((True, False, True)):
        clock.set_us(clock.now_us() + 1_000_000)
        given = VerifyIdentity(party_id, "id_card_chip", is_passed, DIGEST, date(2030, 1, 1))
        made = node.act("party.verify_identity", given, key=f"check {number}", actor=STAFF)
        expected = IdentityState.PASSED if is_passed else IdentityState.FAILED
        assert made.identity is expected
        assert one(node, party_id).is_identified is is_passed
    with node.read() as tx:
        checks = read_party_file(tx, party_id, TODAY).checks
    assert [check.is_passed for check in checks] == [True, False, True]
    assert {check.checked_by for check in checks} == {"desk"}


def test_identity_checks_that_cannot_be(sqlite_node: Node) -> None:
    """An unknown method, a wrong digest, an expired document, an anonymous party."""
    node = sqlite_node
    party_id = register_person(node)
    batch = RegisterParties("s", ("a",))
    (anonymous,) = node.act("party.register_parties", batch, key="a", actor=STAFF).party_ids
    for number, (given, code) in enumerate(
        [
            (VerifyIdentity(party_id, "guessing", True, DIGEST), "party.bad_check"),
            (VerifyIdentity(party_id, "in_person", True, DIGEST.upper()), "party.bad_check"),
            (VerifyIdentity(party_id, "in_person", True, ""), "party.bad_check"),
            (
                VerifyIdentity(party_id, "in_person", True, DIGEST, date(2026, 3, 1)),
                "party.bad_check",
            ),
            (VerifyIdentity(anonymous, "in_person", True, DIGEST), "party.anonymous"),
            (VerifyIdentity("party-nobody", "in_person", True, DIGEST), "party.unknown"),
        ]
    ):
        with pytest.raises(Refused) as refused:
            node.act("party.verify_identity", given, key=f"no {number}", actor=STAFF)
        assert refused.value.code == code


def test_contact_data_is_corrected_by_its_owner(node: Node) -> None:
    """A customer changes what is theirs; another customer does not; staff may."""
    party_id = register_person(node)
    other_id = register_person(node, 2)
    user_id = register_user(node, "13800000001", party_id)
    change = ChangeDetails(party_id, phone="13911112222")
    actor = customer(user_id)
    made = node.act("party.change_details", change, key="a", actor=actor)
    assert made.fields == ("phone",)
    with node.read() as tx:
        assert [found.id for found in find_parties(node, tx, phone="13911112222")] == [party_id]
        assert find_parties(node, tx, phone="13800000001") == ()
    other = ChangeDetails(other_id, address="别处")
    for name in (user_id, party_id):
        with pytest.raises(Refused, match=r"^party\.not_yours"):
            node.act("party.change_details", other, key=f"b {name}", actor=customer(name))
    node.act("party.change_details", other, key="c", actor=STAFF)


def customer(name: str) -> Actor:
    """A customer's actor."""
    return Actor(name, frozenset({"customer"}))


SECRETS = (
    "赵测试",
    "3201021988",
    "13800000002",
    "13911112222",
    "虚构路",
    "622202000",
    "correct horse",
)


def test_nothing_personal_is_readable_at_rest(sqlite_node: Node, tmp_path: Path) -> None:
    """No name, number, phone, address, card or password in any byte of the files or the journal."""
    node = sqlite_node
    party_id = register_person(node, 2)
    register_firm(node, party_id)
    given = RegisterUser("13800000002", "correct horse battery", party_id)
    node.act("party.register_user", given, key="user", actor=STAFF)
    change = ChangeDetails(party_id, phone="13911112222")
    node.act("party.change_details", change, key="a", actor=STAFF)
    with pytest.raises(Refused):
        node.act("party.register_person", person(2), key="again", actor=STAFF)
    journal = "".join(str(tuple(row)) for row in read_journal(node.store))
    assert party_id in journal
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert any(path.stat().st_size > 10_000 for path in files)
    stored = b"".join(path.read_bytes() for path in files)
    assert party_id.encode() in stored
    for secret in SECRETS:
        assert secret not in journal, secret
        assert secret.encode() not in stored, secret
        assert secret.encode("utf-16-le") not in stored, secret
