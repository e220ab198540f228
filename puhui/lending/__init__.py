"""Lending (贷款): from an application to a decision, a contract, money in a wallet, and back."""

from puhui.lending.desk import agree as _agree  # noqa: F401  registers its use case
from puhui.lending.desk import approval as _approval  # noqa: F401  registers its use cases
from puhui.lending.desk import change as _change  # noqa: F401  registers its use cases
from puhui.lending.desk import cooling_off as _cooling_off  # noqa: F401  registers its use case
from puhui.lending.desk import credit_limit as _credit_limit  # noqa: F401  registers its use cases
from puhui.lending.desk import cut_off as _cut_off  # noqa: F401  registers its use case
from puhui.lending.desk import drawing as _drawing  # noqa: F401  registers its use case
from puhui.lending.desk import drift as _drift  # noqa: F401  registers its use case
from puhui.lending.desk import fairness as _fairness  # noqa: F401  names what audits look at
from puhui.lending.desk import follow as _follow  # noqa: F401  registers its use cases
from puhui.lending.desk import forget as _forget  # noqa: F401  registers its use case
from puhui.lending.desk import guarantee as _guarantee  # noqa: F401  registers its use cases
from puhui.lending.desk import late_fee as _late_fee  # noqa: F401  registers its use case
from puhui.lending.desk import line as _line  # noqa: F401  registers its use cases
from puhui.lending.desk import offer as _offer  # noqa: F401  registers its use case
from puhui.lending.desk import review as _review  # noqa: F401  registers its use cases
from puhui.lending.desk import study
from puhui.lending.desk.contract import draft_contract
from puhui.lending.desk.read import contract_of, list_loans, loan_state, portfolio, read_case
from puhui.lending.desk.repay import quote_pay_off
from puhui.lending.desk.shelf import keep_mapping
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
