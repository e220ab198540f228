"""The outcome generator: hidden variables become conditions of trade, and later good or bad loans.

Conditions are what the world shows of a merchant's fate, mixed with noise; the flows are made
from them. Outcomes are drawn apart from all that, from the fate itself and dice of their own:
this module never sees a flow or a signal, so none can hold more of the outcome than flows tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puhui.demo.draw.fate import AFTERWARDS_DAYS, Fate, draw_fate
from puhui.demo.nouns import Floats

FATE_DICE, CONDITION_DICE, OUTCOME_DICE = 11, 12, 13
"""Streams of chance of this module; other generators use smaller numbers."""

LIKENESS = 0.72
"""How far a condition follows resilience (its correlation); the rest is chance."""

BAD_AT_AVERAGE = -4.3
PULL_OF_RESILIENCE = 1.7
PULL_OF_SHOCK = 3.2
RECOVERY_DAYS = 75.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """What fate does to a shop; ``demand`` is ``(n, days)``, the rest ``(n,)``, all float64.

    ``demand`` multiplies sales, ``unsteadiness`` is the spread of daily sales (sigma of logs),
    ``thrift`` 0..1 is the share of the surplus that stays in the wallet, ``lateness_days`` is how
    long after the due day bills are habitually paid, ``slips`` 0..1 is how often an instalment of
    an earlier credit was paid late.
    """

    demand: Floats
    unsteadiness: Floats
    thrift: Floats
    lateness_days: Floats
    slips: Floats


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How loans ended: ``is_bad`` (n,) bool, ``lost_share`` (n,) float64, 0 for good ones."""

    is_bad: np.ndarray[tuple[int], np.dtype[np.bool_]]
    lost_share: Floats


def _fate(seed: int, block: int, count: int, days: int) -> Fate:
    return draw_fate(np.random.default_rng([seed, block, FATE_DICE]), count, days)


def draw_conditions(seed: int, block: int, count: int, days: int) -> Conditions:
    """Conditions of ``count`` merchants over ``days`` days of history."""
    fate = _fate(seed, block, count, days)
    dice = np.random.default_rng([seed, block, CONDITION_DICE])

    def shown() -> Floats:
        noise = dice.standard_normal(count)
        return LIKENESS * fate.resilience + float(np.sqrt(1 - LIKENESS**2)) * noise

    day = np.arange(days)[None, :]
    since = day - fate.shock_day[:, None]
    is_after = (fate.shock_day[:, None] >= 0) & (since >= 0)
    back = RECOVERY_DAYS * np.exp(-0.3 * fate.resilience)[:, None]
    lost = np.where(is_after, fate.shock_depth[:, None] * np.exp(-np.maximum(since, 0) / back), 0)
    drift = np.exp((0.0012 * shown())[:, None] * (day - days / 2))
    return Conditions(
        demand=(1.0 - lost) * drift,
        unsteadiness=np.exp(-1.05 - 0.22 * shown() + 0.15 * dice.standard_normal(count)),
        thrift=1.0 / (1.0 + np.exp(-0.2 - 0.9 * shown())),
        lateness_days=0.6 - 3.0 * shown() + 1.2 * dice.standard_normal(count),
        slips=1.0 / (1.0 + np.exp(2.1 + 1.1 * shown())),
    )


def draw_outcomes(seed: int, block: int, count: int, days: int) -> Outcomes:
    """How the loans of the same merchants ended within a year; drawn from fate and chance alone.

    A loan goes bad by a logistic chance that falls with resilience and rises with what befalls
    the merchant, most if it happens after the loan was made.
    """
    fate = _fate(seed, block, count, days)
    dice = np.random.default_rng([seed, block, OUTCOME_DICE])
    is_ahead = fate.shock_day >= days
    nearness = np.where(is_ahead, 1.0 - (fate.shock_day - days) / (2.0 * AFTERWARDS_DAYS), 0.5)
    pull = PULL_OF_SHOCK * fate.shock_depth * nearness
    odds = BAD_AT_AVERAGE - PULL_OF_RESILIENCE * fate.resilience + pull
    is_bad = dice.random(count) < 1.0 / (1.0 + np.exp(-odds))
    lost_share = np.round(dice.beta(3.0, 2.0, count), 2)
    return Outcomes(is_bad=is_bad, lost_share=np.where(is_bad, lost_share, 0.0))
