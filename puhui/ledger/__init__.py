"""The ledger (账本): double entry; all value of the platform moves by its transfers."""

from puhui.ledger.desk import (
    account_history,
    chart,
    create_accounts,
    create_transfers,
    lookup_accounts,
    lookup_transfers,
    trial_balance,
    verify,
)
from puhui.ledger.nouns import Account, Transfer

__all__ = [
    "Account",
    "Transfer",
    "chart",
    "create_accounts",
    "create_transfers",
    "lookup_accounts",
    "lookup_transfers",
    "account_history",
    "trial_balance",
    "verify",
]
