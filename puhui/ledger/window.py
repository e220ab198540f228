"""The window of the ledger (账本窗口): the general ledger and exports, as channels read them."""

from puhui.ledger.desk.chart import general_chart, transfer_words
from puhui.ledger.desk.close import closed_span
from puhui.ledger.desk.general import (
    adjustments_between,
    booked_days,
    check_general,
    financial_statement,
    general_balance,
)
from puhui.ledger.nouns.general import (
    UNASSIGNED,
    FinancialStatement,
    GeneralBalance,
)

__all__ = [
    "UNASSIGNED",
    "FinancialStatement",
    "GeneralBalance",
    "adjustments_between",
    "booked_days",
    "check_general",
    "closed_span",
    "financial_statement",
    "general_balance",
    "general_chart",
    "transfer_words",
]
