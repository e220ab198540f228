"""Money sent to somebody else in another currency: every cost before the button, two receipts."""

from __future__ import annotations

from puhui.channel.payee import hide_name
from puhui.payment import wallet_account
from puhui.web.pages.payee import hide_phone
from tests.offline.fair import balance_of, grant
from tests.offline.test_sync import paid_texts
from tests.web.market import act, device_of, open_exchange, open_wallet, party_of, top_up
from tests.web.test_money import rich
from tests.web.town import Town


def test_money_is_sent_to_somebody_else_in_another_currency(town: Town) -> None:
    """All costs, rate, end and arrival stand before the button; both sides have a receipt."""
    browser, other = rich(town, 3_000_000), town.customer(town.other)
    assert browser.open("/remit/amount").url.endswith("/remit"), "no step can be skipped"
    open_exchange(town)
    open_wallet(town, party_of(town, town.other.phone))
    page = browser.send(browser.open("/remit?new=1").form("/remit"), to="person", who="1390000")
    assert page.status == 422
    page = browser.send(page.form("/remit"), to="person", who=town.other.phone)
    assert hide_name(town.other.name) in page.text
    for wrong, words in (
        ({"amount": "x"}, "请填写金额"),
        ({"target": "CNY"}, "同一币种"),
        ({"remark": "x" * 141}, "140"),
        ({"kind": "other"}, "哪一边"),
    ):
        right = {"source": "CNY", "target": "USD", "kind": "send", "amount": "1000"}
        bad = browser.send(page.form("/remit/amount"), **{**right, **wrong})
        assert (bad.status, words in bad.text) == (422, True), bad.text
    page = browser.send(page.form("/remit/amount"), **right, remark="学费")
    places = [page.text.index(name) for name in ("Provider One", "Provider Two")]
    assert places == sorted(places), "the best offer first"
    check = browser.open(page.link("/remit/check"))
    for words in ("1,000.00 元", "对方收到", "平台费用", "报价有效到", "马上进对方钱包", "学费"):
        assert words in check.text
    assert hide_phone(town.other.phone) in check.text
    form = check.form("/remit/check")
    forged = browser.post("/remit/check", {**form.fields, "worst": "0", "shown": "0" * 32})
    assert forged.status == 422
    done = browser.send(form)
    assert "已汇出" in done.text
    assert browser.send(form).url.endswith("/exchange"), "a second click sends nothing"
    path = done.url.removeprefix("http://testserver").split("?")[0]
    came = other.open(path)
    assert "收到汇款" in came.text
    assert "学费" in came.text
    assert "平台费用" not in came.text, "what it cost is the payer's"
    assert town.customer(town.spare).ask(path).status == 404
    assert "美元" in other.open("/wallet").text
    assert browser.open("/remit/check?quote=none").url.endswith("/remit")


def test_money_is_sent_to_a_bank_abroad(town: Town) -> None:
    browser = rich(town, 3_000_000)
    scheme = open_exchange(town)
    page = browser.open("/remit?new=1")
    assert browser.send(page.form("/remit"), to="bank", bank="none").status == 422
    assert browser.send(page.form("/remit"), to="").status == 422
    page = browser.send(page.form("/remit"), to="bank", bank=scheme.payee_bank)
    right = {"source": "CNY", "target": "USD", "kind": "receive", "amount": "100"}
    assert "收款人姓名和账号" in browser.send(page.form("/remit/amount"), **right).text
    page = browser.send(page.form("/remit/amount"), **right, remark="Somchai 12-345")
    check = browser.open(page.link("/remit/check"))
    for words in ("Payee Bank", "Somchai 12-345", "由它转给收款人"):
        assert words in check.text
    before = scheme.owed(scheme.payee_bank, currency="USD")
    done = browser.send(check.form("/remit/check"))
    assert "Payee Bank" in done.text
    assert scheme.owed(scheme.payee_bank, currency="USD") == [before[0] - 10_000]
    page = browser.open("/remit")
    page = browser.send(page.form("/remit"), to="bank", bank=scheme.payee_bank)
    gone = browser.send(page.form("/remit/amount"), **{**right, "target": "THB"}, remark="x")
    assert gone.status == 422


def test_what_has_no_room_offline_is_shown_and_moved(town: Town) -> None:
    """A full wallet: what was handed in is kept aside on the page, let in, and paid out."""
    browser = rich(town, 1_000_000)
    payee = party_of(town, town.good.phone)
    payer = party_of_fresh(town)
    over_minor = balance_of(town.node, wallet_account(payee, "CNY")) - 1_000_000
    spend = {"party_id": payee, "currency": "CNY"}
    act(town, "payment.withdraw", {**spend, "amount_minor": over_minor})
    act(town, "payment.open_wallet", {"party_id": payee, "currency": "CNY", "tier": 4})
    act(town, "offline.fund_cover", {"currency": "CNY", "amount_minor": 50_000})
    device, own = device_of(payer), device_of(payee)
    device.operator_key = own.operator_key = town.node.keys.public_key
    grant(town.node, device, 10_000)
    texts = paid_texts(device, own, [4_000], town.clock.now_us())
    page = browser.send(browser.open("/offline/hand-in").form("/hand-in"), texts=texts[0])
    assert "为您代存" in page.text
    page = browser.open("/offline")
    assert "40.00" in page.text
    assert page.link("/wallet/tier")
    act(town, "payment.withdraw", {**spend, "amount_minor": 1_500})
    desk = town.staff("operator").open("/desk/offline")
    assert "为钱包已满的收款人代存" in desk.text
    assert desk.form("/desk/offline").fields["party"] == payee
    page = browser.send(browser.open("/offline").form("/offline/aside"))
    assert "已存入钱包 15.00" in page.text
    form = next(one for one in page.forms if one.fields.get("way") == "out")
    page = browser.send(form)
    assert "已提到您的银行卡 25.00" in page.text
    assert browser.post("/offline/aside", {**form.fields, "way": "other"}).status == 200
    assert browser.post("/offline/aside", {**form.fields, "key": "another-key"}).status == 422


def party_of_fresh(town: Town) -> str:
    """Somebody else with money in a wallet."""
    town.customer(town.other)
    found = party_of(town, town.other.phone)
    open_wallet(town, found)
    top_up(town, found, 50_000)
    return found
