"""What must hold of the books after every test, and short ways to act on them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from puhui import ledger
from puhui.kernel import Actor, Node
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.desk.upkeep import AdvanceWatermarks, ExpirePendings

DEPOSIT = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
FUND, ALICE, BOB, OTHER = 1, 2, 3, 4

_KEYS = itertools.count(1)
OPERATOR = Actor("ledger tester", frozenset({"system", "operator"}))


def check_books(node: Node) -> None:
    """Debits equal credits, and every recorded sum is what the transfers say."""
    with node.read() as tx:
        report = ledger.verify(tx)
    assert report.findings == ()
    assert report.trial_balance.difference_minor == 0


def act(node: Node, name: str, input: object) -> object:
    """Run a use case under a key of its own."""
    return node.act(name, input, key=f"test {next(_KEYS)}", actor=OPERATOR)


def create_accounts(node: Node, *accounts: Account) -> list[str]:
    """Create accounts in a batch act; returns their statuses."""
    return list(act(node, "ledger.create_accounts", CreateAccounts(accounts)).statuses)


def create_transfers(node: Node, *transfers: Transfer) -> list[str]:
    """Create transfers in a batch act; returns their statuses."""
    return list(act(node, "ledger.create_transfers", CreateTransfers(transfers)).statuses)


def expire(node: Node, at_most: int = 8190) -> int:
    """Release pendings past their time; returns how many."""
    return act(node, "ledger.expire_pendings", ExpirePendings(at_most)).released


def advance(node: Node, at_most: int = 1_000_000) -> tuple[int, int]:
    """Move watermarks on; returns postings and accounts."""
    moved = act(node, "ledger.advance_watermarks", AdvanceWatermarks(at_most))
    return moved.postings, moved.accounts


def sums_of(node: Node, ids: Sequence[int], at_us: int | None = None) -> list[tuple[int, ...]]:
    """Debits pending and posted, credits pending and posted of each account."""
    with node.read() as tx:
        found = ledger.lookup_accounts(tx, ids, at_us=at_us)
    return [
        (
            account.debits_pending_minor,
            account.debits_posted_minor,
            account.credits_pending_minor,
            account.credits_posted_minor,
        )
        for account in found
        if account is not None
    ]


def pay(number: int, debit: int, credit: int, amount: int, flags: int = 0, **more: int) -> Transfer:
    """A transfer in yuan with the code of a payment."""
    return Transfer(number, debit, credit, amount, "CNY", 4, flags, **more)


def end(number: int, pending: int, flags: int, amount: int = 0) -> Transfer:
    """A post or a void."""
    return Transfer(number, amount_minor=amount, flags=flags, pending_id=pending)
