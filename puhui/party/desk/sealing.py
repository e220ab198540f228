"""Sealing what other rooms know of a person, under the person's own key; also what is older."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.kernel.crypto import SubjectKey, read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import tables
from puhui.party.desk.look_up import find_parties
from puhui.party.nouns import Party, PlainText

__all__ = ["PlainText", "key_of", "older_chunks", "seal_older", "seal_text", "sealed_fields"]

CHUNK = 1000
"""So many texts are sealed in one act."""


def sealed_fields(tx: Transaction, party_id: str, fields: Sequence[str]) -> dict[str, str]:
    """The named fields as they are stored: encrypted. Only the room data opens them."""
    if not fields:
        return {}
    rows = tx.all(tables.READ_FIELDS, party_id=party_id, fields=fields)
    return {row.field: row.sealed for row in rows}


def key_of(node: Node, tx: Transaction, party_id: str) -> tuple[Party, SubjectKey | None]:
    """A party and its key, None where it has none or it was destroyed. Refused:
    ``party.unknown``.
    """
    found = find_parties(node, tx, party_ids=[party_id])
    if not found:
        raise Refused("party.unknown", f"There is no party {party_id[:40]}.")
    subject = found[0].subject
    return found[0], read_subject_key(tx, node.keys, subject) if subject else None


def seal_text(node: Node, party_id: str, field: str, text: str) -> str | None:
    """A text sealed under a person's key as ``field``, before an act; None where nothing personal
    is known of the party, so that it has no key and the text may stand as it is.

    Refused: ``party.unknown``, ``party.erased``.
    """
    with node.read(is_snapshot=False) as tx:
        party, key = key_of(node, tx, party_id)
    if party.subject is not None and key is None:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return None if key is None else seal(key, field, text)


def seal_older(
    node: Node, tx: Transaction, texts: Sequence[PlainText]
) -> tuple[tuple[str, str | None], ...]:
    """Texts that were kept plain, sealed, by the number of their row: None where the person's key
    was destroyed. Those of parties without a key are left out.
    """
    made = []
    for one in texts:
        party, key = key_of(node, tx, one.party_id)
        if party.subject is not None:
            made.append((one.id, None if key is None else seal(key, one.field, one.text)))
    return tuple(made)


def older_chunks(node: Node, tx: Transaction, rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The numbers of rows that stand plain though their party has a key, in chunks; nothing once
    all are sealed. Each row has an ``id`` and a ``party_id``.
    """
    ids = sorted({row.party_id for row in rows})
    named = {
        party.id
        for at in range(0, len(ids), CHUNK)
        for party in find_parties(node, tx, party_ids=ids[at : at + CHUNK])
        if party.subject is not None
    }
    wanted = [row.id for row in rows if row.party_id in named]
    return [tuple(wanted[at : at + CHUNK]) for at in range(0, len(wanted), CHUNK)]
