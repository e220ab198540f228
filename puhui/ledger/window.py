"""The window of the ledger (账本窗口): the general ledger and exports, as channels read them.

The engine ``log`` stands here too, by itself, for a program that needs no node.
"""

from puhui.ledger.arrays.record import pack_accounts, pack_transfers
from puhui.ledger.desk.beside.opening import open_beside
from puhui.ledger.desk.beside.shipping import prune_log, restore_log, ship_log, shipped_state
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
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.engines.log.ship import CopyState
from puhui.ledger.engines.log.singles import Singles
from puhui.ledger.formats import FORMATS
from puhui.ledger.formats.rows import statement_csv
from puhui.ledger.nouns.export import AccountPeriod
from puhui.ledger.nouns.general import FinancialStatement, GeneralBalance

__all__ = [
    "FORMATS",
    "AccountPeriod",
    "CloseYear",
    "CopyState",
    "FinancialStatement",
    "GeneralBalance",
    "LogEngine",
    "Singles",
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
    "pack_accounts",
    "pack_transfers",
    "prune_log",
    "restore_log",
    "ship_log",
    "shipped_state",
    "statement_csv",
    "verify_log",
    "words_of",
]
