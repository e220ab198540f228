"""The one engine: a loan is always recomputed from its ordered events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as changed
from datetime import date

from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX, round_minor
from puhui.servicing.nouns.plan import PAYMENTS, Happening, Plan, PlanEvent, Recalculation
from puhui.servicing.nouns.state import PlanState, Share
from puhui.servicing.rules.replay.allocate import PLACES, share_out
from puhui.servicing.rules.replay.calendar import CHANGES
from puhui.servicing.rules.replay.happen import take_event
from puhui.servicing.rules.replay.layout import Book, Key, Paid, Row, lay_out_plan, raw_interest
from puhui.servicing.rules.replay.outcome import plan_row, plan_state
from puhui.servicing.rules.replay.step import Steps

INTEREST, PRINCIPAL = 2, 3

KeptLines = list[tuple[Key, int, int]]
"""Row, part and amount of one payment."""


def live(events: Sequence[PlanEvent], on: date) -> list[PlanEvent]:
    """Events up to ``on`` that were not undone, by day; events of one day keep their order.

    Refused: ``servicing.unknown_event`` for an undo of nothing, ``servicing.bad_event``.
    """
    known = {event.event_id for event in events}
    undone = {event.undoes for event in events if event.kind is Happening.UNDONE and event.on <= on}
    if undone - known or len(known) != len(events):
        raise Refused("servicing.unknown_event", "There is no such event to undo.")
    for event in events:
        if event.amount_minor < 0 or event.amount_minor >= MINOR_MAX:
            raise Refused("servicing.bad_event", "An amount must not be below nought.")
    return sorted(
        (
            event
            for event in events
            if event.on <= on
            and event.kind is not Happening.UNDONE
            and event.event_id not in undone
        ),
        key=lambda event: event.on,
    )


def replay(plan: Plan, events: Sequence[PlanEvent], on: date) -> PlanState:
    """The loan after its ``events`` as it stands on ``on``.

    Rows follow from what was drawn, rescheduled and (if interest is recalculated) paid; each
    payment is then shared out by day. A back-dated or undone event needs no reversal: put it into
    the book and replay. Amounts are whole minor units, and every payment equals its parts.
    Refused: ``lending.bad_terms``, ``servicing.nothing_drawn``, ``servicing.unknown_event``,
    ``servicing.bad_event``, ``servicing.over_credit``, and those of ``take_event``.
    """
    if plan.recalculation is Recalculation.TO_THE_DAY:
        loan = Steps(plan)
        for event in live(events, on):
            take_event(loan, event)
        if not loan.rows:
            raise Refused("servicing.nothing_drawn", "No money has been drawn yet.")
        loan.count_to(on)
        return plan_state(loan)
    return _Run(plan, live(events, on), on).state()


class _Run:
    """One replay: the timeline, what each payment came to, and what is owed back."""

    def __init__(self, plan: Plan, timeline: list[PlanEvent], on: date) -> None:
        self.plan, self.on = plan, on
        self.draws: list[tuple[date, int, int]] = []
        self.timeline: list[PlanEvent] = []
        for event in timeline:
            self.timeline.append(event)
            if event.kind is Happening.DRAWN:
                self._draw(event)
        if not self.draws:
            raise Refused("servicing.nothing_drawn", "No money has been drawn yet.")
        self.changes = [event for event in timeline if event.kind in CHANGES]
        self.charges = [
            event
            for event in timeline
            if event.kind in (Happening.FEE_CHARGED, Happening.PENALTY_CHARGED)
        ]
        self.kept: list[tuple[PlanEvent, KeptLines, int]] = []
        self.paid: list[Paid] = []
        self.interest_paid: list[tuple[date, int]] = []
        self.credit = 0
        self.is_published = True

    def _draw(self, event: PlanEvent) -> None:
        if event.amount_minor <= 0:
            raise Refused("servicing.bad_event", "The amount taken must be above nought.")
        down = round_minor(event.amount_minor * self.plan.down_payment_share, self.plan.rounding)
        down = down // self.plan.multiple_minor * self.plan.multiple_minor if down else 0
        self.draws.append((event.on, event.amount_minor, down))
        if down and self.plan.pays_down_by_itself:
            self.timeline.append(
                PlanEvent(f"{event.event_id}/down", Happening.REPAID, event.on, down)
            )

    def rows(self, on: date) -> list[Row]:
        """Rows as known on ``on``, with charges, and with what has been paid so far put in."""
        is_fixed = self.plan.recalculation is Recalculation.NONE
        draws = [draw for draw in self.draws if is_fixed or draw[0] <= on]
        rows, self.is_published = lay_out_plan(
            Book(self.plan, draws, self.changes, self.paid, on, self.interest_paid)
        )
        for charge in self.charges:
            self._charge(rows, charge)
        by_key = {row.key: row for row in rows}
        for event, lines, _ in self.kept:
            for key, part, amount in lines:
                _put(by_key.get(key, rows[-1]), part, amount, event.on)
        return rows

    def _charge(self, rows: list[Row], charge: PlanEvent) -> None:
        """A charge goes to the instalment due on or after its day, or to a row of its own."""
        day = charge.due_on or charge.on
        place = 1 if charge.kind is Happening.FEE_CHARGED else 0
        for row in rows:
            if row.key[0] == 1 and row.due_on >= day:
                row.due[place] += charge.amount_minor
                return
        if rows[-1].key[0] != 2:
            rows.append(Row((2, 0), rows[-1].due_on, day))
        rows[-1].due_on = max(rows[-1].due_on, day)
        rows[-1].due[place] += charge.amount_minor

    def state(self) -> PlanState:
        """Run the timeline and put the outcome together."""
        rows = self.rows(self.on)
        for event in self.timeline:
            if event.kind in PAYMENTS:
                rows = self._pay(rows, event)
            elif event.kind is Happening.WAIVED:
                self._waive(rows, event)
            elif event.kind is Happening.CREDIT_REFUNDED:
                if event.amount_minor > self.credit:
                    raise Refused("servicing.over_credit", "That is more than is owed back.")
                self.credit -= event.amount_minor
            elif event.kind is Happening.CHARGED_BACK:
                self._charge_back(rows, event)
        if self.plan.recalculation is not Recalculation.NONE:
            rows = self._again(self.on)
        return self._outcome(rows)

    def _again(self, on: date) -> list[Row]:
        rows = self.rows(on)
        for event in self.timeline:
            if event.kind is Happening.WAIVED and event.on <= on:
                self._waive(rows, event)
            elif event.kind is Happening.CHARGED_BACK and event.on <= on:
                self._charge_back(rows, event)
        return rows

    def _pay(self, rows: list[Row], event: PlanEvent) -> list[Row]:
        is_fixed = self.plan.recalculation is Recalculation.NONE
        if not is_fixed:
            rows = self._again(event.on)
        accrued = self._accrued(event.on, rows)
        if event.kind is Happening.PAID_OFF and not event.amount_minor:
            event = changed(event, amount_minor=self._pay_off(rows, event.on, accrued))
        lines, rest = share_out(self.plan, rows, event, accrued)
        kept: KeptLines = [(rows[index].key, part, amount) for index, part, amount in lines]
        self.kept.append((event, kept, rest))
        self.credit += rest
        for index, part, amount in lines:
            if is_fixed:
                _put(rows[index], part, amount, event.on)
            if part == INTEREST:
                self.interest_paid.append((event.on, amount))
            if part == PRINCIPAL:
                counts = event.on
                if self.plan.rests_on_due_day:
                    counts = min((r.due_on for r in rows if r.due_on >= event.on), default=event.on)
                self.paid.append(Paid(rows[index].key, event.on, counts, amount))
        return rows

    def _accrued(self, on: date, rows: list[Row]) -> list[int]:
        """Unpaid interest of each row up to ``on``: all when due, none of rows that lie ahead."""
        if self.plan.recalculation is not Recalculation.EVERY_PERIOD:
            return [row.owed(2) for row in rows]
        closed = [row.due[2] if row.due_on <= on else 0 for row in rows]
        for index, row in enumerate(rows):
            if row.starts_on < on < row.due_on and row.key[0] == 1:
                closed[index] = self._interest_to(row, on)
        return [
            max(0, found - row.paid[2] - row.waived[2])
            for found, row in zip(closed, rows, strict=True)
        ]

    def _interest_to(self, row: Row, on: date) -> int:
        """Interest of the running row to the day: as if its later days bore none."""
        draws = [draw for draw in self.draws if draw[0] <= on]
        ahead = sum(paid.amount_minor for paid in self.paid if paid.on <= on)
        rest = sum(amount - down for _, amount, down in draws) - ahead
        quiet = [*self.paid, Paid(row.key, on, on, max(0, rest))]
        book = Book(
            changed(self.plan, recalculation=Recalculation.EVERY_PERIOD),
            draws,
            self.changes,
            quiet,
            on,
        )
        return raw_interest(book, row.key[1])

    def _pay_off(self, rows: list[Row], on: date, accrued: Sequence[int]) -> int:
        """What ends the loan on ``on``: everything due, charges, interest to the day, principal."""
        total = 0
        for row, interest in zip(rows, accrued, strict=True):
            total += row.owed(0) + row.owed(1) + row.owed(3)
            total += max(0, min(row.owed(2), interest))
        return total

    def _waive(self, rows: list[Row], event: PlanEvent) -> None:
        """Take a part off what is owed, the oldest row first."""
        rest, part = event.amount_minor, PLACES[event.part]
        for row in rows:
            taken = min(rest, max(0, row.owed(part)))
            row.waived[part] += taken
            rest -= taken

    def _charge_back(self, rows: list[Row], event: PlanEvent) -> None:
        """A payment was taken back: its money is owed again, on the row due then or next."""
        row = next((row for row in rows if row.due_on >= event.on), rows[-1])
        row.due[3] += event.amount_minor
        row.paid_on = None

    def _outcome(self, rows: list[Row]) -> PlanState:
        shares = tuple(_share(event, lines, rest) for event, lines, rest in self.kept)
        for share, (event, _, _) in zip(shares, self.kept, strict=True):
            assert share.total_minor == event.amount_minor, share
        has_changes = bool(self.changes)
        drawn = tuple((day, amount) for day, amount, _ in self.draws)
        done = []
        balance = 0
        steps = list(self.draws)
        for number, row in enumerate(rows, start=1):
            while steps and _comes_before(self.plan, steps[0][0], row):
                balance += steps.pop(0)[1]
            balance -= row.due[3]
            paid_on = row.paid_on
            if not sum(row.due) and has_changes:
                paid_on = self.draws[0][0]
            done.append(plan_row(number, row, balance, paid_on if not row.owed_all else None))
        return PlanState(
            self.plan, self.on, tuple(done), drawn, shares, self.credit, self.is_published
        )


def _comes_before(plan: Plan, day: date, row: Row) -> bool:
    if row.key[0] == 0 or plan.joins_due_day:
        return day <= row.due_on
    return day < row.due_on


def _put(row: Row, part: int, amount: int, on: date) -> None:
    row.paid[part] += amount
    if on < row.due_on:
        row.in_advance += amount
    elif on > row.due_on:
        row.late += amount
    row.paid_on = on


def _share(event: PlanEvent, lines: KeptLines, rest: int) -> Share:
    sums = [sum(amount for _, part, amount in lines if part == place) for place in range(4)]
    return Share(event.event_id, event.on, sums[3], sums[2], sums[1], sums[0], rest)
