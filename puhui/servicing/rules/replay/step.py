"""Steps 逐笔: a loan taken from event to event, what lies ahead laid out anew where one asks.

Rows are laid out once, each event then changes only what it touches, so that a loan with a payment
for every row is replayed in one pass. What the plan's ways make of it are switches, not other code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from puhui.kernel.money import round_minor
from puhui.servicing.nouns.plan import Early, Interest, Plan
from puhui.servicing.nouns.state import Share
from puhui.servicing.nouns.terms import Direction, Timing
from puhui.servicing.rules.period import divide
from puhui.servicing.rules.replay.allocate import PLACES
from puhui.servicing.rules.replay.calendar import Slot, even_factor, factor
from puhui.servicing.rules.replay.carry import carry, drop_empty
from puhui.servicing.rules.replay.layout import Course, Row, Stand, lay_ahead
from puhui.servicing.rules.replay.penalty import Penalty
from puhui.servicing.rules.replay.ways import Overdue, ways_of

PENALTY, FEE, INTEREST, PRINCIPAL = range(4)
INSTALMENT, CHARGES = 1, 2


class Steps:
    """Rows in the order they fall due, and what has been paid, taken back, lost and owed back."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.annual_rate = plan, plan.annual_rate
        self.rows: list[Row] = []
        self.drawn: list[tuple[date, int]] = []
        self.shares: list[Share] = []
        self.on = date.min
        self.first = 0
        self.credit = 0
        self.taken_back: dict[str, int] = {}
        self.is_published = True
        self.is_written_off = self.is_closed = self.is_charged_off = False
        self.written_off = self.claim = self.recovered = 0
        self.pauses: tuple[tuple[int, int], ...] = ()
        self.anchor_day = plan.anchor_day
        self.is_flat = plan.interest is Interest.FLAT
        self.ways = ways_of(plan)
        self.draws: list[tuple[date, int]] = []
        self.spare: list[Slot] = []
        self.open = self.resting = 0
        self.is_vertical = plan.direction is Direction.VERTICAL
        self.order = {
            timing: tuple(PLACES[part] for found, part in plan.allocation if found is timing)
            for timing in Timing
        }
        self.penalty = Penalty(plan)

    def count_to(self, on: date) -> None:
        """Bring the loan to a later day: penalty interest on what is overdue up to ``on``."""
        assert on >= self.on, (on, self.on)
        self.on = on
        if not self.is_written_off:
            self.penalty.count(self.rows, self.first, on)

    def change_rate(self, annual_rate: Decimal, since: date | None = None) -> None:
        """A new rate from today on, or from a later day; penalties counted so far stand."""
        self.penalty.change(self.rows, self.on, annual_rate, since or self.on)
        self.annual_rate = annual_rate

    def running(self) -> int | None:
        """The first row not due yet, or None after the last due day."""
        for place in range(self.first, len(self.rows)):
            if self.rows[place].due_on > self.on:
                return place
        return None

    def ahead(self, place: int) -> int:
        """Principal still to pay of row ``place`` and all after it."""
        return sum(row.owed(PRINCIPAL) for row in self.rows[place:])

    def portion(self, place: int, first: date, last: date) -> int:
        """Interest of row ``place`` for some of its days on the balance ahead, rounded."""
        row = self.rows[place]
        if row.slot is None:
            return 0
        if self.is_flat:
            days = (row.due_on - row.counted).days
            whole = (row.due[INTEREST] - row.fixed) * (last - first).days
            return divide(max(0, whole), max(1, days), self.plan.rounding)
        numerator, denominator = even_factor(self.plan, row.slot, first, last)
        return divide(self.ahead(place) * numerator, denominator, self.plan.rounding)

    def earned(self, place: int) -> int:
        """Interest of the running row from its start to today, paid or not."""
        row = self.rows[place]
        return row.fixed + self.portion(place, row.counted, self.on)

    def set_fees(self) -> None:
        """Ask for the plan's fee with each instalment to come, while principal is owed then.

        A share counts on all money drawn. What was paid of a fee is never asked for less.
        """
        plan = self.plan
        if not (plan.fee_minor or plan.fee_share):
            return
        lent = sum(amount for _, amount in self.drawn)
        each = plan.fee_minor + round_minor(lent * plan.fee_share, plan.rounding)
        ahead = self.ahead(0)
        for row in self.rows:
            if row.key[0] == INSTALMENT and row.due_on > self.on:
                wanted = each if ahead > 0 else 0
                charged = row.due[FEE] - row.plan_fee
                done = row.paid[FEE] + row.waived[FEE] - charged
                wanted = max(wanted, done)
                row.due[FEE], row.plan_fee = charged + wanted, wanted
            ahead -= row.owed(PRINCIPAL)

    def sort_rows(self) -> None:
        """Put rows in the order they fall due, and look at all of them again.

        A down payment of a due day comes before the instalment that it lowers, else after it.
        """
        joins = self.ways.joins and self.plan.joins_due_day
        opens = self.draws[0][0] if self.draws else date.min
        rank = (0, 1, 2)
        late = (1, 0, 2)
        self.rows.sort(
            key=lambda row: (
                row.due_on,
                (rank if joins or row.due_on == opens else late)[row.key[0]],
                row.key[1],
            )
        )
        self.first = 0

    def to_lay(self, place: int) -> int:
        """Principal that the instalments from ``place`` on ask for, and would ask for anew."""
        if self.ways.beside:
            return self.ahead(place)
        return sum(
            row.due[PRINCIPAL] - row.back_principal
            for row in self.rows[place:]
            if row.key[0] == INSTALMENT
        )

    def unpaid(self, place: int = 0) -> int:
        """Principal of the instalments from ``place`` on that was not repaid."""
        return sum(
            row.due[PRINCIPAL] - row.back_principal - row.paid[PRINCIPAL]
            for row in self.rows[place:]
            if row.key[0] == INSTALMENT
        )

    def count_interest(self, place: int) -> None:
        """Fix interest of row ``place`` up to today: its balance is about to change."""
        row, plan = self.rows[place], self.plan
        if row.slot is None or self.is_flat or self.on <= row.counted:
            return
        balance = self.unpaid(place) if self.ways.saves else self.to_lay(place)
        numerator, denominator = factor(plan, row.slot, row.counted, self.on)
        balance = max(0, balance + self.resting)
        actual = balance
        if self.ways.overdue is not Overdue.NEVER:
            actual = max(0, self.unpaid() + self.resting + self.overdue_interest(place))
        row.exact += Fraction(balance * numerator, denominator)
        row.fixed += divide(balance * numerator, denominator, plan.rounding)
        row.with_overdue += divide(actual * numerator, denominator, plan.rounding)
        row.counted = self.on

    def before_payment(self, row: Row, part: int, amount: int) -> None:
        """Fix interest that the balance before a payment bore, or let the payment rest."""
        place = self.place_of(self.open)
        if place is None or row.key[0] != INSTALMENT:
            return
        if self.plan.rests_on_due_day:
            self.resting += amount if part == PRINCIPAL else 0
        elif part == PRINCIPAL or self.plan.compounds_overdue:
            self.count_interest(place)

    def overdue_interest(self, place: int) -> int:
        """Interest that rows before ``place`` asked for and that was not paid, if it bears some."""
        if not self.plan.compounds_overdue:
            return 0
        asked = sum(row.due[INTEREST] - row.back_interest for row in self.rows[:place])
        return asked - sum(row.paid[INTEREST] for row in self.rows)

    def look(self, on: date) -> None:
        """Lay out by a later day what was not due yet, where that hangs on the day one looks."""
        assert on >= self.on, (on, self.on)
        self.on = on
        if self.ways.overdue is Overdue.NEVER:
            return
        place = self.place_of(self.open)
        if place is None:
            return
        self.lay_ahead(place, self.to_lay(place), levels=False, sets_fees=False)
        for row in self.rows:
            if row.key[0] == INSTALMENT and row.key[1] >= self.open and row.due_on < self.on:
                self.open, self.resting = row.key[1] + 1, 0

    def place_of(self, number: int) -> int | None:
        """Where the instalment of that number (from 0) stands, or the next one."""
        for place, row in enumerate(self.rows):
            if row.key[0] == INSTALMENT and row.key[1] >= number:
                return place
        return None

    def lay_ahead(
        self,
        place: int,
        balance: int,
        fixed: int = 0,
        *,
        begins: date | None = None,
        slots: Sequence[Slot] = (),
        kept: tuple[int, int] | None = None,
        levels: bool = True,
        sets_fees: bool = True,
    ) -> None:
        """Plan ``balance`` over the rows from ``place`` on, or over ``slots`` in their stead.

        ``fixed`` is interest that those rows owe already on top; from ``begins`` on (else from the
        first day) the balance bears interest. What was paid on a row stays on it. ``kept`` is an
        instalment or share of principal that does not change; with ``levels`` the instalment is
        worked out anew. ``sets_fees``: not where one does but look, as fees hang on what happens.
        """
        old = [row for row in self.rows[place:] if row.key[0] == INSTALMENT]
        rest = [row for row in self.rows[place:] if row.key[0] != INSTALMENT]
        number = old[0].key[1] if old else len(self.rows)
        given = list(slots) or [row.slot for row in old if row.slot is not None]
        if not self.ways.beside or (self.plan.regains_rows and not slots):
            given += self.spare
        self.spare = []
        starts = begins or given[0].starts_on
        stand = self._stand(place, number, balance, given, starts, old)
        stand.course.held += fixed
        stand.kept, stand.levels = kept, levels
        if not old:
            self.open = number
        made = lay_ahead(self.plan, self.ways, stand)
        first = stand.first
        made[0].counted, made[0].exact = first.counted, first.exact
        if not self.ways.tops:
            made[0].fixed, made[0].with_overdue = first.fixed, first.with_overdue
            if self.plan.early is Early.REDUCE_COUNT or self.plan.fixed_minor:
                self.spare = drop_empty(made)
        for index, row in enumerate(made):
            if index < len(old):
                carry(old[index], row, self.ways.beside)
        for row in old[len(made) :]:
            row.due[FEE] -= row.plan_fee
            row.plan_fee = 0
            carry(row, made[-1], self.ways.beside)
        is_short = self.ways.beside and (kept or self.plan.fixed_minor)
        while is_short and len(made) > 1 and not self._asks(made[-1]):
            slot = made.pop().slot
            if self.plan.regains_rows and slot is not None:
                self.spare.insert(0, slot)
        self.rows[place:] = [*made, *rest]
        self.sort_rows()
        if sets_fees:
            self.set_fees()

    def _asks(self, row: Row) -> bool:
        """Whether anything is asked for or was paid on a row; a fee that goes with each instalment
        makes no instalment, but in plans of older releases.
        """
        fee = row.plan_fee if self.plan.drops_fee_rows else 0
        return bool(sum(row.due) - fee or sum(row.paid))

    def _stand(
        self,
        place: int,
        number: int,
        balance: int,
        slots: list[Slot],
        starts: date,
        old: Sequence[Row],
    ) -> Stand:
        """The loan as the rows ahead follow from it."""
        fresh = Row((INSTALMENT, number), starts, slots[0].due_on, counted=starts)
        if self.ways.tops:
            lent: list[tuple[date, int]] = []
            if self.is_flat:
                slots[0] = replace(slots[0], starts_on=starts, is_broken=True)
                lent = [(starts, balance)]
            return Stand(self.on, number, slots, balance, fresh, Course(), slots[0], lent=lent)
        before = [row for row in self.rows[:place] if row.key[0] == INSTALMENT]
        course = before[-1].course if before else None
        opens = before[0].slot if before else None
        paid = [0] * len(slots)
        if not self.ways.beside:
            paid[: len(old)] = [row.paid[PRINCIPAL] for row in old][: len(slots)]
        return Stand(
            self.on,
            number,
            slots,
            balance,
            old[0] if old else fresh,
            replace(course) if course is not None else Course(),
            opens or slots[0],
            paid,
            self.unpaid() - self.unpaid(place) + balance - sum(row.paid[PRINCIPAL] for row in old),
            self.resting,
            self.overdue_interest(place),
            sum(row.due[PRINCIPAL] for row in before),
            self.draws,
            levelled=old,
        )

    def pay_off_minor(self) -> int:
        """What ends the loan today: everything due, charges, interest to the day, all principal.

        Flat interest is owed whole, whenever a loan is paid off.
        """
        if self.is_written_off:
            return self.claim - self.recovered
        if self.is_flat and not self.ways.by_row:
            return sum(row.owed_all for row in self.rows)
        if self.ways.by_row:
            return sum(
                row.owed(PENALTY) + row.owed(FEE) + row.owed(PRINCIPAL)
                + max(0, min(row.owed(INTEREST), interest))
                for row, interest in zip(self.rows, self.accrued(), strict=True)
            )  # fmt: skip
        total, place = 0, self.running()
        for row in self.rows[self.first :]:
            total += row.owed(PENALTY) + row.owed(PRINCIPAL)
            if row.due_on <= self.on:
                total += row.owed(INTEREST) + row.owed(FEE)
            else:
                total += row.charges_ahead()
        return total + (self.accruing(place) if place is not None else 0)

    def accruing(self, place: int) -> int:
        """Interest earned by the running row and not paid."""
        row = self.rows[place]
        return max(0, self.earned(place) - row.paid[INTEREST] - row.waived[INTEREST])

    def accrued(self) -> list[int]:
        """Unpaid interest of each row up to today: all when due, none of rows that lie ahead.

        Where early money does not change interest from day to day it is all that the row asks for.
        """
        rows, on = self.rows, self.on
        if self.ways.overdue is not Overdue.ALWAYS:
            return [row.owed(INTEREST) for row in rows]
        closed = [row.due[INTEREST] if row.due_on <= on else 0 for row in rows]
        for index, row in enumerate(rows):
            if row.starts_on < on < row.due_on and row.key[0] == INSTALMENT:
                closed[index] = self._interest_to(index, on)
        return [
            max(0, found - row.paid[INTEREST] - row.waived[INTEREST])
            for found, row in zip(closed, rows, strict=True)
        ]

    def _interest_to(self, place: int, on: date) -> int:
        """Interest of the running row to the day: as if its later days bore none."""
        row = self.rows[place]
        before = [one for one in self.rows[:place] if one.key[0] == INSTALMENT]
        course = before[-1].course if before else None
        found = row.with_overdue + (0 if course is None else course.carried)
        if row.slot is not None and row.counted < on:
            numerator, denominator = factor(self.plan, row.slot, row.counted, on)
            unpaid = max(0, self.unpaid())
            found += divide(unpaid * numerator, denominator, self.plan.rounding)
        return found
