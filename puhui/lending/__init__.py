"""Lending (贷款): from an application to a decision, a contract, money in a wallet, and back."""

from puhui.lending.desk import review as _review  # registers its use cases
from puhui.lending.desk.contract import draft_contract
from puhui.lending.desk.read import list_loans, loan_state, portfolio, read_case, review_queue
from puhui.lending.desk.repay import quote_pay_off
from puhui.lending.desk.shelf import keep_mapping
from puhui.lending.formats import shelf
from puhui.lending.rules import profit

assert _review

__all__ = [
    "shelf",
    "profit",
    "keep_mapping",
    "draft_contract",
    "read_case",
    "review_queue",
    "list_loans",
    "loan_state",
    "portfolio",
    "quote_pay_off",
]
