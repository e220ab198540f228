"""Reading wallets, payments, requests, standing orders and statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from puhui.kernel.calendar import add_months
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Transfer, account_history, chart, lookup_transfers
from puhui.payment.desk.post import is_number
from puhui.payment.desk.wallet import take_wallet, wallet_account, wallet_of
from puhui.payment.nouns.ask import AskedPayment, StandingOrder
from puhui.payment.nouns.pay import Payment, StatementLine
from puhui.payment.nouns.wallet import Wallet, WalletCount
from puhui.payment.rules.receipt import number_of_line, receipt_of
from puhui.payment.tables import ask, payment
from puhui.payment.tables import wallet as tables

PAGE = 2_000
_NOT_POSTING = Transfer.PENDING | Transfer.VOID


def read_wallet(tx: Transaction, party_id: str, currency: str) -> Wallet:
    """The wallet of a party as it counts: recorded or not. One statement."""
    return take_wallet(tx, party_id, currency)


def wallets_of(tx: Transaction, party_id: str) -> tuple[Wallet, ...]:
    """The wallets on record of a party, by currency."""
    rows = tx.all(tables.READ_WALLETS_OF, party_id=party_id)
    return tuple(wallet_of(row, party_id, row.currency) for row in rows)


def count_wallets(tx: Transaction) -> tuple[WalletCount, ...]:
    """How many wallets are on record, by currency, tier and status."""
    return tuple(WalletCount(*row) for row in tx.all(tables.COUNT_WALLETS))


def payment_of(tx: Transaction, id: str) -> Payment:
    """The payment whose transfer is ``id``, 32 hexadecimal digits. Refused: ``payment.unknown``."""
    found = lookup_transfers(tx, [int(id, 16)])[0] if is_number(id) else None
    row = None if found is None else read_words(tx, [found.user_data_128]).get(found.user_data_128)
    if found is None or row is None:
        raise Refused("payment.unknown", f"There is no payment {id[:40]}.")
    refunds = tx.all(payment.READ_REFUNDS, ids=[tables.blob(found.id)])
    return Payment(
        id=f"{found.id:032x}",
        payment_id=row.payment_id,
        kind=_kinds()[found.code],
        payer_id=row.payer_id,
        payee_id=row.payee_id,
        amount_minor=found.amount_minor,
        currency=found.ledger,
        purpose=row.purpose,
        remark=row.remark,
        original_id=row.original_id.hex() if row.original_id else "",
        refunded_minor=refunds[0].refunded_minor if refunds else 0,
        made_us=found.time_us,
        receipt=receipt_of(
            number_of_line(found.user_data_128, found.id, found.time_us, found.debit_account_id)
        ),
    )


def payments_numbered(
    tx: Transaction, low: int, high: int, *, receipt: str, apart_us: int
) -> tuple[Payment, ...]:
    """The payments whose numbers lie from ``low`` to ``high`` and have a receipt number.

    Numbers begin with their time. The transfer is sought in the statement of the wallet that paid,
    or was paid, within ``apart_us`` of it.
    """
    made = []
    for row in tx.all(payment.READ_NUMBERED, low=tables.blob(low), high=tables.blob(high)):
        number = int.from_bytes(row.number, "big")
        if receipt_of(number) != receipt:
            continue
        at_us = (number >> 80) * 1000
        span = {"from_us": at_us - apart_us, "until_us": at_us + apart_us}
        for account_id in _accounts_of(row.payer_id or row.payee_id):
            page = account_history(tx, account_id, after=0, count=PAGE, **span)
            ids = [line.transfer_id for line in page if line.user_data_128 == number]
            made += [payment_of(tx, f"{one:032x}") for one in ids[:1]]
    return tuple(made)


def _accounts_of(end: str) -> list[int]:
    """The accounts that an end of a payment may mean: one by its number, or a party's wallets."""
    if is_number(end):
        return [int(end, 16)]
    return [wallet_account(end, currency) for currency in sorted(DIGITS)]


def _kinds() -> dict[int, str]:
    return {code: name for name, code in chart().transfers.items()}


def read_words(tx: Transaction, numbers: Sequence[int]) -> dict[int, Row]:
    """What payments were for, by their numbers; nought is the number of none. One statement."""
    keys = [tables.blob(number) for number in numbers if number]
    if not keys:
        return {}
    rows = tx.all(payment.READ_PAYMENTS, numbers=keys)
    return {int.from_bytes(row.number, "big"): row for row in rows}


def requests_of(tx: Transaction, party_id: str, *, count: int = 200) -> tuple[AskedPayment, ...]:
    """What a party was asked for and asks for, the newest first."""
    rows = tx.all(ask.READ_REQUESTS_OF, party_id=party_id, count=count)
    return tuple(AskedPayment(*row) for row in rows)


def orders_of(tx: Transaction, party_id: str) -> tuple[StandingOrder, ...]:
    """The standing orders of a payer, the oldest first."""
    return tuple(_order_of(row) for row in tx.all(ask.READ_ORDERS_OF, party_id=party_id))


def _order_of(row: Row) -> StandingOrder:
    return StandingOrder(
        id=row.id,
        payer_id=row.payer_id,
        payee_id=row.payee_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        remark=row.remark,
        every=row.every,
        anchor_day=row.anchor_day,
        next_on=date.fromisoformat(row.next_on),
        try_on=date.fromisoformat(row.try_on),
        ends_on=None if row.ends_on is None else date.fromisoformat(row.ends_on),
        attempts=row.attempts,
        status=row.status,
    )


def statement(
    tx: Transaction, party_id: str, currency: str, month: date
) -> tuple[StatementLine, ...]:
    """What came into a wallet and left it in the month of ``month`` (days in China), oldest first.

    Money that is only held is no line; it comes when it is taken. Each line names the counterparty
    by its pseudonym and the balance after it, so the first line tells the opening balance too.
    """
    first = month.replace(day=1)
    from_us, until_us = start_of_day_us(first), start_of_day_us(add_months(first, 1))
    return lines_between(tx, party_id, currency, from_us, until_us)


def lines_between(
    tx: Transaction, party_id: str, currency: str, from_us: int, until_us: int
) -> tuple[StatementLine, ...]:
    """The lines of a wallet from ``from_us`` to before ``until_us``, as ``statement`` has them."""
    account_id = wallet_account(party_id, currency)
    lines: list[StatementLine] = []
    after = 0
    while True:
        page = account_history(
            tx, account_id, after=after, count=PAGE, from_us=from_us, until_us=until_us
        )
        lines.extend(_lines(tx, page, account_id))
        if len(page) < PAGE:
            return tuple(lines)
        after = page[-1].position


def _lines(tx: Transaction, page: Sequence[Any], account_id: int) -> list[StatementLine]:
    posted = [line for line in page if not line.flags & _NOT_POSTING]
    found = read_words(tx, [line.user_data_128 for line in posted])
    kinds = _kinds()
    made = []
    for line in posted:
        about = found.get(line.user_data_128)
        other = ""
        if about is not None:
            other = about.payee_id if line.is_debit else about.payer_id
        time_us = line.time_us
        number = number_of_line(line.user_data_128, line.transfer_id, time_us, account_id)
        made.append(
            StatementLine(
                id=f"{line.transfer_id:032x}",
                time_us=line.time_us,
                kind=kinds.get(line.code, str(line.code)),
                other=other or f"{line.other_account_id:032x}",
                purpose="" if about is None else about.purpose,
                remark="" if about is None else about.remark,
                amount_minor=-line.amount_minor if line.is_debit else line.amount_minor,
                balance_minor=line.balance_minor,
                receipt=receipt_of(number),
            )
        )
    return made
