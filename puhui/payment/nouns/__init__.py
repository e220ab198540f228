"""What payment speaks of."""

from puhui.payment.nouns.ask import AskedPayment, StandingOrder
from puhui.payment.nouns.line import PaymentLine
from puhui.payment.nouns.pay import BatchPaid, Paid, Payment, StatementLine
from puhui.payment.nouns.wallet import Tier, Wallet

__all__ = [
    "AskedPayment",
    "BatchPaid",
    "Paid",
    "Payment",
    "PaymentLine",
    "StandingOrder",
    "StatementLine",
    "Tier",
    "Wallet",
]
