"""Wallet numbers: shown to people in groups of digits, and found again from what they type."""

from __future__ import annotations

from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.ledger import chart, lookup_accounts
from puhui.payment.rules import number as rules
from puhui.payment.rules.number import is_wallet_number as is_wallet_number
from puhui.payment.rules.number import plain as plain
from puhui.payment.tables import wallet as tables


def shown(account_id: int) -> str:
    """The wallet number of an account as people read it: nineteen digits in groups of four."""
    return rules.grouped(rules.number_of(account_id))


def grouped(text: str) -> str:
    """A wallet number in groups of four; anything else as it is."""
    return rules.grouped(plain(text)) if is_wallet_number(text) else text


def find(tx: Transaction, text: str) -> int:
    """The account that a wallet number means: a wallet on record, or any customer's deposit.

    Refused: ``payment.bad_wallet_number``, ``payment.no_such_wallet``,
    ``payment.wallet_number_shared`` where two have it.
    """
    low, high = rules.span_of(text)
    rows = tx.all(tables.READ_WALLETS_BETWEEN, low=tables.blob(low), high=tables.blob(high))
    found = {int.from_bytes(row.account_id, "big") for row in rows}
    deposit = chart().account("customer_deposit")
    accounts = lookup_accounts(tx, (), between=(low, high))
    found |= {one.id for one in accounts if one is not None and one.code == deposit}
    if not found:
        raise Refused("payment.no_such_wallet", f"There is no wallet {text[:30]}.")
    if len(found) > 1:
        raise Refused(
            "payment.wallet_number_shared", "Two wallets share this number: use the phone number."
        )
    return found.pop()


def named(tx: Transaction, text: str) -> str:
    """Whom a text names as the ledger knows them: a wallet number becomes its account's 32 digits,
    all else stays. Refused: ``payment.no_such_wallet``, ``payment.wallet_number_shared``.
    """
    return f"{find(tx, text):032x}" if is_wallet_number(text) else text
