"""Lending (贷款): from an application to a decision, a contract, money in a wallet, and back."""

from puhui.lending.desk import forget as _forget  # noqa: F401

# Importing a desk registers its use cases, days and what audits look at.
from puhui.lending.desk.ask import review as _review  # noqa: F401
from puhui.lending.desk.guarantee import answer as _answer  # noqa: F401
from puhui.lending.desk.guarantee import consent as _consent  # noqa: F401
from puhui.lending.desk.guard import credit_limit as _credit_limit  # noqa: F401
from puhui.lending.desk.guard import offer as _offer  # noqa: F401
from puhui.lending.desk.loan import agree as _agree  # noqa: F401
from puhui.lending.desk.loan import approval as _approval  # noqa: F401
from puhui.lending.desk.loan import change as _change  # noqa: F401
from puhui.lending.desk.loan import cooling_off as _cooling_off  # noqa: F401
from puhui.lending.desk.loan import drawing as _drawing  # noqa: F401
from puhui.lending.desk.loan import follow as _follow  # noqa: F401
from puhui.lending.desk.loan import late_fee as _late_fee  # noqa: F401
from puhui.lending.desk.loan import line as _line  # noqa: F401
from puhui.lending.desk.loan.contract import draft_contract
from puhui.lending.desk.loan.repay import quote_pay_off
from puhui.lending.desk.read import contract_of, list_loans, loan_state, portfolio, read_case
from puhui.lending.desk.shelf import keep_mapping
from puhui.lending.desk.watch import cut_off as _cut_off  # noqa: F401
from puhui.lending.desk.watch import drift as _drift  # noqa: F401
from puhui.lending.desk.watch import fairness as _fairness  # noqa: F401
from puhui.lending.desk.watch import study
from puhui.lending.formats import shelf

__all__ = [
    "shelf",
    "study",
    "keep_mapping",
    "draft_contract",
    "read_case",
    "contract_of",
    "list_loans",
    "loan_state",
    "portfolio",
    "quote_pay_off",
]
