"""Deferred fees of a chunk 递延手续费: what a month has earned of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.store import Row
from puhui.servicing.arrays.live import Whole
from puhui.servicing.arrays.spread import left_of
from puhui.servicing.desk.day.chunk import Chunk
from puhui.servicing.desk.loan.book import read_book
from puhui.servicing.desk.loan.post import post_own
from puhui.servicing.desk.loan.spread import deferral_in, deferral_of, earned_by, parts_of_fee
from puhui.servicing.tables import spread as tables

Spread = tuple[Counter[str], int]
"""What became interest, minor units by currency, and how many postings that took."""


def spread_fees(act: Act, chunk: Chunk, day: date, *, after: str, until: str) -> Spread:
    """Book what a month has earned of the fees of a chunk's loans, as its end finds them.

    What is booked is the difference to what the books hold, one sum up and one down by currency.
    While interest is suspended none is earned; what was missed follows once it counts again.
    """
    rows, places = _of_chunk(chunk, act.tx.all(tables.LOCK_WITHIN, after=after, until=until))
    if not rows:
        return Counter(), 0
    fee, booked, _ = _columns(rows)
    earned = fee - left_of([row.knots for row in rows], day.toordinal())
    income = np.where(chunk.live["is_suspended"][places] != 0, booked, earned)
    return _book(act, chunk, rows, places, _or_all(chunk, places, income, fee))


def end_fees(act: Act, chunk: Chunk) -> Spread:
    """Book the rest of the fees of loans that the day's debits have paid off."""
    ids = [row.id for row, status in zip(chunk.rows, chunk.status, strict=True)
           if status == "paid_off"]  # fmt: skip
    rows, places = _of_chunk(chunk, act.tx.all(tables.LOCK_NAMED, ids=ids) if ids else [])
    if not rows:
        return Counter(), 0
    return _book(act, chunk, rows, places, _columns(rows)[0])


def spread_late(act: Act, chunk: Chunk, day: date, *, after: str, until: str) -> Spread:
    """The same as ``spread_fees`` for loans that events have counted past the end of a month, each
    from its events.
    """
    rows, places = _of_chunk(chunk, act.tx.all(tables.LOCK_WITHIN, after=after, until=until))
    if not rows:
        return Counter(), 0
    income = [
        row.income_minor if chunk.status[n] == "charged_off" else _earned(act, row.loan_id, day)
        for row, n in zip(rows, places.tolist(), strict=True)
    ]
    return _book(act, chunk, rows, places, np.array(income, dtype=np.int64))


def _earned(act: Act, loan_id: str, day: date) -> int:
    row = deferral_of(act.tx, loan_id)
    assert row is not None, loan_id
    return earned_by(read_book(act.tx, loan_id), deferral_in(row), day.toordinal())


def _of_chunk(chunk: Chunk, found: Sequence[Row]) -> tuple[list[Row], Whole]:
    """Deferrals of a chunk's loans, and the places of these."""
    if not found:
        return [], np.zeros(0, dtype=np.int64)
    by_id = {row.id: n for n, row in enumerate(chunk.rows)}
    rows = [row for row in found if row.loan_id in by_id]
    return rows, np.array([by_id[row.loan_id] for row in rows], dtype=np.int64)


def _columns(rows: Sequence[Row]) -> tuple[Whole, Whole, Whole]:
    """Fees, and what of them is booked as interest and against losses, ``(k,) int64`` each."""
    told = [(row.fee_minor, row.income_minor, row.lost_minor) for row in rows]
    fee, income, lost = np.array(told, dtype=np.int64).reshape(len(rows), 3).T
    return fee, income, lost


def _or_all(chunk: Chunk, places: Whole, income: Whole, fee: Whole) -> Whole:
    """All of it for loans that were paid off."""
    over = np.array([chunk.status[n] == "paid_off" for n in places.tolist()])
    return np.where(over, fee, income)


def _book(act: Act, chunk: Chunk, rows: Sequence[Row], places: Whole, income: Whole) -> Spread:
    """Bring interest of fees to ``income`` ``(k,)``; a loan that was given up and is paid off after
    all gives back what was set against its loss.
    """
    fee, booked, lost = _columns(rows)
    left = np.minimum(lost, fee - income)
    sums: dict[str, list[int]] = {}
    for n, more, less in zip(
        places.tolist(), (income - booked).tolist(), (left - lost).tolist(), strict=True
    ):
        one = sums.setdefault(chunk.rows[n].currency, [0, 0, 0])
        one[more < 0] += more
        one[2] += less
    parts = [
        part
        for currency, (up, down, given) in sorted(sums.items())
        for part in (*parts_of_fee(currency, up, given), *parts_of_fee(currency, down, 0))
    ]
    moved = np.flatnonzero((income != booked) | (left != lost)).tolist()
    if moved:
        columns = {
            "loan_id": [rows[k].loan_id for k in moved],
            "income_minor": income[moved].tolist(),
        }
        if (left != lost).any():
            columns["lost_minor"] = left[moved].tolist()
        act.tx.set_many(tables.DEFERRAL, "loan_id", columns)
    changed = Counter({name: up + down for name, (up, down, _) in sums.items()})
    return changed, post_own(act, parts)
