"""Shared records and their reading: sealed, idempotent, logged, shown to who may look."""

from __future__ import annotations

import ast
import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from puhui.data import foresee, open_text, read_person, read_records, view
from puhui.data.nouns import RecordAccess, RecordToShare, RevokeConsent, ShareRecords
from puhui.data.window import accesses_of
from puhui.kernel import Actor, Fault, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import read_subject_key, seal
from puhui.kernel.event import next_events
from puhui.kernel.store.journal import read_journal
from puhui.party import find_parties
from puhui.party.nouns import ChangeRole, ErasePerson, RegisterParties
from tests.data.sharing import PARTNER, RECORDS, consent, fact, read, share
from tests.party.people import STAFF, person, register_person, register_user
from tests.party.test_erase import hold
from tests.tidy.tree import sources_in

PURPOSE = "credit_decision"


def test_sharing_is_idempotent(node: Node) -> None:
    """A record is kept once; the same again is counted, another content is refused."""
    party_id = register_person(node)
    records = [fact(party_id, f"i{number}") for number in range(3)]
    first = share(node, "a", records)
    assert (first.new_count, first.repeated_count, first.refusals) == (3, 0, ())
    again = share(node, "b", [*records, fact(party_id, "i9")])
    assert (again.new_count, again.repeated_count, again.refusals) == (1, 3, ())
    twice = share(node, "c", [fact(party_id, "j"), fact(party_id, "j")])
    assert (twice.new_count, twice.repeated_count, twice.refusals) == (1, 1, ())
    other = share(node, "d", [fact(party_id, "i0", amount_minor=1), fact(party_id, "k")])
    assert (other.new_count, other.repeated_count) == (1, 0)
    assert [(no.reference, no.code) for no in other.refusals] == [("i0", "data.record_differs")]
    elsewhere = share(node, "e", [fact(party_id, "i0", amount_minor=2)], source="platform")
    assert elsewhere.new_count == 1


def test_refusals_stand_per_record(node: Node) -> None:
    """One bad record does not stop the batch; an anonymous party keeps open facts only."""
    party_id = register_person(node)
    batch = RegisterParties("s", ("a",))
    (anonymous,) = node.act("party.register_parties", batch, key="p", actor=STAFF).party_ids
    made = share(
        node,
        "a",
        [
            fact(party_id, "good"),
            fact("party-nobody", "nobody"),
            fact(party_id, "gossip", "gossip"),
            fact(party_id, "future", days_ago=-1),
            fact(anonymous, "secret"),
            fact(anonymous, "open", "registry_fact"),
        ],
    )
    assert made.new_count == 2
    assert {no.reference: no.code for no in made.refusals} == {
        "nobody": "data.unknown_party",
        "gossip": "data.unknown_field",
        "future": "data.bad_record",
        "secret": "data.party_without_key",
    }
    with pytest.raises(Refused, match=r"^data\.bad_source"):
        share(node, "b", [fact(party_id, "good")], source="")
    given = ShareRecords("s", (fact(party_id, "x"),))
    customer = Actor("x", frozenset({"customer"}))
    with pytest.raises(Refused, match=r"^kernel\.role_missing"):
        node.act("data.share_records", given, key="c", actor=customer)


def test_records_come_in_order_and_from_named_sources_alone(node: Node) -> None:
    """By kind and day; a consent that names sources shows no others."""
    party_id = register_person(node)
    share(node, "a", [fact(party_id, f"i{days}", days_ago=days) for days in (3, 1, 2)])
    share(node, "b", [fact(party_id, "p", "tax_fact")], source="platform")
    consent(node, party_id, "c", *RECORDS)
    _, records = read(node, party_id, "d", *RECORDS)
    assert [record.reference for record in records] == ["i3", "i2", "i1", "p"]
    assert records[0].day == date(2026, 2, 27)
    other_id = register_person(node, 2)
    share(node, "e", [fact(other_id, "o")])
    share(node, "f", [fact(other_id, "q")], source="platform")
    consent(node, other_id, "g", *RECORDS, sources=("platform",))
    _, records = read(node, other_id, "h", *RECORDS)
    assert [record.reference for record in records] == ["q"]


def test_every_permit_is_logged(node: Node) -> None:
    """Who, for what, which fields; open facts alone leave no line, nor does an anonymous party."""
    party_id = register_person(node)
    share(node, "a", [fact(party_id, "i"), fact(party_id, "r", "registry_fact")])
    granted = consent(node, party_id, "c", "name", "phone", *RECORDS)
    read(node, party_id, "d", "registry_fact")
    with node.read() as tx:
        assert accesses_of(tx, party_id) == ()
    read(node, party_id, "e", "name", "phone", "invoice")
    with node.read() as tx:
        (line,) = accesses_of(tx, party_id)
    assert line.fields == ("invoice", "name", "phone")
    assert (line.actor, line.purpose) == ("desk", "credit_decision")
    assert line.consent_id == granted.consent_id


def test_what_is_worked_out_before_an_act_needs_the_same_ground(
    node: Node, clock: FixedClock
) -> None:
    """A foreseen permit reads as the act's own would, and is refused as it would be."""
    party_id = register_person(node)
    with node.read() as tx:
        (party,) = find_parties(node, tx, party_ids=(party_id,))
        assert party.subject is not None
        key = read_subject_key(tx, node.keys, party.subject)
    assert key is not None
    sealed = seal(key, "application", "turnover 99")
    fields = ("name", "invoice")
    with node.read() as tx, pytest.raises(Refused, match=r"^data\.no_consent"):
        foresee(tx, party, purpose=PURPOSE, fields=fields, now_us=clock.now_us())
    share(node, "a", [fact(party_id, "i")])
    consent(node, party_id, "c", "name", "invoice")
    with node.read() as tx:
        made = foresee(tx, party, purpose=PURPOSE, fields=fields, now_us=clock.now_us())
        assert read_person(node, tx, made) == {"name": person(1).name}
        assert read_person(node, tx, made, ("invoice",)) == {}
        assert len(read_records(node, tx, made)) == 1
        assert read_records(node, tx, made, ("invoice",), since=date(2026, 3, 2)) == ()
        assert open_text(node, tx, made, field="application", sealed=sealed) == "turnover 99"
        for others in (("phone",), ("name", "phone")):
            with pytest.raises(Refused, match=r"^data\.field_not_permitted"):
                read_person(node, tx, made, others)
        with pytest.raises(Refused, match=r"^data\.false_permit"):
            open_text(node, tx, replace(made, purpose="audit"), field="x", sealed=sealed)
        assert accesses_of(tx, party_id) == ()
    node.act("party.erase_person", ErasePerson(party_id), key="erase", actor=STAFF)
    with node.read() as tx:
        assert open_text(node, tx, made, field="application", sealed=sealed) is None
        assert read_records(node, tx, made) == ()


def test_a_changed_permit_opens_nothing(node: Node) -> None:
    """A permit cannot be made or widened outside the room data."""
    party_id = register_person(node)
    consent(node, party_id, "c", "name")
    with pytest.raises(Refused, match=r"^data\.false_permit"):
        read(node, party_id, "a", "name", is_forged=True)


def test_only_data_opens_what_is_sealed() -> None:
    """No other room names the kernel's function that opens sealed fields."""
    openers = {
        source.path
        for source in sources_in("puhui")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name | ast.alias | ast.Attribute)
        and "open_sealed" in {getattr(node, part, "") for part in ("id", "name", "attr")}
    }
    assert {path for path in openers if not path.startswith("puhui/kernel/")} == {
        "puhui/data/desk/reading.py"
    }


def test_purposes_that_rest_on_law_or_contract(node: Node) -> None:
    """Collection needs an open loan, audit needs none, and neither sees more than its fields."""
    party_id = register_person(node)
    with pytest.raises(Refused, match=r"^data\.no_obligation"):
        read(node, party_id, "a", "phone", purpose="collection")
    hold(node, "place", party_id, "loan")
    fields, _ = read(node, party_id, "b", "phone", purpose="collection")
    assert fields == {"phone": "+8613800000001"}
    with pytest.raises(Refused, match=r"^data\.field_not_allowed"):
        read(node, party_id, "c", "bank_card", purpose="collection")
    fields, _ = read(node, party_id, "d", "sex", "birth_date", purpose="fairness_audit")
    assert fields == {"sex": "male", "birth_date": "1988-02-29"}
    with pytest.raises(Refused, match=r"^data\.not_own"):
        read(node, party_id, "e", "name", purpose="own_access")
    with pytest.raises(Refused, match=r"^data\.unknown_purpose"):
        read(node, party_id, "f", "name", purpose="curiosity")


def look(node: Node, actor: Actor, party_id: str, key: str, purpose: str, *fields: str) -> str:
    """Record an access; its id."""
    given = RecordAccess(party_id, purpose, fields)
    return str(node.act("data.record_access", given, key=key, actor=actor).access_id)


def test_a_page_shows_what_was_recorded_first(node: Node, clock: FixedClock) -> None:
    """To the same actor, for fifteen minutes, and no longer than the consent."""
    party_id = register_person(node)
    share(node, "a", [fact(party_id, "i")])
    granted = consent(node, party_id, "c", "name", "invoice")
    officer_id = register_user(node, "officer")
    node.act("party.grant_role", ChangeRole(officer_id, "loan_officer"), key="r", actor=STAFF)
    officer = Actor(officer_id, frozenset({"loan_officer"}))
    with pytest.raises(Refused, match=r"^data\.role_not_allowed"):
        look(node, officer, party_id, "audit", "audit", "name")
    access_id = look(node, officer, party_id, "look", "credit_decision", "name", "invoice")
    with node.read() as tx:
        shown = view(node, tx, access_id, viewer=officer_id)
        assert shown.fields == {"name": person(1).name}
        assert [record.reference for record in shown.records] == ["i"]
        for which, viewer in ((access_id, "desk"), ("access-none", officer_id)):
            with pytest.raises(Refused, match=r"^data\.unknown_access"):
                view(node, tx, which, viewer=viewer)
    start_us = clock.now_us()
    clock.set_us(start_us + 15 * 60_000_000)
    with node.read() as tx, pytest.raises(Refused, match=r"^data\.access_over"):
        view(node, tx, access_id, viewer=officer_id)
    clock.set_us(start_us + 1_000_000)
    node.act("data.revoke_consent", RevokeConsent(granted.consent_id), key="v", actor=STAFF)
    with node.read() as tx, pytest.raises(Refused, match=r"^data\.consent_revoked"):
        view(node, tx, access_id, viewer=officer_id)


def test_people_see_their_own_data_and_who_read_it(node: Node) -> None:
    """All of it, without any consent; staff roles open nobody else's."""
    party_id, other_id = register_person(node), register_person(node, 2)
    share(node, "a", [fact(party_id, "i")])
    user_id = register_user(node, "13800000001", party_id)
    node.act("party.grant_role", ChangeRole(user_id, "loan_officer"), key="r", actor=STAFF)
    own = Actor(user_id, frozenset({"customer", "loan_officer"}))
    fields = ("name", "id_number", "phone", "address", "invoice", "bureau_debt")
    access_id = look(node, own, party_id, "mine", "own_access", *fields)
    with node.read() as tx:
        shown = view(node, tx, access_id, viewer=user_id)
        assert [line.purpose for line in accesses_of(tx, party_id)] == ["own_access"]
    assert shown.fields["id_number"] == person(1).id_number
    assert shown.fields["address"] == person(1).address
    assert len(shown.records) == 1
    with pytest.raises(Refused, match=r"^data\.not_own"):
        look(node, own, other_id, "not mine", "own_access", "name")


def test_an_erased_person_leaves_nothing_to_read(node: Node) -> None:
    """At once by the destroyed key, then by the delivery that deletes; others are untouched."""
    party_id, other_id = register_person(node), register_person(node, 2)
    for one in (party_id, other_id):
        share(node, f"s {one}", [fact(one, f"i {one}")])
        consent(node, one, f"c {one}", "name", "invoice")
    user_id = register_user(node, "13800000001", party_id)
    own = Actor(user_id, frozenset({"customer"}))
    access_id = look(node, own, party_id, "mine", "own_access", "name", "invoice")
    before = read(node, other_id, "before", "name", "invoice")
    node.act("party.erase_person", ErasePerson(party_id), key="erase", actor=STAFF)
    with node.read() as tx, pytest.raises(Refused, match=r"^data\.party_erased"):
        view(node, tx, access_id, viewer=user_id)
    with pytest.raises(Refused, match=r"^party\.erased"):
        read(node, party_id, "a", "name")
    late = share(node, "late", [fact(party_id, "late"), fact(other_id, "late too")])
    assert [no.code for no in late.refusals] == ["data.party_erased"]
    node.store.settle_positions()
    with node.read() as tx:
        (delivery,) = [
            one for one in next_events(tx, "data.forget_party") if one.event.name == "party.erased"
        ]
    gone = node.act("data.forget_party", delivery, key="forget", actor=STAFF)
    assert (gone.party_id, gone.records_count, gone.consents_count) == (party_id, 1, 1)
    fields, records = read(node, other_id, "after", "name", "invoice")
    assert fields == before[0]
    assert [record.reference for record in before[1]] == [f"i {other_id}"]
    assert {record.reference for record in records} == {f"i {other_id}", "late too"}


SECRETS = ("4321987", "赵测试", "3201021988", "1380000", "buyer of nothing")


def test_no_shared_fact_is_readable_at_rest(sqlite_node: Node, tmp_path: Path) -> None:
    """Neither in the files nor in the journal, also after it was read by an act."""
    node = sqlite_node
    party_id = register_person(node)
    secret = fact(party_id, "i", amount_minor=4321987, buyer="buyer of nothing")
    share(node, "a", [secret, fact(party_id, "r", "registry_fact", told="open to all")])
    consent(node, party_id, "c", "name", "invoice", "registry_fact")
    _, records = read(node, party_id, "d", "name", "invoice", "registry_fact")
    assert {record.kind for record in records} == {"invoice", "registry_fact"}
    assert dict(records[0].content) == dict(secret.content)
    journal = "".join(str(tuple(row)) for row in read_journal(node.store))
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"open to all" in stored
    for text in SECRETS:
        assert text not in journal, text
        assert text.encode() not in stored, text


def test_sealed_records_cannot_be_exchanged(sqlite_node: Node) -> None:
    """A sealed record opens in its own place alone; sealed input cannot be brought along."""
    node = sqlite_node
    party_id = register_person(node)
    share(node, "a", [fact(party_id, "i", amount_minor=1), fact(party_id, "j", amount_minor=2)])
    consent(node, party_id, "c", "invoice")
    path = node.store.url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as raw:
        (content,) = raw.execute("SELECT content FROM data_record WHERE reference='i'").fetchone()
        raw.execute("UPDATE data_record SET content=? WHERE reference='j'", (content,))
    raw.close()
    with pytest.raises(Fault, match=r"^kernel\.field_damaged"):
        read(node, party_id, "b", "invoice")


def test_a_large_batch_of_one_person(node: Node) -> None:
    """Ninety days of flows are kept in one act and read in one."""
    party_id = register_person(node)
    flows: list[RecordToShare] = [
        fact(party_id, f"day {days}", "wallet_flow", days, in_minor=days * 100, count=days)
        for days in range(1, 91)
    ]
    given = ShareRecords("wallet", tuple(flows))
    assert node.act("data.share_records", given, key="a", actor=PARTNER).new_count == 90
    consent(node, party_id, "c", "wallet_flow")
    _, records = read(node, party_id, "b", "wallet_flow")
    assert len(records) == 90
    assert sum(int(record.content["in_minor"] or 0) for record in records) == 100 * 45 * 91
