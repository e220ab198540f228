"""Money moves once: two clicks, the back button, stale forms, lost answers, sessions that end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from puhui.ledger import account_history
from puhui.lending.window import applications_of, loans_of
from puhui.party import find_parties
from puhui.payment import wallet_account
from tests.web.browser import Browser
from tests.web.town import Town

MINUTES_US = 60_000_000


def state(town: Town) -> tuple[int, list[tuple[str, int]], int]:
    """How often money came from loans, the loans, and how many applications were made here."""
    with town.node.read() as tx:
        party_id = find_parties(town.node, tx, phone=town.good.phone)[0].id
        lines = account_history(tx, wallet_account(party_id, "CNY"), count=10_000)
        loans = [(one.status, one.outstanding_minor) for one in loans_of(tx, party_id)]
        made = len(applications_of(tx, party_id))
    came = [one for one in lines if not one.is_debit and one.amount_minor == 2_000_000]
    return len(came), loans, made


def test_two_clicks_at_once_are_one(town: Town) -> None:
    browser = town.customer(town.good)
    check = browser.apply()
    fields = check.form("/apply/check").fields
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda _: browser.post("/apply/check", fields), range(2)))
    assert {reply.status for reply in replies} <= {303, 422}, [reply.text for reply in replies]
    _, _, made = state(town)
    assert made == 1
    page = browser.open("/apply")
    contract = browser.open(page.link("/contract"))
    signed = {**contract.form("/contract").fields, "agree": "yes"}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: browser.post(contract.form("/contract").action, signed), range(2)))
    page = browser.open(browser.open("/me").link("/loan/"))
    form = page.form("/take")
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: browser.post(form.action, form.fields), range(4)))
    assert {reply.status for reply in taken} == {303}
    assert state(town) == (1, [("current", 2_000_000)], 1)


def test_a_lost_answer_is_asked_for_again(town: Town) -> None:
    """The server did it, the browser never heard: sending again finds it done."""
    browser = town.customer(town.good)
    page = browser.send(browser.apply().form("/apply/check"))
    contract = browser.open(page.link("/contract"))
    form = contract.form("/contract")
    sent = {**form.fields, "agree": "yes"}
    browser.post(form.action, sent)
    again = browser.post(form.action, sent)
    assert again.status == 303
    assert "/loan/" in again.headers["location"]
    loan = browser.open(again.headers["location"])
    take = loan.form("/take")
    browser.post(take.action, take.fields)
    browser.post(take.action, take.fields)
    repay = browser.open(browser.open("/me").link("/loan/"))
    repay = browser.open(repay.link("/repay"))
    form = repay.form("/repay")
    paid = {**form.fields, "way": "other", "amount": "500"}
    for _ in range(3):
        assert browser.post(form.action, paid).status == 303
    assert state(town)[:2] == (1, [("current", 1_950_000)])


def test_going_back_and_sending_another_amount_is_not_taken_for_the_first(town: Town) -> None:
    browser = town.customer(town.good)
    town.lend(browser)
    repay = browser.open(browser.open(browser.open("/me").link("/loan/")).link("/repay"))
    form = repay.form("/repay")
    browser.post(form.action, {**form.fields, "way": "other", "amount": "500"})
    back = browser.post(form.action, {**form.fields, "way": "other", "amount": "700"})
    assert back.status == 422
    assert state(town)[1] == [("current", 1_950_000)]


def test_a_form_of_an_ended_session_does_nothing(town: Town, browser: Browser) -> None:
    town.lend(browser)
    repay = browser.open(browser.open(browser.open("/me").link("/loan/")).link("/repay"))
    form = repay.form("/repay")
    paid = {**form.fields, "way": "other", "amount": "500"}
    town.clock.set_us(town.clock.now_us() + 31 * MINUTES_US)
    late = browser.post(form.action, paid)
    assert late.heading == "用手机号登录"
    assert "没有办理任何事情" in late.text
    page = browser.log_in(town.good.phone)
    assert page.url.endswith("/me")
    stale = browser.post(form.action, paid)
    assert stale.status == 403
    assert "过期" in stale.text
    assert state(town)[1] == [("current", 2_000_000)]


@pytest.fixture
def browser(town: Town) -> Browser:
    """The good customer's browser."""
    return town.customer(town.good)


def test_a_session_lasts_while_it_is_used_and_twelve_hours_at_most(
    town: Town, browser: Browser
) -> None:
    for _ in range(35):
        town.clock.set_us(town.clock.now_us() + 20 * MINUTES_US)
        assert browser.ask("/me").status == 200
    for _ in range(3):
        town.clock.set_us(town.clock.now_us() + 20 * MINUTES_US)
        last = browser.ask("/me")
    assert last.status == 303


def test_a_form_without_its_proof_does_nothing(town: Town, browser: Browser) -> None:
    form = browser.open("/apply/amount").form("/amount")
    for wrong in ({}, {"csrf": "0" * 32}, {"csrf": form.fields["csrf"][::-1]}):
        told = {"amount": "5000", "key": form.fields["key"], **wrong}
        assert browser.post("/apply/amount", told).status == 403
    keyless = {"amount": "5000", "csrf": form.fields["csrf"]}
    assert browser.post("/apply/amount", keyless).status == 422
    assert browser.post("/apply/amount", {**form.fields, "amount": "9" * 70_000}).status == 413


def test_a_contract_left_overnight_is_signed_anew(town: Town, browser: Browser) -> None:
    page = browser.send(browser.apply().form("/apply/check"))
    contract = browser.open(page.link("/contract"))
    signed = browser.send(contract.form("/contract"), agree="yes")
    town.clock.set_us(town.clock.now_us() + 24 * 60 * MINUTES_US)
    browser.log_in(town.good.phone)
    page = browser.open(signed.url)
    assert not page.has_form("/take")
    offered = browser.send(page.form("/void"))
    contract = browser.open(offered.link("/contract"))
    page = browser.send(contract.form("/contract"), agree="yes")
    browser.send(page.form("/take"))
    came, loans, _ = state(town)
    assert (came, sorted(loans)) == (1, [("current", 2_000_000), ("void", 0)])


def test_tokens_change_when_rights_do(town: Town) -> None:
    browser = town.browser()
    browser.log_in(town.other.phone)
    first = browser.client.cookies["puhui"]
    page = browser.open("/register")
    page = browser.send(page.form("/register/name"), name=town.other.name)
    browser.send(page.form("/register/number"), number=town.other.id_number, agree="yes")
    second = browser.client.cookies["puhui"]
    assert first != second
    old = town.browser()
    old.client.cookies.set("puhui", first)
    assert old.ask("/me").status == 303, "the token from before is worth nothing"
    browser.send(browser.open("/settings").form("/settings/close"))
    browser.client.cookies.set("puhui", second)
    assert browser.ask("/me").status == 303
