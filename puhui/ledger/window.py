"""The window of the ledger (账本窗口): the general ledger and exports, as channels read them."""

from puhui.ledger.desk.beside.opening import open_beside
from puhui.ledger.desk.chart import general_chart
from puhui.ledger.desk.close import closed_span
from puhui.ledger.desk.export import account_period, account_words, book, verify_log, words_of
from puhui.ledger.desk.general import (
    adjustments_between,
    booked_days,
    check_general,
    financial_statement,
    general_balance,
)
from puhui.ledger.desk.year import CloseYear
from puhui.ledger.formats import FORMATS
from puhui.ledger.formats.rows import statement_csv
from puhui.ledger.nouns.export import AccountPeriod
from puhui.ledger.nouns.general import FinancialStatement, GeneralBalance

__all__ = [
    "FORMATS",
    "AccountPeriod",
    "CloseYear",
    "FinancialStatement",
    "GeneralBalance",
    "account_period",
    "account_words",
    "adjustments_between",
    "book",
    "booked_days",
    "check_general",
    "closed_span",
    "financial_statement",
    "general_balance",
    "general_chart",
    "open_beside",
    "statement_csv",
    "verify_log",
    "words_of",
]
