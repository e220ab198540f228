"""Four eyes 双人复核: a costly change of a loan is proposed by one officer, approved by another."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from puhui.kernel.act import USE_CASES, Act, use_case
from puhui.kernel.crypto import canonical_json
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.kernel.store.listing import filled, ordered
from puhui.lending.desk.lend import drawing as _drawing  # noqa: F401
from puhui.lending.desk.lend.contract import take_contract
from puhui.lending.desk.serve import agree as _agree  # noqa: F401
from puhui.lending.desk.serve import change as _change  # noqa: F401
from puhui.lending.formats.approval import load_approval_figures
from puhui.lending.nouns.approval import (
    ApprovalFigures,
    DecideChange,
    ProposalKey,
    ProposalMoved,
    ProposeChange,
)
from puhui.lending.tables import proposal as tables
from puhui.party import check_actor

PROPOSERS = ("loan_officer", "risk_analyst", "operator")
TOLD_MAX = 2_000
DAY_US = 86_400_000_000


@use_case("lending.propose_change", roles=PROPOSERS)
def propose_change(act: Act, input: ProposeChange) -> ProposalMoved:
    """Propose a change of a loan that one officer may not do alone; nothing changes yet.

    It is tried out on the loan as it stands, so that only what could be done is proposed: beside
    its own refusals, it gives those of the change. Refused: ``lending.bad_proposal``,
    ``lending.proposed_already``, ``lending.no_contract``, ``lending.not_running``,
    ``party.four_eyes`` for an own loan.
    """
    figures = load_approval_figures()
    told = _told_in(figures, input.name, input.told)
    if input.reason not in figures.reasons:
        raise Refused("lending.bad_proposal", f"A reason is one of {', '.join(figures.reasons)}.")
    row = take_contract(act, told.contract_id)
    if act.tx.one(tables.READ_OPEN, contract_id=row.id, name=input.name) is not None:
        raise Refused("lending.proposed_already", "The same is proposed for this loan already.")
    act.kept["is_trial"] = True
    USE_CASES[input.name].function(act, told)
    cost = act.kept["cost_minor"]
    proposal_id = act.new_id("proposal")
    act.tx.put(
        tables.INSERT_PROPOSAL,
        id=proposal_id,
        contract_id=row.id,
        party_id=row.party_id,
        currency=row.currency,
        name=input.name,
        told=canonical_json(USE_CASES[input.name].input_adapter.dump_python(told, mode="json")),
        reason=input.reason,
        cost_minor=cost,
        status="open",
        proposed_by=act.actor,
        proposed_us=act.now_us,
        decided_by=None,
        decided_us=None,
        number=None,
    )
    act.emit("lending.change_proposed", row.party_id, {"proposal": proposal_id})
    return ProposalMoved(proposal_id, row.id, "open", cost)


def _told_in(figures: ApprovalFigures, name: str, text: str) -> Any:
    """The input of the proposed use case. Refused: ``lending.bad_proposal``."""
    if name not in figures.alone_minor or len(text) > TOLD_MAX:
        known = ", ".join(sorted(figures.alone_minor))
        raise Refused("lending.bad_proposal", f"Only one of these is proposed: {known}.")
    try:
        return USE_CASES[name].input_adapter.validate_json(text)
    except ValidationError as error:
        raise Refused(
            "lending.bad_proposal", "The proposal lacks something, or has too much."
        ) from error


def _take_open(act: Act, proposal_id: str) -> Row:
    """A proposal that waits, locked.

    Refused: ``lending.no_proposal``, ``lending.proposal_decided``.
    """
    row = act.tx.one(tables.LOCK_PROPOSAL, id=proposal_id)
    if row is None:
        raise Refused("lending.no_proposal", f"There is no proposal {proposal_id[:60]}.")
    if row.status != "open":
        raise Refused("lending.proposal_decided", f"This proposal is {row.status} already.")
    return row


@use_case("lending.decide_change", roles=("risk_analyst",))
def decide_change(act: Act, input: DecideChange) -> ProposalMoved:
    """Approve a proposal, by which the change is done at once, or decline it.

    The change is worked out on the loan as it stands now, and may be refused as it says itself.
    Refused: ``lending.no_proposal``, ``lending.proposal_decided``, ``lending.proposal_over`` once
    it is older than proposals stand, ``party.four_eyes`` for whoever proposed it, by whichever
    login, or borrowed.
    """
    row = _take_open(act, input.proposal_id)
    check_actor(act.tx, act.actor, second_to=row.proposed_by)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    figures = load_approval_figures()
    if not input.is_approved:
        return _move(act, row, "declined", row.cost_minor)
    if act.now_us > row.proposed_us + figures.days * DAY_US:
        raise Refused("lending.proposal_over", f"A proposal stands for {figures.days} days.")
    act.kept["is_approved"] = True
    outcome = USE_CASES[row.name].function(act, _told_in(figures, row.name, row.told))
    number = getattr(outcome, "number", None)
    return _move(act, row, "approved", act.kept["cost_minor"], number)


@use_case("lending.withdraw_proposal", roles=PROPOSERS)
def withdraw_proposal(act: Act, input: ProposalKey) -> ProposalMoved:
    """Take an own proposal back while nobody has decided.

    Refused: ``lending.no_proposal``, ``lending.proposal_decided``, ``lending.not_proposer``.
    """
    row = _take_open(act, input.proposal_id)
    if row.proposed_by != act.actor:
        raise Refused("lending.not_proposer", "Only whoever proposed it takes it back.")
    return _move(act, row, "withdrawn", row.cost_minor)


def _move(
    act: Act, row: Row, status: str, cost_minor: int, number: int | None = None
) -> ProposalMoved:
    act.tx.put(
        tables.MOVE_PROPOSAL,
        id_=row.id,
        status_=status,
        by_=act.actor,
        now_us_=act.now_us,
        number_=number,
        cost_minor_=cost_minor,
    )
    act.emit(f"lending.change_{status}", row.party_id, {"proposal": row.id})
    return ProposalMoved(row.id, row.contract_id, status, cost_minor, number)


def list_proposals(
    tx: Transaction,
    *,
    status: str = "open",
    name: str = "",
    contract: str = "",
    order: str = "proposed",
    skip: int = 0,
    count: int = 50,
) -> tuple[Row, ...]:
    """A page of proposals, those that wait longest first. Refused: ``lending.bad_order``."""
    statement = ordered(tables.LIST_PROPOSALS, order, code="lending.bad_order")
    words = filled(status=status, name=name, contract=contract)
    return tuple(tx.all(statement, **words, skip=skip, count=count))


def proposal_row(tx: Transaction, proposal_id: str) -> Row:
    """One proposal. Refused: ``lending.no_proposal``."""
    row = tx.one(tables.READ_PROPOSAL, id=proposal_id)
    if row is None:
        raise Refused("lending.no_proposal", f"There is no proposal {proposal_id[:60]}.")
    return row


def count_open(tx: Transaction) -> int:
    """How many proposals wait."""
    row = tx.one(tables.COUNT_OPEN)
    assert row is not None
    return int(row.found)


def figures() -> ApprovalFigures:
    """What one officer decides alone, and for which reasons changes are proposed."""
    return load_approval_figures()
