"""Ways 重排口径: what payments off the due day do to the rows ahead, as switches of a plan.

A plan names its set by ``Plan.recalculation``. The engine asks for switches alone, so that every
kind of loan is laid out by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from puhui.servicing.nouns.plan import Interest, Plan, Recalculation


class Overdue(Enum):
    """When overdue principal bears ordinary interest on top of what was planned."""

    NEVER = "never"
    RUNNING = "running"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Ways:
    """One set of switches.

    ``foresees``: all draws and changes known by the day are laid out before money is shared out.
    ``saves``: principal paid early bears no interest. ``overdue``: see there.
    ``beside``: what was paid early stays beside the instalment that is worked out anew; else it is
    part of the instalment. ``tops``: interest earned before in the running period comes on top of
    the level, and the money that the level repays is what is left from today on; else the level
    spans the whole period. ``keeps_level``: the level is set by draws and changes alone.
    ``carries``: interest of a row paid early that finds no room moves to the next row.
    ``joins``: a draw of a due day may change the instalment of that day, if the plan says so.
    ``even_days``: each day of a period bears alike, but for ``Plan.counts_each_year``. ``breaks``:
    a period whose end was moved counts its days. ``by_row``: money ahead of time is shared out over
    rows as they stand, in the plan's order; else it pays interest to the day and then principal of
    all rows. ``at_once``: charges are owed from their day on, and interest that
    is not earned yet cannot be waived.
    """

    foresees: bool = False
    saves: bool = True
    overdue: Overdue = Overdue.NEVER
    beside: bool = False
    tops: bool = False
    keeps_level: bool = False
    carries: bool = False
    joins: bool = True
    even_days: bool = False
    breaks: bool = False
    by_row: bool = True
    at_once: bool = False


WAYS = {
    Recalculation.TO_THE_DAY: Ways(
        beside=True,
        tops=True,
        joins=False,
        even_days=True,
        breaks=True,
        by_row=False,
        at_once=True,
    ),
    Recalculation.NONE: Ways(foresees=True, saves=False),
    Recalculation.RUNNING_PERIOD: Ways(overdue=Overdue.RUNNING),
    Recalculation.EVERY_PERIOD: Ways(overdue=Overdue.ALWAYS, keeps_level=True, carries=True),
}
"""Each kind of recalculation as switches; ``NONE`` also lays out the first rows of every loan."""
WHOLE_PERIODS = replace(WAYS[Recalculation.TO_THE_DAY], tops=False)
"""Loans to the day whose interest is flat on all that was lent: a change begins no period anew."""


def ways_of(plan: Plan) -> Ways:
    """The switches of a plan."""
    is_whole = plan.interest is Interest.FLAT and plan.flat_counts_all
    if is_whole and plan.recalculation is Recalculation.TO_THE_DAY:
        return WHOLE_PERIODS
    return WAYS[plan.recalculation]
