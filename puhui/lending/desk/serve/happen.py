"""What happens to a loan that runs, tried out or done, and what it costs."""

from __future__ import annotations

from puhui.kernel.act import Act
from puhui.kernel.store import Row
from puhui.lending.desk.serve.repay import update_contract
from puhui.lending.formats.approval import load_approval_figures
from puhui.lending.nouns import PlanEvent, PlanState
from puhui.lending.nouns.ask_loan import LoanChanged
from puhui.lending.rules.approval import cost_of, require_second
from puhui.lending.tables import proposal as tables
from puhui.servicing import live

DAY_US = 86_400_000_000


def change_checked(act: Act, row: Row, event: PlanEvent) -> tuple[int, PlanState]:
    """Let an event happen to a loan: its number, and the loan after it.

    In an act that only tries it out nothing is kept. What it costs stands in ``act.kept`` then;
    above what one officer decides alone it is refused, unless another has approved it, before
    anything has changed: a batch goes on after it. Small ones are summed by loan and kind.
    Refused: ``lending.needs_second`` and those of ``live.change_loan``.
    """
    book = live.read_book(act.tx, row.id)
    later = live.try_events(book, [event], act.today)
    before, after = book.state(act.today), later.state(act.today)
    undone = next((one for one in book.events if one.event_id == event.undoes), None)
    cost = act.kept["cost_minor"] = cost_of(event, before, after, undone)
    if act.kept.get("is_trial"):
        return len(book.events), after
    is_alone = not act.kept.get("is_approved") and act.name in load_approval_figures().alone_minor
    if is_alone:
        _check_alone(act, row, cost)
    changed = live.change_loan(act, row.id, event)
    if is_alone and cost:
        act.tx.put(
            tables.INSERT_COST,
            contract_id=row.id,
            number=changed.number,
            name=act.name,
            cost_minor=cost,
            made_by=act.actor,
            made_us=act.now_us,
        )
    update_contract(act, row, changed.after)
    return changed.number, changed.after


def _check_alone(act: Act, row: Row, cost_minor: int) -> None:
    """Whether one officer may do a change alone, with what was done so in the last days.

    It is summed by loan and kind, whoever did it.
    Refused: ``lending.needs_second``.
    """
    figures = load_approval_figures()
    since_us = act.now_us - figures.sum_days * DAY_US
    found = act.tx.one(tables.SUM_COSTS, contract_id=row.id, name=act.name, since_us=since_us)
    assert found is not None, row.id
    require_second(figures, act.name, cost_minor, int(found.minor))


def happen(act: Act, row: Row, event: PlanEvent) -> LoanChanged:
    """Let an event happen to a loan, keep the contract, and tell of it.

    Refused as ``change_checked``.
    """
    number, state = change_checked(act, row, event)
    if not act.kept.get("is_trial"):
        payload = {"contract": row.id, "kind": event.kind.value}
        act.emit("lending.loan_changed", row.party_id, payload)
    coming = next((one for one in state.rows if one.owed_minor > 0), None)
    return LoanChanged(
        row.id,
        number,
        state.outstanding_minor,
        state.owed_today_minor,
        state.credit_minor,
        state.status.value,
        None if coming is None else coming.due_on,
        0 if coming is None else coming.owed_minor,
    )
