"""Hours and days of contact are those of the house's zone, whatever a caller gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock
from puhui.servicing import window
from puhui.worker import close_day
from tests.servicing.book import Book
from tests.servicing.templates import make_templates
from tests.servicing.test_collect import DAY, act, at, code_of, late


@pytest.fixture
def book(store_url: str, open_at: Callable[..., Node], clock: FixedClock, operator: Actor) -> Book:
    """Loans after the end of a month, some of them late."""
    found = Book(open_at(store_url), DAY, make_templates(DAY, ages=12, offsets=10))
    found.load(120, with_events=True)
    at(clock, DAY + timedelta(days=1), 20)
    close_day(found.node, DAY + timedelta(days=1))
    found.operator, found.keys = operator, iter(range(10_000))
    return found


def test_hours_and_days_of_contact_are_the_houses(
    book: Book, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Berlin is six hours behind China in summer: what is early there is late here."""
    loan, day = late(book), DAY + timedelta(days=2)
    told = {"loan_id": loan, "person": "borrower", "channel": "call", "result": "reached"}
    at(clock, day, 9)
    act(book, "servicing.record_contact", **told)
    monkeypatch.setenv("PUHUI_CONTACT_ZONE", "Europe/Berlin")
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.quiet_hours"
    given = told | {"zone": "Asia/Shanghai"}
    assert code_of(act, book, "servicing.record_contact", **given) == "servicing.quiet_hours", (
        "a caller does not choose the zone"
    )
    at(clock, day + timedelta(days=1), 1)
    assert act(book, "servicing.record_contact", **told).left_today == 4, "still the day before"
    with book.node.read() as tx:
        assert {one.day for one in window.contacts_of(tx, loan)} == {day.isoformat()}
    monkeypatch.setenv("PUHUI_CONTACT_ZONE", "Middle/Earth")
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.bad_zone"
    monkeypatch.setenv("PUHUI_CONTACT_ZONE", "../../etc/passwd")
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.bad_zone"
