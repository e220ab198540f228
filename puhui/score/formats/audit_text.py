"""An audit of fairness as plain rows of text, as flat figures, and as CSV."""

from __future__ import annotations

import csv
import io
import math

from puhui.score.nouns.audit import Alternative, Audit, Search

COLUMNS = (
    "attribute", "group", "reference", "rows", "approved", "of reference", "ratio", "gap", "SMD",
    "good approved, gap", "bad less pd", "p", "p, family", "finding",
)  # fmt: skip
ALTERNATIVE_COLUMNS = ("way to decide", "without", "AUC", "approved", "lowest ratio", "profit")


def audit_lines(audit: Audit) -> list[tuple[str, ...]]:
    """One row a finding, in the order of ``COLUMNS``; guarded groups show their counts alone."""
    found: list[tuple[str, ...]] = []
    for one in audit.findings:
        is_told = not one.is_guarded
        word = "found" if one.is_found else "none"
        found.append(
            (
                one.attribute,
                one.group,
                one.reference,
                str(one.rows),
                _share(one.approval),
                _share(one.reference_approval),
                _number(one.adverse_impact_ratio),
                _share(one.approval_gap),
                _number(one.smd),
                _share(one.true_positive_gap),
                _share(one.calibration_gap),
                _chance(one.p_value),
                _chance(one.p_adjusted),
                word if is_told else "too few rows",
            )
        )
    return found


def alternative_lines(search: Search) -> list[tuple[str, ...]]:
    """One row a way to decide, in the order of ``ALTERNATIVE_COLUMNS``."""
    ways = [("in use", search.champion), ("chosen", search.chosen)]
    if search.constrained is not None:
        ways.append(("constrained", search.constrained))
    return [_alternative(word, way) for word, way in ways]


def _alternative(word: str, way: Alternative) -> tuple[str, ...]:
    return (
        f"{word}: {way.name}",
        ", ".join(way.left_out) or "-",
        _number(way.auc, 4),
        _share(way.approval),
        _number(way.adverse_impact_ratio),
        _number(way.profit_share, 4),
    )


def audit_figures(audit: Audit, search: Search | None = None) -> dict[str, object]:
    """Flat figures: those of the worst-off group that is large enough, then counts."""
    worst = audit.worst
    figures: dict[str, object] = {
        "rows": audit.rows,
        "approved": audit.approved,
        "groups": len(audit.findings),
        "groups_too_small": sum(one.is_guarded for one in audit.findings),
        "tests": audit.family,
        "findings": len(audit.found),
        "attribute": None if worst is None else worst.attribute,
        "group": None if worst is None else worst.group,
        "adverse_impact_ratio": None if worst is None else worst.adverse_impact_ratio,
        "smd": None if worst is None else worst.smd,
        "approval_gap": None if worst is None else worst.approval_gap,
        "p_value": None if worst is None else worst.p_value,
        "p_family": None if worst is None else worst.p_adjusted,
    }
    if search is not None:
        figures |= {
            "candidates": search.candidates,
            "auc_in_use": search.champion.auc,
            "ratio_in_use": search.champion.adverse_impact_ratio,
            "profit_in_use": search.champion.profit_share,
            "auc_chosen": search.chosen.auc,
            "ratio_chosen": search.chosen.adverse_impact_ratio,
            "profit_chosen": search.chosen.profit_share,
        }
        figures |= _price_figures(search)
    return figures


def _price_figures(search: Search) -> dict[str, object]:
    """What a parity constraint reaches and costs against what is in use; null where not tried.

    Prices are what is given up: of AUC, and of profit per amount asked for; below nought it gains.
    """
    names = ("auc", "ratio", "profit", "auc_price", "profit_price")
    found = search.constrained
    if found is None:
        return {f"{name}_constrained": None for name in names}
    used = search.champion
    values = (
        found.auc,
        found.adverse_impact_ratio,
        found.profit_share,
        used.auc - found.auc,
        used.profit_share - found.profit_share,
    )
    return {
        f"{name}_constrained": None if math.isnan(value) else value
        for name, value in zip(names, values, strict=True)
    }


def audit_csv(audit: Audit) -> str:
    """The findings as CSV text with a header."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    writer.writerows(audit_lines(audit))
    return stream.getvalue()


def _number(value: float, digits: int = 3) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def _chance(value: float) -> str:
    return "below 0.0001" if value < 0.0001 else _number(value, 4)


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.1f}%"
