"""Payments on pages: pay, scan, be paid, ask, split, repeat, change, and pay offline."""

from __future__ import annotations

import re

import pytest

from puhui.channel.payee import hide_name
from puhui.data.window import accesses_of
from puhui.kernel import Money
from puhui.payment import wallet_account
from puhui.payment.window import risk_levels, shown_seconds
from puhui.web.pages.amount import read_amount
from puhui.web.pages.payee import hide_phone
from tests.web.browser import Browser, Page
from tests.web.market import (
    device_of,
    open_exchange,
    open_shop,
    open_wallet,
    party_of,
    top_up,
)
from tests.web.town import Town


def rich(town: Town, amount_minor: int = 1_000_000) -> Browser:
    """The good customer with money in the wallet."""
    browser = town.customer(town.good)
    top_up(town, party_of(town, town.good.phone), amount_minor)
    return browser


def walk(browser: Browser, way: str, who: str, amount: str, **more: str) -> Page:
    """From the first question to the page that shows all of it."""
    page = browser.open(f"/{way}?new=1")
    page = browser.send(page.form(f"/{way}"), who=who)
    assert page.url.endswith("/amount"), page.text
    return browser.send(page.form("/amount"), amount=amount, **more)


def test_paying_a_person_shows_name_amount_and_fee_first(town: Town) -> None:
    browser = rich(town)
    other = town.customer(town.other)
    page = walk(browser, "pay", town.other.phone, "1")
    assert "姓名不能显示" in page.text, "no name is shown of whom no wallet is on record"
    open_wallet(town, party_of(town, town.other.phone))
    page = walk(browser, "pay", town.other.phone, "123.45", remark="房租")
    assert hide_name(town.other.name) in page.text
    assert town.other.name not in page.text, "never the whole name"
    assert hide_phone(town.other.phone) in page.text
    for words in ("123.45 元", "手续费", "0.00 元", "房租"):
        assert words in page.text
    before = page.form("/pay/check")
    paid = browser.send(before)
    assert "付款成功" in paid.text
    assert "/payment/" in paid.url
    again = browser.send(before)
    assert again.url.split("?")[0].endswith(("/money", paid.url.split("?")[0].rpartition("/")[2]))
    came = other.open("/money")
    assert came.text.count("+123.45") == 1
    assert "房租" in came.text
    receipt = other.open(came.link("/payment/"))
    assert receipt.has_form("/refund")
    with town.node.read() as tx:
        seen = accesses_of(tx, party_of(town, town.other.phone))
    assert [one.purpose for one in seen if one.actor == "payee_check"] == ["payee_check"]


def test_what_is_wrong_is_said_at_the_field_and_kept(town: Town) -> None:
    browser = rich(town)
    page = browser.open("/pay?new=1")
    for text, words in (
        ("12345", "请填写 11 位手机号"),
        ("13900001234", "还没有在这里登记"),
        (town.good.phone, "您自己的号码"),
        ("f" * 32, "没有这个钱包号码"),
    ):
        page = browser.send(page.form("/pay"), who=text)
        assert page.status == 422
        assert words in page.text, text
        assert f'value="{text}"' in page.text
    town.customer(town.other)
    page = browser.send(page.form("/pay"), who=town.other.phone)
    for amount, words in (("", "请填写金额"), ("-3", "请填写金额"), ("99999999", "余额不够")):
        page = browser.send(page.form("/amount"), amount=amount)
        assert page.status == 422
        assert words in page.text, amount


def test_what_was_shown_is_what_is_done(town: Town) -> None:
    browser = rich(town)
    town.customer(town.other)
    page = walk(browser, "pay", town.other.phone, "10")
    shown = page.form("/pay/check")
    walk(browser, "pay", town.other.phone, "20")
    stale = browser.send(shown)
    assert stale.status == 422
    assert "请再核对一遍" in stale.text
    assert "20.00 元" in stale.text
    assert browser.send(stale.form("/pay/check")).text.count("20.00 元") >= 1


def test_a_wallet_number_is_paid_and_steps_cannot_be_skipped(town: Town) -> None:
    browser = rich(town)
    town.customer(town.other)
    number = f"{wallet_account(party_of(town, town.other.phone), 'CNY'):032x}"
    top_up(town, party_of(town, town.other.phone), 100)
    for path in ("/pay/amount", "/pay/check", "/standing/when", "/split/check", "/ask/check"):
        assert browser.ask(path).status == 303, path
    page = walk(browser, "pay", f"{number[:16]} {number[16:]}", "5")
    assert "姓名不能显示" in page.text
    assert "付款成功" in browser.send(page.form("/pay/check")).text


def test_refunds_are_the_payees_and_never_too_much(town: Town) -> None:
    browser = rich(town)
    other = town.customer(town.other)
    page = walk(browser, "pay", town.other.phone, "100")
    paid = browser.send(page.form("/pay/check"))
    assert not paid.has_form("/refund")
    path = paid.url.removeprefix("http://testserver").split("?")[0]
    receipt = other.open(path)
    more = other.send(receipt.form("/refund"), amount="100.01")
    assert more.status == 422
    done = other.send(more.form("/refund"), amount="40")
    assert "已退款" in done.text
    assert "40.00 元" in done.text
    assert "退款" in browser.open("/money").text
    third = town.customer(town.spare)
    assert third.ask(path).status == 404


def test_requests_are_paid_declined_and_taken_back(town: Town) -> None:
    payer, payee = rich(town), town.customer(town.other)
    for amount in ("10", "20", "30"):
        page = walk(payee, "ask", town.good.phone, amount, remark=f"午饭 {amount}")
        assert "收款请求已发出" in payee.send(page.form("/ask/check")).text
    listed = payer.open("/requests")
    assert listed.text.count("午饭") == 3
    links = [link for link in listed.links if link.startswith("/request/")]
    first = payer.open(links[0])
    assert payee.open(links[0]).has_form("/cancel")
    assert not payee.open(links[0]).has_form("/pay")
    paid = payer.send(first.form("/pay"))
    assert "付款成功" in paid.text
    declined = payer.send(payer.open(links[1]).form("/decline"))
    assert "已拒绝" in declined.text
    cancelled = payee.send(payee.open(links[2]).form("/cancel"))
    assert "已撤回" in cancelled.text
    late = payer.send(first.form("/decline"))
    assert late.status == 422
    third = town.customer(town.spare)
    assert third.ask(links[0]).status == 404
    assert "没有人在等您付款" in payer.open("/requests").text


def test_a_bill_is_split_to_the_last_fen(town: Town) -> None:
    browser = rich(town)
    town.customer(town.other)
    town.customer(town.spare)
    people = f"{town.other.phone}\n{town.spare.phone}"
    page = walk(browser, "split", people, "100", with_me="yes", remark="聚餐")
    shares = re.findall(r"<strong>(33\.3[34]) 元</strong>", page.text)
    assert shares == ["33.34", "33.33", "33.33"]
    done = browser.send(page.form("/split/check"))
    assert "已向每个人发出收款请求" in done.text
    assert done.text.count("聚餐") == 2
    page = browser.open("/split?new=1")
    wrong = browser.send(page.form("/split"), who="")
    assert wrong.status == 422
    assert "13812" in browser.send(wrong.form("/split"), who="13812").text


def test_a_standing_order_is_made_shown_and_ended(town: Town) -> None:
    browser = rich(town)
    town.customer(town.other)
    page = walk(browser, "standing", town.other.phone, "1500", remark="房租")
    assert page.url.endswith("/standing/when")
    wrong = browser.send(page.form("/when"), starts="2020-01-01", ends="x")
    assert wrong.status == 422
    for words in ("请选择每月或每周", "这一天已经过去了", "请填写最后一天"):
        assert words in wrong.text
    page = browser.send(wrong.form("/when"), every="month", starts="2026-03-31", ends="")
    assert "2026年3月31日" in page.text
    made = browser.send(page.form("/standing/check"))
    assert "定期转账已设好" in made.text
    listed = browser.open("/orders")
    assert "房租" in listed.text
    path = listed.link("/order/")
    assert town.customer(town.spare).ask(path).status == 404
    ended = browser.send(browser.open(path).form("/cancel"))
    assert "已取消" in ended.text


def test_a_merchant_is_paid_by_digits_and_by_the_text_of_a_picture(town: Town) -> None:
    browser, shop = rich(town), town.customer(town.other)
    digits = open_shop(town, party_of(town, town.other.phone))
    page = browser.open("/scan")
    wrong = browser.send(page.form("/scan"), code=digits[:-1] + str((int(digits[-1]) + 1) % 10))
    assert wrong.status == 422
    page = browser.send(wrong.form("/scan"), code=f"{digits[:4]} {digits[4:8]} {digits[8:]}")
    assert "小满杂货店" in page.heading
    assert "500.00 元" in page.text, "what a printed code may take in a day"
    page = browser.open(f"/scan/{digits}?amount=12.5")
    assert "付 12.50 元" in page.text
    form = page.form(f"/scan/{digits}")
    paid = browser.send(form)
    assert "付款成功" in paid.text
    assert browser.send(form).url == paid.url, "two clicks are one payment"
    over = browser.open(f"/scan/{digits}?amount=488")
    refused = browser.send(over.form(f"/scan/{digits}"))
    assert refused.status == 422
    assert "当日累计限额" in refused.text
    own = shop.open("/receive")
    made = shop.send(own.form("/receive"), amount="8", reference="A1")
    assert "<svg" in made.text
    dynamic = made.url.rpartition("/")[2]
    from puhui.payment.window import code_of, payload_text

    with town.node.read() as tx:
        payload = payload_text(code_of(tx, dynamic))
    page = browser.send(browser.open("/scan").form("/scan"), code=payload)
    assert page.url.endswith(f"/scan/{dynamic}")
    altered = browser.send(browser.open("/scan").form("/scan"), code=payload[:-1] + "X")
    assert altered.status == 422
    assert "付款成功" in browser.send(page.form(f"/scan/{dynamic}")).text
    assert "已收到付款" in shop.open(f"/receive/{dynamic}").text
    assert browser.ask(f"/receive/{dynamic}").status == 404
    assert "已失效" in browser.open(f"/scan/{dynamic}").text


def test_a_payer_shows_a_code_and_the_shop_takes_the_payment(town: Town) -> None:
    browser, shop = rich(town), town.customer(town.other)
    before = browser.open("/show")
    level = next(one for one in risk_levels() if one.kind == "dynamic" and not one.factors)
    assert f"每天最多 {Money(level.daily_minor_max or 0, 'CNY').figure()} 元" in before.text
    assert f"{shown_seconds()} 秒内有效" in before.text
    page = browser.send(before.form("/show"))
    digits = "".join(re.findall(r'class="big">([0-9 ]{18,})<', page.text)[0].split())
    assert len(digits) == 18
    assert "<svg" in page.text
    till = shop.open("/receive/collect")
    empty = shop.send(till.form("/collect"), amount="5", digits="")
    assert empty.status == 422
    taken = shop.send(empty.form("/collect"), amount="5", digits=digits)
    assert "收款成功" in taken.text
    again = shop.send(shop.open("/receive/collect").form("/collect"), amount="5", digits=digits)
    assert again.status == 422
    assert "失效" in again.text
    with town.node.read() as tx:
        from puhui.kernel.store.browse import browse_journal

        assert browse_journal(tx, name="payment.present_code")
    assert "−5.00" in browser.open("/money").text


def test_the_kind_of_a_wallet_is_chosen_as_far_as_identity_allows(town: Town) -> None:
    browser = rich(town)
    page = browser.open("/wallet/tier")
    assert browser.send(page.form("/tier")).status == 422
    lower = browser.send(page.form("/tier"), tier="4")
    assert lower.status in (200, 422), lower.text
    page = browser.open("/wallet/tier")
    done = browser.send(page.form("/tier"), tier="3")
    assert "钱包类别已更新" in done.text or done.status == 422
    wallet = browser.open("/wallet")
    assert "限额" in wallet.text


def test_money_is_changed_by_the_cheapest_offer(town: Town) -> None:
    browser = rich(town, 3_000_000)
    assert "现在没有机构报价" in browser.open("/exchange").text
    open_exchange(town)
    page = browser.open("/exchange?source=CNY&target=USD&kind=send&amount=1000")
    places = [page.text.index(name) for name in ("Provider One", "Provider Two")]
    assert places == sorted(places), "the best offer first"
    check = browser.open(page.link("/exchange/check"))
    for words in ("1,000.00 元", "平台费用", "报价有效到"):
        assert words in check.text
    form = check.form("/exchange/check")
    done = browser.send(form)
    assert "兑换成功" in done.text
    assert browser.send(form).url == done.url
    path = done.url.removeprefix("http://testserver").split("?")[0]
    assert town.customer(town.spare).ask(path).status == 404
    assert "美元" in browser.open("/wallet").text
    assert "外币兑换" in browser.open("/money").text
    for query, words in (("target=CNY&amount=5", ""), ("target=USD&amount=x", "请填写金额")):
        wrong = browser.open(f"/exchange?source=CNY&{query}")
        assert wrong.status == 422
        assert words in wrong.text
    gone = browser.open("/exchange/check?quote=none&kind=send&amount=5")
    assert gone.status == 422


def test_money_is_taken_onto_a_device_and_the_device_is_stopped(town: Town) -> None:
    browser = rich(town)
    device = device_of(party_of(town, town.good.phone))
    page = browser.open("/offline/take")
    wrong = browser.send(page.form("/take"), amount="100", device="abc")
    assert wrong.status == 422
    for words in ("请选择一种", "请先确认您知道风险"):
        assert words in wrong.text
    told = {"amount": "100", "tier": "small", "risk": "yes"}
    bad = browser.send(wrong.form("/take"), device="abc", **told)
    assert "设备公钥" in bad.text
    done = browser.send(bad.form("/take"), device=device.public_key, **told)
    assert "已从钱包取出" in done.text
    assert "<svg" in done.text
    path = done.url.removeprefix("http://testserver").split("?")[0]
    assert town.customer(town.spare).ask(path).status == 404
    page = browser.open("/offline/hand-in")
    assert browser.send(page.form("/hand-in"), texts="").status == 422
    odd = browser.send(page.form("/hand-in"), texts="NONSENSE")
    assert "不能受理" in odd.text
    page = browser.open("/offline")
    assert browser.send(page.form("/revoke")).status == 422
    assert "已停用" in browser.send(page.form("/revoke"), sure="yes").text


def test_the_statement_is_read_printed_and_taken_along(town: Town) -> None:
    browser = rich(town)
    csv = browser.ask("/money?format=csv")
    assert csv.text.splitlines()[0].startswith("\ufeff时间,种类,对方")
    camt = browser.ask("/money?format=camt")
    assert camt.headers["content-type"].startswith("application/xml")
    assert "camt.053.001.08" in camt.text
    assert browser.ask("/money?currency=XXX&month=x&skip=y").status == 200
    sent = browser.send(browser.open("/wallet/withdraw").form("/withdraw"), amount="50")
    assert "已转出" in sent.text
    over = browser.send(browser.open("/wallet/withdraw").form("/withdraw"), amount="9999999")
    assert over.status == 422


def test_pages_of_payments_speak_english(town: Town) -> None:
    from tests.tidy.door import CHINESE

    browser = rich(town)
    browser.open("/view?language=en&back=/")
    paths = ["/wallet", "/wallet/tier", "/pay?new=1", "/ask", "/split", "/standing", "/requests"]
    paths += [
        "/orders",
        "/aside",
        "/scan",
        "/receive",
        "/receive/collect",
        "/show",
        "/exchange",
        "/offline",
    ]
    for path in (*paths, "/offline/take", "/offline/hand-in", "/wallet/withdraw"):
        body = re.sub(r"<[^>]+>", "", browser.open(path).text.replace("中文", ""))
        assert not CHINESE.search(body), (path, CHINESE.search(body))


@pytest.mark.parametrize(
    "text, minor",
    [
        ("12.5", 1250),
        ("1,000", 100_000),
        ("43 元", 4300),
        ("0", None),
        ("-1", None),
        ("x", None),
        ("￥１，２００．５０", 120_050),
        ("43,000.00\u00a0元", 4_300_000),
        ("2万", 2_000_000),
        ("1.5 万元", 1_500_000),
        ("万", None),
        ("1e9万", None),
        ("NaN万", None),
    ],
)
def test_amounts_are_read_as_people_type_them(text: str, minor: int | None) -> None:
    assert read_amount(text, "CNY") == minor


def test_names_and_phones_are_hidden_in_part() -> None:
    assert hide_name("王小明") == "*小明"
    assert hide_name("王") == "*"
    assert hide_name("Somchai Jaidee") == "S*** J***"
    assert hide_name("Anne-Marie O'Neil") == "A***-M*** O***'N***"
    assert hide_name("7") == "*"
    assert hide_phone("13812345678") == "138****5678"
