"""Measure schedules: one 12-instalment plan by the rule, a million of them in arrays.

`python bench/schedule.py [--quick] [--json]`. CPU time of this process, one thread. Every loan has
an amount and a price of its own and one of 3,000 start days, so that nothing of one loan's schedule
is remembered for another; the rule reads due days off a table of the calendar. Beside it stands the
same plan in ``decimal`` (28 digits, half up), equal to the cent, whose days are worked out before.
Arrays are checked against the rule on a sample. Loans come from a seed.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import numpy as np

from puhui.kernel.money import Rounding
from puhui.servicing import build_schedule, noun, schedule_rows

SEED = 20261127
COUNT = 12
START = date(2026, 1, 15)
FIRST_DAY, START_DAYS = date(2022, 1, 1), 3_000
BLOCK = 25_000
CENT = Decimal("0.01")


def plan_of(rate_millionths: int, rounding: Rounding = Rounding.HALF_UP) -> noun.Plan:
    """Twelve equal instalments by months, act/365."""
    rate = Decimal(rate_millionths).scaleb(-6)
    method, count = noun.Method.EQUAL_INSTALMENT, noun.DayCount.ACT_365
    return noun.Plan("CNY", rate, method, COUNT, day_count=count, rounding=rounding)


def decimal_rows(plan: noun.Plan, principal: int, days: list[int]) -> list[tuple[Decimal, Decimal]]:
    """The same plan in decimals: principal and interest of each instalment, in whole units."""
    factors = [plan.annual_rate * count / 365 for count in days]
    product, total = Decimal(1), Decimal(0)
    for factor in factors:
        total = total * (1 + factor) + 1
        product *= 1 + factor
    balance = Decimal(principal) / 100
    level = (balance * product / total).quantize(CENT, ROUND_HALF_UP)
    rows = []
    for number, factor in enumerate(factors, start=1):
        interest = (balance * factor).quantize(CENT, ROUND_HALF_UP)
        part = balance if number == COUNT else level - interest
        rows.append((part, interest))
        balance -= part
    return rows


def bench_one(loans: int) -> tuple[float, float]:
    """CPU microseconds of one schedule by the rule and in decimals; both equal to the cent."""
    dice = np.random.default_rng(SEED)
    principal = dice.integers(100_000, 50_000_000, loans)
    rate = dice.integers(36_000, 240_000, loans)
    day = dice.permuted(np.arange(loans) % START_DAYS)
    every = [
        (plan_of(int(r)), int(p), FIRST_DAY + timedelta(days=int(d)))
        for p, r, d in zip(principal, rate, day, strict=True)
    ]
    lengths = [days_of(start) for _, _, start in every]
    for (plan, lent, start), days in list(zip(every, lengths, strict=True))[:500]:
        ours = build_schedule(plan, lent, start)
        rows = [(int(part * 100), int(cost * 100)) for part, cost in decimal_rows(plan, lent, days)]
        assert rows == list(zip(ours.principal_minor, ours.interest_minor, strict=True)), plan
    gc.collect()
    gc.freeze()
    started = time.process_time()
    for plan, lent, start in every:
        build_schedule(plan, lent, start)
    by_rule = time.process_time() - started
    started = time.process_time()
    for (plan, lent, _), days in zip(every, lengths, strict=True):
        decimal_rows(plan, lent, days)
    return by_rule / loans * 1e6, (time.process_time() - started) / loans * 1e6


def days_of(start: date) -> list[int]:
    """How many days the twelve months from ``start`` on have."""
    due = (start, *build_schedule(plan_of(1), 1, start).due_on)
    return [(last - first).days for first, last in pairwise(due)]


def bench_many(loans: int, checked: int, block: int) -> float:
    """CPU seconds a million loans take in arrays, checked against the rule on a sample.

    Blocks let the memory of the last rows be used again; with one block of everything the time to
    get 192 MB from the system counts as well.
    """
    dice = np.random.default_rng(SEED)
    principal = dice.integers(100_000, 50_000_000, loans)
    rate = dice.integers(36, 240, loans) * 1000
    due = (START, *build_schedule(plan_of(1), 1, START).due_on)
    parts = np.array([(last - first).days for first, last in pairwise(due)])
    method, rounding = noun.Method.EQUAL_INSTALMENT, Rounding.HALF_UP
    schedule_rows(method, principal[:2], rate[:2], parts, 365, rounding)
    started = time.process_time()
    for first in range(0, loans, block):
        part = slice(first, first + block)
        rows, interest = schedule_rows(method, principal[part], rate[part], parts, 365, rounding)
    spent = time.process_time() - started
    for place in dice.integers(0, len(rows), checked):
        one = build_schedule(
            plan_of(int(rate[part][place]), rounding), int(principal[part][place]), START
        )
        assert tuple(rows[place]) == one.principal_minor, place
        assert tuple(interest[place]) == one.interest_minor, place
    return spent / loans * 1e6


def main() -> None:
    """Run the bench and print one flat JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 20 seconds")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    options = parser.parse_args()
    by_rule, in_decimals = min(bench_one(5_000 if options.quick else 30_000) for _ in range(3))
    rounds = range(1 if options.quick else 3)
    many = min(bench_many(1_000_000, 1_000, BLOCK) for _ in rounds)
    whole = min(bench_many(1_000_000, 1_000, 1_000_000) for _ in rounds)
    figures = {
        "us_per_schedule_12": by_rule,
        "us_per_schedule_12_decimal": in_decimals,
        "start_days": START_DAYS,
        "decimal_to_rule": in_decimals / by_rule,
        "cpu_s_per_million_vectorised": many,
        "cpu_s_per_million_in_one_block": whole,
        "rule_to_vectorised": by_rule / many,
        "checked_to_the_cent": 1_000,
    }
    if not options.json:
        print(f"One schedule of 12: {by_rule:.1f} us CPU, in decimals {in_decimals:.1f} us.")
        print(f"A million of 12 in arrays: {many:.2f} s CPU.")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, sort_keys=True))


if __name__ == "__main__":
    main()
