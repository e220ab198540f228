"""Receipts found by the numbers that people read aloud: by both ends, and at the desk."""

from __future__ import annotations

import re

from puhui.kernel.clock import business_date
from puhui.payment import statement
from tests.web.market import party_of
from tests.web.test_money import rich, walk
from tests.web.town import Town


def test_a_receipt_is_found_by_its_number(town: Town) -> None:
    """Read aloud in groups of four: found by both ends and at the desk, by nobody else."""
    browser = rich(town)
    other = town.customer(town.other)
    page = walk(browser, "pay", town.other.phone, "12.34")
    paid = browser.send(page.form("/pay/check"))
    number = re.search(r"[0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4}", paid.text)
    assert number is not None
    assert number[0] in browser.open("/money").text
    path = paid.url.removeprefix("http://testserver").split("?")[0]
    asked = f"/money/find?number={number[0].replace(' ', '+')}"
    for whose in (browser, other):
        assert whose.ask(asked).headers["location"] == path
    stranger = town.customer(town.spare).ask(asked)
    assert (stranger.status, "没有这个凭证号" in stranger.text) == (422, True)
    wrong = browser.ask("/money/find?number=1234")
    assert (wrong.status, "请逐位核对" in wrong.text) == (422, True)
    with town.node.read() as tx:
        lines = statement(
            tx, party_of(town, town.good.phone), "CNY", business_date(town.clock.now_us())
        )
    (came,) = [one for one in lines if one.kind == "deposit"][:1]
    found = browser.ask(f"/money/find?number={came.receipt}").headers["location"]
    assert found.endswith(f"#r{came.receipt}")
    assert f'id="r{came.receipt}"' in browser.open(found).text
    desk = town.staff("operator")
    search = desk.open("/desk/customers")
    shown = desk.send(search.form("/desk/customers"), q=number[0])
    assert "12.34 元" in shown.text
    assert shown.text.count("/desk/customer/party-") == 2


HEX = re.compile(r"[0-9a-f]{12,}")


def words_of(text: str) -> str:
    """What a person reads of a page, and not what stands in its addresses."""
    return re.sub(r"<[^>]+>", " ", text)


def test_an_application_and_its_loan_have_one_number_that_people_can_read_aloud(
    town: Town,
) -> None:
    browser = town.customer(town.good)
    offer = browser.send(browser.apply().form("/apply/check"))
    (number,) = re.findall(r'class="digits">([0-9 ]{19})<', offer.text)
    assert not HEX.search(words_of(offer.text))
    loan = town.sign(browser, offer)
    assert number in loan.text
    assert not HEX.search(words_of(loan.text))
    contract = browser.open(loan.link("/contract"))
    assert number in contract.text, "beside the text as it was signed"
    path = offer.url.removeprefix("http://testserver")
    asked = f"/money/find?number={number.replace(' ', '+')}"
    assert browser.ask(asked).headers["location"] == path
    assert town.customer(town.spare).ask(asked).status == 422
    desk = town.staff("operator")
    search = desk.open("/desk/customers")
    found = desk.send(search.form("/desk/customers"), q=number.replace(" ", "-"))
    case = f"/desk/case/{path.rpartition('/')[2]}"
    assert case in found.links
    assert number in desk.open(case).text
    assert number in desk.open(f"/desk/loan/{loan.url.rpartition('/')[2].split('?')[0]}").text


def test_a_loan_shows_the_receipts_that_the_wallet_shows(town: Town) -> None:
    """What was taken and what was paid back, on the loan, in the statement and at the desk."""
    browser = town.customer(town.good)
    loan = town.lend(browser)
    path = loan.url.removeprefix("http://testserver").split("?")[0]
    town.clock.set_us(town.clock.now_us() + 1_000_000)
    repay = browser.open(f"{path}/repay")
    browser.send(repay.form("/repay"), way="other", amount="100")
    shown = re.findall(r'<li id="r([0-9]{16})">', browser.open(path).text)
    assert len(shown) == len(set(shown)) == 2, "money taken and a repayment"
    statement_text = browser.open("/money").text
    stranger = town.customer(town.spare)
    desk = town.staff("operator")
    for number in shown:
        assert f'id="r{number}"' in statement_text
        grouped = f"{number[:4]} {number[4:8]} {number[8:12]} {number[12:]}"
        assert grouped in statement_text
        asked = f"/money/find?number={grouped.replace(' ', '+')}"
        assert browser.ask(asked).headers["location"] == f"{path}#r{number}"
        assert stranger.ask(asked).status == 422
        search = desk.open("/desk/customers")
        found = desk.send(search.form("/desk/customers"), q=grouped)
        assert f"/desk/loan/{path.rpartition('/')[2]}" in found.text
