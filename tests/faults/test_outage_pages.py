"""An outage seen on pages: a payment that was shown is accepted, waits, and is posted once.

Goal: with the store stopped, the page that showed a payment accepts it, and so does the page that
pays by wallet number; its own page says that it waits; afterwards each is posted once, or refused
with its reason. Whoever was logged out, or denied on this machine, is not believed.
Method: a real PostgreSQL server stopped and started under a real `puhui serve`.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from puhui.kernel import Node
from puhui.node import open_node
from puhui.party import find_parties
from puhui.payment import wallet_account
from tests.cli.program import run_process
from tests.faults.server import OwnServer
from tests.faults.test_outage_queue import TOKEN, pay, prepare
from tests.lending.bank import resident_id
from tests.offline.fair import act, balance_of, people
from tests.serve.program import served
from tests.web.browser import Browser, Page

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("outage_pages")]
PHONES = ("13900020001", "13900020002")


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that the test stops and starts."""
    own = OwnServer(Path(tempfile.mkdtemp(prefix="puhui-outage-")))
    own.execute("CREATE DATABASE bank")
    yield own
    own.remove()


def enter(address: str, number: int) -> Browser:
    """The browser of somebody who has just registered."""
    browser = Browser(None, address=address)
    page = browser.register(PHONES[number], f"测试{number}", resident_id(8_000 + number))
    assert page.url.endswith("/me?welcome=1"), page.text
    return browser


def parties(node: Node) -> list[str]:
    """Who they are."""
    with node.read() as tx:
        return [find_parties(node, tx, phone=phone)[0].id for phone in PHONES]


def until(browser: Browser, url: str, words: str) -> Page:
    """A page once it says so, within a bounded wait."""
    for _ in range(400):
        page = browser.open(url)
        if words in page.text:
            return page
        time.sleep(0.1)
    raise AssertionError(page.text)


def test_payments_on_pages_wait_and_are_posted_once(server: OwnServer, tmp_path: Path) -> None:
    url = server.url.replace("/postgres?", "/bank?")
    home = tmp_path / "home"
    node = open_node(home, store_url=url)
    people(node, "somebody")
    node.close()
    with served(home, PUHUI_STORE=url, PUHUI_QUEUE="queues") as running:
        address = f"http://127.0.0.1:{running.port}"
        payer, payee, gone = enter(address, 0), enter(address, 1), Browser(None, address=address)
        gone.log_in(PHONES[1])
        node = open_node(home, store_url=url)
        one, two = parties(node)
        for party_id in (one, two):
            act(node, "payment.open_wallet", {"party_id": party_id, "currency": "CNY"})
        act(node, "payment.top_up", {"party_id": one, "amount_minor": 50_000, "currency": "CNY"})
        node.close()
        page = payer.open("/pay?new=1")
        page = payer.send(page.form("/pay"), who=PHONES[1])
        page = payer.send(page.form("/amount"), amount="12.34", remark="种子")
        shown = page.form("/pay/check")
        assert gone.open("/me").status == 200
        gone.send(gone.open("/me").form("/logout"))
        server.crash()

        waiting = payer.send(shown)
        assert "已受理，尚未入账" in waiting.text
        assert "12.34" in waiting.text
        assert payer.send(shown).url.split("?")[0] == waiting.url.split("?")[0], "a second click"
        changed = {**shown.fields, "draft": shown.fields["draft"].replace("12.34", "99.00")}
        assert payer.post("/pay/check", changed).status == 503, "not what was shown"
        away = payer.open("/me")
        assert away.status == 503
        form = payer.open(away.link("/away")).form("/away")
        for wrong in ({"number": "12"}, {"amount": "x"}, {"sure": ""}, {"remark": "x" * 141}):
            right = {"number": "0" * 32, "amount": "1", "sure": "yes"}
            assert payer.send(form, **{**right, **wrong}).status == 422
        number = f"{wallet_account(two, 'CNY'):032x}"
        first = payer.send(form, number=number, amount="5", sure="yes")
        assert "已受理" in first.text
        form = payer.open("/away").form("/away")
        much = payer.send(form, number=number, amount="9999", sure="yes")
        assert "已受理" in much.text, "whether there is so much is looked at when it is posted"
        assert gone.open("/away").status in (200, 503)
        assert "/away" not in "".join(gone.open("/me").links), "logged out before, not believed"
        assert "/login" in Browser(None, address=address).open("/away").url
        forged = re.sub("proof=[0-9a-f]+", "proof=" + "0" * 32, first.url)
        assert "5.00" not in payer.open(forged).text
        assert payee.open(first.url).status in (404, 503), "another's"

        server.start()
        paid = until(payer, waiting.url, "这笔付款已经入账")
        assert "12.34" in payer.open(paid.link("/payment/")).text
        until(payer, first.url, "这笔付款已经入账")
        refused = until(payer, much.url, "没有付成")
        assert "余额" in refused.text or "限额" in refused.text
        assert payee.open(first.url).status == 404
    node = open_node(home, store_url=url)
    assert balance_of(node, wallet_account(one, "CNY")) == 50_000 - 1_234 - 500
    assert balance_of(node, wallet_account(two, "CNY")) == 1_234 + 500
    node.close()


def test_what_else_was_shown_waits_too(server: OwnServer, tmp_path: Path) -> None:
    """A printed code, a request and the own bank card: each waits, is posted once, and what was
    typed of a payment is not found again afterwards.
    """
    url = server.url.replace("/postgres?", "/bank?")
    home = tmp_path / "home"
    node = open_node(home, store_url=url)
    people(node, "somebody")
    node.close()
    with served(home, PUHUI_STORE=url, PUHUI_QUEUE="queues") as running:
        address = f"http://127.0.0.1:{running.port}"
        payer, payee = enter(address, 0), enter(address, 1)
        node = open_node(home, store_url=url)
        one, two = parties(node)
        for party_id in (one, two):
            act(node, "payment.open_wallet", {"party_id": party_id, "currency": "CNY"})
        act(node, "payment.top_up", {"party_id": one, "amount_minor": 50_000, "currency": "CNY"})
        shop = {"party_id": two, "kind": "static", "category": "5411", "name": "S", "city": "Y"}
        digits = act(node, "payment.create_code", shop).digits
        dynamic = {"party_id": two, "kind": "dynamic", "amount_minor": 700}
        moment = act(node, "payment.create_code", dynamic).digits
        asked = {"payer_id": one, "payee_id": two, "amount_minor": 900, "currency": "CNY"}
        request_id = act(node, "payment.request", asked).request_id
        node.close()
        code = payer.open(f"/scan/{digits}?amount=3").form(f"/scan/{digits}")
        once = payer.open(f"/scan/{moment}").form(f"/scan/{moment}")
        request = payer.open(f"/request/{request_id}").form("/pay")
        decline = payer.open(f"/request/{request_id}").form("/decline")
        out = payer.open("/wallet/withdraw").form("/withdraw")
        page = payer.send(payer.open("/pay?new=1").form("/pay"), who=PHONES[1])
        pay_form = payer.send(page.form("/amount"), amount="2").form("/pay/check")
        server.crash()

        waiting = [
            payer.send(code), payer.send(request), payer.send(out, amount="10"),
            payer.send(pay_form),
        ]  # fmt: skip
        for page, words in zip(waiting, ("3.00", "9.00", "10.00", "2.00"), strict=True):
            assert ("已受理，尚未入账" in page.text, words in page.text) == (True, True), page.text
        assert "银行卡" in waiting[2].text
        assert payer.send(code).url.split("?")[0] == waiting[0].url.split("?")[0], "two clicks"
        for form, changes in (
            (code, {"amount": "4"}),
            (request, {"minor": "1"}),
            (request, {"to": one}),
            (once, {}),
            (decline, {}),
        ):
            assert payer.send(form, **changes).status == 503, (form, changes)
        assert payee.send(request).status in (403, 422, 503), "another's form"

        server.start()
        for page in waiting:
            paid = until(payer, page.url, "这笔付款已经入账")
            assert payer.open(paid.link("/payment/")).status == 200
        assert f'value="{PHONES[1]}"' not in payer.open("/pay").text, "what was typed is gone"
    node = open_node(home, store_url=url)
    assert balance_of(node, wallet_account(one, "CNY")) == 50_000 - 300 - 900 - 1_000 - 200
    assert balance_of(node, wallet_account(two, "CNY")) == 300 + 900 + 200
    node.close()


def test_a_key_is_denied_while_the_store_is_off(server: OwnServer, tmp_path: Path) -> None:
    """The command line denies it on this machine at once, and says that it is not revoked yet."""
    url = server.url.replace("/postgres?", "/bank?")
    home = tmp_path / "home"
    node = open_node(home, store_url=url)
    pair = prepare(node)
    node.close()
    settings = {"PUHUI_STORE": url, "PUHUI_QUEUE": "queues"}
    listed = run_process("api-key", "list", home=home, **settings)
    found = re.search(r"key-[0-9a-f]+", listed.out)
    assert found is not None, listed.said
    key_id = found.group()
    with served(home, **settings) as running:
        assert pay(running, "first", pair, TOKEN)[0] == 200
        server.crash()
        assert pay(running, "a", pair)[0] == 202
        ended = run_process("api-key", "revoke", key_id, "--json", home=home, **settings)
        assert (ended.code, ended.figures["is_revoked"]) == (0, False), ended.said
        assert "denied on this machine" in ended.said
        assert pay(running, "b", pair)[0] == 503, "believed no more"
        off = run_process("api-key", "revoke", key_id, home=home, PUHUI_STORE=url)
        assert off.code == 1, "without queues there is nobody to be denied"
        server.start()
        again = run_process("api-key", "revoke", key_id, "--json", home=home, **settings)
        assert again.figures["is_revoked"] is True
        for _ in range(200):
            if pay(running, "c", pair)[0] == 401:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("a revoked key is let in")
