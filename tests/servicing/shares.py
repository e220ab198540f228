"""What lenders of a loan must have, worked out from its replay and from nothing that posts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass

from puhui.kernel.money import allocate
from puhui.payment import wallet_account
from puhui.servicing import noun
from puhui.servicing.desk.loan.joint import due_account, joint_account

LENDERS = (("party-lender-a", 300_000), ("party-lender-b", 99_999))
"""Two joint lenders and their shares in millionths; b's leaves something to cut nearly always."""


@dataclass(frozen=True)
class Sums:
    """What a lender has: principal in the loan, interest due, money in the wallet."""

    principal_minor: int
    due_minor: int
    wallet_minor: int

    def __sub__(self, other: Sums) -> Sums:
        return Sums(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Ours:
    """Income of ours, losses of ours, and principal that each lender lost."""

    interest_minor: int
    fee_minor: int
    lost_minor: int
    principal_lost: tuple[int, ...]


def lender_accounts(loan_id: str) -> list[int]:
    """Of each lender the accounts of its part, of interest due to it, and its wallet."""
    return [
        number
        for name, _ in LENDERS
        for number in (
            joint_account(loan_id, name),
            due_account(name, "CNY").id,
            wallet_account(name, "CNY"),
        )
    ]


def split(amount: int, lenders: Sequence[tuple[str, int]]) -> list[int]:
    """Parts of a sum, the last ours: they sum to it, below nought as above."""
    weights = [*(share for _, share in lenders), 1_000_000 - sum(share for _, share in lenders)]
    parts = allocate(abs(amount), weights)
    return [part if amount >= 0 else -part for part in parts]


def must_be(
    state: noun.PlanState,
    losses: Collection[str],
    booked_minor: int,
    lenders: Sequence[tuple[str, int]],
    filled_minor: int,
) -> tuple[tuple[Sums, ...], Ours]:
    """What lenders must have, of wallets that ``filled_minor`` was put into, and what is ours."""
    size = len(lenders) + 1
    interest, fees, cash, losing, principal_lost = ([0] * size for _ in range(5))
    for share in state.shares:
        is_loss = share.event_id in losses
        principal = split(share.principal_minor, lenders)
        earned = [
            a + b
            for a, b in zip(
                split(share.interest_minor, lenders), split(share.penalty_minor, lenders),
                strict=True,
            )
        ]  # fmt: skip
        charged = split(share.fee_minor, lenders)
        recovered = split(share.recovered_minor, lenders)
        for n in range(size):
            interest[n] += earned[n]
            fees[n] += charged[n]
            if is_loss:
                losing[n] += principal[n] + earned[n] + charged[n]
                principal_lost[n] += principal[n]
            else:
                cash[n] += earned[n] + charged[n]
            losing[n] -= recovered[n]
            cash[n] += recovered[n]
        losing[-1] += share.credit_minor if is_loss else 0
    held, due = split(state.outstanding_minor, lenders), split(booked_minor, lenders)
    sums = tuple(
        Sums(held[n], due[n], filled_minor - held[n] - principal_lost[n] + cash[n])
        for n in range(len(lenders))
    )
    return sums, Ours(due[-1] + interest[-1], fees[-1], losing[-1], tuple(principal_lost[:-1]))
