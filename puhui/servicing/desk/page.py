"""What pages and reports show of loans that live: lists, files, sums, histories; all read only."""

from __future__ import annotations

from itertools import pairwise

from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.kernel.store.listing import filled, ordered
from puhui.ledger import account_history, chart
from puhui.payment import own_account, wallet_account
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.joint import joint_account
from puhui.servicing.desk.loan.post import loan_account
from puhui.servicing.desk.loan.purse import aside_account
from puhui.servicing.nouns.collect import LoanPosting
from puhui.servicing.tables import collect, live
from puhui.servicing.tables import view as tables

TAKERS_MAX = 200
POSTINGS_MAX = 1_000
OWN_NAMES = ("funding", "interest_income", "interest_receivable", "fee_income", "loan_loss",
             "loan_credit", "deferred_fee")  # fmt: skip


def list_arrears(
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
            ordered(tables.LIST_ARREARS, order, code="servicing.bad_order"), bucket=bucket,
            days_least=days_least, **told, **filled(product=product), skip=skip, count=count,
        )
    )  # fmt: skip


def sum_arrears(tx: Transaction) -> tuple[Row, ...]:
    """Loans with arrears by currency: how many, what is past due and what is outstanding."""
    return tuple(tx.all(tables.SUM_ARREARS))


def list_tasks(
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
    """A page of tasks of collectors with their loans; ``taken_by`` as for ``list_arrears``.

    Refused: ``servicing.bad_order``.
    """
    told = {"any_by": int(taken_by == ""), "by": taken_by or ""}
    return tuple(
        tx.all(
            ordered(tables.LIST_TASKS, order, code="servicing.bad_order"), **told,
            **filled(status=status, step=step, product=product), skip=skip, count=count,
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


def list_reliefs(
    tx: Transaction,
    *,
    status: str = "",
    reason_class: str = "",
    order: str = "asked",
    skip: int = 0,
    count: int = 50,
) -> tuple[Row, ...]:
    """A page of requests for relief with their loans, by state and class of reason.

    Refused: ``servicing.bad_order``.
    """
    statement = ordered(tables.LIST_RELIEFS, order, code="servicing.bad_order")
    words = filled(status=status, reason_class=reason_class)
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


def lenders_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """Who lends a part of a loan: share in millionths, principal left and what was passed on."""
    return tuple(tx.all(collect.READ_SHARES, loan_id=loan_id))


def postings_of(tx: Transaction, loan_id: str) -> tuple[LoanPosting, ...]:
    """What the ledger has of a loan and of its joint lenders' parts, oldest first, up to 1,000.

    Refused: ``servicing.no_loan``.
    """
    row = loan_row(tx, loan_id)
    lenders = [one.lender_id for one in lenders_of(tx, loan_id)]
    guarantors = [one.guarantor_id for one in guarantees_of(tx, loan_id)]
    names = {own_account(name, row.currency): name for name in OWN_NAMES}
    names[wallet_account(row.party_id, row.currency)] = "borrower"
    for party_id in lenders:
        names[wallet_account(party_id, row.currency)] = "lender"
        names[aside_account(party_id, row.currency).id] = "aside"
    for party_id in guarantors:
        names[wallet_account(party_id, row.currency)] = "guarantor"
    accounts = [(loan_account(loan_id), "loan")]
    accounts += [(joint_account(loan_id, one), "joint") for one in lenders]
    names |= dict(accounts)
    found = {
        one.position: LoanPosting(
            one.position,
            one.time_us,
            name if one.is_debit else names.get(one.other_account_id, "other"),
            names.get(one.other_account_id, "other") if one.is_debit else name,
            one.amount_minor,
            row.currency,
            chart().transfer_name(one.code),
        )
        for account, name in accounts
        for one in account_history(tx, account, count=POSTINGS_MAX)
    }
    return tuple(found[at] for at in sorted(found))


def provision_history(tx: Transaction, *, product: str = "") -> tuple[Row, ...]:
    """Provisions at the end of each month by currency, stage and class, the newest month first."""
    return tuple(tx.all(tables.SUM_PERIODS, **filled(product=product)))


def roll_periods(tx: Transaction) -> tuple[str, ...]:
    """The months, like 2026-11, at whose end moves between buckets were kept, newest first."""
    return tuple(row.period for row in tx.all(tables.ROLL_PERIODS))


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
    return tuple(tx.all(live.SUM_ROLLS, period=period, **filled(product=product)))


def class_moves(tx: Transaction, period: str, *, product: str = "") -> tuple[Row, ...]:
    """How loans moved between the five classes since the end of the month before ``period``."""
    return tuple(tx.all(live.SUM_CLASS_MOVES, period=period, **filled(product=product)))


def bucket_names() -> tuple[str, ...]:
    """What each bucket is called by its days: ``0``, ``1-2``, ``3-29`` and on."""
    firsts = risk_figures().buckets
    spans = [f"{a}-{b - 1}" for a, b in pairwise(firsts)]
    return ("0", *spans, f"{firsts[-1]}+")


def contacts_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """Who was spoken to about a loan, the newest first, up to 100."""
    return tuple(tx.all(collect.READ_CONTACTS, loan_id=loan_id, count=100))


def promises_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """Promises to pay of a loan, the newest first."""
    return tuple(tx.all(collect.READ_PROMISES, loan_id=loan_id))


def pledges_of(tx: Transaction, loan_id: str) -> tuple[Row, ...]:
    """What is or was pledged for a loan."""
    return tuple(tx.all(collect.READ_PLEDGES, loan_id=loan_id))
