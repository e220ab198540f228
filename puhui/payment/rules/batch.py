"""Which payments of a batch the tiers of the wallets let through, judged in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field

from puhui.payment.nouns.wallet import Tier

POSTED, REPEATED = "posted", "exists"
BAD_AMOUNT, CLOSED = "payment.bad_amount", "payment.wallet_closed"
SINGLE, DAILY, BALANCE = "payment.single_limit", "payment.daily_limit", "payment.tier_balance"

CODES = {
    "created": POSTED,
    "exists": REPEATED,
    "id_already_failed": "payment.id_failed",
    "accounts_must_be_different": "payment.same_wallet",
    "debit_account_not_found": "payment.no_payer_wallet",
    "credit_account_not_found": "payment.no_payee_wallet",
    "accounts_must_have_the_same_ledger": "payment.other_currency",
    "transfer_must_have_the_same_ledger_as_accounts": "payment.other_currency",
    "debit_account_already_closed": CLOSED,
    "credit_account_already_closed": CLOSED,
    "exceeds_credits": "payment.wallet_short",
}
"""What the ledger's statuses mean to whoever pays."""

REASON_CODES = {
    BAD_AMOUNT: "This is no amount that can be paid.",
    CLOSED: "A wallet of this payment is closed.",
    "payment.single_limit": "The amount is above what the payer's wallet may pay at once.",
    "payment.daily_limit": "The payer's wallet would pass what it may pay in a day.",
    BALANCE: "With this payment the payee's wallet would hold more than its tier allows.",
    "payment.books_not_open": "The lender has no books in this currency yet.",
    "payment.hold_ended": "What was held was taken or released, or its time is over.",
    "payment.bad_text": "Payment id, purpose or remark is missing, too long or no plain text.",
    "payment.id_failed": "A payment with this id failed before; give it a new id.",
    "payment.id_reused": "Another payment has this id already.",
    "payment.no_payee_wallet": "The payee has no wallet in this currency.",
    "payment.no_payer_wallet": "The payer has no wallet in this currency.",
    "payment.not_a_wallet": "This account is no wallet.",
    "payment.other_currency": "The wallet is kept in another currency.",
    "payment.same_wallet": "Payer and payee are the same wallet.",
    "payment.wallet_short": "There is too little in the payer's wallet.",
}
"""Each code in one sentence for people."""


def code_of(status: str) -> str:
    """What a status of the ledger means to whoever pays: posted, exists, or a refusal's code."""
    known = CODES.get(status)
    if known is not None:
        return known
    if status.startswith("exists_with_different"):
        # The words of a payment stand in the transfer as a digest, so they are compared too.
        return "payment.id_reused"
    return BAD_AMOUNT  # what is left are amounts and sums that no ledger keeps


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of wallets with a row, by account: tier, spent today, balance, closed ones.

    Only wallets whose tier bounds something are in ``tiers``; of them ``spent`` and ``balances``
    give what is not nought, in minor units.
    """

    tiers: Mapping[bytes, Tier] = field(default_factory=dict)
    closed: Set[bytes] = frozenset()
    spent: Mapping[bytes, int] = field(default_factory=dict)
    balances: Mapping[bytes, int] = field(default_factory=dict)


def judge_batch(
    held: Held,
    payers: Sequence[bytes],
    payees: Sequence[bytes],
    amounts_minor: Sequence[int],
    known: Collection[int] = (),
) -> dict[int, str]:
    """The refusals of a batch by place: what tiers and closed wallets forbid.

    Payments are judged one after another, each as if all before it that are let through were
    posted; where the ledger turns one of those down later, what it would have used of a limit
    stays used within this batch. ``known`` are places of payments on record: they move nothing and
    are let through, so that a retry is answered as such. Amounts are positive.
    """
    refused: dict[int, str] = {}
    if not held.tiers and not held.closed:
        return refused
    spent, balances = dict(held.spent), dict(held.balances)
    for place, (payer, payee, amount) in enumerate(zip(payers, payees, amounts_minor, strict=True)):
        if place in known:
            continue
        if payer in held.closed or payee in held.closed:
            refused[place] = CLOSED
            continue
        tier, other = held.tiers.get(payer), held.tiers.get(payee)
        if tier is None and other is None:
            continue
        code = _judge(tier, other, amount, spent.get(payer, 0), balances.get(payee, 0))
        if code:
            refused[place] = code
            continue
        spent[payer] = spent.get(payer, 0) + amount
        balances[payer] = balances.get(payer, 0) - amount
        balances[payee] = balances.get(payee, 0) + amount
    return refused


def _judge(
    tier: Tier | None, other: Tier | None, amount: int, spent_minor: int, balance_minor: int
) -> str:
    """What a payment breaks of the payer's tier, then of the payee's; "" where nothing."""
    if tier is not None:
        if tier.single_minor_max is not None and amount > tier.single_minor_max:
            return SINGLE
        if tier.daily_minor_max is not None and spent_minor + amount > tier.daily_minor_max:
            return DAILY
    most = None if other is None else other.balance_minor_max
    return BALANCE if most is not None and balance_minor + amount > most else ""


def bad_texts(
    payment_ids: Sequence[str],
    purposes: Sequence[str],
    remarks: Sequence[str],
    *,
    id_length_max: int,
    purpose_length_max: int,
    remark_length_max: int,
) -> set[int]:
    """The places whose payment id is missing, or whose texts are longer than may be, in characters.

    The usual case, where nothing is wrong, costs three passes.
    """
    wrong: set[int] = set()
    for texts, least, most in (
        (payment_ids, 1, id_length_max),
        (purposes, 0, purpose_length_max),
        (remarks, 0, remark_length_max),
    ):
        lengths = list(map(len, texts))
        if lengths and not least <= min(lengths) <= max(lengths) <= most:
            wrong.update(at for at, length in enumerate(lengths) if not least <= length <= most)
    return wrong
