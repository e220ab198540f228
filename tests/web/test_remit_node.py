"""Money for a customer of another node: priced with its fee, held at once, followed, given back.

The other node is a real one behind a real connection, as in ``test_deal``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from puhui.channel.payee import hide_name
from puhui.exchange import open_peers
from puhui.exchange.desk.account import own_account
from puhui.exchange.desk.lists import tariff
from puhui.exchange.window import between, deals, open_legs, participants, payees
from puhui.kernel import Refused
from puhui.payment import numbers, wallet_account
from puhui.worker import keep_up
from tests.exchange.scheme import MINUTE_US, STAFF, balance, own_balance
from tests.exchange.scheme import act as exchange_act
from tests.web.browser import Browser, Page
from tests.web.market import open_exchange, party_of, top_up
from tests.web.test_deal import there  # noqa: F401  a fixture
from tests.web.town import Town


def offers(browser: Browser, payee: str, amount: str = "1000") -> Page:
    """The offers for so many yuan to somebody at Bangkok's node."""
    page = browser.open("/remit?new=1")
    page = browser.send(page.form("/remit"), to="node", peer="bangkok", number=payee)
    told = {"source": "CNY", "target": "USD", "kind": "send", "amount": amount}
    return browser.send(page.form("/remit/amount"), **told)


def test_a_customer_pays_somebody_at_another_node(
    town: Town,
    there: SimpleNamespace,  # noqa: F811
) -> None:
    browser = town.customer(town.good)
    payer = party_of(town, town.good.phone)
    top_up(town, payer, 500_000)
    scheme = open_exchange(town)
    before = balance(town.node, payer, "CNY")
    page = browser.open("/remit?new=1")
    for wrong in ({"peer": "nowhere"}, {"number": "4711"}):
        told = {"to": "node", "peer": "bangkok", "number": there.payee, **wrong}
        assert browser.send(page.form("/remit"), **told).status == 422
    told = {"party_id": there.payee, "currency": "USD"}
    there.node.act("payment.open_wallet", told, key="open", actor=STAFF)
    number = numbers.shown(wallet_account(there.payee, "USD"))
    page = offers(browser, number)
    assert "Provider One" in page.text
    assert "Provider Two" not in page.text, "it has no position that we may draw on there"
    check = browser.open(page.link("/remit/check"))
    # 1,000.00 in all: 2.00 is the operator's fee (a thousandth, at least two yuan), 998.00 change.
    for words in ("1,000.00 元", "139.72 美元", "2.00 元", "998.00 元", "5 分钟", "退回"):
        assert words in check.text, words
    done = browser.send(check.form("/remit/check"))
    assert "正在汇出" in done.text
    assert "已受理" in done.text
    with town.node.read() as tx:
        (deal,) = deals(tx, payer=f"party:{payer}")
        assert [one.id for one in open_legs(tx)] == [deal.source_leg_id], "held in the same act"
    assert deal.fee_minor == 200
    assert keep_up(town.node) == ()
    path = done.url.removeprefix("http://testserver").split("?")[0]
    assert "对方已收到" in browser.open(path).text
    assert number in browser.open(path).text
    receipt = numbers.receipt(deal.id)
    assert receipt in browser.open(path).text
    find = browser.ask(f"/money/find?number={receipt.replace(' ', '')}")
    assert find.headers["location"] == path
    search = (desk := town.staff("operator")).open("/desk/customers")
    shown = desk.send(search.form("/desk/customers"), q=receipt)
    assert receipt in desk.open(shown.link("/desk/deal/")).text
    assert balance(town.node, payer, "CNY") == before - 100_000
    assert balance(there.node, there.payee, "USD") == 13_972
    assert own_balance(town.node, own_account("fee_income", "CNY")) == 200
    assert scheme.position(scheme.one.id, "CNY").position_minor == -99_800
    assert "已到" in browser.open("/exchange").text
    assert town.customer(town.spare).ask(path).status == 404, "nobody else's business"


def test_who_is_not_there_is_told_of_before_anything_is_held(
    town: Town,
    there: SimpleNamespace,  # noqa: F811
) -> None:
    """A wallet that does not exist, and one that is closed meanwhile: nothing moves."""
    browser = town.customer(town.good)
    payer = party_of(town, town.good.phone)
    top_up(town, payer, 500_000)
    open_exchange(town)
    before = balance(town.node, payer, "CNY")
    page = browser.open("/remit?new=1")
    told = {"to": "node", "peer": "bangkok"}
    nobody = browser.send(page.form("/remit"), **told, number=numbers.shown(4711))
    assert (nobody.status, "没有这个收款人" in nobody.text) == (422, True)
    wallet = {"party_id": there.payee, "currency": "USD"}
    there.node.act("payment.open_wallet", {**wallet, "tier": 4}, key="open", actor=STAFF)
    number = numbers.shown(wallet_account(there.payee, "USD"))
    page = offers(browser, number)
    assert hide_name(there.name) in page.text
    assert there.name not in page.text
    check = browser.open(page.link("/remit/check"))
    assert "bangkok" in check.text
    there.node.act("payment.close_wallet", wallet, key="close", actor=STAFF)
    gone = browser.send(check.form("/remit/check"))
    assert (gone.status, "不能收这笔钱" in gone.text) == (422, True)
    with town.node.read() as tx:
        assert (deals(tx), open_legs(tx)) == ((), ())
    assert balance(town.node, payer, "CNY") == before


def test_a_customer_asks_only_so_often(
    town: Town,
    there: SimpleNamespace,  # noqa: F811
) -> None:
    """Asking about payees is bounded by the day, whether they are there or not."""
    most = between().payee_asks_day_max
    browser = town.customer(town.good)
    asked = payees.AskPayee(party_of(town, town.good.phone), "bangkok", f"party:{there.payee}")
    for _ in range(most):
        assert payees.ask_there(town.node, asked).name == ""
    with pytest.raises(Refused, match="too_many_asks"):
        payees.ask_there(town.node, asked)
    page = browser.open("/remit?new=1")
    told = {"to": "node", "peer": "bangkok", "number": there.payee}
    again = browser.send(page.form("/remit"), **told)
    assert (again.status, "次数已用完" in again.text) == (422, True)
    other = replace(asked, party_id=party_of(town, town.spare.phone))
    assert payees.ask_there(town.node, other) is not None, "everybody has a day of their own"


def test_what_is_not_paid_there_comes_back_with_its_fee(
    town: Town,
    there: SimpleNamespace,  # noqa: F811
) -> None:
    browser = town.customer(town.good)
    payer = party_of(town, town.good.phone)
    top_up(town, payer, 500_000)
    open_exchange(town)
    before = balance(town.node, payer, "CNY")
    page = offers(browser, there.payee)
    done = browser.send(browser.open(page.link("/remit/check")).form("/remit/check"))
    told = {"peer_id": there.us, "participant_id": there.scheme.one.id}
    exchange_act(there.node, "forbid_draw", told)  # their provider has changed its mind meanwhile
    assert keep_up(town.node) == ()
    path = done.url.removeprefix("http://testserver").split("?")[0]
    assert "钱已退回" in browser.open(path).text
    assert balance(town.node, payer, "CNY") == before
    assert own_balance(town.node, own_account("fee_income", "CNY")) == 0


def test_nobody_uses_up_offers_for_nothing(
    town: Town,
    there: SimpleNamespace,  # noqa: F811
) -> None:
    """A customer has few payments under way, and few that come back in one day."""
    browser = town.customer(town.good)
    payer = party_of(town, town.good.phone)
    top_up(town, payer, 500_000)
    scheme = open_exchange(town)
    before = balance(town.node, payer, "CNY")
    until = town.clock.now_us() + 60 * MINUTE_US
    told = {
        "party_id": payer, "peer": "bangkok", "payee": f"party:{there.payee}",
        "source_currency": "CNY", "target_currency": "USD", "amount_kind": "send",
        "amount_minor": 10_000, "worst_minor": 0,
    }  # fmt: skip

    def begin() -> None:
        quote = scheme.one.offer(town.node, "0.14", expires_us=until)
        exchange_act(town.node, "send_between", {**told, "quote_id": quote.id})

    pair = {"peer_id": there.us, "participant_id": there.scheme.one.id}
    begun = 0
    while begun < tariff().deals_lapsed_day_max:
        for _ in range(min(tariff().deals_open_max, tariff().deals_lapsed_day_max - begun)):
            begin()
            begun += 1
        if begun == tariff().deals_open_max:
            with pytest.raises(Refused, match="too_many_deals"):
                begin()
            page = offers(browser, there.payee, "100")
            many = browser.send(browser.open(page.link("/remit/check")).form("/remit/check"))
            assert (many.status, "已达上限" in many.text) == (422, True)
        exchange_act(there.node, "forbid_draw", pair)
        assert keep_up(town.node) == ()
        exchange_act(there.node, "allow_draw", pair)
    with pytest.raises(Refused, match="too_many_lapsed"):
        begin()
    with town.node.read() as tx:
        assert {one.state.value for one in deals(tx)} == {"closed_aborted"}
        assert open_legs(tx) == ()
    assert balance(town.node, payer, "CNY") == before, "and all of it is back"
    town.clock.set_us(town.clock.now_us() + 24 * 60 * MINUTE_US)
    until = town.clock.now_us() + 60 * MINUTE_US
    begin()


def test_why_it_cannot_be_sent_is_told(
    town: Town,
    there: SimpleNamespace,  # noqa: F811
) -> None:
    browser = town.customer(town.good)
    payer = party_of(town, town.good.phone)
    top_up(town, payer, 500_000)
    scheme = open_exchange(town)
    until = town.clock.now_us() + 60 * MINUTE_US
    page = offers(browser, there.payee, "49000")
    form = browser.open(page.link("/remit/check")).form("/remit/check")
    short = browser.send(form)
    assert (short.status, "余额不足" in short.text or "不足" in short.text) == (422, True)
    with town.node.read() as tx:
        assert deals(tx) == (), "nothing of it stays"
        (two,) = [one.id for one in participants(tx) if one.name == "Provider Two"]
    told = {
        "party_id": payer, "peer": "bangkok", "payee": f"party:{there.payee}",
        "source_currency": "CNY", "target_currency": "USD", "amount_kind": "send",
        "amount_minor": 10_000, "worst_minor": 0,
    }  # fmt: skip
    first = scheme.one.offer(town.node, "0.15", expires_us=until).id
    second = scheme.two.offer(town.node, "0.16", expires_us=until).id
    assert two == scheme.two.id
    for wrong, code in (
        ({"quote_id": second}, "exchange.no_provider_there"),
        ({"peer": "nowhere"}, "exchange.unknown_peer"),
        ({"quote_id": "none"}, "exchange.unknown_quote"),
        ({"payee": "participant:x"}, "exchange.bad_end"),
        ({"target_currency": "EUR"}, "exchange.other_currency"),
        ({"target_currency": "CNY"}, "exchange.same_currency"),
        ({"worst_minor": 10**9}, "exchange.worse_than_asked"),
        ({"amount_minor": 10**12}, "exchange.payer_short"),
        ({"amount_minor": 0}, "exchange.bad_amount"),
        ({"amount_minor": 100}, "exchange.no_quote"),
    ):
        with pytest.raises(Refused) as refused:
            exchange_act(town.node, "send_between", {**told, "quote_id": first, **wrong})
        assert refused.value.code == code
    path = town.node.home / "peers.toml"
    path.write_text(re.sub("127.0.0.1:[0-9]+", "127.0.0.1:9", path.read_text("utf-8")), "utf-8")
    open_peers(town.node)
    page = browser.open("/remit?new=1")
    told_there = {"to": "node", "peer": "bangkok", "number": there.payee}
    silent = browser.send(page.form("/remit"), **told_there)
    assert (silent.status, "没有扣款，也没有冻结" in silent.text) == (422, True)
    with pytest.raises(Refused, match="peer_silent"):
        exchange_act(town.node, "send_between", {**told, "quote_id": first})
