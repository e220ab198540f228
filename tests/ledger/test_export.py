"""What leaves the ledger: exports parse back to the same sums, statements end where it stands."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.ledger import Account, Transfer, lookup_accounts
from puhui.ledger.desk import export
from puhui.ledger.desk.chart import transfer_words
from puhui.ledger.formats.beancount import OPENING, account_name, amount_of
from puhui.ledger.formats.rows import COLUMNS
from puhui.ledger.nouns.export import ExportedAccount
from puhui.ledger.window import (
    FORMATS,
    AccountPeriod,
    account_period,
    account_words,
    book,
    check_general,
    closed_span,
    general_balance,
    statement_csv,
    verify_log,
    words_of,
)
from puhui.node import open_node
from puhui.worker import close_day
from tests.conftest import KEYS
from tests.ledger.books import create_accounts, create_transfers, end
from tests.ledger.test_general import DEPOSIT, FUND, INCOME, MONDAY, ONE, move, noon
from tests.ledger.test_general import bank as bank

LAST = MONDAY + 4 * ONE


@pytest.fixture
def week(bank: Node, clock: FixedClock) -> Node:
    """Five days of payments, one pending that is posted in part, one that is voided, one import."""
    posted = voided = 0
    for place in range(5):
        clock.set_us(noon(MONDAY + place * ONE))
        move(bank, FUND, DEPOSIT, 100 * (place + 1))
        move(bank, DEPOSIT, INCOME, 7, code=14)
        if place == 1:
            posted = move(bank, FUND, DEPOSIT, 60, flags=Transfer.PENDING)
            voided = move(bank, FUND, DEPOSIT, 70, flags=Transfer.PENDING)
        if place == 3:
            time_us = noon(MONDAY + 2 * ONE) + 1
            move(bank, FUND, DEPOSIT, 5, flags=Transfer.IMPORTED, time_us=time_us)
            ends = end(9_001, posted, Transfer.POST, 50), end(9_002, voided, Transfer.VOID)
            assert create_transfers(bank, *ends) == ["created"] * 2
    return bank


def period_of(node: Node, account_id: int, first: date, last: date) -> AccountPeriod:
    """The statement of an account."""
    with node.read() as tx:
        return account_period(tx, account_id, first, last)


def test_statements_go_on_where_the_one_before_ended(week: Node) -> None:
    """Over every split of the days: lines lead from balance to balance, and nothing is lost."""
    with week.read() as tx:
        account = lookup_accounts(tx, [DEPOSIT])[0]
    assert account is not None
    days = [MONDAY + n * ONE for n in range(5)]
    for first, last in itertools.combinations_with_replacement(days, 2):
        found = period_of(week, DEPOSIT, first, last)
        running = found.opening_minor
        for line in found.lines:
            running += -line.amount_minor if line.is_debit else line.amount_minor
            assert line.balance_minor == running
        assert running == found.closing_minor
        assert found.closing_minor - found.opening_minor == found.credits_minor - found.debits_minor
        if first > MONDAY:
            before = period_of(week, DEPOSIT, MONDAY, first - ONE)
            assert before.closing_minor == found.opening_minor
    whole = period_of(week, DEPOSIT, MONDAY, LAST)
    assert (whole.opening_minor, whole.closing_minor) == (0, account.credit_balance_minor)
    assert len(whole.lines) == 12
    assert whole.is_credit
    asset = period_of(week, FUND, MONDAY, LAST)
    assert not asset.is_credit
    assert asset.closing_minor == whole.closing_minor + 35


def test_a_statement_as_csv_parses_back(week: Node) -> None:
    periods = [period_of(week, i, MONDAY + ONE, LAST) for i in (DEPOSIT, FUND)]
    rows = list(csv.DictReader(io.StringIO("".join(statement_csv(periods, words_of)))))
    for period in periods:
        own = [row for row in rows if int(row["account"], 16) == period.account_id]
        assert int(own[0]["balance_minor"]) == period.opening_minor
        assert int(own[-1]["balance_minor"]) == period.closing_minor
        assert sum(int(row["debit_minor"] or 0) for row in own) == period.debits_minor
        assert sum(int(row["credit_minor"] or 0) for row in own) == period.credits_minor
    assert {row["reason_zh"] for row in rows} >= {"支付", "手续费", "期初余额", "期末余额"}


@pytest.mark.parametrize("size", [1, 3, 4_000])
def test_exports_parse_back_to_what_was_posted(
    week: Node, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for pages of any size, over all days and over some of them."""
    monkeypatch.setattr(export, "PAGE", size)
    for first, last in ((MONDAY, LAST), (MONDAY + ONE, MONDAY + 2 * ONE), (LAST + ONE, LAST + ONE)):
        told: list[int] = []
        with week.read() as tx:
            rows = list(csv.DictReader(io.StringIO("".join(FORMATS["csv"](book(tx, first, last))))))
            lines = list(FORMATS["json"](book(tx, first, last, told=told.append)))
            text = "".join(FORMATS["beancount"](book(tx, first, last)))
        assert [{k: str(v) for k, v in json.loads(line).items()} for line in lines] == rows
        assert (told[-1] if told else 0) == len(rows)
        assert all(tuple(row) == COLUMNS for row in rows)
        assert all(first <= date.fromisoformat(row["date"]) <= last for row in rows)
        moved: dict[int, int] = defaultdict(int)
        for row in rows:
            if row["state"] == "posted":
                moved[int(row["debit_account"], 16)] += int(row["amount_minor"])
                moved[int(row["credit_account"], 16)] -= int(row["amount_minor"])
        for account_id, minor in moved.items():
            period = period_of(week, account_id, first, last)
            sign = -1 if period.is_credit else 1
            assert sign * (period.closing_minor - period.opening_minor) == minor
        check_text(text, moved)


def check_text(text: str, moved: dict[int, int]) -> None:
    """Postings of each account, with its opening, lead to what is asserted of it."""
    held: dict[str, int] = defaultdict(int)
    asserted = {}
    for line in text.splitlines():
        words = line.replace(".", "").split()
        if " balance " in line:
            asserted[words[2]] = int(words[3])
        elif line.startswith("  ") and line.endswith(("CNY", "USD")):
            held[words[0]] += int(words[1])
    assert sum(held.values()) == 0
    assert asserted == {name: held[name] for name in asserted}
    assert {int(name.split(":")[2], 16) for name in asserted} >= set(moved)


def test_beancount_names_are_of_its_language() -> None:
    one = ExportedAccount(
        171, "CNY", 20111, 2011, "Deposits, of (all)", "Liabilities", MONDAY, 5, 7
    )
    assert account_name(one) == f"Liabilities:2011-Deposits-of-all:{171:032X}"
    assert amount_of(-5, "CNY") == "-0.05 CNY"
    assert amount_of(1_000, "JPY") == "1000 JPY"
    assert amount_of(2**62, "CNY") == "46116860184273879.04 CNY"
    assert OPENING.startswith("Equity:")


def test_refusals_of_exports_and_statements(week: Node) -> None:
    with week.read() as tx:
        for call, code in (
            (lambda: book(tx, LAST, MONDAY), "ledger.bad_period"),
            (lambda: account_period(tx, DEPOSIT, LAST, MONDAY), "ledger.bad_period"),
            (lambda: account_period(tx, 999_999, MONDAY, LAST), "ledger.no_account"),
            (lambda: account_period(tx, 2**128, MONDAY, LAST), "ledger.field_out_of_range"),
            (
                lambda: account_period(tx, DEPOSIT, MONDAY, LAST, lines_max=11),
                "ledger.too_many_lines",
            ),
        ):
            with pytest.raises(Refused) as caught:
                call()
            assert caught.value.code == code
        assert len(account_period(tx, DEPOSIT, MONDAY, LAST, lines_max=12).lines) == 12


def test_words_are_told_for_codes_known_and_not(tmp_path: Path) -> None:
    assert words_of(4) == ("Payment", "支付") == transfer_words()[4]
    assert words_of(60_000) == ("60000", "60000")
    assert account_words(20113) == ("Savings deposits", "吸收存款")
    assert account_words(777) == ("Not in the chart", "未列入科目表")
    assert verify_log(tmp_path) == (0, ())


def test_a_ledger_beside_the_store_has_such_books_too(tmp_path: Path, clock: FixedClock) -> None:
    """Its days are closed and its transfers leave like others; its frames are counted."""
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    node = open_node(tmp_path, store_url=url, clock=clock, keys=KEYS, ledger="log")
    try:
        accounts = Account(FUND, "CNY", 1003), Account(DEPOSIT, "CNY", 2011)
        assert create_accounts(node, *accounts) == ["created"] * 2
        move(node, FUND, DEPOSIT, 500)
        day = business_date(clock.now_us())
        close_day(node, day)
        with node.read() as tx:
            assert closed_span(tx) == (day, day)
            assert check_general(tx) == ()
            assert general_balance(tx, day, day).is_closed
            assert len(list(FORMATS["json"](book(tx, day, day)))) == 1
            found = account_period(tx, DEPOSIT, day, day)
        assert (found.opening_minor, found.closing_minor, len(found.lines)) == (0, 500, 1)
        frames, broken = verify_log(tmp_path / "ledger")
        assert frames > 0
        assert broken == ()
    finally:
        node.close()


def test_a_day_without_transfers_is_an_empty_book(bank: Node) -> None:
    far = MONDAY + timedelta(days=400)
    with bank.read() as tx:
        assert list(FORMATS["json"](book(tx, far, far))) == []
    assert period_of(bank, DEPOSIT, far, far).lines == ()
