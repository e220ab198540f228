"""Audits of fairness over arrays: at the real cut-off, over all cut-offs, within groups."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from puhui.score.arrays.metric import auc_of
from puhui.score.nouns.audit import (
    Alternative,
    Audit,
    AuditRows,
    AuditRules,
    CalibrationPoint,
    CutOffPoint,
    Flags,
    Floats,
    GapTest,
    GroupFinding,
)
from puhui.score.rules.audit import holm, is_large_enough, normal_p, share_test

SHARES = tuple(step / 20 for step in range(1, 20))
FIFTHS = 5


def audit_rows(
    rows: AuditRows, rules: AuditRules, *, title_zh: str = "", title_en: str = "", family: int = 0
) -> Audit:
    """Audit decisions at the cut-off they were made by, and the score over all cut-offs.

    Every group with its reference gives up to four tests: approvals (Fisher or z), mean scores
    (Welch, normal), approvals of good loans (Fisher or z), and calibration (normal). All tests of
    the audit, or ``family`` where several audits are one family, are adjusted together by Holm's
    procedure. A finding needs an adjusted approval test below the level and a gap that matters:
    the ratio below the four fifths, or the approvals or the approvals of good loans apart by more
    than the smallest gap. Groups below the least rows are counted and never judged.
    """
    found = [_finding(rows, rules, *key) for key in rows.members if not _is_reference(rows, *key)]
    adjusted = iter(holm([test.p_value for one in found for test in one.tests], family))
    judged = []
    for one in found:
        tests = tuple(replace(test, p_adjusted=next(adjusted)) for test in one.tests)
        judged.append(_judge(replace(one, tests=tests), rules))
    told = [(one.attribute, one.group) for one in judged if not one.is_guarded]
    size = sum(len(one.tests) for one in judged)
    return Audit(
        title_zh,
        title_en,
        rows.rows,
        int(rows.approved.sum()),
        max(size, family),
        rules,
        tuple(judged),
        tuple(point for key in told for point in _cut_offs(rows, *key)),
        tuple(
            point for key in _with_references(rows, told) for point in _fifths(rows, rules, *key)
        ),
        _unknown(rows),
    )


def _is_reference(rows: AuditRows, attribute: str, group: str) -> bool:
    return rows.references[attribute] == group


def _with_references(rows: AuditRows, told: list[tuple[str, str]]) -> list[tuple[str, str]]:
    references = [(attribute, rows.references[attribute]) for attribute, _ in told]
    return list(dict.fromkeys((*references, *told)))


def _unknown(rows: AuditRows) -> tuple[tuple[str, float], ...]:
    """The share of rows that no group of an attribute takes in."""
    found = []
    for attribute in rows.references:
        known = np.zeros(rows.rows, dtype=np.bool_)
        for (name, _), flags in rows.members.items():
            if name == attribute:
                known |= flags
        found.append((attribute, 1.0 - float(known.mean()) if rows.rows else 0.0))
    return tuple(found)


def _finding(rows: AuditRows, rules: AuditRules, attribute: str, group: str) -> GroupFinding:
    reference = rows.references[attribute]
    own, other = rows.members[attribute, group], rows.members[attribute, reference]
    count, against = int(own.sum()), int(other.sum())
    yes, other_yes = int(rows.approved[own].sum()), int(rows.approved[other].sum())
    nan = math.nan
    blank = GroupFinding(
        attribute, group, reference, count, against, yes, other_yes, True,
        nan, nan, nan, nan, nan, nan, nan, (), False,
    )  # fmt: skip
    if not is_large_enough(count, against, rules):
        return blank
    p_value, method = share_test(
        yes, count - yes, other_yes, against - other_yes, rules.fisher_rows_max
    )
    approval, other_approval = yes / count, other_yes / against
    tests = [GapTest("approval", approval - other_approval, p_value, nan, method)]
    smd, score_test = _score_gap(rows.score[own], rows.score[other])
    tests += score_test
    opportunity, opportunity_test = _opportunity(rows, rules, own, other)
    tests += opportunity_test
    calibration, calibration_test = _calibration(rows, rules, own)
    tests += calibration_test
    return replace(
        blank,
        is_guarded=False,
        approval=approval,
        reference_approval=other_approval,
        adverse_impact_ratio=approval / other_approval if other_yes else nan,
        approval_gap=approval - other_approval,
        smd=smd,
        true_positive_gap=opportunity,
        calibration_gap=calibration,
        tests=tuple(tests),
    )


def _score_gap(own: Floats, other: Floats) -> tuple[float, list[GapTest]]:
    """Mean scores apart, over the pooled standard deviation (Cohen's d), with Welch's test."""
    own, other = own[~np.isnan(own)], other[~np.isnan(other)]
    if len(own) < 2 or len(other) < 2:
        return math.nan, []
    gap = float(own.mean() - other.mean())
    spread, against = float(own.var(ddof=1)), float(other.var(ddof=1))
    pooled = math.sqrt(
        ((len(own) - 1) * spread + (len(other) - 1) * against) / (len(own) + len(other) - 2)
    )
    if pooled == 0.0:
        return 0.0, []
    p_value = normal_p(gap / math.sqrt(spread / len(own) + against / len(other)))
    return gap / pooled, [GapTest("score", gap, p_value, math.nan, "Welch, normal")]


def _opportunity(
    rows: AuditRows, rules: AuditRules, own: Flags, other: Flags
) -> tuple[float, list[GapTest]]:
    """How many of the good loans are approved, beside the reference (equal opportunity)."""
    good = rows.is_bad == 0.0
    mine, theirs = rows.approved[own & good], rows.approved[other & good]
    if min(len(mine), len(theirs)) < rules.outcomes_min:
        return math.nan, []
    yes, against = int(mine.sum()), int(theirs.sum())
    p_value, method = share_test(
        yes, len(mine) - yes, against, len(theirs) - against, rules.fisher_rows_max
    )
    gap = yes / len(mine) - against / len(theirs)
    return gap, [GapTest("opportunity", gap, p_value, math.nan, method)]


def _calibration(rows: AuditRows, rules: AuditRules, own: Flags) -> tuple[float, list[GapTest]]:
    """The share of bad loans less the mean pd within the group, with a normal test."""
    known = own & ~np.isnan(rows.is_bad) & ~np.isnan(rows.pd)
    if int(known.sum()) < rules.outcomes_min:
        return math.nan, []
    pd, bad = rows.pd[known], rows.is_bad[known]
    spread = math.sqrt(float((pd * (1 - pd)).sum()))
    if spread == 0.0:
        return math.nan, []
    gap = float(bad.mean() - pd.mean())
    z = float(bad.sum() - pd.sum()) / spread
    return gap, [GapTest("calibration", gap, normal_p(z), math.nan, "sum of outcomes, normal")]


def _judge(one: GroupFinding, rules: AuditRules) -> GroupFinding:
    if one.is_guarded:
        return one
    sure = {test.name for test in one.tests if test.p_adjusted < rules.significance}
    is_low = one.adverse_impact_ratio < rules.ratio_min or one.approval_gap < -rules.gap_min
    is_less = one.true_positive_gap < -rules.gap_min
    is_found = ("approval" in sure and is_low) or ("opportunity" in sure and is_less)
    return replace(one, is_found=is_found)


def _cut_offs(rows: AuditRows, attribute: str, group: str) -> list[CutOffPoint]:
    """Ratio and gap where the best 5, 10 ... 95 of 100 rows by score would be approved.

    Rows without a score are left out: no cut-off says anything of them.
    """
    is_known = ~np.isnan(rows.score)
    known = rows.score[is_known]
    own = np.sort(rows.score[is_known & rows.members[attribute, group]])
    other = np.sort(rows.score[is_known & rows.members[attribute, rows.references[attribute]]])
    if not len(own) or not len(other):
        return []
    found = []
    for share in SHARES:
        cut = float(np.quantile(known, 1.0 - share))
        mine = 1.0 - float(np.searchsorted(own, cut)) / len(own)
        theirs = 1.0 - float(np.searchsorted(other, cut)) / len(other)
        ratio = mine / theirs if theirs else math.nan
        found.append(CutOffPoint(attribute, group, share, ratio, mine - theirs))
    return found


def _fifths(
    rows: AuditRows, rules: AuditRules, attribute: str, group: str
) -> list[CalibrationPoint]:
    """The group's fifths by pd; none where fewer outcomes are known than may be spoken of."""
    known = rows.members[attribute, group] & ~np.isnan(rows.is_bad) & ~np.isnan(rows.pd)
    if int(known.sum()) < rules.outcomes_min:
        return []
    pd, bad = rows.pd[known], rows.is_bad[known]
    parts = np.array_split(np.argsort(pd, kind="stable"), FIFTHS)
    return [
        CalibrationPoint(
            attribute, group, len(part), float(pd[part].mean()), float(bad[part].mean())
        )
        for part in parts
        if len(part)
    ]


def approve_share(score: Floats, share: float) -> Flags:
    """Approve the ``share`` of rows with the best scores, ties at the edge included."""
    if not len(score) or share <= 0.0:
        return np.zeros(len(score), dtype=np.bool_)
    return score >= np.quantile(score, max(0.0, 1.0 - share))


def measure_alternative(
    rows: AuditRows,
    rules: AuditRules,
    name: str,
    *,
    left_out: tuple[str, ...] = (),
    earns_good: float,
    loses_bad: float,
) -> Alternative:
    """A way to decide: its AUC, its lowest ratio of groups that are large enough, its profit.

    The profit is the mean over all rows with a known outcome of what an approved loan brings, as a
    share of an equal amount asked for by each.
    """
    known = ~np.isnan(rows.is_bad)
    ratios = []
    for (attribute, group), own in rows.members.items():
        other = rows.members[attribute, rows.references[attribute]]
        if _is_reference(rows, attribute, group) or not is_large_enough(
            int(own.sum()), int(other.sum()), rules
        ):
            continue
        against = float(rows.approved[other].mean())
        if against:
            ratios.append(float(rows.approved[own].mean()) / against)
    brings = np.where(rows.is_bad[known] == 1.0, loses_bad, earns_good) * rows.approved[known]
    return Alternative(
        name,
        left_out,
        auc_of(-rows.score[known], rows.is_bad[known]),
        float(rows.approved.mean()) if rows.rows else math.nan,
        min(ratios, default=math.nan),
        float(brings.mean()) if int(known.sum()) else math.nan,
    )
