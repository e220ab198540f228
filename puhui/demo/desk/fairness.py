"""The county's rows for an audit of fairness, scored by a model trained on the same county."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np

from puhui.demo.draw.cohort import training_table
from puhui.demo.draw.fairness import draw_fairness
from puhui.score import Table, score_table, study, train

DAY = date(2026, 11, 23)
SIZE = 2000


@lru_cache(maxsize=2)
def _scored(seed: int, size: int) -> tuple[dict[str, tuple[str, ...]], np.ndarray]:
    past = training_table(seed, DAY, size=size)
    mapping = study.read_mapping("merchant_310")
    table = Table(past, len(past["reference"]))
    model = train(table, mapping, "points", seed)
    points = score_table(model, table, mapping=mapping).points
    return past, points.astype(np.float64)


def fairness_rows(seed: int, *, is_biased: bool, size: int = SIZE, county: int = 1) -> Table:
    """Rows as an auditor gets them, from the demo county; ``seed`` draws where people live.

    See ``draw_fairness``. The county, its outcomes and its honest scores are those of ``county``.
    """
    past, points = _scored(county, size)
    return Table(draw_fairness(past, points, seed, is_biased=is_biased), len(points))
