"""Rules of requests, split bills and standing orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from puhui.kernel.calendar import add_months
from puhui.kernel.errors import Refused

EVERY = ("week", "month")


def split_equally(total_minor: int, count: int) -> tuple[int, ...]:
    """``total_minor`` in ``count`` shares that differ by one minor unit at most.

    The first ones bear the odd minor units, so that the shares always sum to the total.
    """
    assert count > 0, count
    least, odd = divmod(total_minor, count)
    return tuple(least + (place < odd) for place in range(count))


def shares_of(
    total_minor: int, party_ids: Sequence[str], shares_minor: Sequence[int], *, parties_max: int
) -> tuple[int, ...]:
    """The share of each party, in minor units.

    Refused: ``payment.bad_split`` where nobody or somebody twice is named, too many are, a share
    is not above nought, or the shares do not sum to the total.
    """
    if not 0 < len(party_ids) <= parties_max or len(set(party_ids)) != len(party_ids):
        raise Refused("payment.bad_split", f"A bill has 1 to {parties_max} parties, each once.")
    shares = tuple(shares_minor) or split_equally(total_minor, len(party_ids))
    if len(shares) != len(party_ids):
        raise Refused("payment.bad_split", "Each party has one share.")
    if min(shares) <= 0 or sum(shares) != total_minor:
        raise Refused("payment.bad_split", "Shares are above nought and sum to the bill.")
    return shares


def check_every(every: str, starts_on: date, ends_on: date | None, today: date) -> None:
    """A standing order that can be kept. Refused: ``payment.bad_order``."""
    if every not in EVERY:
        raise Refused("payment.bad_order", f"A standing order is for every {' or '.join(EVERY)}.")
    if starts_on < today:
        raise Refused("payment.bad_order", "A standing order starts today or later.")
    if ends_on is not None and ends_on < starts_on:
        raise Refused("payment.bad_order", "A standing order does not end before it starts.")


def day_after(every: str, due_on: date, anchor_day: int) -> date:
    """The due day after ``due_on``: a week later, or on ``anchor_day`` of the next month.

    A month that has no such day takes its last one; the month after has the anchor again.
    """
    if every == "week":
        return due_on + timedelta(days=7)
    return add_months(due_on, 1, anchor_day)
