"""Peers that ask this node: who they are by their keys, and what they may draw on."""

from __future__ import annotations

from puhui.exchange.desk.lists import between
from puhui.exchange.desk.participant import STAFF
from puhui.exchange.nouns.leg import PrepareLeg
from puhui.exchange.nouns.participant import Participant
from puhui.exchange.nouns.peer import SPEAKS, ChangeDraw, DrawChanged, Standing
from puhui.exchange.rules import peer as rules
from puhui.exchange.tables import participant as participant_tables
from puhui.exchange.tables import peer as tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction

ASKERS = (*STAFF, "peer")
"""Who may have a leg held and ended: staff, and peers within what they may draw on."""


def peer_by_key(tx: Transaction, public_key: str) -> Participant | None:
    """The active peer that holds a key; None where there is none, or it is suspended."""
    row = tx.one(tables.READ_PEER_BY_KEY, public_key=public_key)
    if row is None or row.status != "active":
        return None
    return Participant(row.id, row.name, "peer", public_key, row.status)


def _is_peer(tx: Transaction, actor: str) -> bool:
    row = tx.one(participant_tables.READ_PARTICIPANT, id=actor)
    return row is not None and row.kind == "peer"


def draws_of(tx: Transaction, peer_id: str) -> tuple[tuple[str, str], ...]:
    """The participants whose positions a peer may draw on, with their public keys."""
    rows = tx.all(tables.READ_DRAWS, peer_id=peer_id)
    return tuple((row.participant_id, row.public_key) for row in rows)


def admit_peer(act: Act, asked: PrepareLeg) -> bool:
    """Whether it is a peer that asks for a leg; it may within what it may draw on.

    Refused: ``exchange.not_drawn``, ``exchange.bad_leg``, ``exchange.bad_end``.
    """
    if not _is_peer(act.tx, act.actor):
        return False
    draws = [one for one, _ in draws_of(act.tx, act.actor)]
    rules.check_asked_by_peer(asked, draws, now_us=act.now_us, hold_s_max=between().hold_s_max)
    return True


def check_peer_leg(tx: Transaction, leg_id: str, actor: str) -> None:
    """Whether ``actor`` may see and move a leg: a peer those alone that it asked for.

    Refused: ``exchange.unknown_leg``.
    """
    if not _is_peer(tx, actor):
        return
    row = tx.one(tables.READ_PEER_LEG, leg_id=leg_id)
    if row is None or row.peer_id != actor:
        raise Refused("exchange.unknown_leg", f"There is no leg {leg_id[:60]}.")


def keep_peer_leg(act: Act, leg_id: str) -> None:
    """Put on record that a peer asked for a leg."""
    act.tx.put(tables.INSERT_PEER_LEG, leg_id=leg_id, peer_id=act.actor)


def _check_pair(act: Act, input: ChangeDraw) -> None:
    for participant_id, kinds in (
        (input.peer_id, ("peer",)),
        (input.participant_id, ("bank", "provider")),
    ):
        row = act.tx.one(participant_tables.LOCK_PARTICIPANT, id=participant_id)
        if row is None or row.kind not in kinds:
            raise Refused(
                "exchange.unknown_peer" if "peer" in kinds else "exchange.unknown_participant",
                f"There is no such {kinds[0]} {participant_id[:60]}.",
            )


@use_case("exchange.allow_draw", roles=STAFF)
def allow_draw(act: Act, input: ChangeDraw) -> DrawChanged:
    """Let a peer have payments made from a participant's position, as far as its cap allows.

    Refused: ``exchange.unknown_peer``, ``exchange.unknown_participant``.
    """
    _check_pair(act, input)
    act.tx.put(tables.ADD_DRAW, peer_id=input.peer_id, participant_id=input.participant_id)
    told = {"participant": input.participant_id, "may_draw": True}
    act.emit("exchange.draw_changed", input.peer_id, told)
    return DrawChanged(input.peer_id, input.participant_id, may_draw=True)


@use_case("exchange.forbid_draw", roles=STAFF)
def forbid_draw(act: Act, input: ChangeDraw) -> DrawChanged:
    """Let a peer draw on a participant no more; what is held already may still be ended.

    Refused: ``exchange.unknown_peer``, ``exchange.unknown_participant``.
    """
    _check_pair(act, input)
    act.tx.run(tables.DROP_DRAW, peer_id_=input.peer_id, participant_id_=input.participant_id)
    told = {"participant": input.participant_id, "may_draw": False}
    act.emit("exchange.draw_changed", input.peer_id, told)
    return DrawChanged(input.peer_id, input.participant_id, may_draw=False)


def standing_of(node: Node, actor: str) -> Standing:
    """What this node tells whoever asks about where they stand with it."""
    with node.read() as tx:
        is_peer = _is_peer(tx, actor)
        draws = draws_of(tx, actor) if is_peer else ()
    ids, keys = tuple(one for one, _ in draws), tuple(key for _, key in draws)
    return Standing(actor if is_peer else "", ids, node.clock.now_us(), keys, SPEAKS)
