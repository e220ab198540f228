"""Signals of a merchant: what 90 days of flows, invoices and past repayments say, as numbers.

One function for all: past borrowers a model is trained on and applicants it decides on go through
``signals_of``, so a signal can never mean two things. It sees what a lender sees, no more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from math import nan

import numpy as np

from puhui.merchant.nouns import Floats, Flows, Ints, Observed

WINDOW_DAYS = 90
"""Signals look back this far; a merchant with a shorter history is scored on what there is."""

EPOCH = date(1970, 1, 1)
EMPTY_BALANCE_MINOR = 100
"""A wallet that ends its day below one yuan counts as empty."""

PUNCTUAL_DAYS = 1
"""A bill paid up to so many days after its due day counts as paid on time."""


def day_number(day: date) -> int:
    """Days since 1970-01-01, as flows count them."""
    return (day - EPOCH).days


def signals_of(observed: Observed) -> dict[str, float]:
    """All signals by name, in the order of ``SIGNALS``; not a number where nothing is known."""
    window = Window(observed)
    return {name: float(measure(window)) for name, measure in SIGNALS.items()}


class Window:
    """The last 90 days before the day of the application, cut once for all signals."""

    __slots__ = (
        "closing_minor",
        "daily_minor",
        "days",
        "flows",
        "inflow",
        "inflow_minor",
        "observed",
        "outflow_minor",
        "start",
    )

    def __init__(self, observed: Observed) -> None:
        end = day_number(observed.on)
        first = int(observed.flows.day[0]) if len(observed.flows.day) else end
        self.observed = observed
        self.start = max(end - WINDOW_DAYS, first)
        self.days = end - self.start
        self.flows = _cut(observed.flows, self.start, end)
        self.inflow = self.flows.amount_minor > 0
        offset = (self.flows.day - self.start)[self.inflow]
        received = self.flows.amount_minor[self.inflow]
        sums = np.bincount(offset, received, minlength=max(self.days, 1))
        self.daily_minor: Floats = np.asarray(sums, dtype=np.float64)
        self.inflow_minor = int(received.sum())
        self.outflow_minor = self.inflow_minor - int(self.flows.amount_minor.sum())
        self.closing_minor = _closing_balances(observed.flows, self.start, self.days)


def _cut(flows: Flows, start: int, end: int) -> Flows:
    low, high = np.searchsorted(flows.day, (start, end))
    return Flows(
        day=flows.day[low:high],
        amount_minor=flows.amount_minor[low:high],
        payer=flows.payer[low:high],
        tickets=flows.tickets[low:high],
        payers=flows.payers[low:high],
        balance_minor=flows.balance_minor[low:high],
    )


def daily_inflow(window: Window) -> float:
    """Mean money in a day, in yuan."""
    return window.inflow_minor / 100 / window.days if window.days else nan


def inflow_variation(window: Window) -> float:
    """Standard deviation of the money in of a day over its mean."""
    mean = float(window.daily_minor.mean())
    return float(window.daily_minor.std()) / mean if mean else nan


def inflow_trend(window: Window) -> float:
    """Money in of the last 30 days over that of the 60 days before, a day; 1 is level."""
    if window.days < 60:
        return nan
    before = float(window.daily_minor[:-30].mean())
    return float(window.daily_minor[-30:].mean()) / before if before else nan


def weekly_low(window: Window) -> float:
    """The weakest whole week's money in over that of the median week, 0..1."""
    weeks = len(window.daily_minor) // 7
    if weeks < 4:
        return nan
    sums = window.daily_minor[-7 * weeks :].reshape(weeks, 7).sum(axis=1)
    median = float(np.median(sums))
    return float(sums.min()) / median if median else nan


def active_days_share(window: Window) -> float:
    """Share of days with money in, 0..1."""
    return float((window.daily_minor > 0).mean()) if window.days else nan


def longest_pause_days(window: Window) -> float:
    """The longest run of days without money in."""
    busy = np.flatnonzero(window.daily_minor > 0)
    edges = np.concatenate(([-1], busy, [window.days]))
    return float(np.diff(edges).max() - 1)


def weekend_share(window: Window) -> float:
    """Share of the money in that came on Saturdays and Sundays, 0..1."""
    weekday = (window.start + np.arange(len(window.daily_minor)) + 3) % 7
    total = window.inflow_minor
    return float(window.daily_minor[weekday >= 5].sum()) / total if total else nan


def tickets_per_day(window: Window) -> float:
    """QR sales a day, counted within the bundles that the wallet is credited with."""
    return float(window.flows.tickets.sum()) / window.days if window.days else nan


def payers_per_day(window: Window) -> float:
    """Different buyers a day, as the QR acquirer counts them within each bundle."""
    return float(window.flows.payers.sum()) / window.days if window.days else nan


def top_payer_share(window: Window) -> float:
    """Share of the money in that came from the largest named buyer, 0..1."""
    is_named = window.inflow & (window.flows.payer != 0)
    sums: dict[int, int] = {}
    amounts = window.flows.amount_minor[is_named].tolist()
    for payer, amount in zip(window.flows.payer[is_named].tolist(), amounts, strict=True):
        sums[payer] = sums.get(payer, 0) + amount
    return max(sums.values()) / window.inflow_minor if sums else 0.0


def outflow_share(window: Window) -> float:
    """Money out over money in."""
    return window.outflow_minor / window.inflow_minor if window.inflow_minor else nan


def _closing_balances(flows: Flows, start: int, count: int) -> Ints:
    """The balance at the end of each day, in fen; days without a transfer keep the one before."""
    last = np.searchsorted(flows.day, start + np.arange(count), side="right") - 1
    return flows.balance_minor[last] if len(flows.day) else np.zeros(count, dtype=np.int64)


def balance_low(window: Window) -> float:
    """The lowest balance at the end of a day, in days of mean money out."""
    if not window.outflow_minor:
        return nan
    return float(window.closing_minor.min()) / (window.outflow_minor / window.days)


def balance_days(window: Window) -> float:
    """The median balance at the end of a day, in days of mean money out."""
    if not window.outflow_minor:
        return nan
    return float(np.median(window.closing_minor)) / (window.outflow_minor / window.days)


def empty_days_share(window: Window) -> float:
    """Share of days that ended with less than one yuan in the wallet, 0..1."""
    is_empty = window.closing_minor < EMPTY_BALANCE_MINOR
    return float(is_empty.mean()) if window.days else nan


def _invoice_delays(window: Window) -> list[int]:
    """Days from due day to payment of invoices that fell due in the window; open ones to today."""
    on = window.observed.on
    since = on - timedelta(days=WINDOW_DAYS)
    return [
        ((one.paid_on or on) - one.due_on).days
        for one in window.observed.invoices
        if since <= one.due_on < on
    ]


def invoices_on_time_share(window: Window) -> float:
    """Share of invoices due in the window that were paid at most a day late, 0..1."""
    delays = _invoice_delays(window)
    return sum(delay <= PUNCTUAL_DAYS for delay in delays) / len(delays) if delays else nan


def invoice_delay_days(window: Window) -> float:
    """Mean days that invoices due in the window were paid late; early counts as nought."""
    delays = _invoice_delays(window)
    return sum(max(delay, 0) for delay in delays) / len(delays) if delays else nan


def past_late_share(window: Window) -> float:
    """Share of the instalments of an earlier credit that were paid late, 0..1."""
    past = window.observed.past_instalments
    return sum(one.paid_on > one.due_on for one in past) / len(past) if past else nan


def past_late_days_max(window: Window) -> float:
    """Most days that an instalment of an earlier credit was paid late."""
    past = window.observed.past_instalments
    return float(max((max((p.paid_on - p.due_on).days, 0) for p in past), default=nan))


def months_in_trade(window: Window) -> float:
    """Months since the business was registered."""
    registered_on = window.observed.registered_on
    return nan if registered_on is None else (window.observed.on - registered_on).days / 30.4375


SIGNALS: dict[str, Callable[[Window], float]] = {
    measure.__name__: measure
    for measure in (
        daily_inflow,
        inflow_variation,
        inflow_trend,
        weekly_low,
        active_days_share,
        longest_pause_days,
        weekend_share,
        tickets_per_day,
        payers_per_day,
        top_payer_share,
        outflow_share,
        balance_low,
        balance_days,
        empty_days_share,
        invoices_on_time_share,
        invoice_delay_days,
        past_late_share,
        past_late_days_max,
        months_in_trade,
    )
}
"""Every signal by its name; the mapping ``merchant_310`` declares the same ones."""
