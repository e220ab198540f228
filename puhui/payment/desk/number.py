"""Numbers of wallets and receipts: shown in groups of digits, found again from what is typed."""

from __future__ import annotations

from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.ledger import chart, lookup_accounts
from puhui.payment.desk.read import lines_between, payments_numbered
from puhui.payment.nouns.pay import Payment, StatementLine
from puhui.payment.rules import number as rules
from puhui.payment.rules import receipt as receipts
from puhui.payment.rules.number import is_wallet_number as is_wallet_number
from puhui.payment.rules.number import plain as plain
from puhui.payment.tables import wallet as tables


def shown(account_id: int) -> str:
    """The wallet number of an account as people read it: nineteen digits in groups of four."""
    return rules.grouped(rules.number_of(account_id))


def grouped(text: str) -> str:
    """A wallet number in groups of four; anything else as it is."""
    return rules.grouped(plain(text)) if is_wallet_number(text) else text


def grouped_digits(digits: str) -> str:
    """Digits in groups of four, as people read them aloud."""
    return rules.grouped(digits)


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


APART_US = receipts.APART_US


def receipt_in(account_id: int, time_us: int) -> str:
    """The receipt, sixteen digits, of what an act at ``time_us`` moved in a wallet, by its account,
    where it names no number of its own: what came of a loan, and what was paid on one.
    """
    return receipts.receipt_of(receipts.number_for(time_us // 1000 * 1000, account_id))


def receipt_span(text: str, *, now_us: int) -> tuple[int, int]:
    """The second of a receipt number, from and before, in microseconds UTC."""
    begins = receipts.second_of(plain(text), now_us)
    return begins, begins + 1_000_000


def receipt(id: str) -> str:
    """The receipt number of something by its id ("deal-…"), in groups of four; the id itself where
    it has no time.
    """
    number = receipts.number_of_id(id)
    return id if number is None else rules.grouped(receipts.receipt_of(number))


def is_receipt(text: str) -> bool:
    """Whether a text, blanks aside, is a receipt number with its check digits right."""
    return receipts.is_receipt(plain(text))


def own_lines(
    tx: Transaction, text: str, party_id: str, currency: str, *, now_us: int
) -> tuple[StatementLine, ...]:
    """The lines of a party's statement that have a receipt number, typed in any grouping; also by
    the number that each line had alone in older releases.
    """
    begins = receipts.second_of(plain(text), now_us)
    until = begins + 1_000_000 + APART_US
    lines = lines_between(tx, party_id, currency, begins - APART_US, until)
    return tuple(one for one in lines if plain(text) in (one.receipt, _older_receipt(one)))


def _older_receipt(line: StatementLine) -> str:
    return receipts.receipt_of(receipts.number_at(line.time_us, int(line.id, 16)))


def receipted(tx: Transaction, text: str, *, now_us: int) -> tuple[Payment, ...]:
    """The payments that have a receipt number, whosever they are: for staff."""
    begins_ms = receipts.second_of(plain(text), now_us) // 1000
    low, high = begins_ms << 80, (begins_ms + 1000 << 80) - 1
    found = payments_numbered(tx, low, high, receipt=plain(text), apart_us=APART_US)
    return tuple(one for one in found if one.receipt == plain(text))
