"""Complaints: a number, a clock of open days, sealed words, and who may answer or close."""

from __future__ import annotations

from datetime import date

import pytest

from puhui.complaint import (
    Complaint,
    ComplaintClock,
    complaint_field,
    complaint_of,
    complaints_of,
    list_complaints,
    read_clock,
)
from puhui.complaint.rules import answer_due, check_words, day_after
from puhui.data import open_text
from puhui.data.window import own_permit
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import business_date
from puhui.party import find_parties, read_party_file
from tests.party.people import register_person

WORDS = "还款那天我打不通电话。"


def self_of(party_id: str) -> Actor:
    return Actor(party_id, frozenset({"customer"}))


def filed(node: Node, party_id: str, *, key: str = "file", **changes: str) -> str:
    told = {"party_id": party_id, "subject": "repayment", "words": WORDS, **changes}
    made = node.act("complaint.file", told, key=key, actor=self_of(party_id))
    return str(made.complaint_id)


@pytest.mark.parametrize(
    "filed_on, due_on",
    [
        (date(2026, 3, 2), date(2026, 3, 9)),  # a Monday: the Monday after
        (date(2026, 3, 6), date(2026, 3, 13)),  # a Friday
        (date(2026, 9, 30), date(2026, 10, 13)),  # a closed week, and a Saturday worked
        (date(2026, 2, 13), date(2026, 2, 27)),  # the Spring Festival, with make-up days
    ],
)
def test_an_answer_is_due_after_open_days(filed_on: date, due_on: date) -> None:
    assert answer_due(filed_on, read_clock()) == due_on


def test_the_law_bounds_what_was_promised() -> None:
    clock = ComplaintClock(30, 15, 1, ())
    assert answer_due(date(2026, 3, 2), clock) == date(2026, 3, 17)
    assert day_after(date(2026, 3, 2), 0) == date(2026, 3, 2)


@pytest.mark.parametrize("words, code", [("  ", "no_words"), ("字" * 2001, "too_long")])
def test_words_are_there_and_not_endless(words: str, code: str) -> None:
    with pytest.raises(Refused, match=code):
        check_words(words)


def test_a_complaint_is_filed_answered_and_closed(node: Node, operator: Actor) -> None:
    party_id = register_person(node)
    complaint_id = filed(node, party_id)
    assert filed(node, party_id) == complaint_id, "two clicks are one complaint"
    with node.read() as tx:
        (found,) = complaints_of(tx, party_id)
        today = business_date(node.clock.now_us())
        held = read_party_file(tx, party_id, today).holds
        assert (found.status, found.due_on) == ("filed", date(2026, 3, 9))
        assert WORDS not in found.words, "words lie sealed"
        (party,) = find_parties(node, tx, party_ids=[party_id])
        made = own_permit(tx, party, actor=party_id, fields=["name"], now_us=node.clock.now_us())
        field = complaint_field("words")
        assert open_text(node, tx, made, field=field, sealed=found.words) == WORDS
    assert [hold.reason for hold in held] == ["complaint"]
    told = {"complaint_id": complaint_id, "words": "我们会给您回电。"}
    node.act("complaint.answer", told, key="answer", actor=operator)
    with node.read() as tx:
        assert complaint_of(tx, complaint_id).status == "answered"
    close = {"complaint_id": complaint_id}
    node.act("complaint.close", close, key="close", actor=self_of(party_id))
    with pytest.raises(Refused, match=r"complaint\.closed"):
        node.act("complaint.answer", told, key="late", actor=operator)
    with node.read() as tx:
        assert read_party_file(tx, party_id, today).holds == ()
        assert isinstance(complaint_of(tx, complaint_id), Complaint)


def test_nobody_touches_the_complaint_of_another(node: Node, operator: Actor) -> None:
    mine, other = register_person(node, 1), register_person(node, 2)
    complaint_id = filed(node, mine)
    with pytest.raises(Refused, match="not_yours"):
        told = {"party_id": mine, "subject": "other", "words": WORDS}
        node.act("complaint.file", told, key="k1", actor=self_of(other))
    with pytest.raises(Refused, match="not_yours"):
        node.act("complaint.close", {"complaint_id": complaint_id}, key="k2", actor=self_of(other))
    with pytest.raises(Refused, match="bad_subject"):
        filed(node, mine, key="k3", subject="weather")
    with pytest.raises(Refused, match="unknown"):
        node.act("complaint.close", {"complaint_id": "none"}, key="k4", actor=operator)


def test_lists_filter_and_put_what_is_due_first(node: Node, operator: Actor) -> None:
    party_id = register_person(node)
    first = filed(node, party_id, key="1")
    second = filed(node, party_id, key="2", subject="privacy")
    told = {"complaint_id": first, "words": "好的。"}
    node.act("complaint.answer", told, key="answer", actor=operator)
    with node.read() as tx:
        assert len(list_complaints(tx)) == 2
        assert [one.id for one in list_complaints(tx, status="answered")] == [first]
        assert [one.id for one in list_complaints(tx, subject="privacy")] == [second]
        assert list_complaints(tx, skip=2) == ()
        for order, ids in (
            ("number", [first, second]),
            ("-number", [second, first]),
            ("status", [first, second]),
            ("-status", [second, first]),
            ("subject", [second, first]),
            ("-subject", [first, second]),
        ):
            assert [one.id for one in list_complaints(tx, order=order)] == ids, order
