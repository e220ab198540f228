"""Penalty interest 罚息 on what is overdue: its rate, rates to come, days that each counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from puhui.servicing.nouns.plan import Plan
from puhui.servicing.rules.period import divide
from puhui.servicing.rules.replay.layout import Row

PENALTY, INTEREST, PRINCIPAL = 0, 2, 3


class Penalty:
    """Overdue money x days x rate x multiplier / days of the year, in place of ordinary interest.

    Once the days of grace have passed it counts from the due day, before that not at all. Sums are
    exact, so looking at a loan on days between changes nothing. Where the plan ``keeps_past_rates``
    each day counts at the rate of that day, those of grace too, and a rate agreed on for a later
    instalment from its first day on.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.coming: list[tuple[date, Decimal]] = []
        self._price(plan.annual_rate)

    def _price(self, annual_rate: Decimal) -> None:
        self.annual_rate = annual_rate
        self.rate, per = (annual_rate * self.plan.penalty_multiplier).as_integer_ratio()
        self.year = per * self.plan.penalty_year_days

    def of(self, row: Row) -> int:
        """What of a row's penalty follows from its days."""
        return divide(row.minor_days * self.rate, self.year, self.plan.rounding)

    def count(self, rows: Sequence[Row], first: int, on: date) -> None:
        """Count rows from place ``first`` on up to a day, at the rates of the days up to it."""
        while self.coming and self.coming[0][0] <= on:
            since, annual_rate = self.coming.pop(0)
            self._count(rows[first:], since)
            self._change(rows, since, annual_rate)
        self._count(rows[first:], on)

    def _count(self, rows: Iterable[Row], on: date) -> None:
        """Days of grace that lie before a change of rate are charged when they have passed."""
        if not self.rate and not self.plan.keeps_past_rates:
            return
        edge = on - timedelta(days=self.plan.grace_days)
        for row in rows:
            if row.due_on >= edge:
                break
            bearing = row.owed(PRINCIPAL)
            if self.plan.penalty_on_interest:
                bearing += row.owed(INTEREST)
            if bearing <= 0:
                continue
            since = max(row.counted, row.due_on)
            for until, rate, year in row.past_rates:
                days = (until - since).days
                row.charged += divide(bearing * days * rate, year, self.plan.rounding)
                since = until
            row.past_rates.clear()
            if self.rate:
                row.minor_days += bearing * (on - since).days
            row.counted = on
            row.due[PENALTY] = row.charged + self.of(row)

    def change(self, rows: Sequence[Row], on: date, annual_rate: Decimal, since: date) -> None:
        """Another rate, agreed on today; penalties counted so far stand.

        It takes the place of rates that were to come from ``since`` on.
        """
        self.coming = [one for one in self.coming if one[0] < since]
        if since > on and self.plan.keeps_past_rates:
            self.coming.append((since, annual_rate))
        else:
            self._change(rows, on, annual_rate)

    def _change(self, rows: Sequence[Row], on: date, annual_rate: Decimal) -> None:
        for row in rows:
            row.charged += self.of(row) if row.minor_days else 0
            row.minor_days = 0
            if self.plan.keeps_past_rates and row.due_on < on and row.counted <= row.due_on:
                row.past_rates.append((on, self.rate, self.year))
        self._price(annual_rate)

    def looks_back(self, rows: Iterable[Row]) -> bool:
        """Whether rates of other days than today will count yet: of rows that are owed."""
        return bool(self.coming) or any(row.past_rates and row.owed_all for row in rows)
