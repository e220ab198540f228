"""Trading: day by day sales, bills and withdrawals of many shops at once, as whole fen.

Goods are bought on invoice and paid from the wallet when it holds enough, else later: so what a
wallet shows and how bills are paid come from one and the same course of business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from puhui.demo.draw.outcome import Conditions
from puhui.demo.nouns import Figures, Floats, Ints
from puhui.demo.rules.season import day_factors

KINDS = ("noon", "buyer", "evening", "supplier", "rent", "household", "card")
"""Kinds of transfers in the order of the day: three in, four out."""

KINDS_IN = 3
DAYS_OF_TERM = (7, 14, 30)
CARD_LEAST_MINOR = 20_000
RENT_SHARE = 0.05
"""Rent of a month over the sales of a usual month."""


@dataclass(frozen=True, slots=True)
class Shops:
    """What trading starts from; arrays are ``(n,)``: ``trade`` and ``pattern`` are indices."""

    trade: Ints
    pattern: Ints
    scale: Floats


@dataclass(frozen=True, slots=True)
class Trading:
    """The course of business of n shops over d days; money in fen, all int64.

    ``amounts`` is ``(7, n, d)`` in the order of ``KINDS``, 0 where nothing happened; ``tickets``
    and ``payers`` are ``(3, n, d)``; ``buyer`` and ``supplier`` ``(n, d)`` say with whom. Invoices
    are ``(n, k)``: ``paid`` is -1 while open, ``issued`` -1 where there is none; days count from
    the first day.
    """

    opening: Ints
    amounts: Ints
    tickets: Ints
    payers: Ints
    buyer: Ints
    supplier: Ints
    issued: Ints
    due: Ints
    paid: Ints
    billed: Ints
    biller: Ints


@dataclass(slots=True)
class _Course:
    """What changes from day to day while trading is worked out."""

    balance: Ints
    issued: Ints
    due: Ints
    pay_from: Ints
    paid: Ints
    billed: Ints
    biller: Ints
    made: Ints
    supplier: Ints
    bills: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.bills = np.zeros(len(self.balance), dtype=np.int64)


def _fen(yuan: Floats) -> Ints:
    """Yuan as fen in steps of ten fen, as shop prices are."""
    return (np.rint(yuan * 10) * 10).astype(np.int64)


def _of_trades(figures: Figures, shops: Shops, name: str) -> Floats:
    values = np.array([getattr(trade, name) for trade in figures.trades], dtype=np.float64)
    return np.asarray(values[shops.trade])


def draw_trading(
    dice: np.random.Generator,
    figures: Figures,
    shops: Shops,
    conditions: Conditions,
    days: tuple[date, ...],
) -> Trading:
    """The trading of ``shops`` on ``days`` under ``conditions``."""
    sales, amounts, tickets, payers, buyer = _draw_sales(dice, figures, shops, conditions, days)
    count, length = len(shops.scale), len(days)
    usual = shops.scale * _of_trades(figures, shops, "daily_sales_yuan") * 100
    bills_max = length // 4 + 2
    course = _Course(
        balance=_fen(usual / 100 * dice.uniform(2.0, 9.0, count)),
        issued=np.full((count, bills_max), -1, dtype=np.int64),
        due=np.full((count, bills_max), -1, dtype=np.int64),
        pay_from=np.full((count, bills_max), length + 1, dtype=np.int64),
        paid=np.full((count, bills_max), -1, dtype=np.int64),
        billed=np.zeros((count, bills_max), dtype=np.int64),
        biller=np.zeros((count, bills_max), dtype=np.int64),
        made=np.concatenate((amounts, np.zeros((4, count, length), dtype=np.int64))),
        supplier=np.zeros((count, length), dtype=np.int64),
    )
    opening = course.balance.copy()
    habits = _draw_habits(dice, figures, shops, conditions, usual)
    sums = np.pad(sales.cumsum(axis=1), ((0, 0), (1, 0)))
    for at, day in enumerate(days):
        course.balance += amounts[:, :, at].sum(axis=0)
        _bill(dice, course, habits, sums, at)
        _pay_bills(course, at)
        _pay_out(dice, course, habits, at, day)
    return Trading(
        opening=opening,
        amounts=course.made,
        tickets=tickets,
        payers=payers,
        buyer=buyer,
        supplier=course.supplier,
        issued=course.issued,
        due=course.due,
        paid=course.paid,
        billed=course.billed,
        biller=course.biller,
    )


def _draw_sales(
    dice: np.random.Generator,
    figures: Figures,
    shops: Shops,
    conditions: Conditions,
    days: tuple[date, ...],
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Sales ``(n, d)`` in fen, and their bundles: amounts, tickets and payers ``(3, n, d)``."""
    count, length = len(shops.scale), len(days)
    factors = day_factors(days, figures)[shops.trade, shops.pattern]
    usual = shops.scale * _of_trades(figures, shops, "daily_sales_yuan")
    expected = usual[:, None] * factors * conditions.demand
    is_open = dice.random((count, length)) < dice.beta(40, 1.5, count)[:, None]
    spread = conditions.unsteadiness[:, None]
    noise = np.exp(spread * dice.standard_normal((count, length)) - spread**2 / 2)
    regular = _of_trades(figures, shops, "regular_share")[:, None]
    walk_in = expected * (1 - regular) * noise * is_open
    noon = dice.beta(5, 6, (count, length))
    visit = dice.uniform(0.10, 0.35, count)[:, None]
    comes = dice.random((count, length)) < visit
    bought = expected * regular / visit * np.exp(0.4 * dice.standard_normal((count, length)))
    amounts = np.stack(
        (_fen(walk_in * noon), _fen(bought * comes * is_open), _fen(walk_in * (1 - noon)))
    )
    ticket = (_of_trades(figures, shops, "ticket_yuan") * dice.uniform(0.7, 1.4, count))[:, None]
    tickets = np.maximum(dice.poisson(amounts / 100 / ticket[None]), 1)
    tickets[1] = 1
    tickets = np.where(amounts > 0, tickets, 0).astype(np.int64)
    again = np.broadcast_to(dice.beta(2, 8, count)[None, :, None], tickets.shape)
    payers = tickets - dice.binomial(np.maximum(tickets - 1, 0), again)
    few = dice.integers(1, 7, count)[:, None]
    buyer = 1 + np.floor(few * dice.random((count, length)) ** 2).astype(np.int64)
    sales = np.asarray(amounts.sum(axis=0))
    return sales, amounts, tickets, payers.astype(np.int64), buyer


@dataclass(frozen=True, slots=True)
class _Habits:
    """How a shop buys, pays and spends; arrays are ``(n,)``, money in fen."""

    cycle: Ints
    phase: Ints
    term: Ints
    lateness: Floats
    cost_share: Floats
    suppliers: Ints
    rent: Ints
    rent_day: Ints
    spend: Floats
    spend_every: Ints
    reserve: Floats
    card_phase: Ints


def _draw_habits(
    dice: np.random.Generator,
    figures: Figures,
    shops: Shops,
    conditions: Conditions,
    usual: Floats,
) -> _Habits:
    count = len(usual)
    cost_share = _of_trades(figures, shops, "cost_share")
    surplus = usual * (1 - cost_share - RENT_SHARE)
    floor = figures.income_yuan / 365 * 100
    taken = 1.08 - 0.30 * conditions.thrift + 0.06 * dice.standard_normal(count)
    cycle = dice.integers(4, 11, count)
    return _Habits(
        cycle=cycle,
        phase=dice.integers(0, 11, count),
        term=np.array(DAYS_OF_TERM)[dice.integers(0, len(DAYS_OF_TERM), count)],
        lateness=conditions.lateness_days,
        cost_share=cost_share,
        suppliers=dice.integers(0, figures.suppliers, (count, 2)),
        rent=_fen(usual * 30 * RENT_SHARE / 100),
        rent_day=dice.integers(1, 29, count),
        spend=np.maximum(surplus * 0.55 * taken, floor),
        spend_every=dice.integers(2, 6, count),
        reserve=usual * cost_share * (3.0 + cycle + 14.0 * conditions.thrift),
        card_phase=dice.integers(0, 7, count),
    )


def _bill(dice: np.random.Generator, course: _Course, habits: _Habits, sums: Ints, at: int) -> None:
    """Suppliers deliver on invoice what was sold; ``sums`` (n, d + 1) are the sales so far."""
    rows = np.flatnonzero((at + habits.phase) % habits.cycle == 0)
    noise = np.exp(0.15 * dice.standard_normal(len(rows)))
    extra = np.maximum(np.rint(habits.lateness[rows] + 2.5 * dice.standard_normal(len(rows))), -3)
    which = dice.integers(0, 2, len(rows))
    sold = sums[rows, at + 1] - sums[rows, np.maximum(at + 1 - habits.cycle[rows], 0)]
    amount = _fen(sold / 100 * habits.cost_share[rows] * noise)
    place = course.bills[rows]
    is_bill = (amount > 0) & (place < course.issued.shape[1])
    rows, place = rows[is_bill], place[is_bill]
    course.issued[rows, place] = at
    course.due[rows, place] = at + habits.term[rows]
    course.pay_from[rows, place] = at + habits.term[rows] + extra[is_bill].astype(np.int64)
    course.billed[rows, place] = amount[is_bill]
    course.biller[rows, place] = habits.suppliers[rows, which[is_bill]]
    course.bills[rows] += 1


def _pay_bills(course: _Course, at: int) -> None:
    """Each shop pays its oldest bill that is to be paid, if the wallet holds as much."""
    is_open = (course.pay_from <= at) & (course.paid < 0) & (course.issued >= 0)
    rows = np.flatnonzero(is_open.any(axis=1))
    place = is_open[rows].argmax(axis=1)
    is_paid = course.billed[rows, place] <= course.balance[rows]
    rows, place = rows[is_paid], place[is_paid]
    course.paid[rows, place] = at
    course.supplier[rows, at] = course.biller[rows, place]
    _take(course, rows, 3, at, course.billed[rows, place])


def _take(course: _Course, rows: Ints, kind: int, at: int, wanted: Ints) -> None:
    """Money out of the wallets of ``rows``: what is wanted, at most what is there."""
    amount = np.clip(wanted, 0, course.balance[rows])
    course.made[kind, rows, at] = amount
    course.balance[rows] -= amount


def _pay_out(
    dice: np.random.Generator, course: _Course, habits: _Habits, at: int, day: date
) -> None:
    """Rent on its day, the household every few days, and what is left over to the bank card."""
    rows = np.flatnonzero(habits.rent_day == day.day)
    _take(course, rows, 4, at, habits.rent[rows])
    rows = np.flatnonzero((at + habits.phase) % habits.spend_every == 0)
    noise = np.exp(0.3 * dice.standard_normal(len(rows)))
    spent = habits.spend[rows] * habits.spend_every[rows] * noise / 100
    _take(course, rows, 5, at, _fen(spent))
    rows = np.flatnonzero((at + habits.card_phase) % 7 == 0)
    over = (course.balance[rows] - habits.reserve[rows]) * dice.uniform(0.6, 0.95, len(rows))
    is_worth = over >= CARD_LEAST_MINOR
    _take(course, rows[is_worth], 6, at, _fen(over[is_worth] / 100))


def history_days(day: date, count: int) -> tuple[date, ...]:
    """The ``count`` days before ``day``, oldest first."""
    return tuple(day - timedelta(days=back) for back in range(count, 0, -1))
