"""Layout of a plan: principal and interest of each row, given what was drawn and paid early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import lcm

from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding, round_minor
from puhui.servicing.nouns.plan import Basis, Early, Interest, Plan, PlanEvent, Recalculation
from puhui.servicing.nouns.terms import Method
from puhui.servicing.rules.level import broken_level
from puhui.servicing.rules.period import divide
from puhui.servicing.rules.replay.calendar import Slot, factor, slots_of

DECLINING, DAILY = Interest.DECLINING, Basis.DAILY
Key = tuple[int, int]
"""A row by kind and place: (0, draw) for a down payment, (1, n) instalment, (2, 0) charges."""


@dataclass(slots=True)
class Row:
    """A row while it is being worked out; parts in the order penalty, fee, interest, principal.

    Before the due day ``fixed`` is its interest up to ``counted``; after it ``minor_days`` is
    overdue money times days up to ``counted``. ``charged`` is penalty that no days change,
    ``plan_fee`` what of the fee the plan asks for by itself. What was paid and taken back is in
    ``due`` again; ``back_interest`` and ``back_principal`` say how much of it, for a new layout.
    """

    key: Key
    starts_on: date
    due_on: date
    slot: Slot | None = None
    level: int = 0
    share: int = 0
    fixed: int = 0
    counted: date = date.min
    charged: int = 0
    minor_days: int = 0
    plan_fee: int = 0
    back_interest: int = 0
    back_principal: int = 0
    due: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    paid: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    waived: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    in_advance: int = 0
    late: int = 0
    paid_on: date | None = None

    def owed(self, part: int) -> int:
        """What is still to pay of one part."""
        return self.due[part] - self.paid[part] - self.waived[part]

    def charges_ahead(self) -> int:
        """Fees charged that may be paid before the due day: none that the plan asks for then."""
        return max(0, self.due[1] - self.plan_fee - self.paid[1] - self.waived[1])

    @property
    def owed_all(self) -> int:
        """What is still to pay of this row."""
        return sum(self.due) - sum(self.paid) - sum(self.waived)


@dataclass(frozen=True, slots=True)
class Paid:
    """Principal paid on a row: the day, and the day from which it counts for interest."""

    key: Key
    on: date
    counts_from: date
    amount_minor: int


@dataclass(slots=True)
class Book:
    """What a layout starts from: draws with their down payments, changes, payments, the day."""

    plan: Plan
    draws: list[tuple[date, int, int]]
    changes: list[PlanEvent]
    paid: list[Paid]
    on: date
    interest_paid: list[tuple[date, int]] = field(default_factory=list)


def is_plain(plan: Plan) -> bool:
    """Whether a plan has nothing that only the engine lays out."""
    return (
        plan.interest is DECLINING
        and plan.basis is DAILY
        and plan.clamps_month_end
        and plan.multiple_minor == 1
        and not plan.levels_by_first_period
        and not (plan.grace_principal or plan.grace_interest or plan.interest_free)
        and not (plan.fixed_minor or plan.variable_minor or plan.balloon_minor)
        and not plan.down_payment_share
        and plan.starts_on is None
        and plan.first_periods == 1
    )


def lay_out_plan(book: Book) -> tuple[list[Row], bool]:
    """All rows in the order they fall due, and whether all holidays are known.

    Refused: ``lending.bad_terms``.
    """
    plan = book.plan
    if plan.rounding not in (Rounding.HALF_UP, Rounding.HALF_EVEN):
        raise Refused("lending.bad_terms", "Interest is rounded half up or half to even.")
    is_fixed = plan.recalculation in (Recalculation.NONE, Recalculation.TO_THE_DAY)
    if plan.interest is Interest.FLAT and not is_fixed:
        raise Refused("lending.bad_terms", "Flat interest does not follow what is repaid.")
    slots, is_published = slots_of(plan, plan.starts_on or book.draws[0][0], book.changes)
    if book.draws[-1][0] > slots[-1].due_on:
        raise Refused("lending.bad_terms", "Money must be taken within the term.")
    layout = Layout(book, slots)
    for index in range(len(slots)):
        layout.add(index)
    rows = layout.rows
    for place, (day, _, down) in enumerate(book.draws):
        if down:
            row = Row((0, place), day, day)
            row.due[3] = down
            rows.append(row)
    joins, first = plan.joins_due_day, book.draws[0][0]
    rows.sort(
        key=lambda row: (
            row.due_on,
            row.key if joins or row.due_on == first else (1 - row.key[0], row.key[1]),
        )
    )
    is_short = plan.early is Early.REDUCE_COUNT or plan.fixed_minor
    while is_short and len(rows) > 1 and not sum(rows[-1].due):
        rows.pop()
    return rows, is_published


def raw_interest(book: Book, index: int) -> int:
    """Interest of instalment ``index`` (from 0) before its cap, with what earlier rows left."""
    slots, _ = slots_of(book.plan, book.plan.starts_on or book.draws[0][0], book.changes)
    layout = Layout(book, slots)
    for place in range(index):
        layout.add(place)
    return layout.interest(index)[1] + layout.carried


class Layout:
    """Rows added one by one; what carries over from row to row lives here."""

    def __init__(self, book: Book, slots: list[Slot]) -> None:
        self.book, self.plan, self.slots = book, book.plan, slots
        self.lent = sum(amount - down for _, amount, down in book.draws)
        self.rows: list[Row] = []
        self.level = self.share = self.credit = self.carried = self.held = 0
        self.kept: tuple[int, int] | None = None
        self.factor = factor
        self.flat, self.flat_asked = Fraction(0), 0
        self.is_stale = True
        self.scheduled = 0
        running = [i for i, slot in enumerate(slots) if slot.due_on >= book.on]
        self.running = running[0] if running else len(slots)

    def drawn_by(self, day: date, *, is_end: bool = False) -> int:
        """Drawn less down payments before the end of ``day``; draws of an end day come after."""
        return sum(
            amount - down
            for on, amount, down in self.book.draws
            if on < day or (on == day and not is_end)
        )

    def paid_by(self, day: date, index: int = -1) -> int:
        """Principal paid that counts on ``day``, on rows from ``index`` on, no down payments."""
        return sum(
            paid.amount_minor
            for paid in self.book.paid
            if paid.key[0] == 1 and paid.key[1] >= index and paid.counts_from <= day
        )

    def balance(self, index: int, day: date) -> int:
        """The balance that bears interest on ``day`` in period ``index``."""
        drawn, kind = self.drawn_by(day), self.plan.recalculation
        if kind is Recalculation.NONE:
            return drawn - self.scheduled
        counted = kind is Recalculation.EVERY_PERIOD or index == self.running
        if counted and (day < self.book.on or self.plan.rests_on_due_day):
            return drawn - self.paid_by(day) + self.overdue_interest(day)
        return drawn - self.scheduled - self.paid_by(day, index)

    def overdue_interest(self, day: date) -> int:
        """Interest that was due by ``day`` and not paid, where it bears interest itself."""
        if not self.plan.compounds_overdue:
            return 0
        asked = sum(row.due[2] for row in self.rows if row.due_on <= day)
        return asked - sum(amount for on, amount in self.book.interest_paid if on <= day)

    def edges(self, slot: Slot) -> list[date]:
        """The days on which the balance may change within a period, its ends included."""
        days = {slot.starts_on, slot.due_on}
        inner = [on for on, _, _ in self.book.draws]
        if self.plan.recalculation is not Recalculation.NONE:
            inner += [paid.counts_from for paid in self.book.paid] + [self.book.on]
        return sorted(days | {day for day in inner if slot.starts_on < day < slot.due_on})

    def interest(self, index: int) -> tuple[Fraction, int]:
        """Interest of one period, exact and as a sum of rounded portions."""
        slot = self.slots[index]
        exact, rounded = Fraction(0), 0
        if index < self.plan.interest_free:
            return exact, 0
        for first, last in pairwise(self.edges(slot)):
            numerator, denominator = self.factor(self.plan, slot, first, last)
            owed = max(0, self.balance(index, first))
            exact += Fraction(owed * numerator, denominator)
            rounded += divide(owed * numerator, denominator, self.plan.rounding)
        return exact, rounded

    def asked_before(self, index: int, exact: Fraction) -> Fraction:
        """Exact interest of a period as its last draw found it: what was paid later changes none.

        The level is set when money is drawn; a payment after that moves interest, not the level.
        """
        slot = self.slots[index]
        is_every = self.plan.recalculation is Recalculation.EVERY_PERIOD
        if not is_every or self.plan.interest is Interest.FLAT:
            return exact
        drawn = [on for on, _, _ in self.book.draws if slot.starts_on <= on < slot.due_on]
        early = self.slots[0].starts_on
        last = drawn[-1] if drawn else slot.starts_on
        whole, self.book = (
            self.book,
            replace(self.book, on=early, paid=[paid for paid in self.book.paid if paid.on <= last]),
        )
        found, _ = self.interest(index)
        self.book = whole
        return found

    def flat_interest(self, index: int) -> int:
        """Interest on all that was lent, the same each period; the last takes the remainder."""
        if index < self.plan.interest_free:
            return 0
        slot = self.slots[index]
        numerator, denominator = factor(self.plan, slot, slot.starts_on, slot.due_on)
        lent = sum(amount for on, amount, _ in self.book.draws if on < slot.due_on)
        portion = Fraction(lent * numerator, denominator)
        self.flat += portion
        is_last = index == len(self.slots) - 1
        asked = max(0, round_minor(self.flat, self.plan.rounding) - self.flat_asked)
        if not is_last:
            asked = round_minor(portion, self.plan.rounding)
        self.flat_asked += asked
        return asked

    def has_draw(self, slot: Slot) -> bool:
        """Whether money drawn in this period changes its instalment."""
        joins = self.plan.joins_due_day
        return any(
            slot.starts_on <= on < slot.due_on or (joins and on == slot.due_on)
            for on, _, _ in self.book.draws
        )

    def add(self, index: int) -> None:
        """Work out one row."""
        plan, slot = self.plan, self.slots[index]
        is_flat = plan.interest is Interest.FLAT
        exact, interest = (Fraction(0), 0) if is_flat else self.interest(index)
        if is_flat:
            interest = self.flat_interest(index)
        is_end = not plan.joins_due_day
        balance = self.drawn_by(slot.due_on, is_end=is_end) - self.scheduled
        is_grace = slot.has_grace or index < plan.grace_principal
        if not is_grace and (self.is_stale or slot.is_new or self.has_draw(slot)):
            known = self.asked_before(index, exact)
            self.level, self.share = self.new_level(index, balance, known, interest)
            self.is_stale = False
        paid = sum(p.amount_minor for p in self.book.paid if p.key == (1, index))
        free = min(balance, self.lent - self.scheduled - self.paid_by(date.max, index + 1))
        principal = self.principal(index, balance, interest, paid, is_grace)
        row = Row((1, index), slot.starts_on, slot.due_on, slot, self.level, self.share)
        row.fixed, row.counted = self.held, slot.starts_on
        is_every = plan.recalculation is Recalculation.EVERY_PERIOD
        is_level = plan.method is Method.EQUAL_INSTALMENT and not is_grace
        if is_every and is_level and paid and index + 1 < len(self.slots):
            interest += self.carried
            kept = min(interest, max(0, self.level - paid))
            self.carried = interest - kept
            interest = kept
            principal = max(0, min(free, max(paid, self.level - interest)))
        else:
            interest, self.carried = interest + self.carried, 0
            if is_every:
                wanted = self.principal(index, balance, interest, paid, is_grace)
                principal = max(0, min(free, max(paid, wanted)))
        asked = 0 if index < plan.grace_interest else interest + self.held
        self.held = interest + self.held - asked
        row.due[2], row.due[3] = asked, principal
        self.scheduled += principal
        self.rows.append(row)

    def principal(self, index: int, balance: int, interest: int, paid: int, is_grace: bool) -> int:
        """Principal of one row; what was paid beyond it lowers what follows, by the plan."""
        plan = self.plan
        if index == len(self.slots) - 1:
            return balance
        part = 0
        if not is_grace:
            part = self.level - interest
            if plan.method is Method.EQUAL_PRINCIPAL:
                part = self.share
            elif plan.method in (Method.INTEREST_FIRST, Method.DRAW_AT_WILL):
                part = 0
            if plan.variable_minor:
                part = plan.variable_minor[min(index, len(plan.variable_minor) - 1)] - interest
        part = max(0, min(part, balance - plan.balloon_minor))
        if plan.recalculation is not Recalculation.RUNNING_PERIOD:
            return min(balance, part)
        wanted = part
        used = min(self.credit, part)
        part, self.credit = part - used, self.credit - used
        if paid > part:
            if plan.early is Early.REDUCE_INSTALMENT and paid > wanted:
                self.is_stale = True
            elif plan.early is Early.NEXT_REPAYMENT:
                self.credit += paid - part
            part = paid
        return min(balance, part)

    def is_paused(self, place: int, index: int) -> bool:
        """Whether row ``index`` knows already that row ``place`` asks for no principal."""
        slot = self.slots[place]
        return slot.has_grace and slot.total == self.slots[index].total

    def new_level(
        self, index: int, balance: int, exact: Fraction, interest: int
    ) -> tuple[int, int]:
        """The instalment and the share of principal from row ``index`` on."""
        if self.kept is not None:
            return self.kept
        plan = self.plan
        left = [
            place
            for place in range(index, self.slots[index].total)
            if place == index or not self.is_paused(place, index)
        ]
        spread = balance - plan.balloon_minor
        over = len(left)
        is_whole = plan.shares_whole_term and self.slots[index].total == plan.count
        if is_whole and plan.interest is Interest.FLAT and not plan.grace_principal:
            over, spread = plan.count, spread + self.scheduled
        share = divide(spread, over, plan.rounding)
        if plan.cuts_shares:
            share = spread // over
        if plan.method is Method.EQUAL_PRINCIPAL:
            return 0, share
        if plan.fixed_minor:
            return plan.fixed_minor, share
        if plan.interest is Interest.FLAT:
            exact_level = Fraction(spread, over) + interest
            return _multiple(exact_level, plan.multiple_minor, plan.rounding), share
        parts = [
            factor(plan, self.slots[place], self.slots[place].starts_on, self.slots[place].due_on)
            for place in left
        ]
        if plan.levels_by_first_period:
            zero = self.slots[0]
            first = factor(plan, zero, zero.starts_on, zero.due_on)
            parts = [first] * len(left)
            exact = Fraction(balance * first[0], first[1])
        shared = 1
        for _, denominator in parts:
            shared = lcm(shared, denominator)
        rest = [numerator * (shared // denominator) for numerator, denominator in parts]
        if plan.multiple_minor == 1 and not plan.balloon_minor:
            level = broken_level(
                balance, exact, rest, shared, plan.rounding, plan.adjusts_instalment
            )
            return level, share
        wanted = _exact_level(balance, plan.balloon_minor, exact, rest, shared)
        return _multiple(wanted, plan.multiple_minor, plan.rounding), share


def _exact_level(
    balance: int, balloon: int, exact: Fraction, rest: Sequence[int], denominator: int
) -> Fraction:
    """The level that leaves ``balloon`` after the last of the periods in ``rest``."""
    total, product = Fraction(1), Fraction(1)
    for numerator in reversed(rest[1:]):
        product *= Fraction(denominator + numerator, denominator)
        total += product
    return ((balance + exact) * product - balloon) / total


def _multiple(amount: Fraction, multiple: int, rounding: Rounding) -> int:
    """``amount`` in whole multiples of ``multiple`` minor units."""
    return round_minor(amount / multiple, rounding) * multiple
