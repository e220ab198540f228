"""Cut-offs over many rows at once: who would be approved, what it would earn, group by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def best_earnings(pd: Floats, is_bad: Floats, gain_of_good: float, loss_of_bad: float) -> Floats:
    """What each row would have earned (n,), in units of one loan, had all up to one pd been
    approved: at the pd that earns most in all, and nothing where no pd earns anything.

    ``pd`` (n,), ``is_bad`` (n,) 0 or 1. Rows of one pd stand or fall together.
    """
    worth = np.where(is_bad > 0, -loss_of_bad, gain_of_good)
    order = np.argsort(pd, kind="stable")
    ordered, earned = pd[order], np.cumsum(worth[order])
    last = np.append(ordered[1:] != ordered[:-1], True) if len(pd) else np.zeros(0, dtype=np.bool_)
    if not len(pd) or earned[last].max() <= 0.0:
        return np.zeros(len(pd))
    bound = ordered[last][np.argmax(earned[last])]
    return np.where(pd <= bound, worth, 0.0)


@dataclass(frozen=True, slots=True)
class CutOffCurve:
    """What each cut-off would bring: entry i approves every row with pd at most ``pd_max[i]``.

    ``approved``, ``bads`` and ``profit_minor`` (m,) are counts and whole minor units of the rows
    approved; ``by_group`` (m, groups) counts the approved of each group, of ``group_rows`` rows.
    """

    pd_max: Floats
    approved: Counts
    bads: Floats
    profit_minor: Counts
    by_group: Counts
    group_rows: Counts
    rows: int

    def best(self) -> int:
        """The entry of the highest profit; the lowest cut-off of equals."""
        return int(np.argmax(self.profit_minor))


def cut_off_curve(
    pd: Floats, is_bad: Floats, profit_minor: Counts, groups: Counts, *, steps: int = 101
) -> CutOffCurve:
    """The curve at ``steps`` cut-offs that stand at equal shares of the rows, from none to all.

    ``pd`` (n,); ``is_bad`` (n,) 0 or 1, or the probability itself where no outcome is known;
    ``profit_minor`` (n,) int64 what each row earns if approved; ``groups`` (n,) int64 the group
    of each row, 0..g-1. Rows of one pd stand or fall together, so an entry may approve more than
    its share. The first entry approves nobody (its pd is -1).
    """
    order = np.argsort(pd, kind="stable")
    ordered, n = pd[order], len(pd)
    wanted = np.unique(np.linspace(0, n, steps).round().astype(np.int64))
    bounds = np.array([ordered[count - 1] if count else -1.0 for count in wanted.tolist()])
    bounds = np.unique(bounds)
    ends = np.searchsorted(ordered, bounds, side="right")
    count = int(groups.max()) + 1 if n else 0
    bads = np.concatenate(([0.0], np.cumsum(is_bad[order])))
    earned = np.concatenate(([0], np.cumsum(profit_minor[order])))
    own = np.zeros((n + 1, count), dtype=np.int64)
    own[np.arange(1, n + 1), groups[order]] = 1
    return CutOffCurve(
        pd_max=bounds,
        approved=ends.astype(np.int64),
        bads=bads[ends],
        profit_minor=earned[ends].astype(np.int64),
        by_group=np.cumsum(own, axis=0)[ends],
        group_rows=np.bincount(groups, minlength=count).astype(np.int64),
        rows=n,
    )
