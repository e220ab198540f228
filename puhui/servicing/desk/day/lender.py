"""Joint lenders of a chunk 联合贷: their parts of what the day debits, books and provides for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from puhui.kernel.act import BATCH_MAX, Act
from puhui.kernel.store import Row
from puhui.ledger import Account
from puhui.payment import own_account
from puhui.servicing.arrays.day import parts_of
from puhui.servicing.arrays.live import Rows, Whole
from puhui.servicing.desk.day.chunk import Chunk
from puhui.servicing.desk.loan.joint import (
    Moving,
    between,
    due_account,
)
from puhui.servicing.desk.loan.post import Part, transfer_chain
from puhui.servicing.desk.loan.purse import (
    Room,
    asides_of,
    keep_purses,
    lock_rooms,
    paid_from_aside,
    purses_of,
)
from puhui.servicing.nouns.lender import Passed
from puhui.servicing.rules.joint import part_of
from puhui.servicing.tables import collect as tables

FIGURES = ("outstanding_minor", "received_minor", "booked_minor")

Rooms = Mapping[str, Mapping[str, Room]]
"""What wallets of lenders take, by currency and lender."""


@dataclass(slots=True)
class Lenders:
    """Shares ``(k,)`` of others in loans of a chunk, in the order of loans: ``loan`` ``(k,) int64``
    is the place of whose each is. ``figures`` are those of the store, minor units, as the day moves
    them.
    """

    rows: list[Row]
    loan: Whole
    millionths: Whole
    figures: dict[str, Whole]
    before: dict[str, Whole]


def fetch_lenders(act: Act, chunk: Chunk, *, after: str, until: str) -> Lenders:
    """The shares of a chunk's loans, locked; none where nobody else lends part of any."""
    places = {row.id: n for n, row in enumerate(chunk.rows)}
    found = act.tx.all(tables.LOCK_SHARES_WITHIN, after=after, until=until)
    rows = [row for row in found if row.loan_id in places]
    figures = {name: _column([getattr(row, name) for row in rows]) for name in FIGURES}
    return Lenders(
        rows,
        _column([places[row.loan_id] for row in rows]),
        _column([row.share_millionths for row in rows]),
        figures,
        {name: column.copy() for name, column in figures.items()},
    )


def _column(values: Sequence[int]) -> Whole:
    return np.array(values, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Others:
    """What others have of each loan of a chunk, ``(n,) int64`` both: principal, minor units, and
    their shares, millionths.
    """

    lent_minor: Whole
    millionths: Whole


def of_others(lenders: Lenders, live: Rows) -> Others:
    """What all joint lenders of each loan have of it together."""
    lent, shares = (np.zeros(len(live), dtype=np.int64) for _ in range(2))
    if lenders.rows:
        parts = parts_of(live["outstanding_minor"][lenders.loan], lenders.millionths)
        np.add.at(lent, lenders.loan, parts)
        np.add.at(shares, lenders.loan, lenders.millionths)
    return Others(lent, shares)


def lock_lenders(act: Act, chunk: Chunk, lenders: Lenders) -> Rooms:
    """What wallets of the lenders of a chunk take, by currency: before any balance is locked."""
    named: dict[str, set[str]] = defaultdict(set)
    for row, n in zip(lenders.rows, lenders.loan.tolist(), strict=True):
        named[chunk.rows[n].currency].add(row.lender_id)
    return {one: lock_rooms(act, one, ids) for one, ids in sorted(named.items())}


def pass_on(
    act: Act,
    chunk: Chunk,
    lenders: Lenders,
    rooms: Rooms,
    debited: Sequence[tuple[int, int, int, int]],
) -> int:
    """Give lenders their parts of what was debited: places of loans with interest, penalty and fee.

    What a wallet does not take is kept for its lender, so that no loan waits for it. Returns how
    many postings.
    """
    moved: dict[str, list[Moving]] = defaultdict(list)
    for n, k, paid in _shared_of(lenders, debited):
        row, figures = lenders.rows[k], lenders.figures
        passed = Passed(*(part_of(amount, row.share_millionths) for amount in paid))
        left = part_of(int(chunk.live[n]["outstanding_minor"]), row.share_millionths)
        moved[chunk.rows[n].currency].append(Moving(row, passed, left))
        figures["outstanding_minor"][k] = left
        figures["received_minor"][k] += passed.cash_minor
        figures["booked_minor"][k] -= passed.settled_minor
    postings = 0
    for currency, movings in sorted(moved.items()):
        nets: dict[str, int] = defaultdict(int)
        for one in movings:
            nets[one.row.lender_id] += one.net_minor
        purses = purses_of(currency, rooms[currency], nets)
        parts = paid_from_aside(purses)
        for one in movings:
            parts += one.parts(currency, purses[one.row.lender_id])
        opening = [due_account(one, currency) for one in nets] + asides_of(purses, currency)
        postings += _post(act, currency, parts, opening)
        keep_purses(act, currency, purses)
    return postings


def _shared_of(
    lenders: Lenders, debited: Sequence[tuple[int, int, int, int]]
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Of each joint loan that was debited its place, that of each share, and what it paid."""
    firsts = np.searchsorted(lenders.loan, [n for n, *_ in debited], side="left").tolist()
    ends = np.searchsorted(lenders.loan, [n for n, *_ in debited], side="right").tolist()
    for (n, *paid), first, end in zip(debited, firsts, ends, strict=True):
        for k in range(first, end):
            yield n, k, tuple(paid)


def _post(act: Act, currency: str, parts: Sequence[Part], opening: Sequence[Account]) -> int:
    """Post parts of one currency, in batches of the ledger's size; how many."""
    for at in range(0, len(parts), BATCH_MAX):
        transfer_chain(act, parts[at : at + BATCH_MAX], currency, opening=opening)
    return len(parts)


def book_lenders(act: Act, chunk: Chunk, lenders: Lenders) -> int:
    """Bring what is due to lenders to their parts of the interest booked; how many postings.

    One posting up and one down for each lender and currency: the sums of all loans, as the whole
    is booked. Then the shares that changed are written.
    """
    if not lenders.rows:
        return 0
    figures = lenders.figures
    target = parts_of(chunk.live["booked_minor"][lenders.loan], lenders.millionths)
    change = target - figures["booked_minor"]
    figures["booked_minor"] = target
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row, n, amount in zip(lenders.rows, lenders.loan.tolist(), change.tolist(), strict=True):
        sums[chunk.rows[n].currency, row.lender_id][int(amount < 0)] += amount
    batch: dict[str, list[Part]] = defaultdict(list)
    opening: dict[str, list[Account]] = defaultdict(list)
    for (currency, lender_id), both in sorted(sums.items()):
        income, due = own_account("interest_income", currency), due_account(lender_id, currency)
        opening[currency].append(due)
        for amount in both:
            batch[currency] += between(income, due.id, amount, "lender_accrual")
    _write(act, lenders)
    return sum(_post(act, one, parts, opening[one]) for one, parts in batch.items())


def _write(act: Act, lenders: Lenders) -> None:
    """Write the shares that moved: what was taken at first is not touched by a day."""
    moved = np.zeros(len(lenders.rows), dtype=np.bool_)
    for name in FIGURES:
        moved |= lenders.figures[name] != lenders.before[name]
    places = np.flatnonzero(moved)
    rows = [lenders.rows[k] for k in places.tolist()]
    figures = [lenders.figures[name][places].tolist() for name in FIGURES]
    names = [f"{name}_" for name in ("loan_id", "lender_id", *FIGURES)]
    ids = [[row.loan_id for row in rows], [row.lender_id for row in rows]]
    columns = [dict(zip(names, one, strict=True)) for one in zip(*ids, *figures, strict=True)]
    act.tx.run_many(tables.SET_SHARE_OF_DAY, columns)
