"""The desks of payments: throughput, refusals, wallets, codes, settlement, double spends."""

from __future__ import annotations

import json
import re

import pytest

from puhui.kernel import Actor
from puhui.payment.window import count_wallets
from puhui.web.desks.payment import payment_names
from tests.exchange.scheme import MINUTE_US
from tests.web.browser import Browser
from tests.web.market import act, device_of, open_exchange, open_wallet, party_of, top_up
from tests.web.test_money import rich, walk
from tests.web.town import Town


def second_operator(town: Town) -> Browser:
    """Another of the staff, who may settle what the first one has reserved."""
    root = Actor("tester", frozenset({"administrator", "system"}))
    told = {"login": "operator-2", "password": "a long pass phrase"}
    made = town.node.act("party.register_user", told, key="operator-2", actor=root)
    grant = {"user_id": made.user_id, "role": "operator"}
    town.node.act("party.grant_role", grant, key="operator-2 role", actor=root)
    browser = town.browser()
    page = browser.open("/desk/login")
    page = browser.send(page.form("/desk/login"), login="operator-2", password="a long pass phrase")
    found = re.search(r'class="mono">([A-Z2-7]{16,})<', page.text)
    assert found is not None
    page = browser.send(page.form("/desk/factor"), digits=town.digits(found.group(1)))
    assert page.url.endswith("/desk")
    return browser


def test_payments_are_counted_by_minute_and_refusals_by_reason(town: Town) -> None:
    browser = rich(town)
    town.customer(town.other)
    page = walk(browser, "pay", town.other.phone, "10")
    browser.send(page.form("/pay/check"))
    town.clock.set_us(town.clock.now_us() + MINUTE_US)
    page = browser.open("/wallet/withdraw")
    assert browser.send(page.form("/withdraw"), amount="9999999").status == 422
    operator = town.staff("operator")
    desk = operator.open("/desk/payments?minutes=15")
    assert "<svg" in desk.text
    csv = operator.ask("/desk/payments.csv?minutes=15").text.splitlines()
    assert len(csv) == 16
    assert csv[1].endswith(",0,1"), csv
    assert int(csv[2].split(",")[-2]) >= 2, "a top-up and a payment"
    refused = operator.open("/desk/refused?days=1&name=payment.withdraw")
    assert "payment.wallet_short" in refused.text
    assert "payment.wallet_short" in operator.ask("/desk/refused.csv").text
    assert "payment.wallet_short" not in operator.open("/desk/refused?name=payment.pay").text
    for order in ("acts", "name", "-code", "odd"):
        assert operator.ask(f"/desk/refused?order={order}&days=77").status == 200
    assert "payment.pay" in payment_names()


def test_wallets_are_counted_by_kind(town: Town) -> None:
    town.customer(town.other)
    open_wallet(town, party_of(town, town.other.phone))
    operator = town.staff("operator")
    for query in ("", "?order=-wallets", "?currency=CNY&status=open", "?status=closed"):
        assert operator.ask(f"/desk/wallets{query}").status == 200
    with town.node.read() as tx:
        assert [(one.tier, one.wallets) for one in count_wallets(tx)] == [(1, 1)]
    assert ",open,1" in operator.ask("/desk/wallets.csv").text


def test_a_printed_code_is_made_by_staff_and_found_by_the_merchant(town: Town) -> None:
    shop = town.customer(town.other)
    operator = town.staff("operator")
    page = operator.open("/desk/codes")
    empty = operator.send(page.form("/desk/codes"))
    assert empty.status == 422
    told = {"party": party_of(town, town.other.phone), "name": "SHOP", "city": "YANGTIAN"}
    wrong = operator.send(empty.form("/desk/codes"), category="54", **told)
    assert wrong.status == 422
    assert "四位数字" in wrong.text
    done = operator.send(wrong.form("/desk/codes"), category="5411", **told)
    assert "已制作" in done.text
    assert "SHOP" in shop.open("/receive").text
    assert town.staff("auditor").ask("/desk/codes").status == 404


def test_windows_are_settled_by_four_eyes(town: Town) -> None:
    browser = rich(town, 3_000_000)
    open_exchange(town)
    page = browser.open("/exchange?source=CNY&target=USD&kind=send&amount=1000")
    browser.send(browser.open(page.link("/exchange/check")).form("/exchange/check"))
    first = town.staff("operator")
    desk = first.open("/desk/positions?currency=CNY&order=-position")
    assert "Provider One" in desk.text
    assert "Provider One" in first.ask("/desk/positions.csv").text
    for order in ("name", "-cap", "funds", "currency", "used"):
        assert first.ask(f"/desk/positions?order={order}").status == 200
    assert first.ask("/desk/positions?settlement_kind=net_deferred").status == 200
    page = first.open("/desk/windows?currency=CNY")
    page = first.send(page.form("/close"))
    page = first.open("/desk/windows")
    assert "已关闭" in page.text
    reserve = page.form("/desk/settlement")
    assert first.send(reserve, windows="7").status == 422
    page = first.send(page.form("/desk/settlement"))
    assert "已冻结，待确认" in page.text
    assert not page.has_form("/settle"), "who reserved does not settle"
    second = second_operator(town)
    settle = second.open("/desk/windows")
    form = settle.form("/settle")
    own = first.post(form.action, {**form.fields, "csrf": reserve.fields["csrf"]})
    assert own.status == 422
    assert "另一位同事" in own.text
    done = second.send(form)
    assert "已结算" in done.text
    assert first.ask("/desk/windows.csv?state=settled").text.count("settled") >= 1
    late = second.send(form)
    assert late.status == 200, "a second click finds the first one done"
    auditor = town.staff("auditor")
    assert not auditor.open("/desk/windows").has_form("/close")


@pytest.mark.parametrize("order", ["opened", "-kind", "party"])
def test_what_offline_can_cost_is_shown(town: Town, order: str) -> None:
    party_id = party_of(town, town.good.phone)
    top_up(town, party_id, 100_000)
    device = device_of(party_id)
    told = {
        "party_id": party_id,
        "currency": "CNY",
        "allowance_limit_minor": 10_000,
        "wallet_key": device.public_key,
    }
    act(town, "offline.grant_allowance", told)
    operator = town.staff("operator")
    page = operator.open(f"/desk/offline?order={order}&kind=double_spend")
    assert "100.00 元" in page.text
    assert operator.ask("/desk/offline.csv").text.startswith("\ufeff")


def test_the_journal_and_the_users_leave_as_files(town: Town) -> None:
    auditor, administrator = town.staff("auditor"), town.staff("administrator")
    kept = json.loads(auditor.ask("/desk/journal.json?name=party.grant_role").text)
    assert kept["count"] == len(kept["rows"]) >= 2
    assert {row["use_case"] for row in kept["rows"]} == {"party.grant_role"}
    lines = auditor.ask("/desk/journal.csv?order=position").text.splitlines()
    assert len(lines) > kept["count"], "the head, and every act"
    users = json.loads(administrator.ask("/desk/users.json?role=auditor").text)
    assert [row["roles"] for row in users["rows"]] == ["auditor"]
