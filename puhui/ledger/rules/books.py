"""What a batch of transfers is judged against, and what is to be recorded of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from puhui.ledger.nouns import Status, Transfer

OPEN, POSTED, VOIDED, EXPIRED = 0, 1, 2, 3
"""States of a pending transfer."""

TRANSIENT = frozenset(
    {
        Status.DEBIT_ACCOUNT_NOT_FOUND,
        Status.CREDIT_ACCOUNT_NOT_FOUND,
        Status.PENDING_TRANSFER_NOT_FOUND,
        Status.EXCEEDS_CREDITS,
        Status.EXCEEDS_DEBITS,
        Status.DEBIT_ACCOUNT_ALREADY_CLOSED,
        Status.CREDIT_ACCOUNT_ALREADY_CLOSED,
    }
)
"""Failures that another day might not be: they burn the id, so that a late retry cannot succeed."""

Terms = tuple[str, int, int]
"""Of an account: ledger, flags, time created in microseconds UTC."""

DP, DR, CP, CR = 0, 1, 2, 3
"""Places in a list of sums: debits pending, debits posted, credits pending, credits posted."""


@dataclass(frozen=True, slots=True)
class Books:
    """What a batch is judged against; nothing in it is changed.

    ``sums`` holds an entry ``(debits pending, debits posted, credits pending, credits posted)`` in
    minor units for every account with a balance row, and for others only where a balancing
    transfer needs it; pendings past their time are already left out of it. ``transfers`` are the
    recorded ones among the ids and pending ids of the batch, ``pendings`` state and expiry time
    (microseconds UTC, 0 for none) of the pending ones, ``failed`` the ids burnt, ``closed`` the
    accounts that an open pending transfer has closed.
    """

    now_us: int
    accounts: Mapping[int, Terms]
    sums: Mapping[int, Sequence[int]] = field(default_factory=dict)
    transfers: Mapping[int, Transfer] = field(default_factory=dict)
    pendings: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    failed: Collection[int] = ()
    closed: Collection[int] = ()


@dataclass(slots=True)
class Judgement:
    """What is to be recorded of a batch.

    ``created`` in order, amounts and inherited fields resolved; ``pendings`` the new state and
    expiry of each pending transfer made or ended; ``changes`` what is added to the sums of
    each account of ``Books.sums`` that are not as before; ``failed`` the ids burnt; ``chains``
    first and past-last index in ``created`` of each linked chain; ``closed`` accounts that are not
    closed or open as they were, and whether they are closed now.
    """

    statuses: list[Status] = field(default_factory=list)
    created: list[Transfer] = field(default_factory=list)
    pendings: dict[int, tuple[int, int]] = field(default_factory=dict)
    changes: dict[int, list[int]] = field(default_factory=dict)
    failed: dict[int, Status] = field(default_factory=dict)
    chains: list[tuple[int, int]] = field(default_factory=list)
    closed: dict[int, bool] = field(default_factory=dict)
