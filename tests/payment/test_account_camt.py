"""Statements of ledger accounts as camt.053: read back, they say what the ledger says."""

from __future__ import annotations

from collections.abc import Callable

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock, business_date, time_of
from puhui.ledger.window import account_period, words_of
from puhui.payment import own_account, wallet_account
from puhui.payment.desk.message import account_camt053
from puhui.payment.formats.iso20022 import read_camt053
from tests.payment.purse import open_books, pay, person


def test_a_wallet_and_the_fund_in_one_message(
    sqlite_node: Node, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    node = sqlite_node
    open_books(node)
    payer = person(node, 1, tier=1, money=50_000)
    payee = person(node, 2, tier=1)
    pay(node, payer, payee, 1_234)
    today = business_date(clock.now_us())
    ids = [
        wallet_account(payer, "CNY"),
        wallet_account(payee, "CNY"),
        own_account("funding", "CNY"),
    ]
    with node.read() as tx:
        periods = [account_period(tx, account_id, today, today) for account_id in ids]
    created = time_of(clock.now_us())
    message = read_camt053(
        account_camt053(periods, words_of, message_id="statement-1", created=created)
    )
    assert message.message_id == "statement-1"
    for period, one in zip(periods, message.statements, strict=True):
        assert one.account.other_id == f"{period.account_id:032x}"
        balances = {b.code: (b.amount.minor, b.is_credit) for b in one.balances}
        assert balances["OPBD"][0] == period.opening_minor
        assert balances["CLBD"] == (
            period.closing_minor,
            period.is_credit or not period.closing_minor,
        )
        assert [e.amount.minor for e in one.entries] == [n.amount_minor for n in period.lines]
        assert [e.is_credit for e in one.entries] == [not n.is_debit for n in period.lines]
        assert all(e.booked_on == today for e in one.entries)
    assert periods[0].closing_minor == 50_000 - 1_234
