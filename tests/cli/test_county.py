"""The demo county from the command line: a small one, its first day, judged from outside."""

from __future__ import annotations

from puhui.cli.county import CountyRun, lend_county
from puhui.cli.lend import figures_of
from puhui.kernel import Node
from puhui.ledger import verify

SIZE, PAST = 40, 500


def county(node: Node) -> CountyRun:
    """A small county, played on ``node``."""
    return lend_county(node, size=SIZE, past_borrowers=PAST)


def test_a_county_is_lent_to_and_found_done(sqlite_node: Node) -> None:
    """Every figure of the first run comes again from the record, with no new act."""
    first = county(sqlite_node)
    report, extra = first.ran.report, first.extra
    assert report.is_synthetic
    assert "synthetic" in report.title_en
    assert report.applications > SIZE
    assert 0 < report.approved < report.applications
    assert report.reviewed == 0
    assert report.disbursed_loans == report.approved
    assert report.trial_balance.minor == 0
    assert report.evaluation is not None
    assert report.evaluation.rows < report.applications
    assert {one.code for one in report.reasons} >= {"debt_over_income", "overdue_active"}
    assert extra["lent_over_three_incomes"] == 0
    assert (
        extra["refused_for_debt"]
        == {one.code: one.rows for one in report.reasons}["debt_over_income"]
    )
    page = first.ran.pages[0].read_text("utf-8")
    assert "合成数据" in page

    again = county(sqlite_node)
    before, after = figures_of(first.ran), figures_of(again.ran)
    assert before["new_acts"] != 0
    assert after["new_acts"] == 0
    for name in before.keys() - {"new_acts", "seconds"}:
        assert after[name] == before[name], name
    assert again.extra == extra
    with sqlite_node.read() as tx:
        assert verify(tx).is_sound
