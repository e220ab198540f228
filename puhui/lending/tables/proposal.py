"""Proposals of changes of loans, and every statement on them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    bindparam,
    func,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, sum_int
from puhui.kernel.store.listing import in_orders, matches
from puhui.lending.tables import CONTRACT

PROPOSAL = Table(
    "lending_proposal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contract_id", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("told", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_us", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_us", BigInteger),
    Column("number", BigInteger),
    CheckConstraint("status IN ('open', 'approved', 'declined', 'withdrawn')"),
    CheckConstraint("cost_minor >= 0"),
    CheckConstraint("decided_by IS NULL OR status = 'withdrawn' OR decided_by <> proposed_by"),
    Index("lending_proposal_status", "status", "proposed_us"),
    Index("lending_proposal_contract", "contract_id"),
)
"""One row a proposal: the use case with its input, what it costs, who proposed and decided."""

_proposal = PROPOSAL.c
INSERT_PROPOSAL = insert_all(PROPOSAL)
READ_PROPOSAL = select(*_proposal).where(_proposal.id == bindparam("id"))
LOCK_PROPOSAL = READ_PROPOSAL.with_for_update()
READ_OPEN = select(_proposal.id).where(
    _proposal.contract_id == bindparam("contract_id"),
    _proposal.name == bindparam("name"),
    _proposal.status == "open",
)
MOVE_PROPOSAL = (
    update(PROPOSAL)
    .where(_proposal.id == bindparam("id_"))
    .values(
        status=bindparam("status_"),
        decided_by=bindparam("by_"),
        decided_us=bindparam("now_us_"),
        number=bindparam("number_"),
        cost_minor=bindparam("cost_minor_"),
    )
)
LIST_PROPOSALS = in_orders(
    select(*_proposal).where(
        matches("status", _proposal.status),
        matches("name", _proposal.name),
        matches("contract", _proposal.contract_id),
    ),
    {"proposed": _proposal.proposed_us, "cost": _proposal.cost_minor, "name": _proposal.name},
    _proposal.id,
)
COUNT_OPEN = select(func.count().label("found")).where(_proposal.status == "open")

CHANGE_COST = Table(
    "lending_change_cost",
    metadata,
    Column("contract_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    CheckConstraint("cost_minor >= 0"),
)
"""What changes of a loan cost that one officer did alone, by the number of their event."""

_cost = CHANGE_COST.c
INSERT_COST = insert_all(CHANGE_COST)
SUM_COSTS = (
    select(_cost.name, sum_int(_cost.cost_minor).label("minor"))
    .join(CONTRACT, CONTRACT.c.id == _cost.contract_id)
    .where(CONTRACT.c.party_id == bindparam("party_id"), _cost.made_us > bindparam("since_us"))
    .group_by(_cost.name)
)
FIND_COST = select(_cost.number).where(
    _cost.contract_id == bindparam("contract_id"),
    _cost.number == bindparam("number"),
    _cost.made_us > bindparam("since_us"),
    _cost.cost_minor > 0,
)
CLEAR_COST = (
    update(CHANGE_COST)
    .where(_cost.contract_id == bindparam("contract_id_"), _cost.number == bindparam("number_"))
    .values(cost_minor=0)
)
