"""What must hold after every test: contracts and the ledger say the same."""

from __future__ import annotations

from puhui import ledger, lending
from puhui.kernel import Node
from puhui.lending.desk.lend.contract import loan_account


def check_books(node: Node) -> None:
    """Per contract, what is outstanding is the balance of its loan account."""
    with node.read() as tx:
        after, checked = "", 0
        while loans := lending.list_loans(tx, after=after, count=1000):
            ids = [loan_account(loan.contract_id) for loan in loans]
            for loan, account in zip(loans, ledger.lookup_accounts(tx, ids), strict=True):
                if loan.status in ("signed", "void"):
                    assert account is None or account.debits_posted_minor == 0, loan
                    continue
                assert account is not None, loan
                assert account.debits_posted_minor >= loan.outstanding_minor, loan
                assert account.debit_balance_minor == loan.outstanding_minor, loan
                checked += 1
            after = loans[-1].contract_id
