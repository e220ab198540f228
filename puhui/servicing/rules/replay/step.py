"""Steps 逐笔: a loan taken from event to event, what lies ahead laid out anew where one asks.

For plans that are recalculated ``TO_THE_DAY``: rows are laid out once, each event then changes
only what it touches, so that a loan with a payment for every row is replayed in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import round_minor
from puhui.servicing.nouns.plan import Early, Interest, Plan, PlanEvent, Recalculation
from puhui.servicing.nouns.state import Share
from puhui.servicing.nouns.terms import Direction, Method, Timing
from puhui.servicing.rules.level import lay_out
from puhui.servicing.rules.period import divide, due_days, factors
from puhui.servicing.rules.replay.allocate import PLACES
from puhui.servicing.rules.replay.calendar import Slot, even_factor
from puhui.servicing.rules.replay.layout import Book, Layout, Row, is_plain, lay_out_plan

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
        self.is_vertical = plan.direction is Direction.VERTICAL
        self.order = {
            timing: tuple(PLACES[part] for found, part in plan.allocation if found is timing)
            for timing in (Timing.PAST_DUE, Timing.DUE)
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

    def draw(self, event: PlanEvent) -> None:
        """Take money: the first draw lays the loan out, a later one what lies ahead.

        Refused: ``servicing.bad_event``, ``lending.bad_terms`` after the last due day.
        """
        if event.amount_minor <= 0:
            raise Refused("servicing.bad_event", "The amount taken must be above nought.")
        plan = self.plan
        down = round_minor(event.amount_minor * plan.down_payment_share, plan.rounding)
        if not self.rows:
            self._lay_out(event, down)
        else:
            place = self.running()
            if place is None or self.rows[place].key[0] != INSTALMENT:
                raise Refused("lending.bad_terms", "Money must be taken within the term.")
            lent = self.ahead(place) + event.amount_minor - down
            self.lay_anew(place, lent, self.earned(place), begins=self.on)
            if down:
                self._add_down(event.on, down)
        self.drawn.append((event.on, event.amount_minor))
        if down and plan.pays_down_by_itself:
            self.pay(replace(event, event_id=f"{event.event_id}/down"), down)

    def _lay_out(self, event: PlanEvent, down: int) -> None:
        plan, starts_on = self.plan, self.plan.starts_on or event.on
        self.anchor_day = plan.anchor_day or starts_on.day
        if not is_plain(plan):
            laid = replace(plan, recalculation=Recalculation.NONE)
            self.rows, self.is_published = lay_out_plan(
                Book(laid, [(event.on, event.amount_minor, down)], [], [], event.on)
            )
            for row in self.rows[: plan.interest_free]:
                if row.slot is not None:
                    row.slot = replace(row.slot, annual_rate=Decimal(0))
            return
        days, self.is_published = due_days(plan, starts_on)
        if plan.method is Method.DRAW_AT_WILL:
            days = days[-1:]
        numerators, denominator = factors(plan, starts_on, days)
        columns = lay_out(
            plan.method, event.amount_minor, numerators, denominator, plan.rounding,
            plan.adjusts_instalment, plan.cuts_shares,
        )  # fmt: skip
        start = starts_on
        is_level = plan.method is Method.EQUAL_INSTALMENT
        first = columns[0][0] + columns[1][0]
        for place, (due, principal, interest) in enumerate(zip(days, *columns, strict=True)):
            slot = Slot(start, due, plan.annual_rate)
            level, share = (first, 0) if is_level else (0, columns[0][0])
            row = Row((INSTALMENT, place), start, due, slot, level, share)
            row.counted, row.due = start, [0, 0, interest, principal]
            self.rows.append(row)
            start = due

    def _add_down(self, on: date, down: int) -> None:
        row = Row((0, len(self.drawn)), on, on, counted=on)
        row.due[PRINCIPAL] = down
        self.rows.append(row)
        self.sort_rows()

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
            _carry(row, made[-1])
        while kept and len(made) > 1 and not (sum(made[-1].due) or sum(made[-1].paid)):
            made.pop()
        self.rows[place:] = [*made, *rest]
        self.sort_rows()

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
            total += row.owed(PENALTY) + row.owed(FEE) + row.owed(PRINCIPAL)
            if row.due_on <= self.on:
                total += row.owed(INTEREST)
        return total + (self.accruing(place) if place is not None else 0)

    def accruing(self, place: int) -> int:
        """Interest earned by the running row and not paid."""
        row = self.rows[place]
        return max(0, self.earned(place) - row.paid[INTEREST] - row.waived[INTEREST])

    def pay(self, event: PlanEvent, amount_minor: int) -> None:
        """Share money out: what is past due and due first, then ahead of time; the rest is credit.

        Beyond what is due it goes to charges ahead, then to interest to the day on all principal
        not due yet, then to principal, by which what lies ahead becomes less.
        """
        parts = [0, 0, 0, 0]
        rest = self._pay_due(amount_minor, parts)
        place = self.running() if rest else None
        if place is not None:
            rest = self._pay_ahead(place, rest, parts)
        self.credit += rest
        self.shares.append(
            Share(event.event_id, event.on, parts[3], parts[2], parts[1], parts[0], rest)
        )

    def put(self, row: Row, part: int, amount: int, parts: list[int]) -> None:
        """Pay a part of a row today."""
        row.paid[part] += amount
        parts[part] += amount
        if self.on < row.due_on:
            row.in_advance += amount
        elif self.on > row.due_on:
            row.late += amount
        row.paid_on = self.on

    def _pay_due(self, amount: int, parts: list[int]) -> int:
        owing: list[tuple[Row, Timing]] = []
        for row in self.rows[self.first :]:
            if row.due_on > self.on:
                break
            owing.append((row, Timing.PAST_DUE if row.due_on < self.on else Timing.DUE))
        if self.is_vertical:
            order = [
                (row, PLACES[part])
                for timing, part in self.plan.allocation
                for row, found in owing
                if found is timing
            ]
        else:
            order = [(row, part) for row, timing in owing for part in self.order[timing]]
        for row, part in order:
            taken = min(amount, row.owed(part))
            if taken > 0:
                self.put(row, part, taken, parts)
                amount -= taken
        while self.first < len(self.rows) and self.rows[self.first].due_on <= self.on:
            if self.rows[self.first].owed_all:
                break
            self.first += 1
        return amount

    def _pay_ahead(self, place: int, rest: int, parts: list[int]) -> int:
        in_order = (PENALTY, FEE, INTEREST, PRINCIPAL) if self.is_flat else (PENALTY, FEE)
        for row in self.rows[place:]:
            for part in in_order:
                taken = min(rest, row.owed(part))
                if taken > 0:
                    self.put(row, part, taken, parts)
                    rest -= taken
        if not rest or self.is_flat:
            return rest
        row, earned = self.rows[place], self.earned(place)
        interest = min(rest, self.accruing(place))
        if interest:
            self.put(row, INTEREST, interest, parts)
        ahead = self.ahead(place)
        is_paid = row.paid[INTEREST] + row.waived[INTEREST] >= earned
        principal = min(rest - interest, ahead) if is_paid else 0
        if principal:
            self._pay_early(place, principal, ahead, earned, parts)
        return rest - interest - principal

    def _pay_early(
        self, place: int, principal: int, ahead: int, earned: int, parts: list[int]
    ) -> None:
        row, early = self.rows[place], self.plan.early
        if early is not Early.NEXT_REPAYMENT and row.key[0] == INSTALMENT:
            kept = (row.level, row.share) if early is Early.REDUCE_COUNT else None
            self.put(row, PRINCIPAL, principal, parts)
            self.lay_anew(place, ahead - principal, earned, begins=self.on, kept=kept)
            return
        for found in self.rows[place:]:
            taken = min(principal, found.owed(PRINCIPAL))
            if taken:
                self.put(found, PRINCIPAL, taken, parts)
                principal -= taken
        self.recount(place, earned)

    def recount(self, place: int, earned: int) -> None:
        """Count interest of the rows ahead anew on what is left of principal, which stays put."""
        row = self.rows[place]
        row.fixed, row.counted = earned, self.on
        for index in range(place, len(self.rows)):
            row = self.rows[index]
            if row.slot is not None and row.due[INTEREST]:
                row.due[INTEREST] = row.fixed + self.portion(index, row.counted, row.due_on)


def _carry(old: Row, new: Row) -> None:
    """Keep on a row laid out anew what was paid, waived and charged on the one it replaces."""
    for part in range(4):
        new.paid[part] += old.paid[part]
        new.waived[part] += old.waived[part]
    new.due[PENALTY] += old.due[PENALTY]
    new.due[FEE] += old.due[FEE]
    new.due[PRINCIPAL] += old.paid[PRINCIPAL] + old.waived[PRINCIPAL]
    new.due[INTEREST] = max(new.due[INTEREST], new.paid[INTEREST] + new.waived[INTEREST])
    new.charged += old.charged
    new.in_advance += old.in_advance
    new.late += old.late
    new.paid_on = old.paid_on or new.paid_on
