"""A town in which somebody has not paid: the wallet is empty, and days are closed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from puhui.demo.desk.wallet import CLEARING
from puhui.demo.nouns import Person
from puhui.kernel.clock import business_date, time_us_of
from puhui.ledger import Transfer, chart
from puhui.lending.window import loans_of
from puhui.payment import wallet_account
from puhui.web.pages.money import balance_of
from puhui.worker import close_day
from tests.web.browser import Browser
from tests.web.market import act, party_of
from tests.web.town import Town


def at(town: Town, day: date, hour: int) -> None:
    """Put the clock to an hour in China."""
    town.clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T{hour:02}:00:00+08:00")))


def overdue(town: Town, days: int = 12) -> tuple[str, Browser]:
    """A loan whose first instalment is ``days`` overdue, at ten in the morning; its borrower."""
    browser = town.customer(town.good)
    town.lend(browser)
    party_id = party_of(town, town.good.phone)
    empty(town, party_id)
    with town.node.read() as tx:
        (loan,) = loans_of(tx, party_id)
    due = business_date(town.clock.now_us()) + timedelta(days=31)
    for day in (due, due + timedelta(days=days - 1)):
        at(town, day, 20)
        close_day(town.node, day)
    at(town, due + timedelta(days=days), 10)
    browser = town.browser()
    browser.log_in(town.good.phone)
    return loan.contract_id, browser


MONTHS = (date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 30), date(2026, 5, 31))
"""Days that are closed for an aged book: three ends of a month, and the first day of the second."""


def aged(town: Town, late: Person, prompt: Person | None = None) -> str:
    """A loan that was never paid on, and three months that were closed; the first day after is a
    Monday. ``prompt`` takes an offer up a month later and pays by itself. The number of the first
    loan.
    """
    town.lend(town.customer(late))
    party_id = party_of(town, late.phone)
    empty(town, party_id)
    if prompt is not None:
        browser = town.customer(prompt)
        offer = browser.send(browser.apply().form("/apply/check")).url
    for day in MONTHS:
        at(town, day, 20)
        if prompt is not None and day == MONTHS[1]:
            browser.log_in(prompt.phone)
            town.sign(browser, browser.open(offer))
        close_day(town.node, day)
    at(town, MONTHS[-1] + timedelta(days=1), 10)
    with town.node.read() as tx:
        (loan,) = loans_of(tx, party_id)
    return loan.contract_id


def empty(town: Town, party_id: str) -> None:
    """Take all the money out of a wallet."""
    with town.node.read() as tx:
        balance = balance_of(tx, party_id)
    if balance:
        codes = chart()
        sent = Transfer(
            Transfer.id_of(f"empty {party_id}"), wallet_account(party_id, "CNY"), CLEARING,
            balance, "CNY", codes.transfer("payment"),
        )  # fmt: skip
        (status,) = act(town, "ledger.create_transfers", {"transfers": (sent,)}).statuses
        assert status == "created", status
