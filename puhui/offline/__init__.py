"""Offline (离线支付): signed allowances and vouchers that pay without a network."""

from puhui.offline.desk.device import check_voucher, make_voucher, take_allowance, take_list
from puhui.offline.desk.read import exposure, revocation_list
from puhui.offline.nouns import OfflineVoucher, Purse, Request, RevocationList

__all__ = [
    "OfflineVoucher",
    "Purse",
    "Request",
    "RevocationList",
    "take_allowance",
    "take_list",
    "make_voucher",
    "check_voucher",
    "exposure",
    "revocation_list",
]
