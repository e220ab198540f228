"""Files that leave a page: put on record before the first line goes out."""

from __future__ import annotations

import re

from puhui.data.nouns import ExportRecorded, RecordExport
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused

LIST_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")
FORMS = ("csv", "json")
FILTERS_MAX = 12
WORDS_MAX = 100


@use_case(
    "data.record_export",
    roles=(
        "customer",
        "loan_officer",
        "risk_analyst",
        "collector",
        "operator",
        "administrator",
        "auditor",
        "compliance_officer",
        "supervisor",
    ),
)
def record_export(act: Act, input: RecordExport) -> ExportRecorded:
    """Record that rows of a list leave as a file: which list, by which filters, how many rows.

    The journal's row is the record; no other row is written. Refused: ``data.bad_export``.
    """
    pairs = input.filters
    is_told = (
        LIST_NAME.fullmatch(input.list_name) is not None
        and input.form in FORMS
        and input.rows >= 0
        and len(pairs) <= FILTERS_MAX
        and all(len(name) <= WORDS_MAX and len(word) <= WORDS_MAX for name, word in pairs)
    )
    if not is_told:
        raise Refused("data.bad_export", "A file is recorded by its list, its form and its rows.")
    return ExportRecorded(act.new_id("export"), input.rows)
