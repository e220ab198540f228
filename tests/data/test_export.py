"""A file that leaves is on record: by whom, which list, by which filters, how many rows."""

from __future__ import annotations

import pytest

from puhui.kernel import Actor, Node, Refused

OFFICER = Actor("user-1", frozenset({"loan_officer"}))
TOLD = {"list_name": "arrears", "form": "csv", "filters": (("bucket", "3-29"),), "rows": 12}


def test_an_export_is_recorded(node: Node) -> None:
    made = node.act("data.record_export", TOLD, key="e", actor=OFFICER)
    assert made.rows == 12
    assert made.export_id.startswith("export-")


@pytest.mark.parametrize(
    "change",
    [
        {"form": "pdf"},
        {"list_name": "No Name"},
        {"rows": -1},
        {"filters": (("x", "y" * 101),)},
        {"filters": tuple((str(n), "") for n in range(13))},
    ],
)
def test_what_tells_nothing_is_refused(node: Node, change: dict[str, object]) -> None:
    with pytest.raises(Refused, match="recorded by its list") as refused:
        node.act("data.record_export", {**TOLD, **change}, key="e", actor=OFFICER)
    assert refused.value.code == "data.bad_export"
