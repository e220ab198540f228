"""What payment speaks of."""

from puhui.payment.nouns.line import PaymentLine

__all__ = ["PaymentLine"]
