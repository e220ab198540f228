"""The window of offline (窗口): what devices write and read, and what staff may see."""

from puhui.offline.desk.books import wallet_account
from puhui.offline.desk.excess import asides, excess_of
from puhui.offline.desk.lists import find_tier, offline_tiers
from puhui.offline.desk.read import (
    allowance_of,
    allowances_of,
    fraud_cases,
    vouchers_of,
    vouchers_to,
)
from puhui.offline.engines.signature import public_key_of
from puhui.offline.formats.message import (
    read_allowance,
    read_list,
    read_payment,
    read_request,
    read_voucher,
    write_list,
    write_request,
    write_voucher,
)
from puhui.offline.nouns import AllowanceState, Aside, FraudKind

__all__ = [
    "AllowanceState",
    "Aside",
    "FraudKind",
    "find_tier",
    "offline_tiers",
    "allowance_of",
    "allowances_of",
    "asides",
    "excess_of",
    "fraud_cases",
    "vouchers_of",
    "vouchers_to",
    "wallet_account",
    "public_key_of",
    "read_allowance",
    "read_list",
    "read_payment",
    "read_request",
    "read_voucher",
    "write_list",
    "write_request",
    "write_voucher",
]
