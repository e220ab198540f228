"""Fairness audits 公平性审查: groups, what was found of each, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ProtectedNames:
    """Names of columns that no signal may read: as a ``whole``, or as ``words`` among others."""

    whole: frozenset[str]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Who belongs to a group: ``column`` is one of ``values``, or a number in a half-open band.

    With no ``values`` the band ``at_least`` <= number < ``below`` holds, either end open.
    """

    name: str
    column: str
    values: tuple[str, ...] = ()
    at_least: float | None = None
    below: float | None = None
    title_zh: str = ""
    title_en: str = ""


@dataclass(frozen=True, slots=True)
class ProtectedAttribute:
    """A protected attribute and its groups; every group is compared with ``reference``."""

    name: str
    title_zh: str
    title_en: str
    reference: str
    groups: tuple[GroupRule, ...]


@dataclass(frozen=True, slots=True)
class AuditRules:
    """At what size a claim may be made and when it counts as found; see ``data/audit.toml``."""

    rows_min: int
    outcomes_min: int
    significance: float
    ratio_min: float
    gap_min: float
    fisher_rows_max: int
    auc_price_max: float


@dataclass(frozen=True, slots=True)
class Declaration:
    """How a file is audited: protected attributes, who was approved, and what a loan brings.

    Approved is who has a pd of at most ``pd_max`` by the model that ``mapping`` trains; or, where
    ``approved_column`` is named, who has one of ``approved_values`` there, and then
    ``score_column`` gives the lender's own score (higher is better), and a mapping serves the
    search for an alternative alone. ``earns_good`` and ``loses_bad`` are shares of the amount lent.
    """

    name: str
    title_zh: str
    title_en: str
    mapping: str
    pd_max: float
    approved_column: str
    approved_values: tuple[str, ...]
    score_column: str
    earns_good: float
    loses_bad: float
    attributes: tuple[ProtectedAttribute, ...]
    crossings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AuditRows:
    """Rows as the auditor has them: who was approved, the score, the outcome, the groups.

    ``approved`` (n,) bool; ``score`` (n,) float64, higher is better; ``pd`` (n,) float64, not a
    number where the lender gave none; ``is_bad`` (n,) float64, not a number where unknown.
    ``members`` gives (n,) bool by (attribute, group); crossings are attributes of their own.
    """

    approved: Flags
    score: Floats
    pd: Floats
    is_bad: Floats
    members: dict[tuple[str, str], Flags]
    references: dict[str, str]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.approved)

    def take(self, kept: Flags) -> AuditRows:
        """The rows where ``kept`` is true."""
        members = {key: flags[kept] for key, flags in self.members.items()}
        return AuditRows(
            self.approved[kept], self.score[kept], self.pd[kept], self.is_bad[kept],
            members, self.references,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class GapTest:
    """A difference with its chance: ``p_value`` alone, ``p_adjusted`` over the whole family."""

    name: str
    difference: float
    p_value: float
    p_adjusted: float
    method: str


@dataclass(frozen=True, slots=True)
class GroupFinding:
    """What was found of one group beside its reference; shares 0..1.

    Where ``is_guarded`` the group or its reference is too small: counts stand, no claim does, and
    every figure is not a number. ``smd`` is the difference of mean scores over the pooled standard
    deviation. ``true_positive_gap`` is the approval share of good loans less the reference's.
    ``calibration_gap`` is the share of bad loans less the mean pd.
    """

    attribute: str
    group: str
    reference: str
    rows: int
    reference_rows: int
    approved: int
    reference_approved: int
    is_guarded: bool
    approval: float
    reference_approval: float
    adverse_impact_ratio: float
    approval_gap: float
    smd: float
    true_positive_gap: float
    calibration_gap: float
    tests: tuple[GapTest, ...]
    is_found: bool

    @property
    def p_value(self) -> float:
        """The chance of such a difference in approvals, alone; not a number where guarded."""
        return next((test.p_value for test in self.tests if test.name == "approval"), np.nan)

    @property
    def p_adjusted(self) -> float:
        """The same over the whole family of tests."""
        return next((test.p_adjusted for test in self.tests if test.name == "approval"), np.nan)


@dataclass(frozen=True, slots=True)
class CutOffPoint:
    """A cut-off at which ``share`` of all rows are approved, and the groups' approvals there."""

    attribute: str
    group: str
    share: float
    adverse_impact_ratio: float
    approval_gap: float


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """A fifth of a group by pd: mean pd beside the share of bad loans."""

    attribute: str
    group: str
    rows: int
    mean_pd: float
    bad_share: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way to decide that was measured: by what, how well, how fair, and what it earns.

    ``auc`` 0..1; ``adverse_impact_ratio`` is the lowest of all groups that are large enough;
    ``profit_share`` is earned per amount asked for.
    """

    name: str
    left_out: tuple[str, ...]
    auc: float
    approval: float
    adverse_impact_ratio: float
    profit_share: float


@dataclass(frozen=True, slots=True)
class Search:
    """A search for a less discriminatory alternative on separate rows for each step.

    ``champion`` and ``chosen`` are measured on the report rows, which nothing was fitted or chosen
    on. ``constrained`` is a mitigation by constraint, where its library is installed.
    """

    fitted_rows: int
    selected_rows: int
    reported_rows: int
    candidates: int
    champion: Alternative
    chosen: Alternative
    constrained: Alternative | None

    @property
    def is_better(self) -> bool:
        """Whether what was chosen treats the worst-off group better, and not by another model."""
        return self.chosen.adverse_impact_ratio > self.champion.adverse_impact_ratio


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit of one file: findings at the real cut-off, over all cut-offs, and calibration."""

    title_zh: str
    title_en: str
    rows: int
    approved: int
    family: int
    rules: AuditRules
    findings: tuple[GroupFinding, ...]
    cut_offs: tuple[CutOffPoint, ...]
    calibration: tuple[CalibrationPoint, ...]
    unknown: tuple[tuple[str, float], ...]

    @property
    def found(self) -> tuple[GroupFinding, ...]:
        """The findings that count: significant over the family, and large enough to matter."""
        return tuple(one for one in self.findings if one.is_found)

    @property
    def worst(self) -> GroupFinding | None:
        """The finding with the lowest ratio among the groups that are large enough."""
        told = [one for one in self.findings if not one.is_guarded]
        return min(told, key=lambda one: one.adverse_impact_ratio, default=None)
