"""Keeping and dropping drafts; the room data opens them, for the person alone."""

from __future__ import annotations

import json
from dataclasses import replace

from puhui.draft import tables
from puhui.draft.nouns import DraftKept, DraftsForgotten, DropDraft, KeepDraft
from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.event import Delivery, subscribe
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.party import check_actor, find_parties, take_party

DRAFT_LENGTH_MAX = 8_000
KIND_LENGTH_MAX = 40


def draft_field(kind: str) -> str:
    """What a sealed draft is bound to, so that no two kinds can be exchanged."""
    return f"draft\x1f{kind}"


def seal_draft(node: Node, input: KeepDraft) -> KeepDraft:
    """Encrypt a draft under the person's key, before the act.

    Refused: ``draft.too_long``, ``draft.bad_kind``, ``draft.no_person``, ``party.unknown``,
    ``party.erased``.
    """
    if not input.kind or len(input.kind) > KIND_LENGTH_MAX:
        raise Refused("draft.bad_kind", "A draft has a kind of at most 40 characters.")
    text = json.dumps(dict(input.values), ensure_ascii=False, sort_keys=True)
    if len(text) > DRAFT_LENGTH_MAX:
        raise Refused("draft.too_long", "A draft has at most 8,000 characters.")
    with node.read() as tx:
        found = find_parties(node, tx, party_ids=[input.party_id])
        if not found:
            raise Refused("party.unknown", f"There is no party {input.party_id[:40]}.")
        subject = found[0].subject
        key = None if subject is None else read_subject_key(tx, node.keys, subject)
    if subject is None:
        raise Refused("draft.no_person", "A draft belongs to a registered person or firm.")
    if key is None:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return replace(input, values={}, sealed=seal(key, draft_field(input.kind), text))


@use_case("draft.keep", roles=("customer", "system"), prepare=seal_draft)
def keep(act: Act, input: KeepDraft) -> DraftKept:
    """Keep what a person has typed so far, in place of what was kept before.

    Refused: ``party.not_yours``, ``party.unknown``, ``party.erased`` and those of ``seal_draft``.
    """
    assert input.sealed, input.kind
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    take_party(act, input.party_id)
    act.tx.put(
        tables.PUT_DRAFT,
        party_id=input.party_id,
        kind=input.kind,
        sealed=input.sealed,
        kept_us=act.now_us,
    )
    return DraftKept(input.party_id, input.kind)


@use_case("draft.drop", roles=("customer", "system"))
def drop(act: Act, input: DropDraft) -> DraftKept:
    """Delete a draft; one that is not there is none. Refused: ``party.not_yours``."""
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    act.tx.put(tables.DELETE_DRAFT, party_id=input.party_id, kind=input.kind)
    return DraftKept(input.party_id, input.kind)


@use_case("draft.forget_party", roles=("system",))
def forget_party(act: Act, input: Delivery) -> DraftsForgotten:
    """Delete the drafts of an erased person; nobody could open them any more."""
    party_id = input.event.subject
    return DraftsForgotten(party_id, act.tx.run(tables.DELETE_DRAFTS, party_id=party_id))


subscribe("draft.forget_party", to=("party.erased",))


def sealed_draft(tx: Transaction, party_id: str, kind: str) -> str | None:
    """A draft as it is stored: encrypted; None where there is none. One statement."""
    row = tx.one(tables.READ_DRAFT, party_id=party_id, kind=kind)
    return None if row is None else str(row.sealed)
