"""Filing, answering and closing complaints."""

from __future__ import annotations

from dataclasses import replace

from puhui.complaint import rules, tables
from puhui.complaint.desk.clock import read_clock
from puhui.complaint.desk.read import complaint_of
from puhui.complaint.nouns import (
    AnswerComplaint,
    CloseComplaint,
    ComplaintFiled,
    ComplaintMoved,
    ComplaintsForgotten,
    FileComplaint,
)
from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.event import Delivery, subscribe
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.party import check_actor, find_parties, place_hold, release_hold, take_party

HOLD = "complaint"
ANSWERING = ("operator", "loan_officer", "compliance_officer")


def complaint_field(part: str) -> str:
    """What sealed words are bound to: ``words`` of the complaint or of the ``answer``."""
    return f"complaint\x1f{part}"


def _sealed(node: Node, party_id: str, part: str, words: str) -> str:
    """Encrypt words under the person's key. Refused: ``party.unknown``, ``party.erased``."""
    with node.read() as tx:
        found = find_parties(node, tx, party_ids=[party_id])
        if not found:
            raise Refused("party.unknown", f"There is no party {party_id[:40]}.")
        subject = found[0].subject
        key = None if subject is None else read_subject_key(tx, node.keys, subject)
    if subject is None:
        return words
    if key is None:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return seal(key, complaint_field(part), words)


def seal_complaint(node: Node, input: FileComplaint) -> FileComplaint:
    """Check and encrypt what somebody complains of, before the act.

    Refused: ``complaint.no_words``, ``complaint.too_long``, ``complaint.bad_subject``,
    ``party.unknown``, ``party.erased``.
    """
    rules.check_subject(input.subject, read_clock())
    words = rules.check_words(input.words)
    return replace(input, words=_sealed(node, input.party_id, "words", words))


@use_case("complaint.file", roles=("customer", "operator", "system"), prepare=seal_complaint)
def file(act: Act, input: FileComplaint) -> ComplaintFiled:
    """Take a complaint in: a case number, and the day by which it is answered.

    Refused: ``party.not_yours``, ``party.unknown``, ``party.erased`` and those of
    ``seal_complaint``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = take_party(act, input.party_id)
    complaint_id = act.new_id("complaint")
    number = f"{act.today:%Y%m%d}-{complaint_id[-6:].upper()}"
    due_on = rules.answer_due(act.today, read_clock())
    act.tx.put(
        tables.INSERT_COMPLAINT,
        id=complaint_id,
        number=number,
        party_id=party.id,
        subject=input.subject,
        about=input.about[:100],
        status="filed",
        filed_us=act.now_us,
        due_on=due_on.isoformat(),
        answered_us=None,
        answered_by=None,
        closed_us=None,
        words=input.words,
        answer="",
    )
    if not party.is_anonymous:
        place_hold(act, party, reason=HOLD, reference=complaint_id)
    act.emit("complaint.filed", party.id, {"complaint": complaint_id, "due_on": str(due_on)})
    return ComplaintFiled(complaint_id, number, due_on)


def _take(act: Act, complaint_id: str) -> Row:
    row = act.tx.one(tables.LOCK_COMPLAINT, id=complaint_id)
    if row is None:
        raise Refused("complaint.unknown", f"There is no complaint {complaint_id[:60]}.")
    if row.status == "closed":
        raise Refused("complaint.closed", "This complaint is closed already.")
    return row


def seal_answer(node: Node, input: AnswerComplaint) -> AnswerComplaint:
    """Check and encrypt an answer, before the act.

    Refused: ``complaint.unknown``, ``complaint.no_words``, ``complaint.too_long``,
    ``party.erased``.
    """
    words = rules.check_words(input.words)
    with node.read() as tx:
        found = complaint_of(tx, input.complaint_id)
    return replace(input, words=_sealed(node, found.party_id, "answer", words))


@use_case("complaint.answer", roles=ANSWERING, prepare=seal_answer)
def answer(act: Act, input: AnswerComplaint) -> ComplaintMoved:
    """Answer a complaint; the person may close it or write again.

    Refused: ``complaint.unknown``, ``complaint.closed``, ``party.four_eyes`` on a complaint of
    one's own, and those of ``seal_answer``.
    """
    row = _take(act, input.complaint_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    act.tx.put(tables.ANSWER, id_=row.id, answer_=input.words, now_us_=act.now_us, by_=act.actor)
    act.emit("complaint.answered", row.party_id, {"complaint": row.id})
    return ComplaintMoved(row.id, "answered")


@use_case("complaint.close", roles=("customer", "operator", "system"))
def close(act: Act, input: CloseComplaint) -> ComplaintMoved:
    """Close a complaint: the person is content, or takes it back.

    Refused: ``complaint.unknown``, ``complaint.closed``, ``party.not_yours``.
    """
    row = _take(act, input.complaint_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    act.tx.put(tables.CLOSE, id_=row.id, now_us_=act.now_us)
    release_hold(act, row.party_id, reason=HOLD, reference=row.id)
    act.emit("complaint.closed", row.party_id, {"complaint": row.id})
    return ComplaintMoved(row.id, "closed")


@use_case("complaint.forget_party", roles=("system",))
def forget_party(act: Act, input: Delivery) -> ComplaintsForgotten:
    """Empty the words of an erased person's complaints; numbers and days stay for the count."""
    party_id = input.event.subject
    return ComplaintsForgotten(party_id, act.tx.run(tables.BLANK, party_id_=party_id))


subscribe("complaint.forget_party", to=("party.erased",))
