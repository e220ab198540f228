"""Use cases and queries of the ledger (账本)."""

from puhui.ledger.desk import ahead as _ahead  # noqa: F401  registers its use case
from puhui.ledger.desk.account import create_accounts, lookup_accounts
from puhui.ledger.desk.chart import chart
from puhui.ledger.desk.close import close_books, mark_books, sum_books
from puhui.ledger.desk.report import account_history, trial_balance, verify
from puhui.ledger.desk.transfer import create_transfers, lookup_transfers
from puhui.ledger.desk.upkeep import advance_watermarks, expire_pendings
from puhui.ledger.desk.year import close_year

__all__ = [
    "account_history",
    "advance_watermarks",
    "chart",
    "close_books",
    "close_year",
    "create_accounts",
    "create_transfers",
    "expire_pendings",
    "lookup_accounts",
    "lookup_transfers",
    "mark_books",
    "sum_books",
    "trial_balance",
    "verify",
]
