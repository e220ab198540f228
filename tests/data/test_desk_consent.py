"""A yes that is recorded for a person without a login: shown to one, proven, never otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from puhui.data import consent_at_desk
from puhui.kernel import Act, Node, Refused, use_case
from puhui.kernel.act import USE_CASES
from puhui.party import take_party
from tests.party.people import STAFF, register_person, register_user


@dataclass(frozen=True, slots=True)
class Record:
    """Whose yes, to whom, and what proves it."""

    party_id: str
    recipient: str
    evidence: str
    way: str = "paper"
    purpose: str = "guarantee_view"
    field: str = "loan_standing"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The receipt."""

    text: str


@pytest.fixture(autouse=True)
def _use_case() -> Iterator[None]:
    @use_case("data.try_desk", roles=("loan_officer", "operator", "system"))
    def try_desk(act: Act, input: Record) -> Recorded:
        """What a room on the right does."""
        given = consent_at_desk(
            act,
            take_party(act, input.party_id),
            purpose=input.purpose,
            fields=(input.field,),
            source="contract-1",
            recipient=input.recipient,
            until=act.today + timedelta(days=90),
            way=input.way,
            evidence=input.evidence,
        )
        return Recorded(given.receipt.text)

    yield
    del USE_CASES["data.try_desk"]


def code_of(node: Node, told: Record, key: str) -> str:
    """Why it is refused."""
    with pytest.raises(Refused) as refused:
        node.act("data.try_desk", told, key=key, actor=STAFF)
    return refused.value.code


def test_a_yes_at_the_desk_names_its_evidence_and_who_wrote_it_down(sqlite_node: Node) -> None:
    borrower, friend = register_person(sqlite_node), register_person(sqlite_node, 2)
    told = Record(borrower, friend, "ab" * 32, "voice")
    made = json.loads(sqlite_node.act("data.try_desk", told, key="a", actor=STAFF).text)
    assert (made["evidence_sha256"], made["recorded_by"]) == ("ab" * 32, STAFF.name)
    assert (made["recipient"], made["sources"], made["way"]) == (friend, ["contract-1"], "voice")
    assert code_of(sqlite_node, Record(borrower, friend, ""), "b") == "data.bad_evidence"
    assert code_of(sqlite_node, Record(borrower, friend, "ab" * 32, "page"), "c") == (
        "data.bad_evidence"
    )
    assert code_of(sqlite_node, Record(borrower, borrower, "ab" * 32), "d") == "data.bad_recipient"
    other = Record(borrower, friend, "ab" * 32, purpose="marketing", field="name")
    assert code_of(sqlite_node, other, "e") == "data.bad_recipient", "no purpose that shows to one"
    register_user(sqlite_node, "13800000001", borrower)
    assert code_of(sqlite_node, told, "f") == "data.own_consent_only"
