"""The study of a file of past loans: its mapping, sample, screening, measures and reasons."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from puhui.score.arrays.metric import (
    auc_of,
    bootstrap,
    brier_of,
    calibration_of,
    h_measure_of,
    ks_of,
    log_loss_of,
    measure,
    misclassified_share_of,
    psi_of,
)
from puhui.score.arrays.profit import CutOffCurve, cut_off_curve
from puhui.score.arrays.replication import replicate_published
from puhui.score.arrays.screening import screen_columns
from puhui.score.arrays.vector import draw_sample
from puhui.score.engines.files import mapping_text, read_mapping
from puhui.score.engines.monitor import monitor
from puhui.score.engines.scorer import explain_table
from puhui.score.engines.source import audit_decisions_of
from puhui.score.engines.trainer import Trained, better_of, train_held_out
from puhui.score.nouns import (
    CardLine,
    ColumnWarning,
    Mapping,
    Measures,
    Monitoring,
    Reason,
    Replication,
    Sample,
    Score,
    Scores,
    Signal,
    Table,
)
from puhui.score.nouns.stored_audit import DecidedRow
from puhui.score.rules.card import printed_card
from puhui.score.rules.value import read_number

__all__ = [
    "CardLine",
    "ColumnWarning",
    "CutOffCurve",
    "DecidedRow",
    "Mapping",
    "Measures",
    "Monitoring",
    "Reason",
    "Replication",
    "Sample",
    "Score",
    "Scores",
    "Signal",
    "Trained",
    "auc_of",
    "audit_decisions_of",
    "better_of",
    "bootstrap",
    "brier_of",
    "calibration_of",
    "column_auc_max",
    "cut_off_curve",
    "draw_sample",
    "explain_table",
    "h_measure_of",
    "ks_of",
    "log_loss_of",
    "mapping_text",
    "measure",
    "misclassified_share_of",
    "monitor",
    "printed_card",
    "psi_of",
    "read_mapping",
    "read_number",
    "replicate_published",
    "suspicious_columns",
    "train_held_out",
]


@lru_cache(maxsize=1)
def column_auc_max() -> float:
    """The AUC from which on a single column is reported: the last value of screening.toml."""
    text = (resources.files("puhui.score") / "data" / "screening.toml").read_text("utf-8")
    values = tomllib.loads(text)["auc_of_one_column_max"]["values"]
    return float(max(values, key=lambda entry: entry["from"])["value"])


def suspicious_columns(table: Table, mapping: Mapping) -> tuple[ColumnWarning, ...]:
    """Columns of the file that alone tell the outcome too well, at the declared threshold."""
    return screen_columns(table, mapping, column_auc_max())
