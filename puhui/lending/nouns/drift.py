"""Drift 漂移: whether scores and signals of a model in use have moved, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class MeasureDrift:
    """Set decisions by a model in one time against those in a time before it; days inclusive."""

    model_digest: str
    before_since: date
    before_until: date
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class SignalDrift:
    """How far one signal moved: its PSI, and the shares (0..1) of values that are missing."""

    signal: str
    psi: float
    missing_before: float
    missing_after: float


@dataclass(frozen=True, slots=True)
class MeasuredDrift:
    """What was measured before the act: figures alone, and who was looked at for them."""

    asked: MeasureDrift
    mapping: str
    rows_before: int
    rows: int
    score_psi: float
    mean_pd: float
    signals: tuple[SignalDrift, ...]
    looks: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class DriftMeasured:
    """The figures that stand in the journal: rows on both sides, PSI of score and signals."""

    model_digest: str
    mapping: str
    before_since: date
    before_until: date
    since: date
    until: date
    rows_before: int
    rows: int
    score_psi: float
    mean_pd: float
    signals: tuple[SignalDrift, ...]
