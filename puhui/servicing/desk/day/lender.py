"""Joint lenders of a chunk 联合贷: their parts of what the day debits, books and provides for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from puhui.kernel.act import BATCH_MAX, Act
from puhui.kernel.store import Row
from puhui.payment import own_account
from puhui.servicing.arrays.day import parts_of
from puhui.servicing.arrays.live import Rows, Whole
from puhui.servicing.desk.day.chunk import Chunk
from puhui.servicing.desk.loan.joint import (
    between,
    columns_of_share,
    due_account,
    parts_of_share,
)
from puhui.servicing.desk.loan.post import Part, transfer_chain
from puhui.servicing.nouns.collect import Passed
from puhui.servicing.rules.joint import part_of
from puhui.servicing.tables import collect as tables

FIGURES = ("outstanding_minor", "received_minor", "booked_minor")


@dataclass(slots=True)
class Lenders:
    """Shares ``(k,)`` of others in loans of a chunk: ``loan`` ``(k,) int64`` is the place of whose
    each is. ``figures`` are those of the store, minor units, as the day moves them.
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


def pass_on(
    act: Act, chunk: Chunk, lenders: Lenders, debited: Sequence[tuple[int, int, int, int]]
) -> int:
    """Give lenders their parts of what was debited: places of loans with interest, penalty and fee.

    Returns how many postings.
    """
    if not lenders.rows:
        return 0
    of_loan: dict[int, list[int]] = defaultdict(list)
    for k, n in enumerate(lenders.loan.tolist()):
        of_loan[n].append(k)
    figures = lenders.figures
    batch: list[tuple[str, list[Part]]] = []
    for n, *paid in debited:
        left = int(chunk.live[n]["outstanding_minor"])
        for k in of_loan[n]:
            row = lenders.rows[k]
            passed = Passed(*(part_of(amount, row.share_millionths) for amount in paid))
            target = part_of(left, row.share_millionths)
            currency = chunk.rows[n].currency
            batch.append((currency, parts_of_share(row, currency, passed, target)))
            figures["outstanding_minor"][k] = target
            figures["received_minor"][k] += passed.cash_minor
            figures["booked_minor"][k] -= passed.settled_minor
    return _post(act, chunk, lenders, batch)


def _post(act: Act, chunk: Chunk, lenders: Lenders, batch: Sequence[tuple[str, list[Part]]]) -> int:
    """Post parts by currency, in batches of the ledger's size."""
    by_currency: dict[str, list[Part]] = defaultdict(list)
    for currency, parts in batch:
        by_currency[currency] += parts
    for currency, parts in sorted(by_currency.items()):
        named = {
            row.lender_id
            for row, n in zip(lenders.rows, lenders.loan.tolist(), strict=True)
            if chunk.rows[n].currency == currency
        }
        opening = [due_account(lender_id, currency) for lender_id in sorted(named)]
        for at in range(0, len(parts), BATCH_MAX):
            transfer_chain(act, parts[at : at + BATCH_MAX], currency, opening=opening)
    return sum(map(len, by_currency.values()))


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
    batch: list[tuple[str, list[Part]]] = []
    for (currency, lender_id), both in sorted(sums.items()):
        income, due = own_account("interest_income", currency), due_account(lender_id, currency).id
        for amount in both:
            batch.append((currency, between(income, due, amount, "lender_accrual")))
    postings = _post(act, chunk, lenders, batch)
    _write(act, lenders)
    return postings


def _write(act: Act, lenders: Lenders) -> None:
    moved = np.zeros(len(lenders.rows), dtype=np.bool_)
    for name in FIGURES:
        moved |= lenders.figures[name] != lenders.before[name]
    columns = [
        columns_of_share(
            lenders.rows[k], **{name: int(lenders.figures[name][k]) for name in FIGURES}
        )
        for k in np.flatnonzero(moved).tolist()
    ]
    act.tx.run_many(tables.SET_SHARE, columns)
