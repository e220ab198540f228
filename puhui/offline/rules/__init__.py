"""What offline decides, pure: what a device may pay, what it may take, and who is paid out."""

from puhui.offline.rules.device import (
    check_acceptance,
    check_list,
    check_terms,
    next_voucher,
    open_purse,
    spent_purse,
)
from puhui.offline.rules.grant import cover_of, draft_allowance
from puhui.offline.rules.payout import (
    award_at_close,
    award_at_sync,
    find_cases,
    split_award,
    status_of,
    witnessed,
)

__all__ = [
    "award_at_close",
    "award_at_sync",
    "check_acceptance",
    "check_list",
    "check_terms",
    "cover_of",
    "draft_allowance",
    "find_cases",
    "next_voucher",
    "open_purse",
    "spent_purse",
    "split_award",
    "status_of",
    "witnessed",
]
