"""Tasks that are finished, requests that are taken back, and what pages list, on both stores."""

from __future__ import annotations

from datetime import timedelta

import pytest

from puhui.kernel.clock import FixedClock
from puhui.kernel.errors import Refused
from puhui.servicing import window
from puhui.worker import close_day
from tests.servicing.book import Book
from tests.servicing.test_collect import DAY, act, at, book, code_of, late

__all__ = ["book"]


def test_a_task_is_finished_by_its_owner_after_a_contact(book: Book, clock: FixedClock) -> None:
    loan, day = late(book), DAY + timedelta(days=2)
    at(clock, day, 10)
    key = {"loan_id": loan}
    nobody = code_of(act, book, "servicing.finish_task", "ann", **key)
    assert nobody == "servicing.task_not_yours"
    act(book, "servicing.take_task", "ann", **key)
    assert code_of(act, book, "servicing.finish_task", "bob", **key) == "servicing.task_not_yours"
    assert code_of(act, book, "servicing.finish_task", "ann", **key) == "servicing.not_contacted"
    told = {**key, "person": "borrower", "channel": "call", "result": "reached"}
    act(book, "servicing.record_contact", "ann", **told)
    assert act(book, "servicing.finish_task", "ann", **key).loan_id == loan
    assert code_of(act, book, "servicing.finish_task", "ann", **key) == "servicing.no_task"
    with book.node.read() as tx:
        task = window.task_of(tx, loan)
        assert task is not None and (task.status, task.taken_by) == ("closed", "")
        assert loan in [row.loan_id for row in window.list_tasks(tx, status="closed")]
        assert window.task_takers(tx) == ()
    at(clock, day, 20)
    close_day(book.node, day)
    with book.node.read() as tx:
        again = window.task_of(tx, loan)
    assert again is not None and again.status == "open", "arrears stand, so it is to do again"


def test_a_contact_of_today_is_one_wherever_the_person_lives(book: Book, clock: FixedClock) -> None:
    """Two in the night in Shanghai is the morning before in New York: the task is done all the
    same.
    """
    loan, day = late(book), DAY + timedelta(days=2)
    with book.node.read() as tx:
        borrower = window.loan_row(tx, loan).party_id
    act(book, "servicing.set_contact_zone", party_id=borrower, zone="America/New_York")
    at(clock, day, 2)
    told = {"loan_id": loan, "person": "borrower", "channel": "call", "result": "reached"}
    act(book, "servicing.take_task", "ann", loan_id=loan)
    act(book, "servicing.record_contact", "ann", **told)
    with book.node.read() as tx:
        (one,) = window.contacts_of(tx, loan)
    assert one.day == (day - timedelta(days=1)).isoformat()
    assert act(book, "servicing.finish_task", "ann", loan_id=loan).loan_id == loan


def test_a_request_is_taken_back_before_it_is_decided(book: Book) -> None:
    loan = late(book, stage=1)
    asked = {"loan_id": loan, "reason": "disaster", "days": 90}
    relief = act(book, "servicing.ask_relief", **asked).relief_id
    assert act(book, "servicing.withdraw_relief", relief_id=relief).status == "withdrawn"
    again = code_of(act, book, "servicing.withdraw_relief", relief_id=relief)
    assert again == "servicing.relief_decided"
    none = code_of(act, book, "servicing.withdraw_relief", relief_id="x")
    assert none == "servicing.no_relief"
    second = act(book, "servicing.ask_relief", **asked).relief_id
    with book.node.read() as tx:
        assert [row.status for row in window.reliefs_of(tx, loan)].count("withdrawn") == 1
        assert window.relief_row(tx, second).status == "asked"
        assert [row.id for row in window.list_reliefs(tx, status="asked")] == [second]
        assert window.list_reliefs(tx, status="granted") == ()
        assert {row.id for row in window.list_reliefs(tx, order="-days")} == {relief, second}
        for call in (window.relief_row, window.loan_row):
            with pytest.raises(Refused):
                call(tx, "nobody")


def test_pages_of_arrears_and_tasks_agree(book: Book) -> None:
    with book.node.read() as tx:
        rows = window.list_arrears(tx, count=500)
        assert all(row.step for row in rows), "every loan past due has a task"
        (sums,) = window.sum_arrears(tx)
        assert sums.arrears_minor == sum(row.arrears_minor for row in rows)
        assert sum(row.tasks for row in window.count_tasks(tx)) == len(rows) == sums.loans
        days = [row.days_past_due for row in window.list_arrears(tx, order="days", count=500)]
        assert days == sorted(days)
        first = rows[0]
        named = window.list_arrears(tx, product=first.product, bucket=first.bucket, days_least=1)
        assert first.id in {row.id for row in named}
        assert window.list_arrears(tx, taken_by="somebody") == ()
        assert len(window.list_arrears(tx, taken_by=None, count=500)) == len(rows)
        assert window.loan_row(tx, first.id).arrears_minor == first.arrears_minor
        assert window.guarantees_of(tx, first.id) == ()
        for call in (window.list_arrears, window.list_tasks, window.list_reliefs):
            with pytest.raises(Refused, match="sorted"):
                call(tx, order="colour")


def test_months_are_listed(book: Book) -> None:
    with book.node.read() as tx:
        assert window.roll_periods(tx) == ("2026-03",)
        history = window.provision_history(tx)
        now = window.provisions_of(tx, "2026-03")
        assert sum(row.posted_minor for row in history) == sum(row.posted_minor for row in now)
        one = window.provision_history(tx, product=now[0].product)
        assert 0 < sum(row.loans for row in one) < sum(row.loans for row in history)
    assert window.relief.REASONS and window.contact_figures().a_day > 0


def test_vintages_are_followed_from_month_to_month(book: Book) -> None:
    with book.node.read() as tx:
        points = window.vintage_curves(tx, bucket=1)
        assert all(isinstance(one, window.VintagePoint) for one in points)
        assert {one.period for one in points} == {"2026-03"}
        assert sum(one.loans for one in points) == 120
        assert sum(one.late for one in points) == len(window.list_arrears(tx, count=500))
        assert all(0 <= one.share <= 1 and one.age >= 0 for one in points)
        worse = window.vintage_curves(tx, bucket=5)
        assert sum(one.late for one in worse) < sum(one.late for one in points)
        name = window.list_arrears(tx)[0].product
        part = window.vintage_curves(tx, bucket=1, product=name)
        assert 0 < sum(one.loans for one in part) < 120
