"""What lenders of a loan must have, worked out from its replay and from nothing that posts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass

from puhui.kernel import Node
from puhui.kernel.act import USE_CASES, Act, use_case
from puhui.kernel.money import allocate
from puhui.ledger import Account, Transfer, chart, create_transfers, lookup_accounts
from puhui.payment import own_account, wallet_account
from puhui.servicing import noun
from puhui.servicing.desk.loan.joint import due_account, joint_account
from puhui.servicing.desk.loan.post import transfer_chain
from puhui.servicing.desk.loan.purse import (
    aside_account,
    asides_of,
    keep_purses,
    list_asides,
)
from puhui.servicing.nouns.lender import Purse

LENDERS = (("party-lender-a", 300_000), ("party-lender-b", 99_999))
"""Two joint lenders and their shares in millionths; b's leaves something to cut nearly always."""


@dataclass(frozen=True)
class Sums:
    """What a lender has: principal in the loan, interest due, money in the wallet or aside."""

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


def lender_accounts(loan_id: str, currency: str = "CNY") -> list[int]:
    """Of each lender the accounts of its part, of interest due to it, its wallet, and what is kept
    for it.
    """
    return [
        number
        for name, _ in LENDERS
        for number in (
            joint_account(loan_id, name),
            due_account(name, currency).id,
            wallet_account(name, currency),
            aside_account(name, currency).id,
        )
    ]


@dataclass(frozen=True)
class Freeze:
    """Close the wallet of a party in the ledger, or let it go where ``frees`` names its closing."""

    party_id: str
    frees: int = 0


def freeze(act: Act, input: Freeze) -> Frozen:
    """Close a wallet as a court's order would, or void that closing."""
    wallet, number = wallet_account(input.party_id, "CNY"), act.new_number()
    reason, outside = chart().transfer("opening"), own_account("funding", "CNY")
    closing = Transfer(number, wallet, outside, 0, "CNY", reason,
                       flags=Transfer.PENDING | Transfer.CLOSING_DEBIT)  # fmt: skip
    if input.frees:
        closing = Transfer(number, pending_id=input.frees, flags=Transfer.VOID)
    create_transfers(act, [closing], strict=True)
    return Frozen(number)


@dataclass(frozen=True)
class Frozen:
    """The number of the transfer that closed a wallet, or opened it."""

    number: int


if "bench.freeze" not in USE_CASES:
    use_case("bench.freeze", roles=("system",))(freeze)


@dataclass(frozen=True)
class Keep:
    """Keep money for a lender whose wallet is closed."""

    lender_id: str
    amount_minor: int


def keep(act: Act, input: Keep) -> Frozen:
    """Move money of ours aside for a lender, as if its wallet had not taken it."""
    purse = Purse(input.lender_id, 0, aside_account(input.lender_id, "CNY").id, False, 0,
                  input.amount_minor)  # fmt: skip
    purses = {input.lender_id: purse}
    own = Account(own_account("funding", "CNY"), "CNY", chart().account("funding"))
    parts = [(own.id, purse.aside, input.amount_minor, "lender_share")]
    transfer_chain(act, parts, "CNY", opening=[own, *asides_of(purses, "CNY")])
    keep_purses(act, "CNY", purses)
    return Frozen(purse.aside)


if "bench.keep" not in USE_CASES:
    use_case("bench.keep", roles=("system",))(keep)


def kept_for(node: Node) -> dict[str, int]:
    """What is on record as kept for each lender, minor units; the ledger must hold as much."""
    with node.read() as tx:
        asides = [row for row in list_asides(tx) if row.currency == "CNY"]
        rows = {row.lender_id: int(row.kept_minor) for row in asides}
        found = lookup_accounts(tx, [aside_account(name, "CNY").id for name, _ in LENDERS])
    held = {
        name: 0 if one is None else one.credit_balance_minor
        for (name, _), one in zip(LENDERS, found, strict=True)
    }
    assert rows == {name: minor for name, minor in held.items() if minor}, (rows, held)
    return held


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
