"""What staff and borrowers look at beside single figures: lists, files of loans, histories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.servicing.tables import live
from puhui.servicing.tables import view as tables

TAKERS_MAX = 200


def _filters(**words: str) -> dict[str, Any]:
    """Bind values of the filters of a list: an empty word takes every row."""
    found: dict[str, Any] = {}
    for name, word in words.items():
        found[name] = word
        found[f"any_{name}"] = int(not word)
    return found


def _ordered(statements: Mapping[str, Any], order: str) -> Any:
    """The statement of an order. Refused: ``servicing.bad_order``."""
    found = statements.get(order)
    if found is None:
        raise Refused("servicing.bad_order", f"A list is not sorted by {order[:40]!r}.")
    return found


def page_arrears(
    tx: Transaction,
    *,
    product: str = "",
    bucket: int = -1,
    days_least: int = 0,
    taken_by: str | None = "",
    order: str = "-days",
    skip: int = 0,
    count: int = 50,
) -> tuple[Row, ...]:
    """A page of loans with arrears, with the list and the collector of their open task.

    ``bucket`` below nought takes every one; ``taken_by`` "" every collector's and nobody's, None
    those that nobody took. Refused: ``servicing.bad_order``.
    """
    told = {"any_by": int(taken_by == ""), "by": taken_by or ""}
    return tuple(
        tx.all(
            _ordered(tables.LIST_ARREARS, order), bucket=bucket, days_least=days_least, **told,
            **_filters(product=product), skip=skip, count=count,
        )
    )  # fmt: skip


def sum_arrears(tx: Transaction) -> tuple[Row, ...]:
    """Loans with arrears by currency: how many, what is past due and what is outstanding."""
    return tuple(tx.all(tables.SUM_ARREARS))


def page_tasks(
    tx: Transaction,
    *,
    status: str = "open",
    step: str = "",
    product: str = "",
    taken_by: str | None = "",
    order: str = "-days",
    skip: int = 0,
    count: int = 50,
) -> tuple[Row, ...]:
    """A page of tasks of collectors with their loans; ``taken_by`` as for ``page_arrears``.

    Refused: ``servicing.bad_order``.
    """
    told = {"any_by": int(taken_by == ""), "by": taken_by or ""}
    return tuple(
        tx.all(
            _ordered(tables.LIST_TASKS, order), **told,
            **_filters(status=status, step=step, product=product), skip=skip, count=count,
        )
    )  # fmt: skip


def count_tasks(tx: Transaction) -> tuple[Row, ...]:
    """Open tasks by work list: ``step``, ``tasks`` and what is past due, ``minor``."""
    return tuple(tx.all(tables.COUNT_TASKS))


def task_takers(tx: Transaction) -> tuple[str, ...]:
    """Who has open tasks, up to 200."""
    return tuple(row.taken_by for row in tx.all(tables.LIST_TAKERS, count=TAKERS_MAX))


def task_of(tx: Transaction, loan_id: str) -> Row | None:
    """The task of a loan, open or closed; None where there never was one."""
    return tx.one(tables.READ_TASK, loan_id=loan_id)


def loan_row(tx: Transaction, loan_id: str) -> Row:
    """A loan as its columns stand. Refused: ``servicing.no_loan``."""
    row = tx.one(live.READ_LOAN, id=loan_id)
    if row is None:
        raise Refused("servicing.no_loan", f"There is no loan {loan_id[:60]}.")
    return row


def page_reliefs(
    tx: Transaction,
    *,
    status: str = "",
    reason: str = "",
    order: str = "asked",
    skip: int = 0,
    count: int = 50,
) -> tuple[Row, ...]:
    """A page of requests for relief with their loans. Refused: ``servicing.bad_order``."""
    statement = _ordered(tables.LIST_RELIEFS, order)
    words = _filters(status=status, reason=reason)
    return tuple(tx.all(statement, **words, skip=skip, count=count))


def reliefs_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """Requests for relief of a loan, the newest first."""
    return tuple(tx.all(tables.READ_RELIEFS, loan_id=loan_id))


def relief_row(tx: Transaction, relief_id: str) -> Row:
    """One request for relief. Refused: ``servicing.no_relief``."""
    row = tx.one(tables.READ_RELIEF, id=relief_id)
    if row is None:
        raise Refused("servicing.no_relief", f"There is no request {relief_id[:60]}.")
    return row


def guarantees_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """Who stands for a loan, for which share in millionths, and what was called."""
    return tuple(tx.all(tables.READ_GUARANTEES, loan_id=loan_id))


def provision_history(tx: Transaction, *, product: str = "") -> tuple[Row, ...]:
    """Provisions at the end of each month by currency, stage and class, the newest month first."""
    return tuple(tx.all(tables.SUM_PERIODS, **_filters(product=product)))


def roll_periods(tx: Transaction) -> tuple[str, ...]:
    """The months, like 2026-11, at whose end moves between buckets were kept, newest first."""
    return tuple(row.period for row in tx.all(tables.ROLL_PERIODS))
