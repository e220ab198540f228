"""Audits of a model in force: what is asked, what an audit looks at, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DecidedRow:
    """One decision by a model: whose, how, and how the loan ended where that is known.

    ``pd`` is the chance of default it rested on, None where it was struck; ``is_bad`` is None
    while the loan runs.
    """

    party_id: str
    is_approved: bool
    pd: float | None
    is_bad: bool | None


@dataclass(frozen=True, slots=True)
class AuditModel:
    """Audit the decisions of the model ``model_digest`` of the days ``since`` to ``until``, both
    included.
    """

    model_digest: str
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class GroupCutOff:
    """A group's approvals where the best ``share`` of all rows by score are approved, 0..1, over
    its reference's (``ratio``, None where the reference has none) and less them (``gap``).
    """

    share: float
    ratio: float | None
    gap: float


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """What was found of one group beside its reference; shares 0..1, None where nothing is told.

    Where ``is_guarded`` the group or its reference is too small: counts stand and no claim does.
    ``smd`` is the gap of mean scores over the pooled standard deviation, ``true_positive_gap`` that
    of approvals of good loans, ``calibration_gap`` the share of bad loans less the mean pd.
    ``p_value`` is of the gap in approvals alone, ``p_family`` over all tests of the audit.
    ``cut_offs`` are other cut-offs by the same scores, where the group is large enough.
    """

    attribute: str
    group: str
    reference: str
    rows: int
    reference_rows: int
    approved: int
    reference_approved: int
    is_guarded: bool
    is_found: bool
    approval: float | None
    reference_approval: float | None
    adverse_impact_ratio: float | None
    approval_gap: float | None
    smd: float | None
    true_positive_gap: float | None
    calibration_gap: float | None
    p_value: float | None
    p_family: float | None
    cut_offs: tuple[GroupCutOff, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """What is kept of an audit: figures of groups, and who was looked at for them.

    ``unknown`` gives by attribute the share of rows that no group takes in. What anybody's sex, age
    or region is stands nowhere.
    """

    model_digest: str
    since: date
    until: date
    rows: int
    approved: int
    tests: int
    groups: tuple[GroupFigures, ...]
    unknown: tuple[tuple[str, float], ...]
    party_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelAudited:
    """An audit was stored: over how many decisions, and how many findings count."""

    audit_id: str
    rows: int
    findings: int


@dataclass(frozen=True, slots=True)
class StoredAudit:
    """A stored audit of a model; ``findings`` counts the groups whose ``is_found`` holds."""

    id: str
    model_digest: str
    since: date
    until: date
    rows: int
    approved: int
    tests: int
    findings: int
    groups: tuple[GroupFigures, ...]
    unknown: tuple[tuple[str, float], ...]
    audited_by: str
    audited_us: int
