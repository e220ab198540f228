"""Days that are still open: which they are, and closing them in order, so that none is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from puhui.kernel import Node
from puhui.ledger.window import closed_span
from puhui.servicing import live
from puhui.worker import ClosedDay, close_day


def open_days(node: Node, until: date) -> list[date]:
    """The days up to ``until`` that are not closed, oldest first; ``until`` is always the last.

    They begin after the last day of the closed books; before any is closed, after the last day
    that was closed over every loan that lives.
    """
    with node.read() as tx:
        span = closed_span(tx)
        last = span[1] if span is not None else live.closed_through(tx)
    if last is None or last >= until:
        return [until]
    return [last + timedelta(days=n) for n in range(1, (until - last).days + 1)]


def close_days(
    node: Node,
    until: date,
    *,
    begin: Callable[[date, int], None] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[ClosedDay]:
    """Close every day that is still open up to ``until``, oldest first, so that none is lost.

    ``begin`` is told each day and how many are left with it. It may be stopped and started again.
    """
    days = open_days(node, until)
    done = []
    for place, day in enumerate(days):
        if begin is not None:
            begin(day, len(days) - place)
        done.append(close_day(node, day, progress=progress))
    return done
