"""Tests of an audit of fairness: exact and approximate chances, and a family of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np

from puhui.score.nouns.audit import AuditRules


def fisher_p(yes: int, no: int, other_yes: int, other_no: int) -> float:
    """The two-sided chance of a table at least as unlikely, margins fixed (Fisher's exact test).

    All tables whose probability is not above the observed one are summed, as R's ``fisher.test``
    does. Source: Fisher 1934, Statistical Methods for Research Workers, 5th edition.
    """
    counts = (yes, no, other_yes, other_no)
    assert min(counts) >= 0, counts
    first, second, column = yes + no, other_yes + other_no, yes + other_yes
    if not first or not second or not column or column == first + second:
        return 1.0
    low, high = max(0, column - second), min(first, column)
    facts = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, first + second + 1)))))
    taken = np.arange(low, high + 1)
    logs = (
        facts[first] - facts[taken] - facts[first - taken]
        + facts[second] - facts[column - taken] - facts[second - column + taken]
        - (facts[first + second] - facts[column] - facts[first + second - column])
    )  # fmt: skip
    observed = float(logs[yes - low])
    return min(1.0, float(np.exp(logs[logs <= observed + 1e-7]).sum()))


def z_p(yes: int, no: int, other_yes: int, other_no: int) -> float:
    """The two-sided chance by the normal approximation with Yates's continuity correction."""
    first, second = yes + no, other_yes + other_no
    total, column = first + second, yes + other_yes
    if not first or not second or not column or column == total:
        return 1.0
    pooled = column / total
    error = math.sqrt(pooled * (1 - pooled) * (1 / first + 1 / second))
    gap = abs(yes / first - other_yes / second)
    return normal_p(max(0.0, gap - (1 / first + 1 / second) / 2) / error)


def normal_p(z: float) -> float:
    """The two-sided chance of a standard normal beyond ``z``."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def share_test(
    yes: int, no: int, other_yes: int, other_no: int, fisher_rows_max: int
) -> tuple[float, str]:
    """The chance that two shares differ so by luck, and the test that gave it."""
    if yes + no + other_yes + other_no <= fisher_rows_max:
        return fisher_p(yes, no, other_yes, other_no), "Fisher exact"
    return z_p(yes, no, other_yes, other_no), "z, continuity corrected"


def holm(p_values: Sequence[float], family: int = 0) -> tuple[float, ...]:
    """The p-values adjusted so that the chance of any false alarm in the family is held.

    ``family`` is the number of tests in all where more are made than are given here; 0 counts
    these alone. Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    count = max(len(p_values), family)
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    found, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (count - rank) * p_values[place]))
        found[place] = least
    return tuple(found)


def is_large_enough(rows: int, reference_rows: int, rules: AuditRules) -> bool:
    """Whether a claim may be made of a group and its reference at all."""
    return min(rows, reference_rows) >= rules.rows_min


def age_on(born: date, on: date) -> int:
    """Whole years of age on a day; who was born on 29 February is a year older on 1 March."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
