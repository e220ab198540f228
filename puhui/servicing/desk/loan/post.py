"""Postings of a loan: the difference between two states goes to the books, nothing is rewritten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.ledger import Account, Transfer, chart, create_transfers
from puhui.payment import own_account, wallet_account
from puhui.servicing.nouns import Happening, PlanEvent, Share

LOSSES = (Happening.WAIVED, Happening.WRITTEN_OFF, Happening.GOODWILL)
"""Kinds that the lender bears; all others move money of the payer's wallet."""
REASONS = {
    Happening.WAIVED: "waiver",
    Happening.WRITTEN_OFF: "write_off",
    Happening.GOODWILL: "waiver",
    Happening.CHARGED_BACK: "charge_back",
    Happening.CREDIT_REFUNDED: "refund",
}
"""Reasons of kinds that have one for all parts."""

Part = tuple[int, int, int, str]
"""Debited account, credited account, minor units, reason."""


def loan_account(loan_id: str) -> int:
    """The number of the account that holds a loan's principal."""
    return Account.id_of(f"loan:{loan_id}")


def parts_of_changes(
    loan: Row, changes: Sequence[Share], events: Mapping[str, PlanEvent]
) -> tuple[list[Part], list[Account]]:
    """By how much the parts of each event differ from what the books hold of it, to be posted,
    and the accounts that are opened by it.

    One new event is posted part by part with its own reasons. What older events come to now, once
    something before them was recorded or undone, is netted into corrections.
    """
    is_new = len(changes) == 1 and changes[0].event_id == _last_of(events)
    if is_new:
        parts = _own_parts(loan, changes[0], events[changes[0].event_id])
    else:
        parts = _corrections(loan, changes, events)
    return parts, _opening(loan, parts)


def _last_of(events: Mapping[str, PlanEvent]) -> str:
    return max(events, key=int)


def _targets(loan: Row, share: Share) -> list[tuple[int, int, str]]:
    """What each account is credited with by a share: account, minor units, reason."""
    currency = loan.currency
    return [
        (loan_account(loan.id), share.principal_minor, "principal_repayment"),
        (own_account("interest_receivable", currency), share.interest_minor, "interest_repayment"),
        (own_account("fee_income", currency), share.fee_minor, "fee"),
        (own_account("interest_receivable", currency), share.penalty_minor, "penalty"),
        (own_account("loan_credit", currency), share.credit_minor, "deposit"),
        (own_account("loan_loss", currency), share.recovered_minor, "recovery"),
    ]


def _source(loan: Row, event: PlanEvent) -> int:
    if event.kind in LOSSES:
        return own_account("loan_loss", loan.currency)
    return wallet_account(event.payer_id or loan.party_id, loan.currency)


def _own_parts(loan: Row, share: Share, event: PlanEvent) -> list[Part]:
    source, one = _source(loan, event), REASONS.get(event.kind)
    found = []
    for account, amount, reason in _targets(loan, share):
        if amount > 0:
            found.append((source, account, amount, one or reason))
        elif amount < 0:
            found.append((account, source, -amount, one or reason))
    return found


def _corrections(
    loan: Row, changes: Sequence[Share], events: Mapping[str, PlanEvent]
) -> list[Part]:
    """Nets of all accounts that changes touch, debits paired with credits in order."""
    nets: dict[int, int] = defaultdict(int)
    for share in changes:
        for account, amount, _ in _targets(loan, share):
            nets[account] += amount
        nets[_source(loan, events[share.event_id])] -= share.total_minor
    assert not sum(nets.values()), nets
    debits = [[account, -amount] for account, amount in nets.items() if amount < 0]
    credits = [[account, amount] for account, amount in nets.items() if amount > 0]
    found: list[Part] = []
    while debits and credits:
        amount = min(debits[0][1], credits[0][1])
        found.append((debits[0][0], credits[0][0], amount, "correction"))
        for side in (debits, credits):
            side[0][1] -= amount
            if not side[0][1]:
                side.pop(0)
    return found


def _opening(loan: Row, parts: Sequence[Part]) -> list[Account]:
    """The account of money owed back, where it is used: it is opened with its first credit."""
    number = own_account("loan_credit", loan.currency)
    if any(number in part[:2] for part in parts):
        return [Account(number, loan.currency, chart().account("loan_credit"))]
    return []


def transfer_chain(
    act: Act, parts: Sequence[Part], currency: str, *, opening: Sequence[Account] = ()
) -> None:
    """Move money by (debit, credit, amount in minor units, reason), all or nothing.

    ``opening`` are accounts to create first where they are not there yet.
    Refused: ``lending.wallet_short``, ``lending.books_not_open``, ``payment.wallet_closed`` for
    one that is closed in the ledger, as it is while it is frozen.
    """
    if not parts:
        return
    codes = chart()
    last = len(parts) - 1
    try:
        create_transfers(
            act,
            [
                Transfer(
                    act.new_number(),
                    debit,
                    credit,
                    amount,
                    currency,
                    codes.transfer(reason),
                    flags=0 if place == last else Transfer.LINKED,
                )
                for place, (debit, credit, amount, reason) in enumerate(parts)
            ],
            strict=True,
            opening=opening,
            are_new=True,
        )
    except Refused as refused:
        if refused.code == "ledger.exceeds_credits":
            raise Refused("lending.wallet_short", "There is too little in the wallet.") from None
        if refused.code.endswith("account_already_closed"):
            raise Refused("payment.wallet_closed", "A wallet in this is closed.") from None
        if refused.code.endswith("account_not_found"):
            raise Refused(
                "lending.books_not_open", f"The lender has no books in {currency} yet."
            ) from None
        raise


def post_own(act: Act, parts: list[tuple[str, str, str, int, str]]) -> int:
    """Move money between own accounts: (debit, credit, currency, minor units, reason); how many.

    Accounts that are not there yet are opened.
    """
    codes = chart()
    wanted = [part for part in parts if part[3]]
    if not wanted:
        return 0
    named = {(name, part[2]) for part in wanted for name in part[:2]}
    create_transfers(
        act,
        [
            Transfer(
                act.new_number(), own_account(debited, currency), own_account(credited, currency),
                amount, currency, codes.transfer(reason),
            )
            for debited, credited, currency, amount, reason in wanted
        ],
        strict=True,
        opening=[
            Account(own_account(name, currency), currency, codes.account(name))
            for name, currency in sorted(named)
        ],
        are_new=True,
    )  # fmt: skip
    return len(wanted)
