"""Who may be spoken to about a debt, when and how often; where a loan past due is worked on."""

from __future__ import annotations

from puhui.kernel.errors import Refused
from puhui.servicing.nouns.collect import ContactFigures

RESULTS = ("reached", "not_reached", "refused", "promised")


def check_contact(
    figures: ContactFigures,
    *,
    person: str,
    channel: str,
    result: str,
    hour: int,
    today: int,
    this_week: int,
) -> int:
    """How many more contacts the day allows after this one.

    ``hour`` of the day in the person's zone; ``today`` and ``this_week`` count contacts before it.
    Refused: ``servicing.third_party``, ``servicing.bad_contact``, ``servicing.quiet_hours``,
    ``servicing.contacted_enough``. Sources: ``data/collection.toml``.
    """
    if person not in figures.persons:
        raise Refused("servicing.third_party", "Nobody but the borrower and guarantors is told.")
    if channel not in figures.channels or result not in RESULTS:
        raise Refused("servicing.bad_contact", "The way or the result of the contact is unknown.")
    if not figures.first_hour <= hour < figures.last_hour and channel != "letter":
        raise Refused(
            "servicing.quiet_hours",
            f"Nobody is contacted before {figures.first_hour}:00 or from "
            f"{figures.last_hour}:00 on.",
        )
    if today >= figures.a_day or this_week >= figures.a_week:
        raise Refused(
            "servicing.contacted_enough",
            f"This person was contacted {today} times today and {this_week} times in seven days.",
        )
    return figures.a_day - today - 1


def step_of(figures: ContactFigures, days_past_due: int) -> str:
    """The work list for a loan so many days past due; "" for none."""
    found = [step for first, step in figures.steps if days_past_due >= first]
    return found[-1] if found else ""
