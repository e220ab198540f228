"""Erasure: one person is forgotten for good, the others notice nothing, holds stand before it."""

from __future__ import annotations

from datetime import date

import pytest

from puhui.kernel import Act, Actor, Node, Refused, use_case
from puhui.kernel.act import USE_CASES
from puhui.kernel.crypto import read_subject_key
from puhui.party import (
    find_parties,
    place_hold,
    read_party_file,
    release_hold,
    sealing,
    take_parties,
    take_party,
)
from puhui.party.nouns import ErasePerson, PartyRegistered, RegisterParties
from tests.party.people import (
    STAFF,
    id_number,
    person,
    register_firm,
    register_person,
    register_user,
)
from tests.party.test_user import Door

TODAY = date(2026, 3, 2)

if "party.try_hold" not in USE_CASES:

    @use_case("party.try_hold", roles=("system",))
    def try_hold(act: Act, input: tuple[str, str, date | None]) -> PartyRegistered:
        """What a room on the right does: place a hold, follow another, or release it."""
        verb, party_id, until = input
        if verb in ("place", "apply", "follow"):
            is_loan = verb != "apply"
            place_hold(
                act,
                take_party(act, party_id),
                reason="open_loan" if is_loan else "open_application",
                reference="loan-1" if is_loan else "application-1",
                until=until,
                instead_of=("open_application", "application-1") if verb == "follow" else None,
            )
        elif verb == "release":
            release_hold(act, party_id, reason="open_loan", reference="loan-1")
        else:
            assert take_parties(act, ()) == {}
            assert take_parties(act, (party_id,))[party_id] == take_party(act, party_id)
        return PartyRegistered(party_id)


def hold(node: Node, verb: str, party_id: str, key: str, until: date | None = None) -> None:
    """Run the use case above."""
    node.act("party.try_hold", (verb, party_id, until), key=key, actor=STAFF)


def erase(node: Node, party_id: str, key: str, actor: Actor = STAFF) -> int:
    """Erase a person; how many logins were closed."""
    made = node.act("party.erase_person", ErasePerson(party_id), key=key, actor=actor)
    return int(made.users_count)


def test_an_erased_person_is_gone_and_the_others_stay(node: Node) -> None:
    """Key, fields, look-ups and logins are gone; the other person's are as before."""
    party_id, other_id = register_person(node), register_person(node, 2, phone="13800000001")
    user_id = register_user(node, "13800000001", party_id)
    with node.read() as tx:
        (party,) = find_parties(node, tx, party_ids=(party_id,))
        (other,) = find_parties(node, tx, party_ids=(other_id,))
        other_before = (other, sealing.sealed_fields(tx, other_id, ("name", "phone", "id_number")))
    assert party.subject is not None
    assert other.subject is not None
    customer = Actor(user_id, frozenset({"customer"}))
    with pytest.raises(Refused, match=r"^party\.not_yours"):
        erase(node, other_id, "not mine", customer)
    assert erase(node, party_id, "mine", customer) == 1
    with node.read() as tx:
        (erased,) = find_parties(node, tx, party_ids=(party_id,))
        assert erased.is_erased
        assert read_subject_key(tx, node.keys, party.subject) is None
        assert sealing.sealed_fields(tx, party_id, ("name", "phone", "id_number")) == {}
        assert find_parties(node, tx, id_number=id_number(1)) == ()
        (found,) = find_parties(node, tx, phone="13800000001")
        (still,) = find_parties(node, tx, id_number=id_number(2))
        assert found == still == other
        assert read_subject_key(tx, node.keys, other.subject) is not None
        assert other_before[1] == sealing.sealed_fields(
            tx, other_id, ("name", "phone", "id_number")
        )
    assert Door(node).knock("13800000001", "correct horse 13800000001").user_id is None
    with pytest.raises(Refused, match=r"^party\.(unknown_user|user_disabled|erased)"):
        erase(node, party_id, "again", customer)
    with pytest.raises(Refused, match=r"^party\.erased"):
        erase(node, party_id, "once more")
    anew = node.act("party.register_person", person(1), key="anew", actor=STAFF).party_id
    assert anew != party_id


def test_holds_stand_before_erasure(node: Node) -> None:
    """While a loan is open nothing is erased; afterwards it is; then no hold can be placed."""
    party_id = register_person(node)
    hold(node, "place", party_id, "a")
    hold(node, "place", party_id, "b")
    hold(node, "take", party_id, "t")
    with node.read() as tx:
        (found,) = read_party_file(tx, party_id, TODAY).holds
    assert (found.reason, found.reference, found.is_obligation) == ("open_loan", "loan-1", True)
    with pytest.raises(Refused, match=r"party\.has_holds.*未结清.*not paid off"):
        erase(node, party_id, "no")
    hold(node, "place", party_id, "c", date(2026, 3, 1))
    with node.read() as tx:
        assert read_party_file(tx, party_id, TODAY).holds == ()
    hold(node, "place", party_id, "d")
    hold(node, "release", party_id, "e")
    hold(node, "release", party_id, "f")
    erase(node, party_id, "yes")
    for verb in ("place", "take"):
        with pytest.raises(Refused, match=r"^party\.erased"):
            hold(node, verb, party_id, f"late {verb}")
    with pytest.raises(Refused, match=r"^party\.unknown"):
        hold(node, "place", "party-nobody", "nobody")
    with node.read() as tx, pytest.raises(Refused, match=r"^party\.unknown"):
        read_party_file(tx, "party-nobody", TODAY)


def test_firms_and_references_are_not_erased(node: Node) -> None:
    """A firm's persons stay with it; an anonymous party has nothing to erase."""
    party_id = register_person(node)
    firm_id = register_firm(node, party_id)
    batch = RegisterParties("s", ("a",))
    (anonymous,) = node.act("party.register_parties", batch, key="a", actor=STAFF).party_ids
    for key, which, code in (
        ("1", party_id, "party.has_holds"),
        ("2", firm_id, "party.not_a_person"),
        ("3", anonymous, "party.not_a_person"),
        ("4", "party-nobody", "party.unknown"),
    ):
        with pytest.raises(Refused) as refused:
            erase(node, which, key)
        assert refused.value.code == code


@pytest.mark.parametrize("earlier", [(), ("apply",), ("place",), ("apply", "place")])
@pytest.mark.parametrize("until", [None, date(2026, 3, 9)])
def test_a_hold_that_follows_another_takes_its_place(
    node: Node, earlier: tuple[str, ...], until: date | None
) -> None:
    """Whether the earlier one is there or not, and the new one, too: the new one alone is left."""
    party_id, other_id = register_person(node), register_person(node, 2, phone="13800000001")
    for verb in earlier:
        hold(node, verb, party_id, verb)
        hold(node, verb, other_id, f"other {verb}")
    hold(node, "follow", party_id, "follow", until)
    hold(node, "follow", party_id, "follow again", until)
    with node.read() as tx:
        (found,) = read_party_file(tx, party_id, TODAY).holds
        others = read_party_file(tx, other_id, TODAY).holds
    assert (found.reason, found.reference, found.until) == ("open_loan", "loan-1", until)
    assert len(others) == len(earlier), "the holds of another person stay"
    with pytest.raises(Refused, match=r"^party\.has_holds"):
        erase(node, party_id, "held")
    hold(node, "release", party_id, "release")
    erase(node, party_id, "free")
    with pytest.raises(Refused, match=r"^party\.erased"):
        hold(node, "follow", party_id, "too late")
