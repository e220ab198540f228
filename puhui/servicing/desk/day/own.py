"""Postings between the lender's own accounts."""

from __future__ import annotations

from puhui.kernel.act import Act
from puhui.ledger import Account, Transfer, chart, create_transfers
from puhui.payment import own_account


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
