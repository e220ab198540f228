"""Months that pass in the county: instalments fall due, some are not paid, people are spoken to.

All of it goes through the ordinary acts and closes of the day, on a clock that stands where the
days are. What becomes of whom follows from the county's own draws: who ends badly spends the money
and does not earn it back, and a third of those pay late.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from puhui.demo.desk.acts import COUNTY, ROOT, Acting, Progress, Wish
from puhui.demo.desk.first_day import FirstDay
from puhui.demo.desk.secured import Cohort, lend_cohort, lend_secured, rows_of
from puhui.demo.desk.wallet import CLEARING, CURRENCY, wallet_of
from puhui.demo.draw.county import draw_county
from puhui.demo.nouns import SeededCounty
from puhui.kernel.act import Actor
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.ledger import Transfer, chart, lookup_accounts
from puhui.lending import contract_of
from puhui.servicing.window import list_arrears, list_tasks, task_of
from puhui.worker import close_day

CHINA = timezone(timedelta(hours=8))
DAYS_MAX = 400
WORK_DAYS = 7
"""Every so many days collectors go through some of their tasks."""

TASKS = 4
LATE_EVERY = 3
LATE_DAYS = 50
RELIEFS = 3
REASONS = ("illness", "market", "disaster")
LEND_ON, SPEND_ON = 3, 20
"""Days of each month on which more is lent, and on which some of it is spent."""

GROUPS = 12
STRUCK_EVERY = 6
HOPELESS_DAYS = 181
SECOND = Actor(f"{ROOT}/second", frozenset({"risk_analyst"}))
"""Who approves what the county's officer proposes."""


@dataclass(frozen=True, slots=True)
class MonthsPassed:
    """How many days were closed, and how the book stands: loans past due, tasks, requests, and
    the loans that were made in later months.
    """

    days: int
    past_due: int
    tasks: int
    reliefs: int
    later_loans: int = 0


def let_months_pass(
    node: Node,
    clock: FixedClock,
    county: SeededCounty,
    day: FirstDay,
    *,
    days: int,
    progress: Progress | None = None,
) -> MonthsPassed:
    """Close ``days`` days after the county's first day, with what happens on them.

    ``clock`` is the node's and ends at the evening of the last of them. Refused: what closing a
    day refuses.
    """
    assert 0 < days <= DAYS_MAX, days
    acting = Acting(node)
    ends = draw_county(county.seed, len(county.merchants), county.day).ended_badly
    with node.read() as tx:
        loans = [(contract_of(tx, id_), number) for id_, number in day.decided]
    running = [(loan.contract_id, number) for loan, number in loans if loan is not None]
    bad = [(loan, number) for loan, number in running if ends[number]]
    _spend(acting, county, [number for _, number in bad])
    lend_secured(node, county, day)
    waiting = _waiting(acting, county, [number for _, number in running if not ends[number]])
    later: list[Cohort] = []
    reliefs = 0
    for after in range(1, days + 1):
        on = county.day + timedelta(days=after)
        _at(clock, on, 10)
        if on.day == LEND_ON:
            group = {n: row for n, row in waiting.items() if n % GROUPS == on.month % GROUPS}
            later.append(lend_cohort(acting, county, f"{on:%Y-%m}", group))
        if on.day == SPEND_ON:
            _spend(acting, county, _struck(later), name=f"spent-{on:%Y-%m}")
            _write_off(acting, on)
        if after % WORK_DAYS == 0:
            _collect(acting, on)
        if after == LATE_DAYS:
            _pay_late(acting, county, bad[::LATE_EVERY], node)
        if after == LATE_DAYS + WORK_DAYS:
            reliefs = _ask_relief(acting, county, bad[1::LATE_EVERY][:RELIEFS])
        _at(clock, on, 20)
        close_day(node, on)
        if progress is not None:
            progress("days", after, days)
    with node.read() as tx:
        late = len(list_arrears(tx, count=10_000))
        tasks = len(list_tasks(tx, count=10_000))
    return MonthsPassed(days, late, tasks, reliefs, sum(len(one.loans) for one in later))


def _waiting(acting: Acting, county: SeededCounty, numbers: list[int]) -> dict[int, dict[str, str]]:
    """The facts of those who will borrow again in later months."""
    return rows_of(acting, county, numbers)


def _struck(later: list[Cohort]) -> list[int]:
    """Who of the later loans, two months old or more, has trade go badly and spends the money."""
    return [
        number
        for cohort in later[:-1]
        for place, (_, number) in enumerate(cohort.loans)
        if place % STRUCK_EVERY == 0
    ]


def _write_off(acting: Acting, on: date) -> None:
    """Take the oldest hopeless loan off the books: one officer proposes it, another approves."""
    with acting.node.read() as tx:
        rows = list_arrears(tx, days_least=HOPELESS_DAYS, count=1)
    for row in rows:
        told = {
            "name": "lending.write_off",
            "told": json.dumps({"contract_id": row.id}),
            "reason": "lost",
        }
        wish = Wish(f"{ROOT}/propose/{row.id}", told, COUNTY)
        made = acting.run("lending.propose_change", [wish], step="months")[0]
        if not isinstance(made, Refused):
            yes = {"proposal_id": made.proposal_id, "is_approved": True}
            wish = Wish(f"{ROOT}/approve/{row.id}", yes, SECOND)
            acting.run("lending.decide_change", [wish], step="months")


def _at(clock: FixedClock, day: date, hour: int) -> None:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=CHINA)
    clock.set_us(time_us_of(moment))


def _move(
    acting: Acting, name: str, found: list[tuple[int, int, int]], reason: str = "payment"
) -> None:
    """Move money: (debited, credited, minor units) each, in one act under a stable key."""
    kind = chart().transfer(reason)
    sent = tuple(
        Transfer(Transfer.id_of(f"{ROOT}/{name}/{number}"), one, other, minor, CURRENCY, kind)
        for number, (one, other, minor) in enumerate(found)
        if minor > 0
    )
    if sent:
        wish = Wish(f"{ROOT}/{name}", {"transfers": sent})
        acting.run("ledger.create_transfers", [wish], step="months")


def _spend(
    acting: Acting, county: SeededCounty, numbers: list[int], *, name: str = "spent"
) -> None:
    """Who ends badly spends all but a part of one instalment."""
    wallets = [wallet_of(county.merchants[n].party_id) for n in dict.fromkeys(numbers)]
    with acting.node.read() as tx:
        accounts = lookup_accounts(tx, wallets)
    held = [0 if one is None else one.credit_balance_minor for one in accounts]
    _move(acting, name, [(w, CLEARING, minor) for w, minor in zip(wallets, held, strict=True)])


def _pay_late(acting: Acting, county: SeededCounty, bad: list[tuple[str, int]], node: Node) -> None:
    """Some of those who are past due earn what they owe, and the close of the day takes it."""
    with node.read() as tx:
        owed = {row.id: row.arrears_minor for row in list_arrears(tx, count=10_000)}
    _move(
        acting,
        "earned",
        [
            (CLEARING, wallet_of(county.merchants[number].party_id), owed.get(loan, 0))
            for loan, number in bad
        ],
    )


def _collect(acting: Acting, on: date) -> None:
    """Go through the tasks that have waited longest: speak to the borrower, note what is said."""
    with acting.node.read() as tx:
        rows = list_tasks(tx, count=TASKS)
    for place, row in enumerate(rows):
        key = f"{ROOT}/collect/{on}/{row.loan_id}"
        steps: list[tuple[str, dict[str, Any]]] = [
            ("servicing.take_task", {}),
            (
                "servicing.record_contact",
                {
                    "person": "borrower",
                    "channel": ("call", "message")[place % 2],
                    "result": ("promised", "not_reached", "reached", "refused")[place % 4],
                },
            ),
        ]
        if place % 4 == 0:
            by = (on + timedelta(days=5)).isoformat()
            told = {"amount_minor": max(1, row.arrears_minor // 2), "by": by}
            steps.append(("servicing.promise_to_pay", told))
        for name, told in steps:
            wish = Wish(f"{key}/{name}", {"loan_id": row.loan_id, **told}, COUNTY)
            acting.run(name, [wish], step="collect")


def _ask_relief(acting: Acting, county: SeededCounty, bad: list[tuple[str, int]]) -> int:
    """A few who cannot pay ask for relief; how many did."""
    wishes = []
    with acting.node.read() as tx:
        for place, (loan, number) in enumerate(bad):
            if task_of(tx, loan) is not None:
                told = {"loan_id": loan, "reason": REASONS[place % len(REASONS)], "days": 60}
                borrower = Actor(county.merchants[number].party_id, frozenset({"customer"}))
                wishes.append(Wish(f"{ROOT}/relief/{loan}", told, borrower))
    acting.run("servicing.ask_relief", wishes, step="relief")
    return len(wishes)
