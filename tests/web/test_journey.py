"""The whole way of a citizen without scripts: register, apply, decide, sign, take, repay."""

from __future__ import annotations

import re

from puhui.lending.window import applications_of, loans_of
from puhui.party import find_parties
from tests.web.town import Town


def party_id_of(town: Town, phone: str) -> str:
    with town.node.read() as tx:
        return find_parties(town.node, tx, phone=phone)[0].id


def test_from_the_first_page_to_money_and_back(town: Town) -> None:
    browser = town.customer(town.good)
    page = browser.apply()
    assert page.url.endswith("/apply/check")
    assert "20,000.00 元" in page.text
    page = browser.send(page.form("/apply/check"))
    assert "/application/" in page.url
    assert "通过了" in page.heading, page.text
    contract = browser.open(page.link("/contract"))
    for words in ("总成本", "年化综合成本", "一共要还", "第一个月还"):
        assert words in contract.text
    assert "checked" not in contract.text, "no box is ticked beforehand"
    refused = browser.send(contract.form("/contract"))
    assert refused.status == 422
    assert "summary" in refused.text
    signed = browser.send(refused.form("/contract"), agree="yes")
    assert "/loan/" in signed.url
    before = browser.open("/money")
    paid = browser.send(signed.form("/take"))
    assert "20,000.00 元 已进入您的钱包" in paid.text
    assert before.text != browser.open("/money").text
    repay = browser.open(paid.link("/repay"))
    repaid = browser.send(repay.form("/repay"), way="other", amount="1,000")
    assert "还款成功" in repaid.text
    quote = browser.open(f"{repay.url.split('?')[0]}?on=2026-04-02")
    assert "2026年4月2日结清" in quote.text
    over = browser.send(quote.form("/repay", way="all"))
    assert "全部还清了" in over.text
    with town.node.read() as tx:
        (loan,) = loans_of(tx, party_id_of(town, town.good.phone))
    assert (loan.status, loan.outstanding_minor) == ("paid_off", 0)


def test_a_refusal_says_why_and_a_person_can_be_asked(town: Town) -> None:
    browser = town.customer(town.bad)
    page = browser.apply(amount="300000", income="1000", debt="900000")
    page = browser.send(page.form("/apply/check"))
    assert page.heading == "这次没有通过"
    assert "怎样会不一样" in page.text
    page = browser.send(page.form("/review"), statement="我有别的收入。")
    assert page.heading == "有人正在看您的申请"
    with town.node.read() as tx:
        (row,) = applications_of(tx, party_id_of(town, town.bad.phone))
    assert row.status == "review"


def test_a_new_person_without_history_gets_an_honest_answer(town: Town) -> None:
    browser = town.browser()
    page = browser.register("13900000077", "林小满", "11010119900307061X")
    assert "您的身份已核验" in page.text
    page = browser.apply(amount="5000", income="60000")
    page = browser.send(page.form("/apply/check"))
    assert page.status == 200
    assert page.heading in ("这次没有通过", "有人正在看您的申请") or "通过了" in page.heading
    assert re.search(r"怎样会不一样|总成本|人工", page.text)


def test_drafts_go_on_in_another_browser(town: Town) -> None:
    first = town.customer(town.good)
    page = first.open("/apply")
    page = first.send(page.form("/amount"), amount="12,300")
    first.send(page.form("/plan"), months="6", use="rent")
    second = town.browser()
    page = second.log_in(town.good.phone)
    assert page.url.endswith("/me")
    page = second.open("/apply")
    assert page.url.endswith("/apply/income")
    assert 'value="12,300"' in second.open("/apply/amount").text


def test_complaints_have_a_number_a_clock_and_an_answer(town: Town) -> None:
    browser = town.customer(town.good)
    page = browser.open("/complaints/new")
    empty = browser.send(page.form("/complaints/new"))
    assert empty.status == 422
    page = browser.send(empty.form("/complaints/new"), subject="staff", words="等了很久。")
    number = re.search(r"20260302-[0-9A-F]{6}", page.text)
    assert number is not None
    assert "2026年3月9日" in page.text
    officer = town.staff("operator")
    desk = officer.open("/desk/complaints?status=filed")
    assert number.group() in desk.text
    case = officer.open(desk.link("/desk/complaint/"))
    assert "等了很久" not in case.text, "nothing is shown before the look is recorded"
    opened = officer.send(case.form("/open"))
    assert "等了很久" in opened.text
    officer.send(opened.form("/answer"), words="对不起，已经增加了窗口。")
    page = browser.open(page.url.split("?")[0])
    assert "对不起，已经增加了窗口。" in page.text
    page = browser.send(page.form("/close"))
    assert "已办结" in page.text


def test_consents_are_shown_and_taken_back(town: Town) -> None:
    browser = town.customer(town.good)
    page = browser.open("/consents")
    assert "贷款审批与定价" in page.text
    form = next(one for one in page.forms if one.action.endswith("/revoke"))
    page = browser.send(form)
    assert "已撤回" in page.text
    receipt = browser.open(page.link("/consent/"))
    assert "Ed25519" in receipt.text or "signature" in receipt.text or "电子签名" in receipt.text


def test_own_data_is_seen_taken_along_and_erased(town: Town) -> None:
    browser = town.browser()
    browser.register("13900000078", "程小满", "11010119900307061X")
    page = browser.send(browser.open("/mine").form("/mine"))
    assert "程小满" in page.text
    export = browser.ask(page.link("/export"))
    assert export.headers["content-type"].startswith("application/json")
    assert "程小满" in export.text
    page = browser.open("/mine")
    assert browser.send(page.form("/erase")).status == 422
    page = browser.send(page.form("/erase"), sure="yes")
    assert page.heading == "已删除"
    assert browser.open("/me").url.startswith("http://testserver/login")
