"""The cut-off simulator: the form moves the cut-off and the price, and figures follow."""

from __future__ import annotations

import json
import re

from puhui.web.desks.strategy import StepLine, _at
from tests.web.town import Town


def test_nothing_scored_is_said(town: Town) -> None:
    page = town.staff("risk_analyst").open("/desk/cut-off")
    assert "还没有评过分的申请" in page.text


def test_the_cut_off_is_moved_by_slider_or_number(town: Town) -> None:
    for person in (town.good, town.other, town.spare):
        browser = town.customer(person)
        browser.send(browser.apply().form("/apply/check"))
    analyst = town.staff("risk_analyst")
    page = analyst.open("/desk/cut-off")
    assert "3 份有评分的申请" in page.text
    assert "现在执行的" in page.text
    assert "利润最高的" in page.text
    assert page.text.count("<svg") >= 2
    none = analyst.open("/desk/cut-off?slide=0")
    assert re.search(r"批准率</p><p class=\"big\">0%", none.text)
    whole = analyst.open("/desk/cut-off?slide=0&cut_off=99")
    assert re.search(r"批准率</p><p class=\"big\">100%", whole.text)
    rows = json.loads(analyst.ask("/desk/cut-off.json").text)["rows"]
    assert rows[0]["approved"] == 0
    assert rows[-1]["approved"] == 3
    dearer = json.loads(analyst.ask("/desk/cut-off.json?margin=0.5").text)["rows"]
    assert dearer[-1]["profit_minor"] >= rows[-1]["profit_minor"]
    for query in ("cut_off=x", "cut_off=101", "margin=99", "slide=NaN"):
        assert analyst.ask(f"/desk/cut-off?{query}").status == 422, query
    assert town.staff("loan_officer").ask("/desk/cut-off").status == 404


def test_a_cut_off_stands_at_the_step_below_it() -> None:
    from decimal import Decimal

    lines = [
        StepLine(Decimal(bound), n, 0.0, 0.0, None, 0, None, ())
        for n, bound in enumerate(("0", "0.05", "0.10"))
    ]
    assert [_at(lines, Decimal(x)).approved for x in ("0", "0.049", "0.05", "1")] == [0, 0, 1, 2]
