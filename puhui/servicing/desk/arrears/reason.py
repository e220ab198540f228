"""Reasons of hardship 困难原因: illness or loss of work is sealed under the person's own key."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from puhui.data import Permit, open_text
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.party import sealing
from puhui.servicing.nouns.collect import (
    AskRelief,
    ReasonsSealed,
    SealedReasons,
    SealReasons,
)
from puhui.servicing.tables import collect as tables
from puhui.servicing.tables import live

CLASSES = {"illness": "household", "unemployment": "household", "disaster": "trade",
           "market": "trade"}  # fmt: skip
"""Why somebody is in hardship, and the class of it that stands unsealed, so that requests can be
sorted by it: no class is one reason alone, and none tells an illness."""

REASONS = tuple(CLASSES)
REASON_CLASSES = ("household", "trade")
FIELD = "relief_reason"
"""What a sealed reason is bound to."""

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
    told = sealing.seal_text(node, row.party_id, FIELD, input.reason.ljust(WIDTH))
    return replace(input, reason=told or input.reason, reason_class=CLASSES[input.reason])


def check_reason(reason: str, reason_class: str) -> None:
    """Whether a reason is one that is known, or sealed, and its class too, "" in a journal that is
    older; an act sees none but these, be it one of before the sealing. Refused:
    ``servicing.bad_relief``.
    """
    if reason_class not in ("", *REASON_CLASSES):
        raise Refused("servicing.bad_relief", "The class follows from the reason.")
    if reason not in REASONS and len(reason) < SEALED_LENGTH_MIN:
        raise Refused("servicing.bad_relief", f"Relief is for one of {', '.join(REASONS)}.")


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
    with node.read() as tx:
        rows = [row for row in tx.all(tables.READ_REASONS) if row.id in wanted]
        texts = [
            sealing.PlainText(row.id, row.party_id, FIELD, row.reason.ljust(WIDTH)) for row in rows
        ]
        made = sealing.seal_older(node, tx, texts)
    plain = {row.id: row.reason for row in rows}
    return SealedReasons(
        tuple((one, text or "") for one, text in made),
        tuple("" if text is None else CLASSES[plain[one]] for one, text in made),
    )


@use_case("servicing.seal_reasons", roles=("system", "operator"), prepare=seal_older)
def seal_reasons(act: Act, input: SealReasons | SealedReasons) -> ReasonsSealed:
    """Seal reasons of requests for relief that are older than the sealing.

    What the journal says of them stays as it was. Refused: ``servicing.sealed_input``.
    """
    assert isinstance(input, SealedReasons), input
    classes = input.classes or ("",) * len(input.sealed)
    for (relief_id, sealed), one in zip(input.sealed, classes, strict=True):
        act.tx.put(tables.SEAL_REASON, id_=relief_id, reason_=sealed, reason_class_=one)
    return ReasonsSealed(len(input.sealed))


def plain_chunks(node: Node, day: date) -> list[SealReasons]:
    """Reasons of named persons that still stand plain, in chunks; nothing once all are sealed."""
    with node.read() as tx:
        chunks = sealing.older_chunks(node, tx, tx.all(tables.READ_REASONS))
    return [SealReasons(ids) for ids in chunks]


day_step(46, "servicing.seal_reasons", plain_chunks)
