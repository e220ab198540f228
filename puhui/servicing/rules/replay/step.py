"""Steps 逐笔: a loan taken from event to event, what lies ahead laid out anew where one asks.

For plans that are recalculated ``TO_THE_DAY``: rows are laid out once, each event then changes
only what it touches, so that a loan with a payment for every row is replayed in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from puhui.kernel.money import round_minor
from puhui.servicing.nouns.plan import Interest, Plan, Recalculation
from puhui.servicing.nouns.state import Share
from puhui.servicing.nouns.terms import Direction, Timing
from puhui.servicing.rules.period import divide
from puhui.servicing.rules.replay.allocate import PLACES
from puhui.servicing.rules.replay.calendar import Slot, even_factor
from puhui.servicing.rules.replay.layout import Book, Layout, Row

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
        self.paused: tuple[date | None, date | None, int] = (None, None, 0)
        self.anchor_day = plan.anchor_day
        self.is_flat = plan.interest is Interest.FLAT
        self.follows_history = plan.recalculation is not Recalculation.TO_THE_DAY
        self.book = Book(plan, [], [], [], date.min)
        self.is_vertical = plan.direction is Direction.VERTICAL
        self.order = {
            timing: tuple(PLACES[part] for found, part in plan.allocation if found is timing)
            for timing in Timing
        }
        self._price_penalty()

    def _price_penalty(self) -> None:
        wanted = self.annual_rate * self.plan.penalty_multiplier
        self.penalty, per = wanted.as_integer_ratio()
        self.penalty_year = per * self.plan.penalty_year_days

    def count_to(self, on: date) -> None:
        """Bring the loan to a later day: penalty interest 罚息 on what is overdue up to ``on``.

        Overdue money x days x rate x multiplier / days of the year, in place of ordinary interest;
        once the days of grace have passed it counts from the due day, before that not at all. Sums
        are exact, so looking at a loan on days between changes nothing.
        """
        assert on >= self.on, (on, self.on)
        self.on = on
        if not self.penalty or self.is_written_off:
            return
        edge = on - timedelta(days=self.plan.grace_days)
        for row in self.rows[self.first :]:
            if row.due_on >= edge:
                break
            bearing = row.owed(PRINCIPAL)
            if self.plan.penalty_on_interest:
                bearing += row.owed(INTEREST)
            if bearing > 0:
                row.minor_days += bearing * (on - max(row.counted, row.due_on)).days
                row.counted = on
                row.due[PENALTY] = row.charged + self._penalty(row)

    def _penalty(self, row: Row) -> int:
        return divide(row.minor_days * self.penalty, self.penalty_year, self.plan.rounding)

    def change_rate(self, annual_rate: Decimal) -> None:
        """A new rate from today on; penalties counted so far stand."""
        for row in self.rows:
            row.charged += self._penalty(row) if row.minor_days else 0
            row.minor_days = 0
        self.annual_rate = annual_rate
        self._price_penalty()

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
        """Put rows in the order they fall due, and look at all of them again."""
        self.rows.sort(key=lambda row: row.due_on)
        self.first = 0

    def lay_anew(
        self,
        place: int,
        lent: int,
        fixed: int,
        *,
        begins: date | None = None,
        slots: Sequence[Slot] = (),
        kept: tuple[int, int] | None = None,
    ) -> None:
        """Plan ``lent`` over the rows from ``place`` on, or over ``slots`` in their stead.

        ``fixed`` is interest that those rows owe already; from ``begins`` on (else from the first
        day) the balance bears interest. What was paid on a row stays on it. ``kept`` is an
        instalment or share of principal that does not change.
        """
        old = [row for row in self.rows[place:] if row.key[0] == INSTALMENT]
        rest = [row for row in self.rows[place:] if row.key[0] != INSTALMENT]
        number = old[0].key[1] if old else len(self.rows)
        given = list(slots) or [row.slot for row in old if row.slot is not None]
        periods = [replace(slot, is_new=False, total=len(given)) for slot in given]
        starts = begins or periods[0].starts_on
        if self.is_flat:
            periods[0] = replace(periods[0], starts_on=starts, is_broken=True)
        layout = Layout(Book(self._rest_of_plan(number, lent), [(starts, lent, 0)], [], [], starts),
                        periods)  # fmt: skip
        layout.held, layout.kept, layout.factor = fixed, kept, even_factor
        for index in range(len(periods)):
            layout.add(index)
        made = layout.rows
        for index, row in enumerate(made):
            row.key = (INSTALMENT, number + index)
            if index < len(old):
                _carry(old[index], row)
        made[0].counted = starts
        for row in old[len(made) :]:
            row.due[FEE] -= row.plan_fee
            row.plan_fee = 0
            _carry(row, made[-1])
        is_short = kept or self.plan.fixed_minor
        while is_short and len(made) > 1 and not (sum(made[-1].due) or sum(made[-1].paid)):
            made.pop()
        self.rows[place:] = [*made, *rest]
        self.sort_rows()
        self.set_fees()

    def _rest_of_plan(self, number: int, lent: int) -> Plan:
        """The plan as it is for the instalments from ``number`` (from 0) on."""
        plan = self.plan
        variable = plan.variable_minor
        return replace(
            plan,
            recalculation=Recalculation.NONE,
            grace_principal=max(0, plan.grace_principal - number),
            grace_interest=max(0, plan.grace_interest - number),
            interest_free=0,
            variable_minor=variable[min(number, len(variable) - 1) :] if variable else (),
            balloon_minor=min(plan.balloon_minor, lent),
        )

    def pay_off_minor(self) -> int:
        """What ends the loan today: everything due, charges, interest to the day, all principal.

        Flat interest is owed whole, whenever a loan is paid off.
        """
        if self.is_written_off:
            return self.claim - self.recovered
        if self.is_flat:
            return sum(row.owed_all for row in self.rows)
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


def _carry(old: Row, new: Row) -> None:
    """Keep on a row laid out anew what was paid, waived and charged on the one it replaces."""
    for part in range(4):
        new.paid[part] += old.paid[part]
        new.waived[part] += old.waived[part]
    new.due[PENALTY] += old.due[PENALTY]
    new.due[FEE] += old.due[FEE]
    new.plan_fee += old.plan_fee
    new.due[PRINCIPAL] += old.paid[PRINCIPAL] + old.waived[PRINCIPAL]
    new.due[INTEREST] = max(new.due[INTEREST], new.paid[INTEREST] + new.waived[INTEREST])
    new.charged += old.charged
    new.in_advance += old.in_advance
    new.late += old.late
    new.paid_on = old.paid_on or new.paid_on
