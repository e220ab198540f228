"""The day of loans that live: due, debited, counted, classed, provided for; one act a chunk."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date, timedelta

import numpy as np

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.servicing.arrays.day import class_by_loss, judge
from puhui.servicing.arrays.live import Whole
from puhui.servicing.desk.day.chunk import (
    Chunk,
    as_it_stood,
    count,
    drop_paid,
    fetch_chunk,
    look_back,
    paused_days,
    roll,
    write_chunk,
    write_month,
)
from puhui.servicing.desk.day.debit import debit
from puhui.servicing.desk.day.lender import (
    Others,
    book_lenders,
    fetch_lenders,
    lock_lenders,
    of_others,
    pass_on,
)
from puhui.servicing.desk.day.month import Groups, expect_losses, lost_if_impaired, provide
from puhui.servicing.desk.day.spread import end_fees, spread_fees, spread_late
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.post import post_own
from puhui.servicing.nouns.live import DayRun, RiskFigures, RunDay
from puhui.servicing.rules.age import has_risen, month_ends
from puhui.servicing.rules.day import add_sums, sums_of
from puhui.servicing.tables import live as tables

CHUNK = 8190
LATE = ":late"
NOTHING = DayRun(0, 0, 0, 0, 0, 0, 0, "")
STANDING = ("loans", "past_due", "impaired")
"""Counts of how loans stand: those of the last day hold."""


@use_case("servicing.run_day", roles=("system", "operator"))
def run_day(act: Act, input: RunDay) -> DayRun:
    """Bring a chunk of live loans to the end of a day, once; loans that are there stay as are.

    Instalments fall due and are taken from wallets; interest and penalty are counted to the day;
    age, class, stage and expected loss follow. Interest goes to the books as one transfer for each
    product and currency, the part of each joint lender as one of its own; on the last day of a
    month so do the change of provisions and what is earned of deferred fees. Ends of months that
    were never closed over a loan are made up for first, oldest first, so that none is lost.
    Refused: ``servicing.day_ahead``, and those of the ledger where books are not open.
    """
    if input.day > act.today:
        raise Refused("servicing.day_ahead", f"{input.day} has not come yet.")
    chunk = _fetch(act, input, input.day)
    if not chunk.rows:
        return NOTHING
    missed = month_ends(int(chunk.live["closed_on"].min()), input.day.toordinal())
    if not missed:
        return _close(act, input, chunk, input.day)
    runs = [_close(act, input, _fetch(act, input, day), day) for day in missed]
    return _added([*runs, _close(act, input, _fetch(act, input, input.day), input.day)])


def _fetch(act: Act, input: RunDay, day: date) -> Chunk:
    return fetch_chunk(act.tx, after=input.after, until=input.until, day=day.toordinal())


def _added(runs: Sequence[DayRun]) -> DayRun:
    """What several days came to together."""
    sums = {
        one.name: sum(getattr(run, one.name) for run in runs)
        for one in fields(DayRun)
        if one.name not in ("digest", "money")
    }
    sums |= {name: getattr(runs[-1], name) for name in STANDING}
    digest = hashlib.blake2b("".join(run.digest for run in runs).encode(), digest_size=16)
    money = add_sums(one for run in runs for one in run.money)
    return DayRun(**sums, digest=digest.hexdigest(), money=money)


def _close(act: Act, input: RunDay, chunk: Chunk, day: date) -> DayRun:
    """Close ``day`` over loans that are not past it, and its month over those that are."""
    is_month_end = (day + timedelta(days=1)).day == 1
    late, current = chunk.parted(day.toordinal())
    run = _run(act, input, current, day, is_month_end=is_month_end) if current.rows else NOTHING
    return _added([_close_late(act, input, late, day), run]) if late.rows and is_month_end else run


def _close_late(act: Act, input: RunDay, chunk: Chunk, day: date) -> DayRun:
    """The month of loans that events have counted past its end: as they stood on that day.

    Nothing of today changes but what is provided for, and what of fees is earned.
    """
    day_number, figures = day.toordinal(), risk_figures()
    as_it_stood(act.tx, chunk, day)
    lenders = fetch_lenders(act, chunk, after=input.after, until=input.until)
    others = of_others(lenders, chunk.live)
    _judge(act, chunk, others, day_number, figures)
    groups = list(_groups(chunk))
    expect_losses(chunk, others, day_number, figures)
    provided, postings = provide(act, chunk, groups, day, mark=LATE)
    fees, spread = spread_late(act, chunk, day, after=input.after, until=input.until)
    postings += spread
    write_month(act, chunk, day_number)
    money = sums_of(provided_minor=provided, fees_minor=fees)
    return DayRun(len(chunk.rows), 0, 0, 0, 0, 0, postings, "", money)


def _judge(act: Act, chunk: Chunk, others: Others, day: int, figures: RiskFigures) -> None:
    live = chunk.live
    bounds = np.array(figures.bounds, dtype=np.int64)
    grades = range(len(figures.grades) + 1)
    table = np.array([[has_risen(figures, first, now) for now in grades] for first in grades])
    risen = table[live["first_grade"], live["grade"]].astype(np.int64)
    paused = paused_days(act.tx, chunk, day)
    judge(live, day, np.array(figures.buckets), bounds, figures.suspended_from, risen, paused)
    class_by_loss(live, lost_if_impaired(live, others, figures), figures.lost_bounds)
    live["is_suspended"][[status == "charged_off" for status in chunk.status]] = 1


def _run(act: Act, input: RunDay, chunk: Chunk, on: date, *, is_month_end: bool) -> DayRun:
    day, figures = on.toordinal(), risk_figures()
    due = roll(act.tx, chunk, day)
    look_back(act.tx, chunk, on)
    count(chunk, day)
    lenders = fetch_lenders(act, chunk, after=input.after, until=input.until)
    rooms = lock_lenders(act, chunk, lenders)
    debited = debit(act, chunk, day, figures)
    passed = pass_on(act, chunk, lenders, rooms, debited.parts)
    drop_paid(chunk)
    count(chunk, day)
    live = chunk.live
    others = of_others(lenders, live)
    _judge(act, chunk, others, day, figures)
    groups = list(_groups(chunk))
    earned, suspended, postings = _book_interest(act, chunk, groups)
    postings += passed + book_lenders(act, chunk, lenders)
    expect_losses(chunk, others, day, figures)
    provided: dict[str, int] = {}
    if is_month_end:
        provided, posted = provide(act, chunk, groups, on)
        fees, spread = spread_fees(act, chunk, on, after=input.after, until=input.until)
    else:
        posted = _release_over(act, chunk, groups)
        fees, spread = end_fees(act, chunk)
    postings += posted + spread
    live["counted_on"] = live["closed_on"] = day
    if debited.events:
        ids, numbers, amounts = zip(*debited.events, strict=True)
        columns = {"loan_id": ids, "number": numbers, "amount_minor": amounts}
        act.tx.load(
            tables.EVENT,
            {**columns, "kind": "repaid", "day": on.isoformat(), "act_key": act.key,
             "undoes": "", "payer_id": "", "details": ""},
        )  # fmt: skip
    digest = write_chunk(act, chunk, input.day.toordinal(), is_month_end=is_month_end)
    money = sums_of(
        debited_minor=debited.minor,
        accrued_minor=earned,
        suspended_minor=suspended,
        provided_minor=provided,
        fees_minor=fees,
    )
    return DayRun(
        len(live), due, debited.loans, debited.short, int((live["days_past_due"] > 0).sum()),
        int((live["stage"] == 3).sum()), postings + debited.postings, digest, money,
    )  # fmt: skip


def _groups(chunk: Chunk) -> Iterator[tuple[str, str, Whole]]:
    """The places of each product and currency among the loans of a chunk."""
    names = [f"{row.product}\x1f{row.currency}" for row in chunk.rows]
    found, inverse = np.unique(np.array(names), return_inverse=True)
    for number, name in enumerate(found.tolist()):
        product, currency = name.split("\x1f")
        yield product, currency, np.flatnonzero(inverse == number)


def _book_interest(
    act: Act, chunk: Chunk, groups: Groups
) -> tuple[dict[str, int], dict[str, int], int]:
    """Bring the receivable to what was earned and not paid; of suspended loans it is nought.

    Returns what was earned and what was taken back, minor units by currency, and how many
    transfers.
    """
    live = chunk.live
    live["accrued_minor"] = (
        live["owing_interest_minor"]
        + live["owing_penalty_minor"]
        + live["next_penalty_minor"]
        + chunk.running
    )
    target = np.where(live["is_suspended"] == 1, 0, live["accrued_minor"])
    change = target - live["booked_minor"]
    live["booked_minor"] = target
    earned: Counter[str] = Counter()
    suspended: Counter[str] = Counter()
    parts: list[tuple[str, str, str, int, str]] = []
    for _, currency, places in groups:
        own = change[places]
        up, down = int(own[own > 0].sum()), -int(own[own < 0].sum())
        earned[currency] += up
        suspended[currency] += down
        parts.append(("interest_receivable", "interest_income", currency, up, "interest_accrual"))
        parts.append(
            ("interest_income", "interest_receivable", currency, down, "interest_suspension")
        )
    return earned, suspended, post_own(act, parts)


def _release_over(act: Act, chunk: Chunk, groups: Groups) -> int:
    """Release what was provided for loans that the day's debits have paid off; how many postings.

    On the last day of a month they are in the change that is posted then.
    """
    over = np.array([status == "paid_off" for status in chunk.status])
    held = np.where(over, chunk.live["booked_loss_minor"], 0)
    if not held.any():
        return 0
    chunk.live["booked_loss_minor"][over] = 0
    return post_own(
        act,
        [
            ("loan_loss_allowance", "loan_loss", currency, int(held[places].sum()),
             "provision_release")
            for _, currency, places in groups
        ],
    )  # fmt: skip


def day_chunks(node: Node, day: date, size: int = CHUNK) -> list[RunDay]:
    """All loans by chunks of ids, ``size`` loans each."""
    chunks: list[RunDay] = []
    with node.read() as tx:
        last = tx.one(tables.LAST_ID)
        after = ""
        while last is not None and last.id is not None and after < last.id:
            end = tx.one(tables.NEXT_END, after=after, skip=size - 1)
            until = last.id if end is None else end.id
            chunks.append(RunDay(day, after, until))
            after = until
    return chunks


day_step(300, "servicing.run_day", day_chunks, size=CHUNK)
