"""Contracts follow what servicing says of their loans at the end of a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from puhui.kernel.act import Act, use_case
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.lending import tables
from puhui.lending.desk.guarantee.stand import release_guarantors
from puhui.lending.desk.lend.contract import LOAN_HOLD, hand_over
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns.request import AgeLoans, LoansAged, TakenUp, TakeUp
from puhui.party import release_hold
from puhui.servicing import live

CHUNK = 8190
TAKE_UP = 500


@use_case("lending.take_up_loans", roles=("system", "operator"), batch="contract_ids")
def take_up_loans(act: Act, input: TakeUp) -> TakenUp:
    """Hand loans over to servicing that were paid out before it kept them by columns."""
    taken = 0
    before = act.today - timedelta(days=1)
    for contract_id in input.contract_ids:
        row = act.tx.one(tables.LOCK_CONTRACT, id=contract_id)
        if row is None or row.status not in ("current", "past_due"):
            continue
        if live.has_loan(act.tx, contract_id):
            continue
        product = load_product(row.product)
        hand_over(act, row, product=product, amount_minor=row.principal_minor, by=before)
        taken += 1
    return TakenUp(taken)


def take_up_chunks(node: Node, day: date) -> list[TakeUp]:
    """Nothing where servicing has every loan; else all that run, in chunks."""
    with node.read() as tx:
        counted = tx.one(tables.COUNT_LIVE_CONTRACTS)
        assert counted is not None
        if counted.contracts <= live.count_live(tx):
            return []
        ids = [row.id for row in tx.all(tables.READ_LIVE_CONTRACTS)]
    return [TakeUp(tuple(ids[at : at + TAKE_UP])) for at in range(0, len(ids), TAKE_UP)]


@use_case("lending.age_loans", roles=("system",))
def age_loans(act: Act, input: AgeLoans) -> LoansAged:
    """Bring contracts to what their loans owe after a day: days past due, arrears, status.

    A loan that becomes past due, or that was paid off by the day's debits, is told of once.
    """
    # Contracts are held first: a payment that comes meanwhile is in what is read after them.
    rows = act.tx.all(tables.READ_STATUSES, after=input.after, until=input.until)
    loans = live.changed_loans(act.tx, input.day, after=input.after, until=input.until)
    known = {row.id: row for row in rows}
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("id", "status", "repaid_minor", "outstanding_minor", "days_past_due",
                     "arrears_minor", "aged_on")
    }  # fmt: skip
    past_due = arrears = 0
    for loan in loans:
        row = known.get(loan.id)
        if row is None or row.status not in ("current", "past_due"):
            continue
        status = "past_due" if loan.days_past_due else "current"
        if loan.status == "paid_off":
            status = "paid_off"
        past_due += status == "past_due"
        arrears += loan.arrears_minor
        values = (
            loan.id, status, loan.principal_minor - loan.outstanding_minor, loan.outstanding_minor,
            loan.days_past_due, loan.arrears_minor, input.day.isoformat(),
        )  # fmt: skip
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
        _tell(act, row, loan, status)
    if columns["id"]:
        act.tx.set_many(tables.CONTRACT, "id", columns)
    return LoansAged(len(columns["id"]), past_due, arrears)


def _tell(act: Act, row: Row, loan: Row, status: str) -> None:
    if status == "past_due" and row.status != "past_due":
        payload = {"contract": row.id, "days_past_due": loan.days_past_due}
        act.emit("lending.became_past_due", row.party_id, payload)
    elif status == "paid_off":
        release_hold(act, row.party_id, reason=LOAN_HOLD, reference=row.id)
        release_guarantors(act, row.id)
        act.emit("lending.paid_off", row.party_id, {"contract": row.id})


def changed_chunks(node: Node, day: date) -> list[AgeLoans]:
    """The loans that servicing changed on a day, in chunks."""
    with node.read() as tx:
        spans = live.changed_ends(tx, day, CHUNK)
    return [AgeLoans(day, after, until) for after, until in spans]


day_step(250, "lending.take_up_loans", take_up_chunks)
day_step(350, "lending.age_loans", changed_chunks)
