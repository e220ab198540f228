"""What pages and reports show of loans that live; nothing here changes anything."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import pairwise

from puhui.kernel.store import Row, Transaction
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.tables import collect, live


def list_arrears(
    tx: Transaction, *, product: str = "", bucket: int = -1, skip: int = 0, count: int = 50
) -> tuple[Row, ...]:
    """A page of loans with arrears, the oldest first; ``bucket`` below nought takes every one."""
    return tuple(
        tx.all(
            live.LIST_ARREARS, product=product, any_product=int(not product), bucket=bucket,
            skip=skip, count=count,
        )
    )  # fmt: skip


def class_table(tx: Transaction) -> tuple[Row, ...]:
    """Loans, balances, arrears and losses in minor units by product, class and stage."""
    return tuple(tx.all(live.SUM_BY_CLASS))


def bucket_table(tx: Transaction) -> tuple[Row, ...]:
    """Loans, balances and arrears in minor units by product and bucket."""
    return tuple(tx.all(live.SUM_BY_BUCKET))


def provisions_of(tx: Transaction, period: str) -> tuple[Row, ...]:
    """What was provided for at the end of a month like 2026-11, by product, stage and class."""
    return tuple(tx.all(live.SUM_PROVISIONS, period=period))


def roll_rates(tx: Transaction, period: str, *, product: str = "") -> tuple[Row, ...]:
    """How loans moved between buckets (迁徙率) since the end of the month before ``period``."""
    return tuple(
        tx.all(live.SUM_ROLLS, period=period, product=product, any_product=int(not product))
    )


def vintages(tx: Transaction, *, product: str = "") -> dict[str, dict[int, tuple[int, int, int]]]:
    """By month of opening (账龄) and bucket: loans, principal lent and left in minor units."""
    found: dict[str, dict[int, tuple[int, int, int]]] = defaultdict(dict)
    for row in tx.all(live.SUM_VINTAGES):
        if product and row.product != product:
            continue
        month = f"{date.fromordinal(row.opened_on):%Y-%m}"
        loans, lent, left = found[month].get(row.bucket, (0, 0, 0))
        found[month][row.bucket] = (
            loans + row.loans, lent + row.principal_minor, left + row.outstanding_minor,
        )  # fmt: skip
    return {month: dict(sorted(found[month].items())) for month in sorted(found)}


def bucket_names() -> tuple[str, ...]:
    """What each bucket is called by its days: ``0``, ``1-2``, ``3-29`` and on."""
    firsts = risk_figures().buckets
    spans = [f"{a}-{b - 1}" for a, b in pairwise(firsts)]
    return ("0", *spans, f"{firsts[-1]}+")


def list_tasks(
    tx: Transaction, *, step: str = "", taken_by: str = "", skip: int = 0, count: int = 50
) -> tuple[Row, ...]:
    """A page of open tasks of collectors, the oldest arrears first."""
    return tuple(
        tx.all(
            collect.LIST_TASKS, step=step, any_step=int(not step), by=taken_by,
            any_by=int(not taken_by), skip=skip, count=count,
        )
    )  # fmt: skip


def contacts_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """Who was spoken to about a loan, the newest first, up to 100."""
    return tuple(tx.all(collect.READ_CONTACTS, loan_id=loan_id, count=100))


def promises_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """Promises to pay of a loan, the newest first."""
    return tuple(tx.all(collect.READ_PROMISES, loan_id=loan_id))


def pledges_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """What is or was pledged for a loan."""
    return tuple(tx.all(collect.READ_PLEDGES, loan_id=loan_id))
