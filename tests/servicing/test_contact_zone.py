"""Hours and days of contact are those of the house's zone, whatever a caller gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from puhui.kernel import Actor, Node, Refused
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


def test_hours_of_a_person_go_before_the_houses(
    book: Book, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Ürümqi it is two hours earlier: nine in the morning is seven there."""
    loan, day = late(book), DAY + timedelta(days=2)
    told = {"loan_id": loan, "person": "borrower", "channel": "call", "result": "reached"}
    with book.node.read() as tx:
        borrower = window.loan_row(tx, loan).party_id
    own = {"party_id": borrower, "zone": "Asia/Urumqi"}
    act(book, "servicing.set_contact_zone", **own)
    at(clock, day, 9)
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.quiet_hours"
    monkeypatch.setenv("PUHUI_CONTACT_ZONE", "Asia/Tokyo")
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.quiet_hours"
    at(clock, day, 23)
    for left in (5, 4):
        assert act(book, "servicing.record_contact", **told).left_today == left
    with book.node.read() as tx:
        assert {one.day for one in window.contacts_of(tx, loan)} == {day.isoformat()}
        assert window.contact_figures(tx, borrower).zone == "Asia/Urumqi"
        assert window.contact_figures().zone == "Asia/Tokyo"
    act(book, "servicing.set_contact_zone", party_id=borrower, zone="")
    with book.node.read() as tx:
        assert window.zone_of(tx, borrower) == ""
        assert window.contact_figures(tx, borrower).zone == "Asia/Tokyo"


def test_another_zone_gives_no_more_contacts(book: Book, clock: FixedClock) -> None:
    """Six a day are six within any day of whichever zone: who moves is not called twelve times."""
    loan, day = late(book), DAY + timedelta(days=2)
    told = {"loan_id": loan, "person": "borrower", "channel": "letter", "result": "reached"}
    with book.node.read() as tx:
        borrower = window.loan_row(tx, loan).party_id
    at(clock, day, 9)
    for _ in range(6):
        act(book, "servicing.record_contact", **told)
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles", "Asia/Urumqi"):
        act(book, "servicing.set_contact_zone", party_id=borrower, zone=zone)
        code = code_of(act, book, "servicing.record_contact", **told)
        assert code == "servicing.contacted_enough", zone


def test_whose_day_begins_later_is_not_called_twelve_times(book: Book, clock: FixedClock) -> None:
    """Six calls from eight to one in Shanghai; at eight in the evening it is seven or eight in the
    morning of the very same day in New York, where nobody was called yet.
    """
    loan, day = late(book), DAY + timedelta(days=2)
    told = {"loan_id": loan, "person": "borrower", "channel": "call", "result": "reached"}
    with book.node.read() as tx:
        borrower = window.loan_row(tx, loan).party_id
    for hour in range(8, 14):
        at(clock, day, hour)
        act(book, "servicing.record_contact", **told)
    act(book, "servicing.set_contact_zone", party_id=borrower, zone="America/New_York")
    at(clock, day, 21)
    assert code_of(act, book, "servicing.record_contact", **told) == "servicing.contacted_enough"
    at(clock, day + timedelta(days=1), 21)
    assert act(book, "servicing.record_contact", **told).left_today == 5


def test_who_says_in_whose_hours(book: Book) -> None:
    with book.node.read() as tx:
        row = window.loan_row(tx, late(book))
    told = {"party_id": row.party_id, "zone": "Asia/Urumqi"}
    for roles, name in (("collector", "kim"), ("loan_officer", "kim")):
        with pytest.raises(Refused, match=r"kernel\.role_missing"):
            book.node.act("servicing.set_contact_zone", told, key=roles,
                          actor=Actor(name, frozenset({roles})))  # fmt: skip
    with pytest.raises(Refused, match=r"party\.not_yours"):
        book.node.act("servicing.set_contact_zone", told, key="other",
                      actor=Actor("party-other", frozenset({"customer"})))  # fmt: skip
    own = Actor(row.party_id, frozenset({"customer"}))
    book.node.act("servicing.set_contact_zone", told, key="own", actor=own)
    with pytest.raises(Refused, match=r"servicing\.bad_zone"):
        book.node.act("servicing.set_contact_zone", told | {"zone": "../x"}, key="x", actor=own)
    with book.node.read() as tx:
        assert window.zone_of(tx, row.party_id) == "Asia/Urumqi"
