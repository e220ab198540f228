"""Lines on pages: drawn in parts, closed, ended by the bank; four eyes; changes of limits."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import bindparam, update

from puhui.kernel.store import change
from puhui.lending.tables import CONTRACT
from puhui.lending.tables.credit_limit import INSERT_CHANGE
from puhui.lending.window import contract_row, loans_of
from tests.web.browser import Browser, Page
from tests.web.market import party_of
from tests.web.test_credit import lent
from tests.web.town import Town

SET_TERMS = (
    update(CONTRACT).where(CONTRACT.c.id == bindparam("id_")).values(terms=bindparam("terms_"))
)


def signed_line(town: Town) -> tuple[Browser, Page, str]:
    """Somebody with a signed contract whose money may be drawn at will."""
    browser = town.customer(town.good)
    page = browser.apply()
    page = browser.send(page.form("/apply/check"))
    page = browser.open(page.link("/contract"))
    page = browser.send(page.form("/contract"), agree="yes")
    with town.node.read() as tx:
        (loan,) = loans_of(tx, party_of(town, town.good.phone))
        terms = json.loads(contract_row(tx, loan.contract_id).terms)
    terms |= {"method": "draw_at_will", "is_revolving": True, "day_count": "act/360"}
    with change(town.node.store) as tx:
        tx.run(SET_TERMS, id_=loan.contract_id, terms_=json.dumps(terms))
    return browser, browser.open(f"/loan/{loan.contract_id}"), loan.contract_id


def test_a_line_is_drawn_in_parts_and_closed_by_one_tap(town: Town) -> None:
    browser, page, loan = signed_line(town)
    wrong = browser.send(page.form("/take"), amount="99999999")
    assert wrong.status == 422
    page = browser.send(wrong.form("/take"), amount="5000")
    assert "5,000.00" in page.text
    assert "还可以提取 15,000.00 元" in page.text
    assert not page.has_form("/close"), "something is owed"
    assert browser.send(page.form("/draw"), amount="x").status == 422
    page = browser.send(page.form("/draw"), amount="15001")
    assert page.status == 422
    page = browser.send(page.form("/draw"), amount="3000")
    assert "还可以提取 12,000.00 元" in page.text
    page = browser.open(page.link("/repay"))
    page = browser.send(page.form("/repay", way="all"))
    page = browser.send(page.form("/close"))
    assert "额度已关闭" in page.text
    assert browser.ask(f"/loan/{loan}").status == 200


def test_the_bank_gives_notice_and_the_borrower_reads_it(town: Town) -> None:
    browser, page, loan = signed_line(town)
    browser.send(page.form("/take"), amount="5000")
    officer = town.staff("loan_officer")
    desk = officer.open(f"/desk/loan/{loan}")
    desk = officer.send(desk.form("/notice"))
    assert desk.status == 422
    desk = officer.send(desk.form("/notice"), notice_reason="unused")
    assert "已通知" in desk.text
    told = browser.open(f"/loan/{loan}").text
    assert "终止这个额度" in told and "长期没有使用" in told
    desk = officer.send(desk.form("/notice"))
    assert "已通知" not in desk.text
    assert "终止这个额度" not in browser.open(f"/loan/{loan}").text


def test_a_large_waiver_goes_to_a_second_officer(town: Town) -> None:
    browser, loan = lent(town)
    officer, analyst = town.staff("loan_officer"), town.staff("risk_analyst")
    desk = officer.open(f"/desk/loan/{loan}")
    assert officer.send(desk.form("/change")).status == 422
    wrong = officer.send(desk.form("/change"), what="waive", why="hardship", change_amount="x")
    assert wrong.status == 422
    told = {"what": "waive", "why": "hardship", "part": "principal"}
    over = officer.send(wrong.form("/change"), **told, change_amount="99999")
    assert over.status == 422
    small = officer.send(over.form("/change"), **told, change_amount="10")
    assert "变更已执行" in small.text
    large = officer.send(small.form("/change"), **told, change_amount="5000")
    assert "已提交复核" in large.text
    listed = officer.open("/desk/proposals?what=waive&order=-cost")
    own = officer.open(listed.link("/desk/proposal/"))
    assert "由另一位同事决定" in own.text
    path = own.url.removeprefix("http://testserver")
    form = own.form(path)
    assert officer.post(form.action, {**form.fields, "answer": "approve"}).status in (403, 404, 422)
    page = analyst.open(path)
    page = analyst.send(page.form(path), answer="approve")
    assert "已批准并执行" in page.text
    assert json.loads(analyst.ask("/desk/proposals.json?status=approved").text)["count"] == 1
    assert "14,990.00" in browser.open(f"/loan/{loan}").text
    again = officer.send(
        officer.open(f"/desk/loan/{loan}").form("/change"), what="write_off", why="lost"
    )
    assert "已提交复核" in again.text
    mine = officer.open(officer.open("/desk/proposals").link("/desk/proposal/"))
    path = mine.url.removeprefix("http://testserver")
    back = officer.send(mine.form(path), answer="withdraw")
    assert "已撤回" in back.text
    assert town.staff("auditor").open(path).status == 200
    assert officer.ask("/desk/proposal/nothing").status == 404


@pytest.mark.parametrize("status", ["lowered", "offered"])
def test_changes_of_limits_are_shown_with_their_reasons(town: Town, status: str) -> None:
    browser, _ = lent(town)
    party_id = party_of(town, town.good.phone)
    with change(town.node.store) as tx:
        for month, outcome, reason in (("2026-02", status, "late"), ("2026-01", "kept", "kept")):
            tx.put(
                INSERT_CHANGE, id=f"change-{month}", party_id=party_id, product="merchant_310",
                currency="CNY", month=month, before_minor=3_000_000, after_minor=2_000_000,
                drawn_minor=2_000_000, reason=reason, status=outcome, reviewed_us=1,
                counts_from="2026-03-01", answered_by=None, answered_us=None,
            )  # fmt: skip
    page = browser.open("/credit/limits")
    assert "有逾期" in page.text and "每月复核" not in page.text
    assert json.loads(browser.ask("/credit/limits.json").text)["count"] == 1
    assert "20,000.00" in browser.send(page.form("/credit/lower")).text
    officer = town.staff("loan_officer")
    whole = officer.open(f"/desk/limits?party={party_id}&order=-before")
    assert "每月复核" in whole.text
    kept = json.loads(officer.ask(f"/desk/limits.json?status={status}").text)
    assert [row["reason"] for row in kept["rows"]] == ["late"]
