"""Tables and statements of peers: what they may draw on, and the legs that they asked for."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text, bindparam, delete, select

from puhui.exchange.tables.participant import PARTICIPANT
from puhui.kernel.store import insert_all, metadata, upsert

DRAW = Table(
    "exchange_draw",
    metadata,
    Column("peer_id", Text, ForeignKey("exchange_participant.id"), primary_key=True),
    Column("participant_id", Text, ForeignKey("exchange_participant.id"), primary_key=True),
)
"""Whose positions a peer may have paid from."""

PEER_LEG = Table(
    "exchange_peer_leg",
    metadata,
    Column("leg_id", Text, ForeignKey("exchange_leg.id"), primary_key=True),
    Column("peer_id", Text, ForeignKey("exchange_participant.id"), nullable=False),
)
"""The legs that peers asked for; nobody else's may be moved by them."""

_draw, _peer_leg, _participant = DRAW.c, PEER_LEG.c, PARTICIPANT.c

ADD_DRAW = upsert(DRAW, ["peer_id", "participant_id"], {})
DROP_DRAW = delete(DRAW).where(
    _draw.peer_id == bindparam("peer_id_"), _draw.participant_id == bindparam("participant_id_")
)
READ_DRAWS = (
    select(_draw.participant_id, _participant.public_key)
    .join(PARTICIPANT, _participant.id == _draw.participant_id)
    .where(_draw.peer_id == bindparam("peer_id"))
    .order_by(_draw.participant_id)
)
READ_ALL_DRAWS = select(*_draw).order_by(_draw.peer_id, _draw.participant_id)

INSERT_PEER_LEG = insert_all(PEER_LEG)
READ_PEER_LEG = select(_peer_leg.peer_id).where(_peer_leg.leg_id == bindparam("leg_id"))

READ_PEER_BY_KEY = select(_participant.id, _participant.name, _participant.status).where(
    _participant.kind == "peer", _participant.public_key == bindparam("public_key")
)
