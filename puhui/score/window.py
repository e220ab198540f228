"""The window of score (窗口): audits, stored ones too, large files, and cards for other systems."""

from puhui.score.desk.audit import audits_of
from puhui.score.engines.audit import audit_file, search_alternative
from puhui.score.engines.batch import Batch, score_parquet
from puhui.score.engines.challenger import Nested, choose_kind
from puhui.score.engines.spark import score_spark, spark_scores
from puhui.score.engines.trainer import RefusedTable
from puhui.score.formats.audit_text import (
    ALTERNATIVE_COLUMNS,
    COLUMNS,
    alternative_lines,
    audit_csv,
    audit_figures,
    audit_lines,
)
from puhui.score.formats.audit_toml import read_audit_rules, read_declaration
from puhui.score.formats.model_document import model_document
from puhui.score.formats.model_sql import model_sql
from puhui.score.nouns.audit import Audit, Search
from puhui.score.nouns.stored_audit import GroupFigures, StoredAudit

__all__ = [
    "ALTERNATIVE_COLUMNS",
    "Audit",
    "Batch",
    "COLUMNS",
    "GroupFigures",
    "Nested",
    "RefusedTable",
    "Search",
    "StoredAudit",
    "alternative_lines",
    "audit_csv",
    "audit_figures",
    "audit_file",
    "audit_lines",
    "audits_of",
    "choose_kind",
    "model_document",
    "model_sql",
    "read_audit_rules",
    "read_declaration",
    "score_parquet",
    "score_spark",
    "search_alternative",
    "spark_scores",
]
