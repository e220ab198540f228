"""Payees at other nodes: what is asked about them before money moves, and what may be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

NO_CURRENCY = "XXX"
"""The code of ISO 4217 for no currency: only whether there is such a payee is asked."""


@dataclass(frozen=True, slots=True)
class AskPayee:
    """A customer asks another node about a payee there ("party:ID"); it counts for their day."""

    party_id: str
    peer: str
    payee: str


@dataclass(frozen=True, slots=True)
class PayeeAsked:
    """How often the customer has asked today, this time counted."""

    asks: int


@dataclass(frozen=True, slots=True)
class PayeeThere:
    """A payee (收款人) as the node where they are tells: ``name`` with part of it hidden, "" where
    none may be shown.
    """

    name: str


@dataclass(frozen=True, slots=True)
class ForgetAsks:
    """Counts of days before ``before`` are deleted."""

    before: date


@dataclass(frozen=True, slots=True)
class AsksForgotten:
    """How many counts were deleted."""

    rows: int
