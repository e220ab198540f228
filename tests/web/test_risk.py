"""The risk desk: classes, provisions, roll rates, vintages; and debts elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from puhui.kernel.act import SYSTEM
from puhui.lending.window import obligations_of
from puhui.servicing.desk.loan.book import plan_text
from puhui.worker import close_day
from tests.servicing.ordeal import OpenOne
from tests.servicing.test_ordeal import BASE
from tests.web.market import party_of
from tests.web.overdue import aged, at
from tests.web.town import Town


def test_an_empty_book_says_so(town: Town) -> None:
    officer = town.staff("risk_analyst")
    for path in ("classes", "provisions", "rolls", "vintages"):
        page = officer.open(f"/desk/{path}")
        assert page.status == 200, path
        assert "还没有月末数据" in page.text, path
        assert officer.ask(f"/desk/{path}.csv").text.count("\n") == 1
    assert "没有逾期贷款" in officer.open("/desk/arrears").text


def test_classes_provisions_and_moves_follow_the_months(town: Town) -> None:
    aged(town, town.good)
    analyst = town.staff("risk_analyst")
    page = analyst.open("/desk/classes")
    assert "<svg" in page.text
    assert "关注" in page.text
    rows = json.loads(analyst.ask("/desk/classes.json").text)["rows"]
    assert [row["class"] for row in rows] == [
        "normal", "special_mention", "substandard", "doubtful", "loss",
    ]  # fmt: skip
    late = next(row for row in rows if row["loans"])
    assert late["class"] == "special_mention"
    assert late["share"] == 1.0
    assert late["outstanding_minor"] == 2_000_000
    months = json.loads(analyst.ask("/desk/classes.json?table=months").text)["rows"]
    assert [row["period"] for row in months] == ["2026-05", "2026-04", "2026-03"]
    assert months[-1]["normal_minor"] == 2_000_000
    assert analyst.open("/desk/classes?product=sba_term").text.count("20,000.00") == 0
    page = analyst.open("/desk/provisions")
    assert "阶段二" in page.text
    assert "2026-05 月末的拨备" in page.text
    rows = json.loads(analyst.ask("/desk/provisions.json").text)["rows"]
    assert len(rows) == 3
    assert sum(row["posted_minor"] for row in rows) == rows[0]["expected_loss_minor"]
    assert analyst.open("/desk/provisions?period=2026-03").text.count("阶段一") >= 2
    page = analyst.open("/desk/rolls?period=2026-04")
    assert "100%" in page.text
    moves = json.loads(analyst.ask("/desk/rolls.json?period=2026-04").text)["rows"]
    assert [(row["before"], row["after"], row["share"]) for row in moves] == [("0", "3-29", 1.0)]
    money = analyst.open("/desk/rolls?by=money&period=2026-05&product=merchant_310")
    assert "20,000.00" in money.text


def test_vintages_grow_older(town: Town) -> None:
    aged(town, town.good)
    analyst = town.staff("risk_analyst")
    page = analyst.open("/desk/vintages")
    assert "<svg" in page.text
    assert ">100%<" in page.text
    assert ">120" not in page.text
    assert "2026-03" in page.text
    rows = json.loads(analyst.ask("/desk/vintages.json").text)["rows"]
    assert [(row["age"], row["late"]) for row in rows] == [(0, 0), (1, 0), (2, 1)]
    soon = json.loads(analyst.ask("/desk/vintages.json?bucket=1-2").text)["rows"]
    assert [row["late"] for row in soon] == [0, 1, 1]
    assert analyst.ask("/desk/vintages.csv?product=sba_term").text.count("\n") == 1
    english = analyst.open("/view?language=en&back=/desk/vintages")
    assert "Months on book" not in english.text or "months" in english.text


def test_a_debt_elsewhere_is_recorded_and_closed(town: Town) -> None:
    town.customer(town.good)
    party_id = party_of(town, town.good.phone)
    officer = town.staff("loan_officer")
    page = officer.open(officer.open(f"/desk/customer/{party_id}").link("/debts"))
    empty_form = officer.send(page.form("/debts"))
    assert empty_form.status == 422
    odd = officer.send(empty_form.form("/debts"), kind="bureau", amount="1", monthly="x", source="")
    assert odd.status == 422
    told = {"kind": "bureau", "amount": "5000", "monthly": "9000", "source": "report 7"}
    wrong = officer.send(odd.form("/debts"), **told)
    assert wrong.status == 422, "nobody pays more a month than is owed"
    done = officer.send(wrong.form("/debts"), **{**told, "monthly": ""})
    assert "已登记" in done.text
    assert "5,000.00" not in done.text, "amounts of debts elsewhere are sealed"
    opened = officer.send(done.form("/open"))
    assert "5,000.00" in opened.text
    access = opened.url.partition("access=")[2]
    path = f"/desk/customer/{party_id}/debts.json"
    (row,) = json.loads(officer.ask(f"{path}?access={access}").text)["rows"]
    assert (row["kind"], row["debt_minor"]) == ("bureau", 500_000)
    (row,) = json.loads(officer.ask(path).text)["rows"]
    assert row["debt_minor"] == 0
    second = town.staff_login(town.logins()[1].login)
    foreign = second.open(f"/desk/customer/{party_id}/debts?access={access}")
    assert "5,000.00" not in foreign.text, "a look is whose it was"
    form = done.form("/debts/close")
    assert officer.send(form, debt="obligation-0", key="z" * 16).status == 404
    closed = officer.send(form)
    assert "不再计入" in closed.text
    with town.node.read() as tx:
        assert obligations_of(tx, party_id).items == ()
    assert (
        not town.staff("risk_analyst").open(f"/desk/customer/{party_id}/debts").has_form("/debts")
    )
    assert officer.ask("/desk/customer/nobody/debts").status == 404


def test_amounts_of_two_currencies_are_never_added_up(town: Town) -> None:
    """A loan of 20,000 yuan and one of 5,000 dollars: a page is in one of them."""
    aged(town, town.good)
    plan = plan_text(replace(BASE, currency="USD"))
    at(town, date(2026, 6, 10), 20)
    town.node.act("ordeal.open", OpenOne("in-dollars", plan, 500_000, False), key="usd",
                  actor=SYSTEM)  # fmt: skip
    last = date(2026, 6, 30)
    at(town, last, 20)
    done = close_day(town.node, last)
    assert [one.currency for one in done.money] == ["CNY", "USD"]
    analyst = town.staff("risk_analyst")
    for path in ("classes", "provisions", "rolls?by=money"):
        page = analyst.open(f"/desk/{path}").text
        other = analyst.open(f"/desk/{path}{'&' if '?' in path else '?'}currency=USD").text
        assert 'name="currency"' in page and 'name="currency"' in other, path
        assert "20,000.00" in page and "20,000.00" not in other, path
        assert "5,000.00" in other, path
        assert "5,000.00 美元" not in page, path
    rows = json.loads(analyst.ask("/desk/rolls.json?period=2026-06").text)["rows"]
    assert {row["currency"] for row in rows} == {"CNY", "USD"}
    assert {row["share"] for row in rows} == {1.0}, "shares are of the own currency"
    rows = json.loads(analyst.ask("/desk/classes.json?table=months").text)["rows"]
    assert {(row["currency"], row["period"]) for row in rows} >= {
        ("CNY", "2026-06"), ("USD", "2026-06"),
    }  # fmt: skip
    assert 'name="currency"' not in analyst.open("/desk/portfolio").text, "contracts are in yuan"
