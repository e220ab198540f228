"""How far somebody with a phone has to go: taps and figures to type for what is done most.

A tap is a link that is followed, a button that is pressed or one of several that is chosen; typing
into a field is a figure. Counted from one's own first page, by forms and links that stand there.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.web.browser import Browser, Page
from tests.web.market import open_shop, open_wallet, party_of, top_up
from tests.web.overdue import overdue
from tests.web.town import Town


@dataclass
class Thumb:
    """Somebody's thumb on somebody's page."""

    browser: Browser
    page: Page
    taps: int = 0
    typed: int = 0

    def follow(self, part: str) -> Thumb:
        """Follow the first link with these letters in its address."""
        self.page = self.browser.open(self.page.link(part))
        self.taps += 1
        return self

    def send(self, ending: str, *, chosen: int = 0, **typed: str) -> Thumb:
        """Fill a form in, ``chosen`` of its fields by a tap each, and press its button."""
        having = {name: typed.pop(name) for name in ("way",) if name in typed}
        form = self.page.form(ending, **having)
        self.page = self.browser.send(form, **typed)
        assert self.page.status == 200, self.page.text
        self.taps += 1 + chosen
        self.typed += len(typed) - chosen
        return self


def thumb(browser: Browser) -> Thumb:
    """A thumb on somebody's own first page."""
    return Thumb(browser, browser.open("/me"))


def test_a_shop_is_paid_in_four_taps(town: Town) -> None:
    browser = town.customer(town.good)
    top_up(town, party_of(town, town.good.phone), 100_000)
    town.customer(town.other)
    digits = open_shop(town, party_of(town, town.other.phone))
    way = thumb(browser).follow("/scan").send("/scan", code=digits)
    way.send(f"/scan/{digits}", amount="12.50").send(f"/scan/{digits}")
    assert "付款成功" in way.page.text
    assert (way.taps, way.typed) == (4, 2)


def test_a_neighbour_is_paid_in_five_taps(town: Town) -> None:
    browser = town.customer(town.good)
    top_up(town, party_of(town, town.good.phone), 100_000)
    town.customer(town.other)
    open_wallet(town, party_of(town, town.other.phone))
    way = thumb(browser).follow("/wallet").follow("/pay?new=1")
    way.send("/pay", who=town.other.phone).send("/amount", amount="50").send("/pay/check")
    assert "付款成功" in way.page.text
    assert (way.taps, way.typed) == (5, 2)


def test_an_instalment_is_paid_in_two_taps_and_seen_in_none(town: Town) -> None:
    browser = town.customer(town.good)
    town.lend(browser)
    way = thumb(browser)
    assert "下次要还，2026年4月2日到期" in way.page.text
    assert "1,735.61 元" in way.page.text
    assert "还欠本金 20,000.00 元" in way.page.text
    way.follow("/repay").send("/repay", way="next")
    assert "还款成功" in way.page.text
    assert (way.taps, way.typed) == (2, 0)


def test_a_loan_is_asked_for_and_taken_in_fourteen_taps(town: Town) -> None:
    way = thumb(town.customer(town.good)).follow("/apply").send("/amount", amount="20000")
    way.send("/plan", chosen=2, months="12", use="stock")
    way.send("/income", chosen=1, income="90000", debt="0", overdue="no")
    way.send("/consent", chosen=1, agree="yes").send("/apply/check")
    way.follow("/contract").send("/contract", chosen=1, agree="yes").send("/take")
    assert "已进入您的钱包" in way.page.text
    assert (way.taps, way.typed) == (14, 3)


def test_whoever_cannot_pay_asks_for_relief_in_five_taps(town: Town) -> None:
    _, browser = overdue(town)
    way = thumb(browser)
    assert "已逾期 12 天" in way.page.text
    way.follow("/relief").send("/relief", chosen=2, reason="illness", choice="pause_60")
    way.send("/relief")
    assert "申请已收到" in way.page.text
    assert (way.taps, way.typed) == (5, 0)


def test_one_lets_oneself_owe_no_more_in_two_taps(town: Town) -> None:
    browser = town.customer(town.good)
    town.lend(browser)
    way = thumb(browser).follow("/credit").send("/credit/lower", way="now")
    assert "20,000.00 元" in way.page.text
    assert (way.taps, way.typed) == (2, 0)


def test_a_consent_is_taken_back_in_two_taps_and_its_price_is_told_before(town: Town) -> None:
    browser = town.customer(town.good)
    town.lend(browser)
    way = thumb(browser).follow("/consents")
    assert "已经签的合同不变" in way.page.text
    way.send("/revoke")
    assert "已撤回" in way.page.text
    assert (way.taps, way.typed) == (2, 0)


def test_what_is_overdue_is_the_same_on_every_page(town: Town) -> None:
    """As of today, and not as of the last close."""
    loan, browser = overdue(town)
    for path in ("/me", "/credit", f"/loan/{loan}", f"/loan/{loan}/repay"):
        assert "已逾期 12 天" in browser.open(path).text, path
