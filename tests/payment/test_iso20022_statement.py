"""Statements of wallets as camt.053: the lines that people read, in the words of banks."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from puhui.kernel import Node, Refused
from puhui.payment import wallet_account
from puhui.payment.desk.message import statement_camt053
from puhui.payment.formats.iso20022 import read_camt053
from puhui.payment.nouns.message import MessageAmount
from tests.payment.purse import pay, person

MONTH = date(2026, 3, 1)
NOW = datetime(2026, 4, 1, tzinfo=UTC)


def test_a_month_of_a_wallet(bank: Node) -> None:
    anna, bo = person(bank, 1, money=10_000), person(bank, 2)
    pay(bank, anna, bo, 2_500, purpose="GDDS", remark="两斤茶叶 & <more>")
    pay(bank, bo, anna, 500, purpose="own words", remark="back")
    with bank.read() as tx:
        text = statement_camt053(tx, anna, "CNY", MONTH, created=NOW)
    (found,) = read_camt053(text).statements
    assert found.account.other_id == f"{wallet_account(anna, 'CNY'):032x}"
    assert found.owner.name == anna
    told = [(one.code, one.amount.minor, one.is_credit) for one in found.balances]
    assert told == [("OPBD", 0, True), ("CLBD", 8_000, True)]
    entries = [(one.code, one.amount.minor, one.is_credit) for one in found.entries]
    assert entries == [
        ("deposit", 10_000, True),
        ("payment", 2_500, False),
        ("payment", 500, True),
    ]
    out, back = (one.details[0] for one in found.entries[1:])
    assert (out.creditor.name, out.purpose, out.remittance) == (bo, "GDDS", ("两斤茶叶 & <more>",))
    assert (back.debtor.name, back.purpose, back.remittance) == (bo, "", ("own words back",))
    assert found.entries[1].amount == MessageAmount(2_500, "CNY")
    assert found.entries[1].booked_on == date(2026, 3, 2)


def test_a_month_without_lines_and_words_that_no_message_carries(bank: Node) -> None:
    anna, bo = person(bank, 1, money=10_000), person(bank, 2)
    with bank.read() as tx:
        text = statement_camt053(tx, bo, "CNY", MONTH, created=NOW)
    (found,) = read_camt053(text).statements
    assert found.entries == ()
    assert {one.amount.minor for one in found.balances} == {0}
    with bank.read() as tx:
        later = statement_camt053(tx, anna, "CNY", date(2026, 4, 1), created=NOW)
        before = statement_camt053(tx, anna, "CNY", date(2026, 2, 1), created=NOW)
    for text, minor in ((later, 10_000), (before, 0)):
        (found,) = read_camt053(text).statements
        assert [one.amount.minor for one in found.balances] == [minor, minor]
    pay(bank, anna, bo, 100, remark="bell \x07")
    with bank.read() as tx, pytest.raises(Refused, match="message_value"):
        statement_camt053(tx, anna, "CNY", MONTH, created=NOW)
