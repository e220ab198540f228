"""What happens to a loan that runs, tried out or done, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.kernel.act import Act
from puhui.kernel.store import Row
from puhui.lending import tables as lending_tables
from puhui.lending.desk.loan.repay import update_contract
from puhui.lending.formats.approval import load_approval_figures
from puhui.lending.nouns import Happening, PlanEvent, PlanState
from puhui.lending.nouns.ask_loan import LoanChanged
from puhui.lending.rules.approval import cost_of, require_second
from puhui.lending.tables import proposal as tables
from puhui.servicing import live, security

DAY_US = 86_400_000_000


NAMES = {
    Happening.WAIVED: "lending.waive",
    Happening.RESCHEDULED: "lending.reschedule",
    Happening.RATE_CHANGED: "lending.change_rate",
    Happening.DUE_DAY_MOVED: "lending.move_due_day",
}
"""What each kind of change that an agreement may hold is called where it is done by itself."""


def change_checked(act: Act, row: Row, *events: PlanEvent) -> tuple[int, PlanState]:
    """Let events happen to a loan: the number of the last, and the loan after them.

    In an act that only tries it out nothing is kept. What it costs, all events together, stands in
    ``act.kept`` then; above what one officer decides alone it is refused, unless another has
    approved it, before anything has changed: a batch goes on after it. Small ones are summed for
    the borrower, those of an agreement under the kind that each of them is. To undo what somebody
    has done alone costs nothing, and what it cost counts no more. Where more is owed by it, what
    is pledged is held against that.
    Refused: ``lending.needs_second`` and those of ``live.change_loan``.
    """
    book = live.read_book(act.tx, row.id)
    names = [NAMES.get(one.kind, act.name) for one in events]
    before, costs = book.state(act.today), []
    for number, event in enumerate(events, start=1):
        after = live.try_events(book, events[:number], act.today).state(act.today)
        undone = None
        if event.kind is Happening.UNDONE:
            undone = next((one for one in book.events if one.event_id == event.undoes), None)
        is_corrected = undone is not None and _was_alone(act, row, undone)
        costs.append(0 if is_corrected else cost_of(event, before, after, undone))
        before = after
    act.kept["cost_minor"] = sum(costs)
    if act.kept.get("is_trial"):
        return len(book.events) + len(events) - 1, before
    is_alone = not act.kept.get("is_approved") and act.name in load_approval_figures().alone_minor
    if is_alone:
        _check_alone(act, row, list(zip(names, costs, strict=True)))
    changed = live.change_loan(act, row.id, *events)
    if changed.after.outstanding_minor > changed.before.outstanding_minor:
        security.cover_loan(act, row.id)
    first = changed.number - len(events) + 1
    for number, (name, cost) in enumerate(zip(names, costs, strict=True), start=first):
        if is_alone and cost:
            act.tx.put(
                tables.INSERT_COST,
                contract_id=row.id,
                number=number,
                name=name,
                cost_minor=cost,
                made_by=act.actor,
                made_us=act.now_us,
            )
    for event in events:
        if event.kind is Happening.UNDONE:
            act.tx.put(tables.CLEAR_COST, contract_id_=row.id, number_=int(event.undoes))
    update_contract(act, row, changed.after)
    return changed.number, changed.after


def _since_us(act: Act) -> int:
    """From when on what was done alone is summed."""
    return act.now_us - load_approval_figures().sum_days * DAY_US


def _was_alone(act: Act, row: Row, event: PlanEvent) -> bool:
    """Whether one officer did this alone, in the days that are summed."""
    told = {"contract_id": row.id, "number": int(event.event_id), "since_us": _since_us(act)}
    return act.tx.one(tables.FIND_COST, **told) is not None


def _check_alone(act: Act, row: Row, costs: Sequence[tuple[str, int]]) -> None:
    """Whether one officer may do a change alone, with what was done so in the last days on all
    loans of the borrower, whoever did it; two at once take turns.

    Refused: ``lending.needs_second``.
    """
    act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=row.party_id, decisions=0)
    found = act.tx.all(tables.SUM_COSTS, party_id=row.party_id, since_us=_since_us(act))
    before = {one.name: int(one.minor) for one in found}
    require_second(load_approval_figures(), act.name, costs, before)


def happen(act: Act, row: Row, *events: PlanEvent) -> LoanChanged:
    """Let events happen to a loan, keep the contract, and tell of it.

    Refused as ``change_checked``.
    """
    number, state = change_checked(act, row, *events)
    if not act.kept.get("is_trial"):
        for event in events:
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
