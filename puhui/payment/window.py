"""The window of payment (窗口): what pages and machines read of it beside its door."""

from puhui.payment.desk import message as messages
from puhui.payment.desk.code import (
    code_of,
    codes_of,
    draw_shown_code,
    payload_text,
    shown_seconds,
)
from puhui.payment.desk.file import pay_file
from puhui.payment.desk.hold import holds_of
from puhui.payment.desk.level import risk_levels
from puhui.payment.desk.lists import tiers
from puhui.payment.desk.promise import promises_of
from puhui.payment.desk.read import (
    count_wallets,
    orders_of,
    payment_of,
    read_wallet,
    requests_of,
    wallets_of,
)
from puhui.payment.formats.code_svg import bars_svg, qr_svg
from puhui.payment.nouns.ask import AskedPayment, StandingOrder
from puhui.payment.nouns.code import Code
from puhui.payment.nouns.line import RefusedLine
from puhui.payment.nouns.pay import FilePaid, HeldMoney, Payment, StatementLine
from puhui.payment.nouns.promise import Promise
from puhui.payment.nouns.wallet import Tier, Wallet

__all__ = [
    "FilePaid",
    "HeldMoney",
    "AskedPayment",
    "StandingOrder",
    "Code",
    "Payment",
    "Promise",
    "StatementLine",
    "Tier",
    "Wallet",
    "RefusedLine",
    "bars_svg",
    "code_of",
    "codes_of",
    "count_wallets",
    "draw_shown_code",
    "holds_of",
    "messages",
    "orders_of",
    "pay_file",
    "payload_text",
    "payment_of",
    "promises_of",
    "qr_svg",
    "read_wallet",
    "requests_of",
    "risk_levels",
    "shown_seconds",
    "tiers",
    "wallets_of",
]
