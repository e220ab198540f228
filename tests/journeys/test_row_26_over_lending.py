"""Row 26, over-lending: nobody is lent to beyond three times the yearly income.

Goal: the guard looks at all credit of a person, here and elsewhere. Method: a county in which
some merchants owe much elsewhere; who would owe too much is counted from what they truly owe.
"""

from __future__ import annotations

from puhui.cli.county import lend_county
from puhui.kernel import Node


def test_nobody_ends_up_over_three_incomes(sqlite_node: Node) -> None:
    county = lend_county(sqlite_node, size=40, past_borrowers=500)
    assert county.extra["lent_over_three_incomes"] == 0
    refused = county.extra["refused_for_debt"]
    assert isinstance(refused, int)
    assert refused >= 1
    assert county.ran.report.approved > 5
