"""Proposals 双人复核: changes of loans that one officer proposes and another approves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApprovalFigures:
    """The most that one officer decides alone, by use case, minor units; how long a proposal
    stands in days; the reasons that may be given; over how many days changes that were made alone
    for a borrower are summed.
    """

    alone_minor: Mapping[str, int]
    days: int
    reasons: tuple[str, ...]
    sum_days: int


@dataclass(frozen=True, slots=True)
class ProposeChange:
    """Propose the use case ``name`` with its input as a JSON text, for a reason by its word."""

    name: str
    told: str
    reason: str


@dataclass(frozen=True, slots=True)
class DecideChange:
    """Approve a proposal, which does it at once, or decline it."""

    proposal_id: str
    is_approved: bool


@dataclass(frozen=True, slots=True)
class ProposalKey:
    """Names a proposal."""

    proposal_id: str


@dataclass(frozen=True, slots=True)
class ProposalMoved:
    """Where a proposal stands (open, approved, declined, withdrawn) and what it costs, minor
    units; of one that was approved the number of the event it became.
    """

    proposal_id: str
    contract_id: str
    status: str
    cost_minor: int
    number: int | None = None
