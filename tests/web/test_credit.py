"""A customer's loan in use: plan, pay-off, giving back, relief, all debts, the own limit."""

from __future__ import annotations

import json

import pytest

from puhui.data.window import accesses_of
from puhui.lending.window import loans_of
from puhui.servicing.window import reliefs_of
from tests.web.browser import Browser, Page
from tests.web.market import act, party_of
from tests.web.town import Town


def lent(town: Town) -> tuple[Browser, str]:
    """Somebody with a new loan, and its contract."""
    browser = town.customer(town.good)
    town.lend(browser)
    with town.node.read() as tx:
        (loan,) = loans_of(tx, party_of(town, town.good.phone))
    return browser, loan.contract_id


def relieve(
    browser: Browser, loan: str, *, choice: str, reason: str = "illness", amount: str = ""
) -> Page:
    """See the new plan of a relief, and ask for it."""
    query = f"choice={choice}&reason={reason}&amount={amount}"
    page = browser.open(f"/loan/{loan}/relief?{query}")
    return browser.send(page.form("/relief"))


def path_of(page: Page) -> str:
    """Where a page is, without host and query."""
    return page.url.removeprefix("http://testserver").split("?")[0]


def test_the_plan_is_a_picture_a_table_and_two_files(town: Town) -> None:
    browser, loan = lent(town)
    page = browser.open(f"/loan/{loan}")
    assert "下次要还" in page.text
    assert page.text.count('<rect class="come"') == 12
    assert "一共 12 期，已还 0 期" in page.text
    csv = browser.ask(f"/loan/{loan}.csv")
    assert csv.headers["content-type"].startswith("text/csv")
    assert 'filename="plan.csv"' in csv.headers["content-disposition"]
    lines = csv.text.splitlines()
    assert lines[0].startswith("\ufeff期次,应还日,应还")
    assert len(lines) == 13
    found = json.loads(browser.ask(f"/loan/{loan}.json").text)
    assert found["count"] == 12
    assert sum(row["principal_minor"] for row in found["rows"]) == 2_000_000
    assert {row["state"] for row in found["rows"]} == {"due"}
    with town.node.read() as tx:
        from puhui.kernel.store.browse import count_ends

        acts = count_ends(tx, ["data.record_export"], since_us=0, until_us=2**60)
    assert sum(row.acts for row in acts) == 2, "each file is on record"


def test_what_ends_a_loan_is_told_for_any_day(town: Town) -> None:
    browser, loan = lent(town)
    today = browser.open(f"/loan/{loan}/payoff")
    assert "20,000.00 元" in today.text
    later = browser.open(f"/loan/{loan}/payoff?on=2026-04-02")
    assert "2026年4月2日结清" in later.text
    assert browser.open(f"/loan/{loan}/payoff?on=nonsense").status == 422
    far = browser.open(f"/loan/{loan}/payoff?on=2036-04-02")
    assert "2027年3月2日结清" in far.text, "no day after the last is asked"


def test_a_loan_is_given_back_in_its_first_days(town: Town) -> None:
    browser, loan = lent(town)
    party = party_of(town, town.good.phone)
    page = browser.open(browser.open(f"/loan/{loan}").link("/return"))
    assert "不用说明理由" in page.text
    done = browser.send(page.form("/return"))
    assert "已经退回" in done.text
    with town.node.read() as tx:
        (found,) = loans_of(tx, party)
    assert (found.status, found.outstanding_minor) == ("paid_off", 0)


def test_a_loan_is_not_given_back_too_late(town: Town) -> None:
    browser, loan = lent(town)
    form = browser.open(f"/loan/{loan}/return").form("/return")
    town.clock.set_us(town.clock.now_us() + 40 * 86_400_000_000)
    browser = town.browser()
    browser.log_in(town.good.phone)
    page = browser.open(f"/loan/{loan}/return")
    assert "可以退回的日子已经过了" in page.text
    assert not page.has_form("/return")
    late = browser.post(form.action, {**form.fields, "csrf": page.forms[0].fields["csrf"]})
    assert late.status == 422
    assert "退回" in late.text


def test_relief_is_asked_for_taken_back_and_decided(town: Town) -> None:
    browser, loan = lent(town)
    page = browser.open(browser.open(f"/loan/{loan}").link("/relief"))
    empty = browser.ask(f"/loan/{loan}/relief?amount=")
    assert empty.status == 422
    assert "请选择遇到的困难" in empty.text
    assert "请选择一种方式" in empty.text
    assert not page.has_form("/relief/withdraw")
    asked = relieve(browser, loan, choice="pause_60")
    assert "申请已收到" in asked.text
    assert "帮扶申请正在处理" in browser.open(f"/loan/{loan}").text
    back = browser.send(asked.form("/relief/withdraw"))
    assert "申请已撤回" in back.text
    assert "已撤回" in back.text
    asked = relieve(browser, loan, choice="pause_30", reason="market")
    officer = town.staff("loan_officer")
    desk = officer.open("/desk/reliefs")
    assert "生意不好" not in desk.text, "sealed"
    case = officer.open(desk.link("/desk/relief/"))
    assert "生意不好" not in case.text
    seen = officer.send(case.form("/open"))
    assert "生意不好" in seen.text
    with town.node.read() as tx:
        looks = accesses_of(tx, party_of(town, town.good.phone))
        rows = reliefs_of(tx, loan)
    assert "hardship" in {one.purpose for one in looks}
    assert all("market" not in row.reason for row in rows)
    bad = officer.send(case.form(path_of(case)))
    assert bad.status == 422
    days = officer.send(bad.form(path_of(case)), answer="grant", number="0")
    assert "大于零" in days.text
    done = officer.send(days.form(path_of(case)), answer="grant", number="45")
    assert "已批准" in done.text
    assert "45 天" in done.text
    again = officer.post(
        path_of(case), {**days.form(path_of(case)).fields, "answer": "decline", "key": "x" * 16}
    )
    assert again.status == 422
    assert "已有决定" in again.text
    assert "已批准帮扶" in browser.open(f"/loan/{loan}/relief").text
    every = officer.open("/desk/reliefs?status=granted&order=-days")
    assert "已批准" in every.text
    assert "已撤回" not in every.text.split("<tbody")[1]
    rows = json.loads(officer.ask("/desk/reliefs.json?status=all").text)["rows"]
    assert sorted(row["state"] for row in rows) == ["granted", "withdrawn"]
    assert officer.ask("/desk/relief/relief-0").status == 404


@pytest.mark.parametrize(
    ("choice", "amount", "shown"),
    [
        ("interest_only_6", "", "12 → 18"),
        ("longer_12", "", "12 → 24"),
        ("lower", "1000", "每期最多 1,000.00 元"),
    ],
)
def test_the_new_plan_is_seen_before_it_is_asked_for(
    town: Town, choice: str, amount: str, shown: str
) -> None:
    browser, loan = lent(town)
    path = f"/loan/{loan}/relief?choice={choice}&reason=market&amount={amount}"
    page = browser.open(path)
    assert "批准后的新计划" in page.text
    assert "到还清为止多付" in page.text
    asked = browser.send(page.form("/relief"))
    assert "申请已收到" in asked.text
    assert shown in page.text + asked.text
    officer = town.staff("loan_officer")
    case = officer.open(officer.open("/desk/reliefs").link("/desk/relief/"))
    assert "批准后的新计划" in case.text
    done = officer.send(case.form(path_of(case)), answer="grant")
    assert "已批准" in done.text
    lines = browser.ask(f"/loan/{loan}.csv").text.splitlines()
    assert len(lines) > 13, "the plan has more rows than it had"


def test_relief_that_cannot_be_is_told_before_it_is_asked_for(town: Town) -> None:
    browser, loan = lent(town)
    for query in ("choice=lower&amount=1", "choice=lower&amount=", "choice=longer_99&amount="):
        page = browser.ask(f"/loan/{loan}/relief?reason=market&{query}")
        assert page.status == 422, query
        assert not page.has_form("/withdraw")


def test_another_persons_request_is_not_taken_back(town: Town) -> None:
    browser, loan = lent(town)
    page = relieve(browser, loan, choice="pause_60")
    form = page.form("/relief/withdraw")
    wrong = browser.send(form, relief="relief-nobody")
    assert wrong.status == 404
    other = town.customer(town.other)
    page = other.open("/settings")
    fields = {**form.fields, "csrf": page.forms[0].fields["csrf"]}
    assert other.post(form.action, fields).status == 404


def test_the_own_limit_is_lowered_by_one_tap(town: Town) -> None:
    browser, _ = lent(town)
    page = browser.open(browser.open("/me").link("/credit"))
    assert "我们的贷款" in page.text
    assert "20,000.00 元" in page.text
    page = browser.send(page.form("/credit/lower"))
    assert "最多欠我们 20,000.00 元" in page.text
    higher = browser.send(page.form("/credit/lower"), way="", amount="30000")
    assert higher.status == 422
    lower = browser.send(higher.form("/credit/lower"), way="", amount="0")
    assert "0.00 元" in lower.text
    odd = browser.send(lower.form("/credit/lower"), way="", amount="much")
    assert odd.status == 422
    again = browser.apply()
    page = browser.send(again.form("/apply/check"))
    assert "没有通过" in page.heading, "the own limit refuses more"
    rows = json.loads(browser.ask("/credit.json").text)["rows"]
    assert rows[0]["kind"] == "loan"
    assert rows[0]["debt_minor"] == 2_000_000


def test_the_own_limit_is_raised_only_as_far_as_income_carries(town: Town) -> None:
    browser, _ = lent(town)
    page = browser.send(browser.open("/credit").form("/credit/lower"))
    form = page.form("/credit/lower")
    fields = {**form.fields, "way": "", "amount": "25000"}
    raised = browser.post("/credit/raise", fields)
    assert raised.status == 303
    assert "25,000.00 元" in browser.open("/credit").text
    fields = {**fields, "amount": "90000000", "key": "y" * 16}
    assert browser.post("/credit/raise", fields).status == 422


@pytest.mark.parametrize("path", ["/payoff", "/return", "/relief", ".csv", ".json", ""])
def test_another_persons_loan_is_not_there(town: Town, path: str) -> None:
    _, loan = lent(town)
    other = town.customer(town.other)
    assert other.ask(f"/loan/{loan}{path}").status == 404


def test_debts_elsewhere_stand_in_the_view(town: Town) -> None:
    browser, _ = lent(town)
    told = {
        "party_id": party_of(town, town.good.phone),
        "kind": "bureau",
        "currency": "CNY",
        "debt_minor": 500_000,
        "source": "report 1",
    }
    act(town, "lending.record_obligation", told)
    page = browser.open("/credit")
    assert "征信记录里的借款" in page.text
    assert "25,000.00 元" in page.text
