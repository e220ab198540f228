"""Fees 费用: what a charge comes to, once or with each instalment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding, round_minor
from puhui.servicing.nouns.plan import FeeBasis, Happening, PlanEvent
from puhui.servicing.nouns.state import PlanRow


def fee_minor(
    basis: FeeBasis, value: Decimal, *, amount_minor: int, interest_minor: int, rounding: Rounding
) -> int:
    """One fee in minor units: ``value`` itself, or that share 0..1 of an amount or of interest.

    Refused: ``servicing.bad_event`` for a fee below nought or a share above one.
    """
    if value < 0 or (basis is not FeeBasis.FLAT and value > 1):
        raise Refused("servicing.bad_event", "A fee is not below nought, a share not above one.")
    of = {
        FeeBasis.FLAT: 1,
        FeeBasis.SHARE_OF_AMOUNT: amount_minor,
        FeeBasis.SHARE_OF_INTEREST: interest_minor,
        FeeBasis.SHARE_OF_BOTH: amount_minor + interest_minor,
    }
    return round_minor(of[basis] * value, rounding)


def fee_each(
    rows: Sequence[PlanRow], basis: FeeBasis, value: Decimal, on: date, name: str
) -> tuple[PlanEvent, ...]:
    """The events that charge a fee with each instalment, on its principal and interest.

    Down payments bear none; ``name`` begins the ids of the events. Refused as ``fee_minor``.
    """
    return tuple(
        PlanEvent(f"{name}/{row.number}", Happening.FEE_CHARGED, on, minor, due_on=row.due_on)
        for row in rows
        if not row.is_down_payment
        for minor in [
            fee_minor(
                basis,
                value,
                amount_minor=row.principal_minor,
                interest_minor=row.interest_minor,
                rounding=Rounding.HALF_EVEN,
            )
        ]
        if minor
    )
