"""Hidden variables: how resilient a merchant truly is, and what will befall it, and when.

Only ``draw/outcome.py`` imports this module (held by a test): whoever makes signals sees flows,
invoices and repayments, as a lender does, and never what is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puhui.demo.nouns import Floats, Ints

SHOCK_SHARE = 0.6
"""Share of merchants that something befalls within the history or the year after it."""

AFTERWARDS_DAYS = 360
DEPTH_MAX = 0.95


@dataclass(frozen=True, slots=True)
class Fate:
    """What nobody in the county knows; arrays are ``(n,)``.

    ``resilience`` is standard normal. ``shock_day`` counts from the first day of the history and
    may lie after its end; -1 where nothing happens. ``shock_depth`` is the share of sales lost at
    first, 0..1.
    """

    resilience: Floats
    shock_day: Ints
    shock_depth: Floats


def draw_fate(dice: np.random.Generator, count: int, days: int) -> Fate:
    """The fate of ``count`` merchants over a history of ``days`` days and the year after it."""
    resilience = dice.standard_normal(count)
    is_struck = dice.random(count) < SHOCK_SHARE
    day = dice.integers(0, days + AFTERWARDS_DAYS, count)
    depth = dice.beta(2.5, 3.0, count) * (1.0 - 0.25 * np.tanh(resilience))
    depth = np.minimum(depth, DEPTH_MAX)
    return Fate(
        resilience=resilience,
        shock_day=np.where(is_struck, day, -1),
        shock_depth=np.where(is_struck, depth, 0.0),
    )
