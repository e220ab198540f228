"""Row 26, over-lending: nobody is lent to beyond three times the yearly income.

Goal: the guard looks at all credit of a person, here and elsewhere. Method: a county in which
some merchants owe much elsewhere; who would owe too much is counted from what they truly owe.
"""

from __future__ import annotations

from puhui.cli.county import lend_county
from puhui.cli.lend import figures_of
from puhui.kernel import Node
from puhui.ledger import verify

SIZE, PAST = 40, 500


def test_nobody_ends_up_over_three_incomes(sqlite_node: Node) -> None:
    """Counted from outside; and a second run gives the same figures with no new act."""
    first = lend_county(sqlite_node, size=SIZE, past_borrowers=PAST)
    assert first.extra["lent_over_three_incomes"] == 0
    refused = first.extra["refused_for_debt"]
    assert isinstance(refused, int)
    assert refused >= 1
    assert first.ran.report.approved > 5

    again = lend_county(sqlite_node, size=SIZE, past_borrowers=PAST)
    assert again.extra == first.extra
    before, after = figures_of(first.ran), figures_of(again.ran)
    assert before["new_acts"] != 0
    assert after["new_acts"] == 0
    for name in before.keys() - {"new_acts", "seconds"}:
        assert after[name] == before[name], name
    with sqlite_node.read() as tx:
        assert verify(tx).is_sound
