"""A trained model: a points card, trees or additive tables, with its scale and its papers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from puhui.score.nouns.mapping import Signal

SCORE_MAX = 1000
"""Scores run from 0 (certain default) to this (safest)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How odds become points: ``anchor_points`` at ``anchor_odds`` good to one bad.

    Every ``points_per_doubling`` points double the odds.
    """

    anchor_points: int
    anchor_odds: float
    points_per_doubling: int

    def factor(self) -> float:
        """Points per unit of natural log-odds."""
        return self.points_per_doubling / math.log(2.0)

    def offset(self) -> float:
        """Points at odds of one to one."""
        return self.anchor_points - self.factor() * math.log(self.anchor_odds)


@dataclass(frozen=True, slots=True)
class SignalPoints:
    """The points of one signal; ``bin_points`` follow the bins in order.

    A number falls in the first bin whose upper ``edges`` value is not below it; the last bin is
    open. A category falls in the bin that ``groups`` names at its code. Missing values, special
    values and categories never seen have points of their own. ``bin_rows`` and ``bin_bads`` are
    the training counts behind each bin.
    """

    edges: tuple[float, ...]
    groups: tuple[int, ...]
    bin_points: tuple[int, ...]
    bin_rows: tuple[int, ...]
    bin_bads: tuple[int, ...]
    missing_points: int
    missing_rows: int
    missing_bads: int
    unseen_points: int
    special_points: tuple[int, ...]
    special_rows: tuple[int, ...]
    special_bads: tuple[int, ...]

    def best(self) -> int:
        """The most points this signal can give."""
        others = (self.missing_points, self.unseen_points, *self.special_points)
        return max(*self.bin_points, *others)


@dataclass(frozen=True, slots=True)
class Card:
    """A scorecard that can be printed: start with ``start_points``, add each signal's points."""

    start_points: int
    signals: tuple[SignalPoints, ...]


@dataclass(frozen=True, slots=True)
class CardLine:
    """One line of a printed card: what a value must be, and the points it gives.

    ``rows`` and ``bads`` are the training rows behind it. The first line has no signal: it is
    where the sum starts.
    """

    signal: str
    title_zh: str
    title_en: str
    value: str
    points: int
    rows: int
    bads: int


@dataclass(frozen=True, slots=True)
class Forest:
    """Boosted trees in LightGBM's own text form, which keeps every threshold exactly; or XGBoost's
    trees as JSON, told by the brace they begin with.
    """

    text: str


@dataclass(frozen=True, slots=True)
class AdditiveAxis:
    """How a term reads the signal at ``place``: ``size`` bins, the first for missing values, the
    last for what was never seen. A number is in bin 1 + the count of ``edges`` at or below it; a
    category in the bin that ``bins`` names at its code.
    """

    place: int
    size: int
    is_category: bool
    edges: tuple[float, ...]
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AdditiveTerm:
    """A table of log-odds over one signal or a pair; the last axis runs fastest in ``scores``."""

    axes: tuple[AdditiveAxis, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Additive:
    """An additive model: ``intercept`` and one entry of each term add up to the log-odds."""

    intercept: float
    terms: tuple[AdditiveTerm, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log-odds of default = ``slope`` x raw log-odds + ``intercept`` (Platt 1999).

    Fitted on out-of-fold predictions of the training rows. On a card it is already inside the
    points, so a card carries it for the record only.
    """

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model with everything needed to score, to explain and to check it.

    ``kind`` is "points", "trees" or "additive"; ``signals`` give the order of the columns;
    ``categories`` the category texts of each signal in code order (empty for numbers). ``digest``
    is the SHA-256 of its canonical JSON without the digest itself.
    """

    name: str
    kind: str
    mapping: str
    mapping_digest: str
    target: str
    signals: tuple[Signal, ...]
    categories: tuple[tuple[str, ...], ...]
    scale: Scale
    calibration: Calibration
    card: Card | None
    forest: Forest | None
    data_digest: str
    parameters: tuple[tuple[str, float], ...]
    metrics: tuple[tuple[str, float], ...]
    maker: str
    trained_on: str
    digest: str = ""
    additive: Additive | None = None

    def metric(self, name: str) -> float:
        """A recorded figure by name, such as "cv_auc"; not a number where it was not measured."""
        return dict(self.metrics).get(name, math.nan)


def pd_of(log_odds: float) -> float:
    """The probability of default (0..1) at ``log_odds`` of default, without overflow."""
    if log_odds >= 0.0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    grown = math.exp(log_odds)
    return grown / (1.0 + grown)


def points_of(log_odds: float, factor: float, offset: float) -> int:
    """The score (0..1000) at ``log_odds`` of default, rounded half up."""
    return min(SCORE_MAX, max(0, math.floor(offset - factor * log_odds + 0.5)))
