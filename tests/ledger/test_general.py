"""The general ledger: days closed for ever, late bookings, periods, statements; on both stores."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from puhui import ledger
from puhui.kernel import Node, Refused
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, start_of_day_us
from puhui.kernel.store import change
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.chart import transfer_words
from puhui.ledger.desk.close import CloseBooks, MarkBooks, SumBooks
from puhui.ledger.nouns.general import UNASSIGNED, Sums
from puhui.ledger.tables import general
from puhui.ledger.tables.schema import blob
from puhui.ledger.window import (
    CloseYear,
    FinancialStatement,
    GeneralBalance,
    adjustments_between,
    booked_days,
    check_general,
    closed_span,
    financial_statement,
    general_balance,
    general_chart,
)
from puhui.worker import close_day
from tests.ledger.books import OPERATOR, act, create_accounts, create_transfers, end

ONE = timedelta(days=1)
MONDAY = date(2026, 3, 2)
FUND, DEPOSIT, LOAN, INCOME, COST, ODD, DOLLAR, DOLLAR_FUND = range(11, 19)
CODES = {
    FUND: 1003,
    DEPOSIT: 20111,
    LOAN: 1303,
    INCOME: 6011,
    COST: 6411,
    ODD: 777,
    DOLLAR: 2011,
    DOLLAR_FUND: 1003,
}
NUMBERS = CODES | {DEPOSIT: 2011, ODD: UNASSIGNED}
_numbers = itertools.count(1_000)


@pytest.fixture
def bank(node: Node, clock: FixedClock) -> Node:
    """Accounts of several kinds and two currencies, opened on the Sunday before."""
    clock.set_us(start_of_day_us(MONDAY - ONE))
    accounts = [
        Account(i, "USD" if i in (DOLLAR, DOLLAR_FUND) else "CNY", code)
        for i, code in CODES.items()
    ]
    assert set(create_accounts(node, *accounts)) == {"created"}
    clock.set_us(noon(MONDAY))
    return node


def noon(day: date) -> int:
    """Twelve o'clock in China."""
    return start_of_day_us(day) + 12 * 3_600_000_000


def move(node: Node, debit: int, credit: int, amount: int, **more: int) -> int:
    """A transfer; returns its id."""
    number = next(_numbers)
    currency = "USD" if debit in (DOLLAR, DOLLAR_FUND) else "CNY"
    one = Transfer(number, debit, credit, amount, currency, more.pop("code", 4), **more)
    assert create_transfers(node, one) == ["created"]
    return number


def balance(node: Node, first: date, last: date) -> GeneralBalance:
    """The trial balance of a period; its debits equal its credits."""
    with node.read() as tx:
        found = general_balance(tx, first, last)
    assert found.difference_minor == 0
    return found


def closing(node: Node, day: date) -> dict[tuple[str, int], int]:
    """Debits less credits at the end of a day by ledger and number, those at nought left out."""
    rows = balance(node, day, day).rows
    return {
        (row.ledger, row.number): row.closing.net_minor for row in rows if row.closing.net_minor
    }


def check(node: Node) -> None:
    """Nothing in the closed books disagrees."""
    with node.read() as tx:
        assert check_general(tx) == ()


def test_a_day_is_closed_with_one_row_for_each_account(bank: Node, clock: FixedClock) -> None:
    move(bank, FUND, DEPOSIT, 500)
    move(bank, LOAN, FUND, 300)
    move(bank, DOLLAR_FUND, DOLLAR, 70)
    pending = move(bank, FUND, DEPOSIT, 40, flags=Transfer.PENDING)
    clock.set_us(noon(MONDAY + ONE))
    move(bank, DEPOSIT, INCOME, 20)
    assert create_transfers(bank, end(next(_numbers), pending, Transfer.POST, 30)) == ["created"]
    close_day(bank, MONDAY)
    assert closing(bank, MONDAY) == {
        ("CNY", 1003): 200,
        ("CNY", 1303): 300,
        ("CNY", 2011): -500,
        ("USD", 1003): 70,
        ("USD", 2011): -70,
    }
    close_day(bank, MONDAY + ONE)
    found = balance(bank, MONDAY + ONE, MONDAY + ONE)
    assert found.is_closed
    deposit = next(row for row in found.rows if (row.ledger, row.number) == ("CNY", 2011))
    assert (deposit.opening, deposit.moved) == (Sums(0, 500), Sums(20, 30))
    with bank.read() as tx:
        assert closed_span(tx) == (MONDAY, MONDAY + ONE)
        days = booked_days(tx)
        assert [(one.day, one.postings, one.adjusted_postings) for one in days] == [
            (MONDAY, 6, 0),
            (MONDAY + ONE, 4, 0),
        ]
    check(bank)


def test_closing_again_changes_nothing_and_days_between_are_closed(
    bank: Node, clock: FixedClock
) -> None:
    move(bank, FUND, DEPOSIT, 500)
    clock.set_us(noon(MONDAY + 4 * ONE))
    close_day(bank, MONDAY)
    with bank.read() as tx:
        first = booked_days(tx)
    move(bank, FUND, DEPOSIT, 5)
    close_day(bank, MONDAY + 3 * ONE)
    close_day(bank, MONDAY)
    close_day(bank, MONDAY + ONE)
    with bank.read() as tx:
        days = booked_days(tx)
        assert booked_days(tx, after=MONDAY, count=1) == days[1:2]
    assert days[:1] == first
    assert [one.day for one in days] == [MONDAY + n * ONE for n in range(4)]
    assert closing(bank, MONDAY + 2 * ONE) == {("CNY", 1003): 500, ("CNY", 2011): -500}
    assert closing(bank, MONDAY + 4 * ONE) == {("CNY", 1003): 505, ("CNY", 2011): -505}
    check(bank)


def test_what_comes_late_is_an_adjustment_of_the_open_day(bank: Node, clock: FixedClock) -> None:
    """An imported transfer of a closed day leaves that day as it was, and is listed."""
    move(bank, FUND, DEPOSIT, 500)
    clock.set_us(noon(MONDAY + 2 * ONE))
    close_day(bank, MONDAY + ONE)
    before = closing(bank, MONDAY)
    move(bank, FUND, DEPOSIT, 7, flags=Transfer.IMPORTED, time_us=noon(MONDAY + ONE))
    move(bank, LOAN, FUND, 9)
    assert closing(bank, MONDAY) == closing(bank, MONDAY + ONE) == before
    open_day = balance(bank, MONDAY + 2 * ONE, MONDAY + 2 * ONE)
    assert not open_day.is_closed
    close_day(bank, MONDAY + 2 * ONE)
    closed = balance(bank, MONDAY + 2 * ONE, MONDAY + 2 * ONE)
    assert (closed.rows, closed.is_closed) == (open_day.rows, True)
    deposit = next(row for row in closed.rows if row.number == 2011)
    assert (deposit.moved, deposit.adjusted) == (Sums(), Sums(0, 7))
    assert closing(bank, MONDAY) == closing(bank, MONDAY + ONE) == before
    with bank.read() as tx:
        late = adjustments_between(tx, MONDAY, MONDAY + 2 * ONE)
        assert booked_days(tx)[-1].adjusted_postings == 2
    assert [(one.value_day, one.number, one.sums) for one in late] == [
        (MONDAY + ONE, 1003, Sums(7, 0)),
        (MONDAY + ONE, 2011, Sums(0, 7)),
    ]
    check(bank)


def test_a_close_goes_on_at_any_chunk(bank: Node, clock: FixedClock) -> None:
    """Stopped after each chunk and started again, also by the next day's close."""
    for amount in range(1, 8):
        move(bank, FUND, DEPOSIT, amount)
    clock.set_us(noon(MONDAY + ONE))
    act(bank, "ledger.mark_books", MarkBooks(MONDAY))
    assert act(bank, "ledger.sum_books", SumBooks(MONDAY, 0, 3)).transfers == 3
    with pytest.raises(Refused) as caught:
        act(bank, "ledger.close_books", CloseBooks(MONDAY, MONDAY))
    assert caught.value.code == "ledger.books_not_summed"
    dry = bank.act(
        "ledger.sum_books", SumBooks(MONDAY, 1, 3), key="dry", actor=OPERATOR, dry_run=True
    )
    assert dry.transfers == 3
    assert act(bank, "ledger.sum_books", SumBooks(MONDAY, 1, 3)).transfers == 3
    move(bank, FUND, DEPOSIT, 1_000)
    assert closing(bank, MONDAY) == {("CNY", 1003): 28, ("CNY", 2011): -28}
    check(bank)
    close_day(bank, MONDAY + ONE)
    assert closing(bank, MONDAY) == {("CNY", 1003): 28, ("CNY", 2011): -28}
    assert act(bank, "ledger.sum_books", SumBooks(MONDAY, 2, 3)).transfers == 0
    close_day(bank, MONDAY)
    check(bank)
    with bank.read() as tx:
        assert closed_span(tx) is not None


def test_books_with_a_hole_stay_open(bank: Node, clock: FixedClock) -> None:
    """An account that is gone leaves one side of its transfers out; the day stays open."""
    move(bank, FUND, DEPOSIT, 500)
    clock.set_us(noon(MONDAY + ONE))
    row = {c.name: None for c in general.ACCOUNT.columns}
    with change(bank.store) as tx:
        found = tx.all(FIND_ODD, id=blob(DEPOSIT))[0]
        row = found._asdict()
        tx.run(REMOVE, id=blob(DEPOSIT))
    with pytest.raises(Refused) as caught:
        close_day(bank, MONDAY)
    assert caught.value.code == "ledger.books_differ"
    with bank.read() as tx:
        assert closed_span(tx) is None
    with change(bank.store) as tx:
        tx.put(PUT_BACK, **row)


FIND_ODD = general.ACCOUNT.select().where(general.ACCOUNT.c.id == general.bindparam("id"))
REMOVE = general.ACCOUNT.delete().where(general.ACCOUNT.c.id == general.bindparam("id"))
PUT_BACK = general.insert_all(general.ACCOUNT)


def test_closed_rows_that_were_changed_are_found(bank: Node, clock: FixedClock) -> None:
    move(bank, FUND, DEPOSIT, 500)
    clock.set_us(noon(MONDAY + 2 * ONE))
    close_day(bank, MONDAY)
    close_day(bank, MONDAY + ONE)
    check(bank)
    with change(bank.store) as tx:
        assert tx.run(CHANGE, number=2011) == 1
    with bank.read() as tx:
        checks = {(one.check, one.subject) for one in check_general(tx)}
    assert ("general_day", str(MONDAY)) in checks
    assert ("general_day", str(MONDAY + ONE)) in checks


CHANGE = (
    general.CLOSED_ROW.update()
    .where(general.R.number == general.bindparam("number"))
    .where(general.R.day == MONDAY.isoformat())
    .values(moved_credits_low=general.R.moved_credits_low + 1)
)


def test_refusals_of_closing(bank: Node) -> None:
    for name, input, code in (
        ("ledger.mark_books", MarkBooks(MONDAY + ONE), "ledger.day_ahead"),
        ("ledger.sum_books", SumBooks(MONDAY, 0, 0), "ledger.batch_too_large"),
        ("ledger.sum_books", SumBooks(MONDAY, 0, 1_000_001), "ledger.batch_too_large"),
        ("ledger.close_books", CloseBooks(MONDAY, MONDAY), "ledger.books_not_summed"),
    ):
        with pytest.raises(Refused) as caught:
            act(bank, name, input)
        assert caught.value.code == code, name
    with bank.read() as tx, pytest.raises(Refused) as caught:
        general_balance(tx, MONDAY, MONDAY - ONE)
    assert caught.value.code == "ledger.bad_period"
    with bank.read() as tx, pytest.raises(Refused) as caught:
        financial_statement(tx, "cash_flow", "CNY", first=MONDAY, last=MONDAY)
    assert caught.value.code == "ledger.bad_statement"


def test_an_empty_ledger_is_closed_too(node: Node, clock: FixedClock) -> None:
    with node.read() as tx:
        assert closed_span(tx) is None
        assert booked_days(tx) == ()
        assert general_balance(tx, MONDAY, MONDAY).rows == ()
    close_day(node, MONDAY - ONE)
    with node.read() as tx:
        assert closed_span(tx) == (MONDAY - ONE, MONDAY - ONE)
        sheet = financial_statement(tx, "balance_sheet", "CNY", first=MONDAY, last=MONDAY)
    assert sheet.amount_of("total_assets") == 0
    check(node)


def test_statements_balance_and_the_year_is_carried(bank: Node, clock: FixedClock) -> None:
    """Income less expenses is the profit; closing the year moves it and changes no income."""
    move(bank, FUND, DEPOSIT, 1_000)
    move(bank, DEPOSIT, INCOME, 90)
    move(bank, COST, DEPOSIT, 25)
    move(bank, ODD, FUND, 3)
    year = (date(2026, 1, 1), date(2026, 12, 31))
    clock.set_us(noon(date(2027, 1, 4)))
    refuse_year(bank, "CNY", 2026, "ledger.day_not_closed")
    close_day(bank, date(2027, 1, 3))
    refuse_year(bank, "CNY", 2025, "ledger.bad_year")
    refuse_year(bank, "XXX", 2026, "ledger.no_currency")

    def statement(kind: str, first: date, last: date) -> FinancialStatement:
        with bank.read() as tx:
            return financial_statement(tx, kind, "CNY", first=first, last=last)

    before = statement("balance_sheet", *year)
    assert before.amount_of("total_assets") == 1_000 - 3 + 3
    assert before.amount_of("profit_not_carried") == 65
    assert before.amount_of("total_liabilities_and_equity") == before.amount_of("total_assets")
    income = statement("income_statement", *year)
    assert [income.amount_of(n) for n in ("interest_income", "interest_expense", "net_profit")] == [
        90,
        -25,
        65,
    ]
    carried = close_year(bank, "CNY", 2026)
    assert (carried.accounts, carried.profit_minor, carried.next_after) == (2, 65, "")
    assert close_year(bank, "CNY", 2026) == carried
    assert close_year(bank, "USD", 2026).accounts == 0
    day = date(2027, 1, 4)
    clock.set_us(noon(day + ONE))
    live = statement("balance_sheet", day, day)
    close_day(bank, day)
    after = statement("balance_sheet", day, day)
    assert after.lines == live.lines
    assert after.amount_of("profit_not_carried") == 0
    assert after.amount_of("retained_profit") == 65
    assert after.amount_of("total_assets") == before.amount_of("total_assets")
    assert statement("income_statement", *year).lines == income.lines
    new = statement("income_statement", date(2027, 1, 1), day)
    assert new.amount_of("net_profit") == 0
    check(bank)


def close_year(node: Node, currency: str, year: int) -> object:
    """Close a year in one currency."""
    return act(node, "ledger.close_year", CloseYear(year, currency))


def refuse_year(node: Node, currency: str, year: int, code: str) -> None:
    """A year that must not be closed."""
    with pytest.raises(Refused) as caught:
        close_year(node, currency, year)
    assert caught.value.code == code


def test_the_system_closes_days_and_nobody_else(bank: Node) -> None:
    with pytest.raises(Refused) as caught:
        bank.act("ledger.close_year", CloseYear(2025, "CNY"), key="system", actor=SYSTEM)
    assert caught.value.code == "kernel.role_missing"


def test_every_code_of_the_chart_has_a_general_account() -> None:
    chart, known = ledger.chart(), general_chart()
    names = {line.name for line in known.lines}
    assert all(one.line in names for one in known.accounts.values())
    for name, code in chart.accounts.items():
        number = code if code in known.accounts else code // 10
        assert number in known.accounts, name
    codes = list(chart.accounts.values()), list(chart.transfers.values())
    assert all(len(set(found)) == len(found) for found in codes)
    assert set(transfer_words()) == set(chart.transfers.values())
