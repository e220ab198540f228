"""The general ledger of a ledger beside the store: the same days give the same books as in it.

Each story is told to two nodes, one with its ledger in the store and one with a log beside it;
every row, digest, statement and export is then the same.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from puhui.kernel import Act, Node, Refused, use_case
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, start_of_day_us
from puhui.kernel.replay import replay
from puhui.ledger import Account, Transfer, create_transfers
from puhui.ledger.desk import ahead, movement
from puhui.ledger.desk.ahead import SumAhead
from puhui.ledger.desk.beside.outside import OutsideLedger, outside_of
from puhui.ledger.desk.close import BooksMarked, MarkBooks, SumBooks, mark_books
from puhui.ledger.desk.export import account_period, book
from puhui.ledger.engines import LedgerEngine, Page
from puhui.ledger.formats import FORMATS
from puhui.ledger.tables import general
from puhui.ledger.window import (
    CloseYear,
    adjustments_between,
    booked_days,
    check_general,
    closed_span,
    financial_statement,
    general_balance,
)
from puhui.node import open_node
from puhui.worker import close_day, keep_up
from tests.conftest import KEYS
from tests.ledger.books import OPERATOR, act, create_accounts
from tests.ledger.books import create_transfers as create
from tests.ledger.test_general import (
    CODES,
    COST,
    DEPOSIT,
    DOLLAR,
    DOLLAR_FUND,
    FUND,
    INCOME,
    LOAN,
    MONDAY,
    ONE,
    close_year,
    noon,
)

LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
SAVER = 30


@dataclass(frozen=True, slots=True)
class Nothing:
    """Asked for with nothing."""


@use_case("beside.mark_and_move", roles=("system",))
def mark_and_move(act: Act, input: MarkBooks) -> BooksMarked:
    """Moves, marks the books, and moves again, in one act."""
    for number in (901, 902):
        create_transfers(act, [Transfer(number, FUND, DEPOSIT, 7, "CNY", 4)], strict=True)
        if number == 901:
            marked = mark_books(act, input)
    return marked


@pytest.fixture
def beside_url(store_url: str, tmp_path: Path) -> str:
    """Where the node with the log keeps the rest: each kind of store."""
    if store_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'beside.sqlite'}"
    return store_url


@pytest.fixture
def pair(
    beside_url: str, tmp_path: Path, clock: FixedClock, sqlite_node: Node
) -> Iterator[tuple[Node, Node]]:
    """A node with its ledger in the store, and one with a log beside each kind of store."""
    beside = open_node(
        tmp_path / "beside", store_url=beside_url, clock=clock, keys=KEYS, ledger="log"
    )
    clock.set_us(start_of_day_us(MONDAY - ONE))
    accounts = [
        Account(i, "USD" if i in (DOLLAR, DOLLAR_FUND) else "CNY", code)
        for i, code in CODES.items()
    ]
    accounts.append(Account(SAVER, "CNY", 20111, flags=LIMITED))
    for node in (sqlite_node, beside):
        assert set(create_accounts(node, *accounts)) == {"created"}
    clock.set_us(noon(MONDAY))
    yield sqlite_node, beside
    beside.close()


def tell(pair: tuple[Node, Node], *transfers: Transfer) -> None:
    """The same transfers to both; with the same statuses."""
    one, other = (create(node, *transfers) for node in pair)
    assert one == other


def hold_equal(pair: tuple[Node, Node], first: date, last: date) -> None:
    """Every day, row, late booking, statement and export is the same on both."""
    told = []
    for node in pair:
        with node.read() as tx:
            days = [(d.day, d.postings, d.adjusted_postings, d.digest) for d in booked_days(tx)]
            balances = [
                general_balance(tx, day, last)
                for day in (first, last, first + (last - first) // 2, first - 3 * ONE)
            ]
            sheets = [
                financial_statement(tx, kind, currency, first=first, last=last)
                for kind in ("balance_sheet", "income_statement")
                for currency in ("CNY", "USD")
            ]
            late = adjustments_between(tx, first, last)
            lines = [
                (line.transfer_id, line.amount_minor, line.balance_minor)
                for line in account_period(tx, SAVER, first, last).lines
            ]
            # An engine counts on by nanoseconds, so transfers of one act have times that differ.
            exported = sorted(
                re.sub(r"\.[0-9]{6}\+", "+", line)
                for line in FORMATS["json"](book(tx, first, last))
            )
            assert check_general(tx) == ()
            told.append((closed_span(tx), days, balances, sheets, late, lines, exported))
    for one, other in zip(*told, strict=True):
        assert one == other


def test_days_are_closed_alike(pair: tuple[Node, Node], clock: FixedClock) -> None:
    """Two currencies, pendings posted and voided, limits, a failed chain, an empty day."""
    pending = Transfer(5, FUND, SAVER, 60, "CNY", 4, Transfer.PENDING)
    tell(
        pair,
        Transfer(1, FUND, SAVER, 500, "CNY", 4),
        Transfer(2, LOAN, FUND, 300, "CNY", 4),
        Transfer(3, DOLLAR_FUND, DOLLAR, 70, "USD", 4),
        Transfer(4, SAVER, INCOME, 10**6, "CNY", 4),
        pending,
        Transfer(6, FUND, SAVER, 40, "CNY", 4, Transfer.PENDING),
    )
    hold_equal(pair, MONDAY, MONDAY)
    for node in pair:
        close_day(node, MONDAY)
    hold_equal(pair, MONDAY, MONDAY)
    clock.set_us(start_of_day_us(MONDAY + ONE))
    tell(
        pair,
        Transfer(7, amount_minor=50, flags=Transfer.POST, pending_id=5),
        Transfer(8, flags=Transfer.VOID, pending_id=6),
        Transfer(9, SAVER, COST, 400, "CNY", 4, Transfer.LINKED),
        Transfer(10, SAVER, COST, 400, "CNY", 4),
        Transfer(11, SAVER, INCOME, 20, "CNY", 4),
    )
    hold_equal(pair, MONDAY, MONDAY + ONE)
    clock.set_us(noon(MONDAY + 4 * ONE))
    for node in pair:
        close_day(node, MONDAY + 3 * ONE)
        close_day(node, MONDAY + 3 * ONE)
    hold_equal(pair, MONDAY, MONDAY + 3 * ONE)
    tell(pair, Transfer(12, COST, SAVER, 33, "CNY", 4))
    hold_equal(pair, MONDAY - ONE, MONDAY + 4 * ONE)


def test_what_moves_at_midnight_is_of_the_day_that_begins(
    pair: tuple[Node, Node], clock: FixedClock
) -> None:
    """Many transfers of one act at the first moment of a day, none in the day before."""
    clock.set_us(start_of_day_us(MONDAY + ONE))
    tell(pair, *[Transfer(100 + n, FUND, DEPOSIT, n + 1, "CNY", 4) for n in range(3_000)])
    for node in pair:
        close_day(node, MONDAY)
        close_day(node, MONDAY + ONE)
    hold_equal(pair, MONDAY, MONDAY + ONE)


@pytest.mark.parametrize("seed", range(2))
def test_days_of_chance_are_closed_alike(
    pair: tuple[Node, Node], clock: FixedClock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Small pieces, small chunks, days left out, transfers past the mark and late ones."""
    monkeypatch.setattr(movement, "EVENTS", 7)
    monkeypatch.setattr("puhui.ledger.desk.close.CHUNK", 5)
    dice = random.Random(seed)
    number = 1_000
    for place in range(8):
        day = MONDAY + place * ONE
        clock.set_us(noon(day) + dice.randrange(1_000_000))
        for _ in range(dice.randrange(12)):
            number += 1
            debit, credit = dice.sample([FUND, DEPOSIT, LOAN, INCOME, COST, SAVER], 2)
            flags = dice.choice((0, 0, 0, Transfer.PENDING))
            tell(pair, Transfer(number, debit, credit, dice.randrange(1, 99), "CNY", 4, flags))
        if dice.random() < 0.6:
            for node in pair:
                act(node, "ledger.mark_books", MarkBooks(day, place))
            tell(pair, Transfer(number + 500_000, FUND, DEPOSIT, 3, "CNY", 4))
            for node in pair:
                close_day(node, day)
    hold_equal(pair, MONDAY, MONDAY + 8 * ONE)


def test_a_mark_counts_what_its_own_group_moves(pair: tuple[Node, Node], clock: FixedClock) -> None:
    """What an act moved before its mark is below it; what it moves after is not."""
    tell(pair, Transfer(1, FUND, SAVER, 500, "CNY", 4))
    summed = []
    for node in pair:
        node.act("beside.mark_and_move", MarkBooks(MONDAY), key="both", actor=SYSTEM)
        summed.append([act(node, "ledger.sum_books", SumBooks(MONDAY, n)) for n in (0, 1)])
        close_day(node, MONDAY)
    assert summed[0] == summed[1]
    hold_equal(pair, MONDAY, MONDAY)


def test_a_refused_mark_holds_nobody_up(pair: tuple[Node, Node]) -> None:
    for node in pair:
        with pytest.raises(Refused, match="day_ahead"):
            act(node, "ledger.mark_books", MarkBooks(MONDAY + 9 * ONE))
    outside = pair[1].ports[OutsideLedger]
    assert isinstance(outside, OutsideLedger)
    assert outside.holder is None
    tell(pair, Transfer(1, FUND, SAVER, 5, "CNY", 4))


def test_a_year_is_carried_alike(pair: tuple[Node, Node], clock: FixedClock) -> None:
    last = date(2026, 12, 31)
    tell(pair, Transfer(1, FUND, INCOME, 900, "CNY", 4), Transfer(2, COST, FUND, 250, "CNY", 4))
    clock.set_us(noon(last))
    tell(pair, Transfer(3, FUND, INCOME, 40, "CNY", 4))
    clock.set_us(noon(last + ONE))
    tell(pair, Transfer(4, FUND, INCOME, 7, "CNY", 4))
    for node in pair:
        close_day(node, last)
    closed = [close_year(node, "CNY", 2026) for node in pair]
    assert closed[0] == closed[1]
    again = CloseYear(2026, "CNY")
    for node in pair:
        node.act("ledger.close_year", again, key="a second time", actor=OPERATOR)
        close_day(node, last + ONE)
    hold_equal(pair, last, last + ONE)


def test_the_books_are_the_same_after_a_start_and_when_replayed(
    beside_url: str, pair: tuple[Node, Node], tmp_path: Path, clock: FixedClock
) -> None:
    tell(pair, *[Transfer(n, FUND, SAVER, n, "CNY", 4) for n in range(1, 40)])
    close_day(pair[0], MONDAY)
    close_day(pair[1], MONDAY)
    pair[1].close()
    beside = open_node(
        tmp_path / "beside", store_url=beside_url, clock=clock, keys=KEYS, ledger="log"
    )
    again = open_node(
        tmp_path / "again",
        store_url=f"sqlite:///{tmp_path / 'again.sqlite'}",
        clock=clock,
        keys=KEYS,
        writers=1,
        ledger="log",
    )
    try:
        clock.set_us(noon(MONDAY + ONE))
        now = pair[0], beside
        tell(now, *[Transfer(n, SAVER, FUND, 1, "CNY", 4) for n in range(50, 60)])
        for node in now:
            close_day(node, MONDAY + ONE)
        hold_equal(now, MONDAY, MONDAY + ONE)
        beside.store.settle_positions()
        assert replay(beside, again).differences == ()
        hold_equal((pair[0], again), MONDAY, MONDAY + ONE)
    finally:
        again.close()
        beside.close()


def test_marking_while_others_move_money(beside_url: str, tmp_path: Path) -> None:
    """Acts from several threads, some with two batches, while days are marked again and again."""
    clock = FixedClock(noon(MONDAY))
    node = open_node(tmp_path / "busy", store_url=beside_url, clock=clock, keys=KEYS, ledger="log")
    try:
        create_accounts(node, *[Account(i, "CNY", CODES[i]) for i in (FUND, DEPOSIT, LOAN)])
        create_accounts(node, Account(SAVER, "CNY", 20111, flags=LIMITED))

        def move(worker: int) -> None:
            for n in range(15):
                number = 10_000 * (worker + 1) + 2 * n
                create(node, Transfer(number, FUND, SAVER, 5, "CNY", 4))
                create(node, Transfer(number + 1, SAVER, DEPOSIT, 3, "CNY", 4))

        with ThreadPoolExecutor(4) as pool:
            moving = [pool.submit(move, worker) for worker in range(4)]
            for place in range(3):
                close_day(node, MONDAY - (3 - place) * ONE)
            for one in moving:
                one.result(timeout=120)
        close_day(node, MONDAY)
        with node.read() as tx:
            assert check_general(tx) == ()
            found = {
                row.number: row.closing.net_minor
                for row in general_balance(tx, MONDAY, MONDAY).rows
            }
            days = booked_days(tx)
        assert found[1003] == 4 * 15 * 5
        assert found[2011] == -4 * 15 * 5
        assert sum(one.postings + one.adjusted_postings for one in days) == 2 * 4 * 15 * 2
    finally:
        node.close()


def some(first: int, count: int) -> list[Transfer]:
    """So many transfers with the ids from ``first`` on."""
    return [Transfer(first + n, FUND, DEPOSIT, 10 + n, "CNY", 4) for n in range(count)]


def test_what_is_summed_ahead_of_the_close_is_summed_once(
    pair: tuple[Node, Node], clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces whole or not at all, none twice, by hand and by upkeep; the books are the same."""
    beside = pair[1]
    tell(pair, *some(1000, 12))

    def sum_ahead(number: int, transfers: int) -> int:
        return int(act(beside, "ledger.sum_ahead", SumAhead(number, transfers)).transfers)

    assert sum_ahead(0, 13) == 0, "they are not all there"
    assert sum_ahead(0, 5) == 5
    assert sum_ahead(0, 5) == 0, "summed already"
    assert sum_ahead(5, 4) == 4
    assert act(pair[0], "ledger.sum_ahead", SumAhead(0, 5)).transfers == 0, "not beside the store"
    for wrong in (0, 1_000_001):
        with pytest.raises(Refused, match=r"ledger\.batch_too_large"):
            act(beside, "ledger.sum_ahead", SumAhead(9, wrong))
    tell(pair, *some(2000, 20))
    monkeypatch.setattr(ahead, "PIECE", 4)
    assert keep_up(beside) == ()
    with beside.read() as tx:
        progress = tx.one(general.READ_PROGRESS)
    assert progress is not None
    assert (progress.summed_position, progress.until_position) == (29, 29)
    tell(pair, *some(3000, 2))
    for node in pair:
        clock.set_us(noon(MONDAY + ONE))
        close_day(node, MONDAY)
    tell(pair, *some(4000, 9))
    assert keep_up(beside) == ()
    for node in pair:
        clock.set_us(noon(MONDAY + 2 * ONE))
        close_day(node, MONDAY + ONE)
    hold_equal(pair, MONDAY, MONDAY + ONE)


def test_a_mark_counts_no_more_than_what_came_since(
    pair: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many transfers there are, the mark reads from the last piece on."""
    beside = pair[1]
    monkeypatch.setattr(ahead, "PIECE", 4)
    create(beside, *some(1000, 43))
    assert keep_up(beside) == ()
    read: list[int] = []
    tail = outside_engine(beside).tail

    def counted(*, after: int, count: int) -> Page:
        page = tail(after=after, count=count)
        read.append(len(page.ordinals))
        return page

    monkeypatch.setattr(outside_engine(beside), "tail", counted)
    act(beside, "ledger.mark_books", MarkBooks(MONDAY))
    assert sum(read) <= 4, read


def outside_engine(node: Node) -> LedgerEngine:
    """The engine beside a node's store."""
    with node.read() as tx:
        outside = outside_of(tx)
    assert outside is not None
    return outside.engine
