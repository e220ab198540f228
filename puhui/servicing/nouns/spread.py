"""Deferred fees 递延手续费: what was kept back of a loan at first and is earned over its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

Knots = tuple[tuple[int, int], ...]
"""Days by number, growing, and what of a fee is not earned yet at the end of each, minor units;
nought from the last one on."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that is expected of a loan on ``due_on``, minor units: principal and interest.

    The period that it ends began on ``starts_on`` and is ``years`` of a year by the contract's
    count of days.
    """

    starts_on: date
    due_on: date
    amount_minor: int
    years: Decimal


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates per year at which what is expected of a loan is worth what was lent (``contract``),
    and what was lent less the fee (``effective``), each period's interest being its rate times its
    part of a year.
    """

    contract: Decimal
    effective: Decimal


@dataclass(frozen=True, slots=True)
class Deferral:
    """A fee that is a part of the interest of one loan, minor units.

    ``charged_minor`` is what the borrower gave, ``fee_minor`` what of it is ours and not a joint
    lender's; ``rates`` stand as on the first day. None where it is earned by days alone.
    """

    charged_minor: int
    fee_minor: int
    rates: Rates | None
