"""Vintages 账龄: loans of one month of opening, followed from one month end to the next."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.store import Transaction
from puhui.servicing.desk.day.chunk import Chunk
from puhui.servicing.tables import vintage as tables


@dataclass(frozen=True, slots=True)
class VintagePoint:
    """A vintage at the end of a month: ``age`` in months since its own, shares 0..1 are of loans.

    ``late`` counts loans from the asked bucket on and those written off by then, of ``loans``.
    """

    opened: str
    period: str
    age: int
    loans: int
    late: int

    @property
    def share(self) -> float:
        """The part of the vintage that is late."""
        return self.late / self.loans


def keep_vintages(
    act: Act,
    chunk: Chunk,
    groups: Sequence[tuple[str, NDArray[np.int64]]],
    period: str,
    act_key: str,
) -> None:
    """Keep how a chunk stands at the end of a month; ``groups`` give the places of products."""
    found: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for product, places in groups:
        own = chunk.live[places]
        keys = own["opened_on"] * 64 + own["bucket"]
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        loans = np.bincount(inverse)
        minor = np.zeros(len(first), dtype=np.int64)
        np.add.at(minor, inverse, own["outstanding_minor"])
        for place, at in enumerate(first.tolist()):
            key = int(keys[at])
            sums = found[product, f"{date.fromordinal(key // 64):%Y-%m}", key % 64]
            sums[0] += int(loans[place])
            sums[1] += int(minor[place])
    act.tx.run_many(
        tables.INSERT_VINTAGE,
        [
            {
                "period": period, "act_key": act_key, "product": product, "opened": opened,
                "bucket": bucket, "loans": loans, "outstanding_minor": minor,
            }
            for (product, opened, bucket), (loans, minor) in found.items()
        ],
    )  # fmt: skip


def vintage_curves(tx: Transaction, *, bucket: int, product: str = "") -> tuple[VintagePoint, ...]:
    """The late share of every vintage at every end of a month that was kept, by opening and month.

    ``bucket`` is the first that counts as late. Loans that were paid off stay in the whole.
    """
    told = {"product": product, "any_product": int(not product)}
    whole: Counter[str] = Counter()
    for row in tx.all(tables.SUM_OPENED, **told):
        whole[f"{date.fromordinal(row.opened_on):%Y-%m}"] += row.loans
    gone: Counter[tuple[str, str]] = Counter()
    for row in tx.all(tables.READ_WRITTEN_OFF, **told):
        gone[f"{date.fromordinal(row.opened_on):%Y-%m}", row.day[:7]] += row.loans
    late: dict[tuple[str, str], int] = {}
    for row in tx.all(tables.SUM_VINTAGES, **told):
        key = (row.opened, row.period)
        late[key] = late.get(key, 0) + (row.loans if row.bucket >= bucket else 0)
    return tuple(
        VintagePoint(
            opened, period, _months(period) - _months(opened), whole[opened],
            count + sum(n for (own, month), n in gone.items() if own == opened and month <= period),
        )
        for (opened, period), count in sorted(late.items())
        if whole[opened]
    )  # fmt: skip


def _months(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7])
