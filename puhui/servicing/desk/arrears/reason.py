"""Reasons of hardship 困难原因: illness or loss of work is sealed under the person's own key."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from puhui.data import Permit, open_text
from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import SubjectKey, read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.party import find_parties
from puhui.servicing.nouns.collect import (
    AskRelief,
    ReasonsSealed,
    SealedReasons,
    SealReasons,
)
from puhui.servicing.tables import collect as tables
from puhui.servicing.tables import live

REASONS = ("illness", "unemployment", "disaster", "market")
FIELD = "relief_reason"
"""What a sealed reason is bound to."""

CHUNK = 1000
SEALED_LENGTH_MIN = 40
"""No sealed text is shorter: twelve bytes before it and sixteen behind it, in base64."""

WIDTH = max(map(len, REASONS))
"""Every reason is sealed as long as the longest: its length would tell which one it is."""


def seal_reason(node: Node, input: AskRelief) -> AskRelief:
    """Check a reason and seal it under the borrower's key, before the act.

    Of a borrower who is not known by name it stays as it is. Refused: ``servicing.bad_relief``,
    ``servicing.no_loan``, ``party.unknown``, ``party.erased``.
    """
    if input.reason not in REASONS:
        raise Refused("servicing.bad_relief", f"Relief is for one of {', '.join(REASONS)}.")
    with node.read(is_snapshot=False) as tx:
        row = tx.one(live.READ_LOAN, id=input.loan_id)
        if row is None:
            raise Refused("servicing.no_loan", f"There is no loan {input.loan_id[:60]}.")
        subject, key = _key_of(node, tx, row.party_id)
    if subject is not None and key is None:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return input if key is None else replace(input, reason=sealed_reason(key, input.reason))


def check_reason(reason: str) -> None:
    """Whether a reason is one that is known, or sealed; an act sees none but these, be it one of
    a journal that is older than the sealing. Refused: ``servicing.bad_relief``.
    """
    if reason not in REASONS and len(reason) < SEALED_LENGTH_MIN:
        raise Refused("servicing.bad_relief", f"Relief is for one of {', '.join(REASONS)}.")


def sealed_reason(key: SubjectKey, reason: str) -> str:
    """A reason under the key of a person, as long as any other."""
    return seal(key, FIELD, reason.ljust(WIDTH))


def _key_of(node: Node, tx: Transaction, party_id: str) -> tuple[str | None, SubjectKey | None]:
    """The subject of a party and its key, None where it has none."""
    found = find_parties(node, tx, party_ids=[party_id])
    subject = found[0].subject if found else None
    return subject, read_subject_key(tx, node.keys, subject) if subject else None


def open_reason(node: Node, tx: Transaction, made: Permit | None, sealed: str) -> str:
    """A reason as a word; "" where there is no right to it, or the key was destroyed.

    One of a request that is older than the sealing stands as a word already. Whoever made the
    permit asked for the field ``hardship``, or opens what is their own.
    """
    if made is None:
        return ""
    if sealed in REASONS:
        return sealed
    return (open_text(node, tx, made, field=FIELD, sealed=sealed) or "").rstrip()


def seal_older(node: Node, input: SealReasons | SealedReasons) -> SealedReasons:
    """Seal reasons that were kept plain, before the act; of erased persons nothing is left.

    Refused: ``servicing.sealed_input``.
    """
    if not isinstance(input, SealReasons):
        raise Refused("servicing.sealed_input", "Reasons are sealed from what is stored.")
    wanted = set(input.relief_ids)
    made = []
    with node.read() as tx:
        for row in tx.all(tables.READ_REASONS):
            if row.id not in wanted:
                continue
            subject, key = _key_of(node, tx, row.party_id)
            if subject is not None:
                made.append((row.id, "" if key is None else sealed_reason(key, row.reason)))
    return SealedReasons(tuple(made))


@use_case("servicing.seal_reasons", roles=("system", "operator"), prepare=seal_older)
def seal_reasons(act: Act, input: SealReasons | SealedReasons) -> ReasonsSealed:
    """Seal reasons of requests for relief that are older than the sealing.

    What the journal says of them stays as it was. Refused: ``servicing.sealed_input``.
    """
    assert isinstance(input, SealedReasons), input
    for relief_id, sealed in input.sealed:
        act.tx.put(tables.SEAL_REASON, id_=relief_id, reason_=sealed)
    return ReasonsSealed(len(input.sealed))


def plain_chunks(node: Node, day: date) -> list[SealReasons]:
    """Reasons of named persons that still stand plain, in chunks; nothing once all are sealed."""
    with node.read() as tx:
        rows = tx.all(tables.READ_REASONS)
        ids = sorted({row.party_id for row in rows})
        named = {
            party.id
            for at in range(0, len(ids), CHUNK)
            for party in find_parties(node, tx, party_ids=ids[at : at + CHUNK])
            if party.subject is not None
        }
    wanted = [row.id for row in rows if row.party_id in named]
    return [SealReasons(tuple(wanted[at : at + CHUNK])) for at in range(0, len(wanted), CHUNK)]


day_step(46, "servicing.seal_reasons", plain_chunks)
