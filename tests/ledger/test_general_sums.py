"""The general ledger against sums by brute force: any order of days, late bookings and closes."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.replay import replay
from puhui.ledger import Transfer, trial_balance
from puhui.ledger.desk.chart import general_chart
from puhui.ledger.nouns.general import GeneralBalance, GeneralKind, Movement, Sums
from puhui.ledger.rules.general import (
    NOUGHT,
    balance_sheet,
    carry,
    close_rows,
    income_statement,
    number_of,
)
from puhui.ledger.window import check_general, closed_span
from puhui.worker import close_day
from tests.ledger.books import create_transfers
from tests.ledger.test_general import CODES, MONDAY, NUMBERS, ONE, balance, move, noon
from tests.ledger.test_general import bank as bank

NUMBERS_KNOWN = general_chart().accounts.keys()
DAYS = [MONDAY + n * ONE for n in range(6)]
CODES_TRIED = sorted({*CODES.values(), 13031, 20119, 9, 65_535})
moves = st.lists(
    st.tuples(
        st.sampled_from(DAYS),
        st.sampled_from(["CNY", "USD"]),
        st.sampled_from(CODES_TRIED),
        st.sampled_from(CODES_TRIED),
        st.integers(1, 2**62),
        st.booleans(),
    ),
    max_size=40,
)


def both_sides(told: list[tuple[date, str, int, int, int, bool]]) -> list[Movement]:
    """Each transfer as what it debits and what it credits."""
    found = []
    for day, ledger, debit, credit, amount, is_carried in told:
        found.append(Movement(day, ledger, debit, is_carried, Sums(amount, 0), 1))
        found.append(Movement(day, ledger, credit, is_carried, Sums(0, amount), 1))
    return found


@given(moves)
def test_days_closed_one_by_one_hold_all_that_moved(
    told: list[tuple[date, str, int, int, int, bool]],
) -> None:
    """Closing sums are the sums of all movements, whatever came when; late ones are listed."""
    movements = both_sides(told)
    opening: dict[tuple[str, int], Sums] = {}
    late = 0
    last = None
    for place, day in enumerate(DAYS):
        # What comes with a day: its own, and by chance some of the days before.
        mine = [one for n, one in enumerate(movements) if arrives(n // 2, one.day) == place]
        rows, adjustments = close_rows(
            day, last, opening=opening, movements=mine, numbers=NUMBERS_KNOWN
        )
        opening = {(row.ledger, row.number): row.closing for row in rows}
        late += sum(one.postings for one in adjustments)
        assert all(one.value_day < day == one.day for one in adjustments)
        last = day
    expected: dict[tuple[str, int], Sums] = defaultdict(Sums)
    for one in movements:
        expected[one.ledger, number_of(one.code, NUMBERS_KNOWN)] += one.sums
    assert opening == dict(expected)
    assert late == sum(
        arrives(n // 2, one.day) > DAYS.index(one.day) for n, one in enumerate(movements)
    )


def arrives(number: int, day: date) -> int:
    """The place of the day with which a transfer arrives: its own or a later one."""
    own = DAYS.index(day)
    return min(len(DAYS) - 1, own + number % 3)


@given(moves)
def test_sheets_balance_and_profit_is_income_less_expenses(
    told: list[tuple[date, str, int, int, int, bool]],
) -> None:
    rows, _ = close_rows(
        DAYS[-1],
        DAYS[-2],
        opening={},
        movements=[replace(one, is_carried=False) for one in both_sides(told)],
        numbers=NUMBERS_KNOWN,
    )
    found = GeneralBalance(DAYS[0], DAYS[-1], True, tuple(rows))
    chart = general_chart()
    for currency in ("CNY", "USD"):
        sheet = balance_sheet(found, chart, currency)
        total = sheet.amount_of("total_assets")
        assert total == sheet.amount_of("total_liabilities_and_equity")
        income = income_statement(found, chart, currency)
        assert income.amount_of("net_profit") == sheet.amount_of("profit_not_carried")
        for section in ("assets", "liabilities", "equity"):
            parts = [one for one in sheet.lines if one.section == section and not one.is_total]
            total = sum(one.amount_minor for one in parts)
            assert sheet.amount_of(f"total_{section}") == total


@given(st.dictionaries(st.integers(1, 50), st.integers(-(2**40), 2**40)))
def test_a_year_carries_every_balance(balances: dict[int, int]) -> None:
    carried, profit_minor = carry(balances)
    assert {i for i, _, _ in carried} == {i for i, net in balances.items() if net}
    for account_id, is_debited, amount_minor in carried:
        assert amount_minor > 0
        moved = amount_minor if is_debited else -amount_minor
        assert balances[account_id] + moved == 0
    assert profit_minor == -sum(balances.values())


def test_debits_without_credits_are_refused() -> None:
    alone = [Movement(MONDAY, "CNY", 1003, False, Sums(5, 0), 1)]
    with pytest.raises(Refused) as caught:
        close_rows(MONDAY, None, opening={}, movements=alone, numbers=NUMBERS_KNOWN)
    assert caught.value.code == "ledger.books_differ"


def test_codes_find_their_general_account() -> None:
    found = {code: number_of(code, NUMBERS_KNOWN) for code in (1303, 13032, 2011, 20113, 9, 99_999)}
    assert found == {1303: 1303, 13032: 1303, 2011: 2011, 20113: 2011, 9: 0, 99_999: 0}
    kinds = {one.kind for one in general_chart().accounts.values()}
    assert kinds == set(GeneralKind)
    assert NOUGHT.net_minor == 0


@pytest.mark.parametrize("seed", range(3))
def test_books_equal_sums_by_brute_force(bank: Node, clock: FixedClock, seed: int) -> None:
    """Payments, late imports, pendings and closes at random; every period is added up again."""
    chance = random.Random(seed)
    booked: list[tuple[date, date, int, int, int]] = []
    day, closed = MONDAY, None
    yuan = [number for number in CODES if number not in (17, 18)]
    imported_us = noon(MONDAY - ONE)
    for _ in range(30):
        roll = chance.random()
        debit, credit = chance.sample(yuan, 2)
        amount = chance.randrange(1, 2**40)
        if roll < 0.5:
            move(bank, debit, credit, amount)
            booked.append((day, day, debit, credit, amount))
        elif roll < 0.7 and day > MONDAY:
            value_day = chance.choice([MONDAY + n * ONE for n in range((day - MONDAY).days)])
            imported_us = max(imported_us + 1, noon(value_day))
            value_day = max(value_day, MONDAY - ONE)
            if imported_us >= noon(day):
                continue
            move(bank, debit, credit, amount, flags=Transfer.IMPORTED, time_us=imported_us)
            actual = MONDAY + timedelta(days=(imported_us - noon(MONDAY)) // 86_400_000_000)
            is_late = closed is not None and actual <= closed
            booked.append((closed + ONE if is_late else actual, actual, debit, credit, amount))
        elif roll < 0.75:
            move(bank, debit, credit, amount, flags=Transfer.PENDING)
        else:
            if roll < 0.9 and (closed is None or closed < day):
                close_day(bank, day)
                closed = day
            day += ONE
            clock.set_us(noon(day))
    with bank.read() as tx:
        span = closed_span(tx)
        assert check_general(tx) == ()
        assert trial_balance(tx).difference_minor == 0
    assert span is None or span[1] == closed
    begin = MONDAY if span is None else span[0]
    days = [begin + n * ONE for n in range((day - begin).days + 1)]
    for first, last in [*zip(days, days, strict=True), (days[0], days[-1]), (MONDAY, day)]:
        expected: dict[int, int] = defaultdict(int)
        for on, _, debit, credit, amount in booked:
            if first <= on <= last:
                expected[NUMBERS[debit]] += amount
                expected[NUMBERS[credit]] -= amount
        rows = balance(bank, first, last).rows
        nets = {row.number: (row.moved + row.adjusted).net_minor for row in rows}
        assert {n: net for n, net in nets.items() if net} == {
            n: net for n, net in expected.items() if net
        }, (first, last)


def test_closed_books_are_the_same_when_replayed(
    bank: Node, clock: FixedClock, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    move(bank, 11, 12, 500)
    clock.set_us(noon(MONDAY + ONE))
    close_day(bank, MONDAY)
    late = Transfer(7_001, 11, 12, 9, "CNY", 4, Transfer.IMPORTED, time_us=noon(MONDAY) + 1_000_000)
    assert create_transfers(bank, late) == ["created"]
    close_day(bank, MONDAY + ONE)
    target = open_at(f"sqlite:///{tmp_path / 'second.sqlite'}", writers=1)
    bank.store.settle_positions()
    assert replay(bank, target).differences == ()
    with target.read() as tx:
        assert closed_span(tx) == (MONDAY, MONDAY + ONE)
        assert check_general(tx) == ()
