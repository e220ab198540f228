"""Reasons of hardship 困难原因: illness or loss of work is sealed under the person's own key."""

from __future__ import annotations

from dataclasses import replace

from puhui.data import Permit, open_text
from puhui.kernel.crypto import read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.party import find_parties
from puhui.servicing.nouns.collect import AskRelief
from puhui.servicing.tables import live

REASONS = ("illness", "unemployment", "disaster", "market")
FIELD = "relief_reason"
"""What a sealed reason is bound to."""


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
        found = find_parties(node, tx, party_ids=[row.party_id])
        subject = found[0].subject if found else None
        key = read_subject_key(tx, node.keys, subject) if subject else None
    if subject is not None and key is None:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return input if key is None else replace(input, reason=seal(key, FIELD, input.reason))


def open_reason(node: Node, tx: Transaction, made: Permit | None, sealed: str) -> str:
    """A reason as a word; "" where there is no right to it, or the key was destroyed.

    One of a request that is older than the sealing stands as a word already. Whoever made the
    permit asked for the field ``hardship``, or opens what is their own.
    """
    if made is None:
        return ""
    if sealed in REASONS:
        return sealed
    return open_text(node, tx, made, field=FIELD, sealed=sealed) or ""
