"""What the ledger decides, pure: accounts, transfers in batches, and whether the books agree."""

from puhui.ledger.rules.account import judge_accounts, require_created
from puhui.ledger.rules.books import EXPIRED, OPEN, Books, Judgement, Terms
from puhui.ledger.rules.check import TRACKED, check_limits, compare_books
from puhui.ledger.rules.expiry import first_expiries, leave_out_due, release
from puhui.ledger.rules.transfer import judge_transfers

__all__ = [
    "EXPIRED",
    "OPEN",
    "TRACKED",
    "Books",
    "Judgement",
    "Terms",
    "check_limits",
    "compare_books",
    "first_expiries",
    "judge_accounts",
    "judge_transfers",
    "leave_out_due",
    "release",
    "require_created",
]
