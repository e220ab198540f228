"""Burden 月还款负担: what a loan asks for a month by its present plan, and of who stands for it."""

from __future__ import annotations

from collections.abc import Mapping

from puhui.servicing.rules.expected import MILLION


def monthly_burden(owed_minor: int, days_left: int) -> int:
    """All that is still to be paid, spread over the months that are left, rounded up.

    ``owed_minor`` is what is owed now and what falls due later, all parts, minor units;
    ``days_left`` to the last due day. A part of a month counts as one, and one is the least, so
    that what is overdue past the last due day counts whole.
    """
    months = max(1, -(-days_left * 12 // 365))
    return -(-owed_minor // months)


def call_of(
    arrears_minor: int, share_millionths: int, claims: Mapping[str, int], guarantee_id: str
) -> int:
    """What a guarantee is called for now, minor units rounded down; 0 or less where for nothing.

    ``claims`` are by guarantee of the loan what its guarantor has paid and was not given back. The
    borrower left unpaid what is past due now and what guarantors paid; a guarantor owes the share
    of that, less what that guarantor paid.
    """
    unpaid_minor = arrears_minor + sum(claims.values())
    due_minor = unpaid_minor * share_millionths // MILLION - claims[guarantee_id]
    return min(due_minor, arrears_minor)
