"""The window of score (窗口): audits of fairness, for pages and machines."""

from puhui.score.engines.audit import audit_file, search_alternative
from puhui.score.formats.audit_text import (
    ALTERNATIVE_COLUMNS,
    COLUMNS,
    alternative_lines,
    audit_csv,
    audit_figures,
    audit_lines,
)
from puhui.score.formats.audit_toml import read_audit_rules, read_declaration
from puhui.score.nouns.audit import Audit, Search

__all__ = [
    "ALTERNATIVE_COLUMNS",
    "COLUMNS",
    "Audit",
    "Search",
    "alternative_lines",
    "audit_csv",
    "audit_figures",
    "audit_file",
    "audit_lines",
    "read_audit_rules",
    "read_declaration",
    "search_alternative",
]
