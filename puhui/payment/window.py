"""The window of payment (窗口): what pages and machines read of it beside its door."""

from puhui.payment.desk.file import pay_file
from puhui.payment.desk.lists import tiers
from puhui.payment.desk.read import orders_of, payment_of, read_wallet, requests_of, wallets_of
from puhui.payment.nouns.line import RefusedLine

__all__ = [
    "RefusedLine",
    "orders_of",
    "pay_file",
    "payment_of",
    "read_wallet",
    "requests_of",
    "tiers",
    "wallets_of",
]
