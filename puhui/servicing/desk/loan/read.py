"""Loans in servicing as others read them: whether, which, how far they are, what happened."""

from __future__ import annotations

from datetime import date

from puhui.kernel.store import Row, Transaction
from puhui.servicing.tables import live as tables


def has_loan(tx: Transaction, loan_id: str) -> bool:
    """Whether a loan is in servicing."""
    return tx.one(tables.READ_LOAN, id=loan_id) is not None


def events_of(tx: Transaction, loan_id: str) -> list[Row]:
    """What happened to a loan, in order: ``number``, ``kind``, ``day``, ``amount_minor``,
    ``undoes``, ``payer_id``, ``details`` and ``act_key``."""
    return tx.all(tables.READ_EVENTS, loan_id=loan_id)


def loans_of_act(tx: Transaction, act_key: str, *, after: str, until: str) -> list[str]:
    """The loans with ids past ``after`` up to ``until`` to which an act let something happen."""
    told = {"act_key": act_key, "after": after, "until": until}
    return list(dict.fromkeys(row.loan_id for row in tx.all(tables.READ_LOANS_OF_ACT, **told)))


def count_live(tx: Transaction) -> int:
    """How many loans live."""
    row = tx.one(tables.COUNT_LIVE)
    assert row is not None
    return int(row.loans)


def closed_through(tx: Transaction) -> date | None:
    """The last day that was closed over every loan that lives; None where none lives."""
    row = tx.one(tables.LEAST_CLOSED)
    return None if row is None or row.day is None else date.fromordinal(row.day)


def changed_ends(tx: Transaction, day: date, size: int) -> list[tuple[str, str]]:
    """The loans changed on a day, as spans of ids of at most ``size`` loans: (after, until)."""
    number = day.toordinal()
    last = tx.one(tables.CHANGED_LAST, day=number)
    spans: list[tuple[str, str]] = []
    after = ""
    while last is not None and last.id is not None and after < last.id:
        end = tx.one(tables.CHANGED_END, after=after, day=number, skip=size - 1)
        until = last.id if end is None else end.id
        spans.append((after, until))
        after = until
    return spans


def changed_loans(tx: Transaction, day: date, *, after: str, until: str) -> list[Row]:
    """Loans changed on a day past the id ``after`` up to ``until``."""
    return tx.all(tables.CHANGED, day=day.toordinal(), after=after, until=until)
