"""What is known of a merchant beside the wallet: age of the shop, income, debts, wishes, the past.

Past borrowers and today's applicants are drawn by the same functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from puhui.demo.draw.outcome import Conditions, draw_conditions
from puhui.demo.draw.trade import Shops, Trading, draw_trading, history_days
from puhui.demo.nouns import Figures, Floats, Ints
from puhui.kernel.calendar import add_months
from puhui.merchant import Invoice, PastInstalment

TRADE_DICE, FACT_DICE = 1, 2
"""Streams of chance; those of the outcome generator have other numbers."""

PAST_SHARE = 0.65
"""Share of merchants who had a small credit elsewhere before."""

DEBT_SHARE = 0.45
INCOME_STEP_YUAN = 500


@dataclass(frozen=True, slots=True)
class Block:
    """Merchants drawn together, with their trading up to the day before ``day``."""

    day: date
    shops: Shops
    trading: Trading
    age_years: Ints
    months: Ints
    income_yuan: Ints
    debt_yuan: Ints
    lenders: Ints
    wanted_yuan: Ints
    past: tuple[tuple[PastInstalment, ...], ...]


def draw_block(
    seed: int, block: int, count: int, day: date, figures: Figures, scales: Floats | None = None
) -> Block:
    """``count`` merchants and their trading before ``day``; ``scales`` (n,) enlarges shops."""
    conditions = draw_conditions(seed, block, count, figures.history_days)
    dice = np.random.default_rng([seed, block, TRADE_DICE])
    weights = np.array([trade.share for trade in figures.trades])
    shops = Shops(
        trade=dice.choice(len(weights), count, p=weights / weights.sum()),
        pattern=dice.integers(0, 4, count),
        scale=np.exp(0.5 * dice.standard_normal(count)) * (1.0 if scales is None else scales),
    )
    days = history_days(day, figures.history_days)
    trading = draw_trading(dice, figures, shops, conditions, days)
    return _with_facts(seed, block, day, figures, shops, trading, conditions)


def _with_facts(
    seed: int,
    block: int,
    day: date,
    figures: Figures,
    shops: Shops,
    trading: Trading,
    conditions: Conditions,
) -> Block:
    dice = np.random.default_rng([seed, block, FACT_DICE])
    count = len(shops.scale)
    monthly = trading.amounts[:3].sum(axis=(0, 2)) / 100 / len(trading.buyer[0]) * 30
    cost = np.array([trade.cost_share for trade in figures.trades])[shops.trade]
    earned = monthly * 12 * (1 - cost) * dice.uniform(0.7, 1.15, count)
    income = np.maximum(earned, 0.6 * figures.income_yuan) // INCOME_STEP_YUAN * INCOME_STEP_YUAN
    has_debt = dice.random(count) < DEBT_SHARE
    multiple = np.minimum(0.5 * np.exp(dice.standard_normal(count)), 2.6)
    debt = np.where(has_debt, income * multiple, 0)
    wish = np.exp(0.45 * dice.standard_normal(count)) * monthly
    wish *= figures.wish_mean_yuan / max(float(wish.mean()), 1.0)
    wish = np.clip(wish // 1000 * 1000, figures.wish_smallest_yuan, figures.wish_largest_yuan)
    has_past = dice.random(count) < PAST_SHARE
    past = tuple(
        draw_past(dice, float(slips), day) if had else ()
        for slips, had in zip(conditions.slips, has_past, strict=True)
    )
    return Block(
        day=day,
        shops=shops,
        trading=trading,
        age_years=np.clip(np.rint(dice.normal(42, 10, count)), 21, 63).astype(np.int64),
        months=8 + np.rint(dice.gamma(1.8, 30.0, count)).astype(np.int64),
        income_yuan=income.astype(np.int64),
        debt_yuan=(debt // 100 * 100).astype(np.int64),
        lenders=np.where(has_debt, dice.integers(1, 4, count), 0),
        wanted_yuan=wish.astype(np.int64),
        past=past,
    )


def draw_past(dice: np.random.Generator, slips: float, day: date) -> tuple[PastInstalment, ...]:
    """6 to 12 monthly instalments of an earlier credit; ``slips`` 0..1 of them were paid late."""
    count = int(dice.integers(6, 13))
    amount_minor = int(dice.integers(30, 180)) * 1000
    last = day - timedelta(days=int(dice.integers(40, 300)))
    made = []
    for back in range(count, 0, -1):
        due_on = add_months(last, 1 - back)
        late = 1 + int(dice.geometric(0.22)) if dice.random() < slips else 0
        paid_on = min(due_on + timedelta(days=late), day - timedelta(days=1))
        made.append(PastInstalment(due_on, paid_on, amount_minor))
    return tuple(made)


def invoices_of(trading: Trading, shop: int, first: date) -> tuple[Invoice, ...]:
    """The invoices of one shop, in the order they came."""
    columns = (trading.issued, trading.due, trading.paid, trading.billed, trading.biller)
    rows = zip(*(column[shop].tolist() for column in columns), strict=True)
    return tuple(
        Invoice(
            supplier=biller,
            issued_on=first + timedelta(days=issued),
            due_on=first + timedelta(days=due),
            paid_on=None if paid < 0 else first + timedelta(days=paid),
            amount_minor=billed,
        )
        for issued, due, paid, billed, biller in rows
        if issued >= 0
    )
