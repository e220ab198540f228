"""What happens to a loan that runs, tried out or done, and what it costs."""

from __future__ import annotations

from puhui.kernel.act import Act
from puhui.kernel.store import Row
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
    approved it, before anything has changed: a batch goes on after it. Small ones are summed by
    loan and kind, those of an agreement under the kind that each of them is. Where more is owed
    by it, what is pledged is held against that.
    Refused: ``lending.needs_second`` and those of ``live.change_loan``.
    """
    book = live.read_book(act.tx, row.id)
    names = [NAMES.get(one.kind, act.name) for one in events]
    before, costs = book.state(act.today), []
    for number, event in enumerate(events, start=1):
        after = live.try_events(book, events[:number], act.today).state(act.today)
        undone = next((one for one in book.events if one.event_id == event.undoes), None)
        costs.append(cost_of(event, before, after, undone))
        before = after
    act.kept["cost_minor"] = sum(costs)
    if act.kept.get("is_trial"):
        return len(book.events) + len(events) - 1, before
    is_alone = not act.kept.get("is_approved") and act.name in load_approval_figures().alone_minor
    if is_alone:
        _check_alone(act, row, tuple(names), sum(costs))
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
    update_contract(act, row, changed.after)
    return changed.number, changed.after


def _check_alone(act: Act, row: Row, names: tuple[str, ...], cost_minor: int) -> None:
    """Whether one officer may do a change alone, with what was done so in the last days.

    It is summed by loan and kind, whoever did it; an agreement counts with all kinds that it holds,
    against the least of their figures.
    Refused: ``lending.needs_second``.
    """
    figures = load_approval_figures()
    since_us = act.now_us - figures.sum_days * DAY_US
    before = 0
    for name in set(names):
        found = act.tx.one(tables.SUM_COSTS, contract_id=row.id, name=name, since_us=since_us)
        assert found is not None, row.id
        before += int(found.minor)
    least = min({act.name, *names}, key=lambda name: figures.alone_minor[name])
    require_second(figures, least, cost_minor, before)


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
