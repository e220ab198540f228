"""Days that are still open: which they are, and closing them in order, so that none is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from puhui.kernel import Node, Refused
from puhui.kernel.clock import business_date
from puhui.kernel.money import Money
from puhui.kernel.store.browse import browse_journal
from puhui.ledger.window import closed_span
from puhui.servicing import live, noun
from puhui.worker import ClosedDay, close_day

WORDS = ("debited", "accrued", "suspended", "provided", "fees")


def check_day(node: Node, day: date) -> bool:
    """Whether ``day`` was closed before; refused where there was no node yet, or it is to come.

    The day before the first act may be closed: a node that was founded today has it as yesterday.
    Refused: ``cli.day_ahead``, ``cli.day_before_node``.
    """
    today = business_date(node.clock.now_us())
    if day > today:
        raise Refused("cli.day_ahead", f"{day} has not come yet; today is {today}.")
    with node.read() as tx:
        acts = browse_journal(tx, is_oldest_first=True, count=1)
        span = closed_span(tx)
    first = business_date(acts[0].time_us) if acts else today
    if day < first - timedelta(days=1):
        raise Refused("cli.day_before_node", f"The node began on {first}; {day} lies before it.")
    return span is not None and day <= span[1]


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


def told_sums(sums: noun.DaySums) -> str:
    """What a day came to in one currency, as a line."""
    amounts = [
        f"{Money(getattr(sums, word + '_minor'), sums.currency).figure()} {word}" for word in WORDS
    ]
    return f"{sums.currency}: {', '.join(amounts)}."


def day_figures(done: Sequence[ClosedDay]) -> dict[str, int]:
    """Figures of closed days together, amounts by currency: ``debited_minor_CNY`` and on."""
    names = ("chunks", "postings", "due", "debited", "short")
    found = {"steps": done[-1].steps, "loans": done[-1].loans}
    found |= {name: sum(getattr(one, name) for one in done) for name in names}
    for sums in live.add_sums(sums for one in done for sums in one.money):
        for word in WORDS:
            found[f"{word}_minor_{sums.currency}"] = getattr(sums, f"{word}_minor")
    return found


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
