"""What pendings past their time no longer hold."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from puhui.ledger.nouns import Transfer
from puhui.ledger.rules.books import CP, DP, OPEN, Judgement

Key = TypeVar("Key", bound=Hashable)


def leave_out_due(
    sums: Mapping[int, Sequence[int]], due: Iterable[tuple[int, bool, int]]
) -> dict[int, Sequence[int]]:
    """The sums (minor units, places as in ``Books``) without what due pendings still hold.

    ``due`` has account id, whether it is the debit side, and the amount held.
    """
    left: dict[int, Sequence[int]] = {}
    for account_id, is_debit, amount_minor in due:
        changed = list(left.get(account_id, sums[account_id]))
        changed[DP if is_debit else CP] -= amount_minor
        assert min(changed) >= 0, changed
        left[account_id] = changed
    return left


def release(pendings: Iterable[tuple[Key, Key, int]]) -> dict[Key, list[int]]:
    """What is added to the sums of accounts when pendings end without a post.

    ``pendings`` have debit account, credit account (any key of them) and amount in minor units.
    """
    changes: dict[Key, list[int]] = {}
    for debit_id, credit_id, amount_minor in pendings:
        changes.setdefault(debit_id, [0, 0, 0, 0])[DP] -= amount_minor
        changes.setdefault(credit_id, [0, 0, 0, 0])[CP] -= amount_minor
    return changes


def first_expiries(made: Judgement, expiries: Mapping[int, int]) -> Mapping[int, int]:
    """The first expiry (microseconds UTC, 0 for none) of each account, new pendings included."""
    if not made.pendings:
        return expiries
    firsts = dict(expiries)
    for t in made.created:
        state, expires_us = made.pendings.get(t.id, (OPEN, 0))
        if not t.flags & Transfer.PENDING or not expires_us or state != OPEN:
            continue
        for account_id in (t.debit_account_id, t.credit_account_id):
            if account_id in firsts:
                firsts[account_id] = min(firsts[account_id] or expires_us, expires_us)
    return firsts
