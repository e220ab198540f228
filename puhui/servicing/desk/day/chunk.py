"""A chunk of live loans as arrays: fetched at once, rolled to a day, written back where changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.store import Row, Transaction
from puhui.servicing.arrays.columns import columns_of, owing_of
from puhui.servicing.arrays.day import accrue, age_owing, sum_owing, units
from puhui.servicing.arrays.live import LIVE, LIVE_FIELDS, OWING, PLAN, Rows, Whole
from puhui.servicing.desk.loan.book import read_book, read_pauses
from puhui.servicing.rules.age import days_counted
from puhui.servicing.tables import live as tables

HEAD = 6
"""Columns of ``LOCK_CHUNK`` before the numbers."""
FIXED = frozenset(
    ("opened_on", "principal_minor", "is_half_even", "grace_days", "penalty_on_interest",
     "paused_from", "paused_until", "paused_days",
     "watch_until", "grade", "is_amortising", "base_lgd_millionths",
     "lgd_millionths", "rate_millionths", "matures_on", "first_grade", "credit_minor",
     "year_cut", "restructured_again")
)  # fmt: skip
"""Columns that a day does not change."""
MOVED = ("outstanding_minor", "arrears_minor", "days_past_due", "bucket", "risk_class", "stage",
         "number", "is_suspended", "cleared_on", "owing_penalty_minor")  # fmt: skip
"""Columns that lists and other rooms read: where one changed, the whole loan is written."""
MONTHLY = ("booked_loss_minor", "month_bucket", "month_class")
DAILY = ("counted_on", "closed_on", "accrued_minor", "booked_minor", "expected_loss_minor")


@dataclass(slots=True)
class Chunk:
    """Loans ``(n,)`` with what they owe ``(m,)``; ``loan`` ``(m,)`` says whose each instalment is.

    ``before`` is how the loans were found; ``touched`` which had money or a due day.
    """

    rows: list[Row]
    live: Rows
    before: Rows
    owing: Rows
    loan: Whole
    penalty: Whole
    running: Whole
    status: list[str]
    touched: set[int]

    def parted(self, day: int) -> tuple[Chunk, Chunk]:
        """Loans that events have counted past ``day`` already, and the others."""
        is_late = self.live["counted_on"] > day
        if not is_late.any():
            return _chunk_of([]), self
        late = [row for row, past in zip(self.rows, is_late.tolist(), strict=True) if past]
        rest = [row for row, past in zip(self.rows, is_late.tolist(), strict=True) if not past]
        return _chunk_of(late), _chunk_of(rest)


def fetch_chunk(tx: Transaction, *, after: str, until: str, day: int) -> Chunk:
    """The live loans of a chunk that ``day`` was not closed over yet, locked."""
    return _chunk_of(tx.all(tables.LOCK_CHUNK, after=after, until=until, day=day))


def _chunk_of(rows: list[Row]) -> Chunk:
    numbers = np.array([row[HEAD:] for row in rows], dtype=np.int64)
    live = numbers.reshape(len(rows), len(LIVE_FIELDS)).view(LIVE).reshape(-1)
    held = [n for n, row in enumerate(rows) if row.owing]
    blobs = [rows[n].owing for n in held]
    owing = np.frombuffer(b"".join(blobs), dtype=OWING).copy()
    counts = [len(blob) // OWING.itemsize for blob in blobs]
    loan = np.repeat(np.array(held, dtype=np.int64), counts)
    return Chunk(
        rows,
        live,
        live.copy(),
        owing,
        loan,
        np.zeros(len(owing), dtype=np.int64),
        np.zeros(len(rows), dtype=np.int64),
        [row.status for row in rows],
        set(),
    )


def roll(tx: Transaction, chunk: Chunk, day: int) -> int:
    """Let instalments fall due up to ``day`` and take the next ones from the plans; how many fell.

    A day that was left out is caught up with: each due day between becomes an instalment owed.
    """
    live = chunk.live
    places = np.flatnonzero((live["number"] > 0) & (live["next_due_on"] <= day)).tolist()
    if not places:
        return 0
    ids = [chunk.rows[n].id for n in places]
    plans = {row.loan_id: row.rows for row in tx.all(tables.READ_PLANS, ids=ids)}
    fallen: list[tuple[int, ...]] = []
    whose: list[int] = []
    for n in places:
        plan = np.frombuffer(plans[chunk.rows[n].id], dtype=PLAN)
        first = int(plan["number"][0])
        one = live[n]
        while one["number"] and one["next_due_on"] <= day:
            interest = one["next_interest_minor"] - one["next_interest_paid_minor"]
            due_on = int(one["next_due_on"])
            parts = (one["next_principal_minor"], interest, one["next_fee_minor"])
            penalty = int(one["next_penalty_minor"])
            if any(parts) or penalty:
                fallen.append((int(one["number"]), due_on, *map(int, parts), -penalty, 0, due_on))
                whose.append(n)
            _lay_next(one, plan, int(one["number"]) - first + 1)
    chunk.touched.update(places)
    if fallen:
        owing = np.concatenate([chunk.owing, np.array(fallen, dtype=OWING)])
        loan = np.concatenate([chunk.loan, np.array(whose, dtype=np.int64)])
        order = np.argsort(loan, kind="stable")
        chunk.owing, chunk.loan = owing[order], loan[order]
        chunk.penalty = np.zeros(len(owing), dtype=np.int64)
    return len(fallen)


def _lay_next(one: Any, plan: Rows, at: int) -> None:
    """Make row ``at`` of the plan the running instalment; past the last one there is none."""
    if at >= len(plan):
        one["number"] = one["next_due_on"] = one["ahead_minor"] = one["fixed_minor"] = 0
        one["next_principal_minor"] = one["next_interest_minor"] = one["next_fee_minor"] = 0
        one["next_interest_paid_minor"] = one["next_penalty_minor"] = 0
        return
    row = plan[at]
    one["number"], one["next_due_on"] = row["number"], row["due_on"]
    one["next_principal_minor"], one["next_interest_minor"] = (
        row["principal_minor"], row["interest_minor"],
    )  # fmt: skip
    one["next_fee_minor"], one["next_interest_paid_minor"] = row["fee_minor"], 0
    one["next_penalty_minor"] = row["penalty_minor"]
    one["ahead_minor"] = plan["principal_minor"][at:].sum()
    one["factor_numerator"] = row["factor_numerator"]
    one["factor_denominator"] = row["factor_denominator"]
    one["fixed_on"] = row["starts_on"]
    # What rounding the whole instalment differs by from what was laid out stays fixed.
    whole = whole_interest(one, int(row["starts_on"]), int(row["due_on"]))
    one["fixed_minor"] = row["interest_minor"] - whole


def whole_interest(one: Any, first: int, last: int) -> int:
    """Interest of some days on the balance ahead, exact whatever the width, rounded as agreed."""
    counted = units(first, last, int(one["year_cut"]))
    top = int(one["ahead_minor"]) * int(one["factor_numerator"]) * counted
    under = int(one["factor_denominator"])
    whole, rest = divmod(2 * top + under, 2 * under)
    return whole - 1 if rest == 0 and one["is_half_even"] and whole % 2 else whole


def count(chunk: Chunk, day: int) -> None:
    """Penalties, sums owed, ages and running interest of every loan of the chunk on ``day``."""
    age_owing(chunk.live, chunk.owing, chunk.loan, day, chunk.penalty)
    sum_owing(chunk.live, chunk.owing, chunk.loan, day, chunk.penalty)
    if accrue(chunk.live, day, chunk.running):
        for n in np.flatnonzero(chunk.running < 0).tolist():
            one = chunk.live[n]
            earned = int(one["fixed_minor"]) + whole_interest(one, int(one["fixed_on"]), day)
            chunk.running[n] = max(0, earned - int(one["next_interest_paid_minor"]))


def drop_paid(chunk: Chunk) -> None:
    """Forget instalments of which nothing is owed any more; a loan without any is paid off."""
    owing = chunk.owing
    owed = owing["principal_minor"] + owing["interest_minor"] + owing["fee_minor"] + chunk.penalty
    kept = owed > 0
    chunk.owing, chunk.loan, chunk.penalty = owing[kept], chunk.loan[kept], chunk.penalty[kept]
    over = np.flatnonzero((chunk.live["number"] == 0) & (chunk.live["outstanding_minor"] == 0))
    owed_by = np.zeros(len(chunk.rows), dtype=np.bool_)
    owed_by[chunk.loan] = True
    for n in over.tolist():
        if not owed_by[n]:
            chunk.status[n] = "paid_off"
            chunk.touched.add(n)


def write_chunk(act: Act, chunk: Chunk, day: int, *, is_month_end: bool) -> str:
    """Write the columns that changed; returns a digest over all columns of the chunk."""
    live, before = chunk.live, chunk.before
    moved = np.zeros(len(live), dtype=np.bool_)
    for name in MOVED:
        moved |= live[name] != before[name]
    moved[list(chunk.touched)] = True
    live["changed_on"][moved] = day
    owing = packed_owing(chunk)
    places = np.flatnonzero(moved)
    if len(places):
        columns: dict[str, Sequence[Any]] = {
            name: live[name][places].tolist() for name in LIVE_FIELDS if name not in FIXED
        }
        columns["status"] = [chunk.status[n] for n in places.tolist()]
        columns["owing"] = [owing[n] for n in places.tolist()]
        columns["id"] = [chunk.rows[n].id for n in places.tolist()]
        act.tx.set_many(tables.LOAN, "id", columns)
    rest = np.flatnonzero(~moved)
    if len(rest):
        names = (*DAILY, *MONTHLY) if is_month_end else DAILY
        daily: dict[str, Sequence[Any]] = {name: live[name][rest].tolist() for name in names}
        daily["id"] = [chunk.rows[n].id for n in rest.tolist()]
        act.tx.set_many(tables.LOAN, "id", daily)
    digest = hashlib.blake2b(live.tobytes(), digest_size=16)
    digest.update(chunk.owing.tobytes())
    return digest.hexdigest()


def look_back(tx: Transaction, chunk: Chunk, day: date) -> None:
    """Work out loans anew whose penalties follow rates of other days yet: by their events."""
    found = [(n, chunk.rows[n].id) for n in np.flatnonzero(chunk.live["looks_back"]).tolist()]
    if not found:
        return
    owing, loan = [], []
    for n, loan_id in found:
        state = read_book(tx, loan_id).state(day)
        for name, value in columns_of(state).items():
            chunk.live[n][name] = value
        rows = np.frombuffer(owing_of(state), dtype=OWING)
        owing.append(rows)
        loan.append(np.full(len(rows), n, dtype=np.int64))
    places = [n for n, _ in found]
    kept = ~np.isin(chunk.loan, places)
    whose = np.concatenate([chunk.loan[kept], *loan])
    order = np.argsort(whose, kind="stable")
    chunk.owing = np.concatenate([chunk.owing[kept], *owing])[order]
    chunk.loan, chunk.penalty = whose[order], np.zeros(len(whose), dtype=np.int64)
    chunk.touched.update(places)


def as_it_stood(tx: Transaction, chunk: Chunk, day: date) -> None:
    """Put the columns of ``day`` in place of today's, by what happened to each loan until then."""
    for n, row in enumerate(chunk.rows):
        if chunk.live[n]["opened_on"] > day.toordinal():
            continue
        for name, value in columns_of(read_book(tx, row.id).state(day)).items():
            chunk.live[n][name] = value


def write_month(act: Act, chunk: Chunk, day: int) -> None:
    """Write what the end of a month says of loans that are past it already."""
    chunk.live["closed_on"] = day
    names = (*MONTHLY, "closed_on")
    columns: dict[str, Sequence[Any]] = {name: chunk.live[name].tolist() for name in names}
    columns["id"] = [row.id for row in chunk.rows]
    act.tx.set_many(tables.LOAN, "id", columns)


def paused_days(tx: Transaction, chunk: Chunk, day: int) -> Whole:
    """How many of the days past due of each loan ``(n,) int64`` its pauses of ageing take off.

    Only a loan that ever was paused and is past due is looked at.
    """
    live, found = chunk.live, np.zeros(len(chunk.rows), dtype=np.int64)
    was_paused = (live["paused_from"] > 0) | (live["paused_days"] > 0)
    places = np.flatnonzero(was_paused & (live["days_past_due"] > 0)).tolist()
    pauses = read_pauses(tx, [chunk.rows[n].id for n in places], day)
    for n in places:
        days = int(live["days_past_due"][n])
        found[n] = days - days_counted(days, day, pauses.get(chunk.rows[n].id, ()))
    return found


def packed_owing(chunk: Chunk) -> list[bytes]:
    """What each loan of the chunk owes by instalment, packed; empty where nothing is."""
    packed = [b""] * len(chunk.rows)
    if len(chunk.owing):
        places, starts = np.unique(chunk.loan, return_index=True)
        ends = [*starts[1:].tolist(), len(chunk.loan)]
        for n, start, end in zip(places.tolist(), starts.tolist(), ends, strict=True):
            packed[n] = chunk.owing[start:end].tobytes()
    return packed
