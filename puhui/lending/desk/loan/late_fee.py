"""Late fees 逾期费: charged once for each instalment that is past due longer than its grace."""

from __future__ import annotations

from datetime import date, timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.lending import tables
from puhui.lending.desk.loan.contract import take_contract
from puhui.lending.desk.loan.happen import happen
from puhui.lending.desk.loan.repay import read_book
from puhui.lending.nouns import Happening, PlanEvent
from puhui.lending.nouns.ask_loan import ChargeLateFees, LateFeesCharged

CHUNK = 500
CHARGES = (Happening.LATE_FEE_CHARGED, Happening.PENALTY_CHARGED)
"""The kinds that a late fee was recorded as: the second by releases before the first was."""


@use_case("lending.charge_late_fees", roles=("system",), batch="contract_ids")
def charge_late_fees(act: Act, input: ChargeLateFees) -> LateFeesCharged:
    """Charge the late fee of their contracts to loans that are past due.

    An instalment bears it once: the charge names its due day, and one that was undone does not
    come again. It is nothing once a payment is recorded that came in time. Penalties that were
    charged, fees alone, bear none.
    """
    charged = total = 0
    for contract_id in input.contract_ids:
        row = take_contract(act, contract_id)
        if row.status != "past_due":
            continue
        book = read_book(act.tx, row)
        fee, last = book.plan.late_fee_minor, input.day - timedelta(days=book.plan.grace_days)
        done = {one.due_on for one in book.events if one.kind in CHARGES}
        late = [
            one.due_on
            for one in book.state(max(act.today, book.last_on)).rows
            if one.due_on < last
            and one.due_on not in done
            and one.principal_owed_minor + one.interest_owed_minor > 0
        ]
        for due_on in late if fee else ():
            happen(
                act, row, PlanEvent("", Happening.LATE_FEE_CHARGED, act.today, fee, due_on=due_on)
            )
            charged, total = charged + 1, total + fee
    return LateFeesCharged(charged, total)


def late_chunks(node: Node, day: date) -> list[ChargeLateFees]:
    """Past-due loans whose contracts have a late fee, in chunks."""
    with node.read() as tx:
        ids = [row.id for row in tx.all(tables.READ_LATE_FEES)]
    return [ChargeLateFees(day, tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


day_step(355, "lending.charge_late_fees", late_chunks)
