"""Terms on the forms of an application: instalments in words, a due day, a bank's own product."""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.lending.formats import shelf
from puhui.lending.window import applications_of, contract_row, loans_of
from puhui.score import champion
from tests.lending.test_own_product import NAME, text_of
from tests.lending.test_terms import kept, own, share  # noqa: F401
from tests.web.browser import Browser, Page
from tests.web.market import act, party_of
from tests.web.town import PRODUCT, Town

FEE = f'\n[[fee]]\nkind = "up_front"\nshare = {share("0.01")}\n'


@pytest.fixture
def bakers(town: Town, own: None, tmp_path: Path) -> Town:  # noqa: F811
    """A town whose bank lends a product of its own, by the model of another."""
    home = tmp_path / "bakers"
    kept(home, NAME, text_of("modified_next") + FEE)
    shelf.add_products(home)
    with town.node.read() as tx:
        digest = champion(tx, PRODUCT)
    act(town, "score.register_model", {"name": NAME, "digest": digest})
    return town


def begun(town: Town, product: str) -> tuple[Browser, Page]:
    """Somebody at the step of the term of a product."""
    browser = town.customer(town.good)
    page = browser.open(f"/apply?product={product}")
    return browser, browser.send(page.form("/apply/amount"), amount="12000")


def test_weeks_are_told_as_weeks(town: Town) -> None:
    _, page = begun(town, "stall_weekly")
    assert "多久还一次" in page.text and "每周" in page.text
    assert "13 期" not in page.text, "how many follows from how often"
    assert "每月还同样的金额" not in page.text
    assert "每月几号还款" not in page.text, "weeks have no day of the month"


def test_how_often_is_paid_is_chosen_and_seen_before_signing(town: Town) -> None:
    """Fortnights do not fill three months; over six there are thirteen, told in the contract."""
    with town.node.read() as tx:
        digest = champion(tx, PRODUCT)
    act(town, "score.register_model", {"name": "stall_weekly", "digest": digest})
    browser, page = begun(town, "stall_weekly")
    page = browser.send(page.form("/apply/plan"), months="3", use="stock")
    assert page.status == 422 and "请选择多久还一次" in page.text
    page = browser.send(page.form("/apply/plan"), months="3", use="stock", rhythm="fortnight")
    assert page.status == 422 and "请选 6、12 个月" in page.text
    page = browser.send(page.form("/apply/plan"), months="6", use="stock", rhythm="fortnight")
    told = {"income": "200000", "debt": "0", "overdue": "no"}
    page = browser.send(page.form("/apply/income"), **told)
    page = browser.send(page.form("/apply/consent"), agree="yes")
    assert "每两周" in page.text and "6 个月，共 13 期" in page.text
    page = browser.send(page.form("/apply/check"))
    with town.node.read() as tx:
        (row,) = applications_of(tx, party_of(town, town.good.phone))
    assert (row.status, row.rhythm) == ("offered", "fortnight"), page.text
    page = browser.open(page.link("/contract"))
    assert "13" in page.text and "每 2 周" in page.text


def test_days_on_which_banks_close_are_told_of(town: Town) -> None:
    _, page = begun(town, "crop_season")
    assert "到期一次还本付息" in page.text
    assert "银行休息日" in page.text


def test_a_bank_lends_its_own_product_on_a_chosen_day(bakers: Town) -> None:
    browser, page = begun(bakers, NAME)
    assert "跨月的提前" in page.text
    for wrong in ("29", "0", "x"):
        page = browser.send(page.form("/apply/plan"), months="12", use="stock", due_day=wrong)
        assert page.status == 422 and "1 到 28" in page.text
        assert page.form("/apply/plan").fields["due_day"] == wrong, "what was typed stays"
    page = browser.send(page.form("/apply/plan"), months="12", use="stock", due_day="20")
    told = {"income": "200000", "debt": "0", "overdue": "no"}
    page = browser.send(page.form("/apply/income"), **told)
    page = browser.send(page.form("/apply/consent"), agree="yes")
    assert "每月 20 日" in page.text
    page = browser.send(page.form("/apply/check"))
    with bakers.node.read() as tx:
        (row,) = applications_of(tx, party_of(bakers, bakers.good.phone))
    assert row.status == "offered", page.text
    page = browser.open(page.link("/contract"))
    assert "每月 20 日还款" in page.text and "跨月的提前" in page.text
    assert "放假" in page.text, "not all holidays of the term are published"
    page = browser.send(page.form("/contract"), agree="yes")
    page = browser.send(page.form("/take"), amount="5000")
    assert "跨月的提前" in page.text and "放假" in page.text
    with bakers.node.read() as tx:
        (loan,) = loans_of(tx, party_of(bakers, bakers.good.phone))
        contract = contract_row(tx, loan.contract_id)
    assert contract.product == NAME
    officer = bakers.staff("loan_officer").open(f"/desk/loan/{loan.contract_id}")
    assert "跨月的提前" in officer.text and "放假" in officer.text
    left = officer.text.split("待摊手续费", 1)[1][:200]
    assert left.count("120.00") == 2, "1 % of 12,000.00, none of it earned yet"
