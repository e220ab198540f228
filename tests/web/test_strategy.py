"""The cut-off simulator: the form moves the cut-off and the price, and figures follow."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

from puhui.web.desks.fairness import sweep
from puhui.web.desks.strategy import StepLine, _at, _fair
from puhui.web.say import Say
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


def test_credit_limits_are_tried_too(town: Town) -> None:
    for person in (town.good, town.other):
        browser = town.customer(person)
        browser.send(browser.apply().form("/apply/check"))
    analyst = town.staff("risk_analyst")
    page = analyst.open("/desk/cut-off?cut_off=99")
    assert "还没有做过公平性审查" in page.text
    whole, tenth = (
        json.loads(analyst.ask(f"/desk/cut-off.json?credit={share}").text)["rows"][-1]
        for share in ("", "10")
    )
    assert whole["approved"] == 2
    assert tenth["profit_minor"] < whole["profit_minor"]
    assert (whole["ended"], whole["ended_bad"]) == (0, 0)
    for query in ("credit=0", "credit=x", "credit=301"):
        assert analyst.ask(f"/desk/cut-off?{query}").status == 422, query
    asked = analyst.open("/desk/fairness").form("/desk/fairness")
    analyst.send(asked, since="2026-03-01", until="2026-03-31")
    assert "没有足够大的群体" in analyst.open("/desk/cut-off").text


def test_groups_stand_at_the_nearest_share_approved() -> None:
    audit = SimpleNamespace(
        groups=(group("female", (0.5, 0.6, -0.2), (0.9, None, 0.0)), group("x"))
    )
    (line,) = _fair(audit, 0.55)  # type: ignore[arg-type]
    assert (line.group, line.ratio, line.gap) == ("female", 0.6, -0.2)
    assert _fair(audit, 0.8)[0].ratio is None  # type: ignore[arg-type]
    assert _fair(None, 0.5) == []


def group(name: str, *cut_offs: tuple[float, float | None, float]) -> SimpleNamespace:
    points = tuple(SimpleNamespace(share=s, ratio=r, gap=g) for s, r, g in cut_offs)
    return SimpleNamespace(attribute="sex", group=name, reference="male", cut_offs=points)


def test_the_worst_groups_are_drawn_over_all_cut_offs() -> None:
    low = group("female", (0.1, 0.4, -0.1), (0.5, 0.7, -0.1))
    high = group("from_60", (0.1, 0.9, -0.1), (0.5, 1.0, 0.0))
    drawn = sweep(Say("zh"), (high, group("male"), low))
    assert drawn.startswith("<svg")
    assert drawn.index("女") < drawn.index("60 岁及以上"), "the worst comes first"
    assert sweep(Say("zh"), (group("male"),)) == ""


def test_a_cut_off_stands_at_the_step_below_it() -> None:
    from decimal import Decimal

    lines = [
        StepLine(Decimal(bound), n, 0.0, 0.0, None, 0, None, ())
        for n, bound in enumerate(("0", "0.05", "0.10"))
    ]
    assert [_at(lines, Decimal(x)).approved for x in ("0", "0.049", "0.05", "1")] == [0, 0, 1, 2]
