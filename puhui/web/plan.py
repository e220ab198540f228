"""The plan of a loan as pages show it: each instalment with what is due, paid and left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from puhui.servicing import noun
from puhui.web.column import Column, Kind

BARS_MAX = 60
BAR, GAP, HEIGHT = 10, 4, 100
"""Width of a bar, the space after it, and the height of the highest, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One instalment; amounts in minor units. ``state`` is paid, late, part or due."""

    number: int
    due_on: date
    currency: str
    due_minor: int
    principal_minor: int
    interest_minor: int
    other_minor: int
    paid_minor: int
    left_minor: int
    state: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One instalment in the picture: where it stands, and how high its parts are."""

    x: int
    paid: int
    left: int
    state: str
    line: PlanLine


def plan_lines(rows: Sequence[noun.PlanRow], currency: str, on: date) -> tuple[PlanLine, ...]:
    """The lines of a plan on a day; what was waived is due no more."""
    found = []
    for one in rows:
        due, left = one.due_minor - one.waived_minor, max(0, one.owed_minor)
        word = "due"
        if left == 0:
            word = "paid"
        elif one.due_on < on:
            word = "late"
        elif one.paid_minor:
            word = "part"
        found.append(
            PlanLine(
                one.number, one.due_on, currency, due, one.principal_minor, one.interest_minor,
                one.fee_minor + one.penalty_minor, one.paid_minor, left, word,
            )
        )  # fmt: skip
    return tuple(found)


def next_lines(lines: Sequence[PlanLine], count: int = 3) -> tuple[PlanLine, ...]:
    """What is to be paid next: all that is late, and as many of the next as make ``count``."""
    late = [one for one in lines if one.state == "late"]
    coming = [one for one in lines if one.state in ("due", "part")]
    return (*late, *coming[: max(1, count - len(late))])


def bars_of(lines: Sequence[PlanLine]) -> tuple[Bar, ...]:
    """The picture of a plan: a bar an instalment, the largest as high as the drawing."""
    shown = lines[:BARS_MAX]
    most = max((one.due_minor for one in shown), default=0) or 1
    return tuple(
        Bar(
            x=place * (BAR + GAP),
            paid=round(one.paid_minor * HEIGHT / most),
            left=round(one.left_minor * HEIGHT / most),
            state=one.state,
            line=one,
        )
        for place, one in enumerate(shown)
    )


MARKS = {"paid": "yes", "late": "no", "part": "wait", "due": ""}

PLAN = (
    Column("number", "loan.number", lambda row: row.number, Kind.COUNT),
    Column("due_on", "loan.due_on", lambda row: row.due_on, Kind.DAY),
    Column("due", "loan.due", lambda row: row.due_minor, Kind.MONEY),
    Column("interest", "loan.of_interest", lambda row: row.interest_minor, Kind.MONEY),
    Column("paid", "loan.paid", lambda row: row.paid_minor, Kind.MONEY),
    Column("left", "loan.still", lambda row: row.left_minor, Kind.MONEY),
    Column("state", "loan.state", lambda row: row.state, Kind.WORD, words="loan.line_",
           mark=lambda row: MARKS[row.state]),
)  # fmt: skip

FULL_PLAN = (
    *PLAN[:3],
    Column("principal", "loan.principal", lambda row: row.principal_minor, Kind.MONEY),
    Column("interest", "loan.interest", lambda row: row.interest_minor, Kind.MONEY),
    Column("other", "loan.other_parts", lambda row: row.other_minor, Kind.MONEY),
    *PLAN[4:],
)
