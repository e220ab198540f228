"""A played day is reported from the record alone: figures, page, and the same ones again.

Goal: decisions on the merchants of a small county are held against how their loans ended, without
any act. Method: settle and play it, report it twice, and count on the other side by hand.
"""

from __future__ import annotations

import pytest

from puhui import demo
from puhui.intake import LendRun, PlayedDay, report_played
from puhui.kernel import Node, Refused
from puhui.kernel.store.journal import count_acts
from puhui.score import Table

SIZE, PAST = 40, 500


def play(node: Node) -> PlayedDay:
    """Settle a small county on ``node`` and play its first day."""
    county = demo.seed_county(node, size=SIZE)
    day = demo.play_first_day(node, county, past_borrowers=PAST)
    columns = demo.training_table(county.seed, county.day, size=PAST)
    ends = demo.draw_county(county.seed, SIZE, county.day).ended_badly
    assert len(ends) == SIZE
    return PlayedDay(
        mapping="merchant_310",
        product="merchant_310",
        model_digest=day.model_digest,
        past=Table(columns, PAST),
        cases=tuple((id_, ends[number]) for id_, number in day.decided),
        day_acts=2 + SIZE + 2 * day.applications + 2 * day.disbursed,
        day_new_acts=day.new_acts,
        new_acts=county.new_acts + day.new_acts,
        seconds=2.0,
        cpu_seconds=1.0,
        stored_bytes=1_000_000,
        total_seconds=3.0,
    )


def test_a_played_day_is_reported_from_the_record(sqlite_node: Node) -> None:
    day = play(sqlite_node)
    assert day.day_new_acts == day.day_acts
    with sqlite_node.read() as tx:
        acts = count_acts(tx)
    ran = report_played(sqlite_node, day)
    with sqlite_node.read() as tx:
        assert count_acts(tx) == acts
    assert isinstance(ran, LendRun)
    report, figures = ran.report, ran.figures()
    assert report.is_synthetic
    assert report.applications == len(day.cases) > SIZE
    assert 0 < report.approved < report.applications
    assert report.disbursed_loans == report.approved
    assert report.reviewed == 0
    assert report.trial_balance.minor == 0
    assert report.charged_off_share is not None
    assert {one.code for one in report.reasons} >= {"debt_over_income", "overdue_active"}
    assert figures["cpu_ms_per_application"] == pytest.approx(1000 / len(day.cases))

    found = report.evaluation
    assert found is not None
    assert found.approved == report.approved
    unread = report.applications - found.rows
    assert unread > 0, "some gave no consent, and nothing was read of them"
    assert found.labelled == found.rows
    for page, words in zip(ran.pages, ("合成数据", "Synthetic data"), strict=True):
        assert words in page.read_text("utf-8")

    again = report_played(sqlite_node, replaced(day))
    kept = {"new_acts", "seconds"}
    assert {n: v for n, v in again.figures().items() if n not in kept} == {
        n: v for n, v in figures.items() if n not in kept
    }


def replaced(day: PlayedDay) -> PlayedDay:
    """The same day as a second run finds it: nothing new, and it took no time."""
    from dataclasses import replace

    return replace(day, day_new_acts=0, new_acts=0, seconds=0.0, cpu_seconds=0.0, stored_bytes=0)


def test_a_model_that_is_gone_is_refused(sqlite_node: Node) -> None:
    day = PlayedDay(
        "merchant_310", "merchant_310", "0" * 64, Table({}, 0), (), 0, 0, 0, 0.0, 0.0, 0, 0.0
    )
    with pytest.raises(Refused) as refused:
        report_played(sqlite_node, day)
    assert refused.value.code == "score.model_missing"
