"""The desk of fairness: an audit is asked for, stored, shown by group and taken along as a file."""

from __future__ import annotations

import json
from types import SimpleNamespace

from puhui.web.desks.fairness import crossed, state_of
from puhui.web.say import Say
from tests.web.town import Town


def test_a_model_is_audited_from_the_page(town: Town) -> None:
    for person in (town.good, town.other):
        browser = town.customer(person)
        browser.send(browser.apply().form("/apply/check"))
    analyst = town.staff("risk_analyst")
    page = analyst.open("/desk/fairness")
    assert "还没有审查过" in page.text
    assert analyst.ask("/desk/fairness.csv").text.count("\n") == 1
    odd = analyst.send(page.form("/desk/fairness"), since="x")
    assert odd.status == 422
    early = analyst.send(odd.form("/desk/fairness"), since="2020-01-01", until="2020-01-31")
    assert early.status == 422
    done = analyst.send(early.form("/desk/fairness"), since="2026-03-01", until="2026-03-31")
    assert "&audit=audit-" in done.url
    assert "人数太少，还不能下结论" in done.text
    assert "评分卡" in done.text
    assert "市辖区" in done.text
    rows = json.loads(analyst.ask("/desk/fairness.json").text)["rows"]
    assert {row["finding"] for row in rows} == {"guarded"}
    assert {row["attribute"] for row in rows} >= {"sex", "age"}
    other = analyst.send(early.form("/desk/fairness"), model="0" * 64, key="q" * 16)
    assert other.status == 404
    auditor = town.staff("auditor")
    assert auditor.open("/desk/fairness").has_form("/desk/fairness")
    assert town.staff("loan_officer").ask("/desk/fairness").status == 404


def test_crossings_are_told_in_words() -> None:
    assert crossed(Say("zh"), "fairness.group_", "female x county") == "女 × 县、旗"
    assert crossed(Say("en"), "fairness.attribute_", "sex x region") == "sex × district or county"
    assert crossed(Say("en"), "fairness.group_", "unheard of") == "unheard of"


def test_a_group_that_is_too_small_is_not_judged() -> None:
    assert {Say(one)("fairness.kind_additive") for one in ("zh", "en")} == {
        "可解释曲线", "explainable curves",
    }  # fmt: skip
    rows = [SimpleNamespace(is_guarded=g, is_found=f) for g, f in ((1, 1), (0, 1), (0, 0))]
    assert [state_of(row) for row in rows] == ["guarded", "found", "none"]
