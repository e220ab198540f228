"""Burden 月还款负担: what a loan asks for a month by its present plan."""

from __future__ import annotations


def monthly_burden(owed_minor: int, days_left: int) -> int:
    """All that is still to be paid, spread over the months that are left, rounded up.

    ``owed_minor`` is what is owed now and what falls due later, all parts, minor units;
    ``days_left`` to the last due day. A part of a month counts as one, and one is the least, so
    that what is overdue past the last due day counts whole.
    """
    months = max(1, -(-days_left * 12 // 365))
    return -(-owed_minor // months)
