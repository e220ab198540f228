"""Merchants (商户): what a shop's flows, records and own words say, as the row a score reads."""

from puhui.merchant.desk import read_row
from puhui.merchant.nouns import Flows, Guarded, Invoice, Observed, PastInstalment, Stated
from puhui.merchant.rules.row import row_of, yuan_text
from puhui.merchant.rules.signal import signals_of

__all__ = [
    "Flows",
    "Guarded",
    "Invoice",
    "Observed",
    "PastInstalment",
    "Stated",
    "read_row",
    "row_of",
    "signals_of",
    "yuan_text",
]
