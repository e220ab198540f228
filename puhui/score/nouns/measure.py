"""What is measured of scores: rank, calibration, stability, and single columns that tell all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A bootstrap interval: ``low`` and ``high`` bound the middle ``share`` of resamples."""

    low: float
    high: float
    share: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows of near probability: their mean ``pd`` beside the ``bad_rate`` that came true."""

    rows: int
    pd: float
    bad_rate: float


@dataclass(frozen=True, slots=True)
class Measures:
    """How well probabilities of default rank and fit outcomes.

    ``h_prior`` are the two parameters of the H-measure's Beta prior over the severity ratio.
    Not a number where only one outcome is present.
    """

    rows: int
    bad_rate: float
    auc: float
    ks: float
    h_measure: float
    h_prior: tuple[float, float]
    brier: float
    log_loss: float
    misclassified_share: float
    intervals: tuple[tuple[str, Interval], ...]
    calibration: tuple[CalibrationBin, ...]

    def interval(self, name: str) -> Interval:
        """The interval of "auc", "ks", "h_measure" or "brier"."""
        return dict(self.intervals)[name]


@dataclass(frozen=True, slots=True)
class SignalShift:
    """How far one signal moved: ``psi`` and the share of missing values before and after."""

    signal: str
    psi: float
    missing_before: float
    missing_after: float


@dataclass(frozen=True, slots=True)
class Monitoring:
    """A model in use set against the table it learned from.

    ``approval_rate`` is the share of rows at or above ``points_least``. Calibration stands where
    outcomes are known already, else it is empty.
    """

    model_digest: str
    rows: int
    score_psi: float
    signal_shifts: tuple[SignalShift, ...]
    approval_rate: float
    points_least: int
    mean_pd: float
    calibration: tuple[CalibrationBin, ...]


@dataclass(frozen=True, slots=True)
class ColumnWarning:
    """A column that alone tells the outcome too well to have been known before it."""

    column: str
    auc: float
    is_forbidden: bool
    is_signal: bool


@dataclass(frozen=True, slots=True)
class Replication:
    """A published figure computed anew: rows, the misclassified count and share, coefficients.

    ``published_rows`` and ``published_share`` are what the paper reports on its own copy.
    """

    rows: int
    misclassified: int
    misclassified_share: float
    coefficients: tuple[tuple[str, float], ...]
    published_rows: int
    published_share: float
