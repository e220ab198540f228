"""The window of payment (窗口): what pages and machines read of it beside its door."""

from puhui.payment.desk.code import code_of, codes_of, draw_shown_code, payload_text
from puhui.payment.desk.lists import tiers
from puhui.payment.desk.promise import promise_of, promises_of
from puhui.payment.desk.read import orders_of, payment_of, read_wallet, requests_of, wallets_of
from puhui.payment.formats.account_camt import account_camt053
from puhui.payment.formats.code_svg import bars_svg, qr_svg

__all__ = [
    "account_camt053",
    "bars_svg",
    "code_of",
    "codes_of",
    "draw_shown_code",
    "orders_of",
    "payment_of",
    "read_wallet",
    "payload_text",
    "promise_of",
    "promises_of",
    "qr_svg",
    "requests_of",
    "tiers",
    "wallets_of",
]
