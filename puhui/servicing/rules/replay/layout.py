"""Layout 排期: principal and interest of the rows ahead, from a loan as it stands on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import accumulate
from math import lcm

from puhui.kernel.money import Rounding, round_minor
from puhui.servicing.nouns.plan import Basis, Early, Interest, Plan
from puhui.servicing.nouns.terms import Method
from puhui.servicing.rules.level import broken_level
from puhui.servicing.rules.period import divide
from puhui.servicing.rules.replay.calendar import Slot, even_factor, factor
from puhui.servicing.rules.replay.ways import Overdue, Ways

DECLINING, FLAT, DAILY = Interest.DECLINING, Interest.FLAT, Basis.DAILY
Key = tuple[int, int]
"""A row by kind and place: (0, draw) for a down payment, (1, n) instalment, (2, 0) charges."""


@dataclass(slots=True)
class Course:
    """What goes over from row to row while rows are laid out, minor units.

    ``level`` and ``share`` are the instalment and the share of principal; they are worked out anew
    where ``is_stale``. ``carried`` is interest that found no room, ``held`` interest asked for
    later (grace), ``credit`` principal that comes off the next instalments. ``flat`` and
    ``flat_asked`` are flat interest so far, exact and as asked for.
    """

    level: int = 0
    share: int = 0
    carried: int = 0
    held: int = 0
    credit: int = 0
    is_stale: bool = True
    flat: Fraction = Fraction(0)
    flat_asked: int = 0


@dataclass(slots=True)
class Row:
    """A row while it is being worked out; parts in the order penalty, fee, interest, principal.

    Before the due day ``fixed`` is its interest up to ``counted``; after it ``minor_days`` is
    overdue money times days up to ``counted``. ``with_overdue`` is the same interest where overdue
    principal bore some too, ``exact`` the unrounded one for a level. ``charged`` is penalty that no
    days change, ``plan_fee`` what of the fee the plan asks for by itself. What was paid and taken
    back is in ``due`` again; ``back_interest`` and ``back_principal`` say how much of it, for a
    new layout. ``is_levelled``: a draw or a change set its level; ``course`` is what it left to the
    next row. ``past_rates`` are penalty rates of its days of grace before the one of today: the day
    on which each ended, numerator and denominator by day.
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
    with_overdue: int = 0
    exact: Fraction = Fraction(0)
    is_levelled: bool = False
    course: Course | None = None
    past_rates: list[tuple[date, int, int]] = field(default_factory=list)

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


@dataclass(slots=True)
class Stand:
    """A loan on the day ``on``, as far as the rows ahead follow from it; minor units.

    ``slots`` are their periods, the first being number ``number`` (from 0) of the loan and begun
    as ``first``, a row of which interest up to ``first.counted`` is known. ``balance`` is the
    principal that they ask for, ``paid`` what of it was paid ahead, by row. ``unpaid`` is all
    principal drawn and not repaid, ``resting`` what was repaid and counts from the next due day on,
    ``overdue_interest`` what bears interest like principal. ``before`` is what earlier rows asked
    for; ``lent`` all that was drawn, by day; ``opens`` the first period of the loan. ``kept`` is an
    instalment or a share that does not change; ``levels`` says that the first row gets a new one,
    ``levelled`` which rows of the layout before had one of their own.
    """

    on: date
    number: int
    slots: Sequence[Slot]
    balance: int
    first: Row
    course: Course
    opens: Slot
    paid: Sequence[int] = ()
    unpaid: int = 0
    resting: int = 0
    overdue_interest: int = 0
    before: int = 0
    lent: Sequence[tuple[date, int]] = ()
    kept: tuple[int, int] | None = None
    levels: bool = True
    levelled: Sequence[Row] = ()


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


def lay_ahead(plan: Plan, ways: Ways, stand: Stand) -> list[Row]:
    """The rows ahead of a loan: the one way in which any plan is laid out, first or anew.

    Principal of the rows sums to ``stand.balance``; the last takes what is left. A row holds its
    laid out ``due``, what it knows of its interest, and what it leaves to the next row.
    """
    layout = _Layout(plan, ways, stand)
    for place in range(len(stand.slots)):
        layout.add(place)
    return layout.rows


class _Layout:
    """Rows added one by one; ``course`` goes over from row to row."""

    def __init__(self, plan: Plan, ways: Ways, stand: Stand) -> None:
        self.plan, self.ways, self.stand = plan, ways, stand
        self.slots = stand.slots
        self.course = replace(stand.course)
        if stand.levels:
            self.course.is_stale = True
        self.left = stand.balance
        self.balloon = min(plan.balloon_minor, stand.balance)
        self.count = len(stand.slots)
        paid = stand.paid or (0,) * self.count
        self.paid = paid
        self.paid_from = [*accumulate(reversed(paid), initial=0)][::-1] if any(paid) else paid
        self.asked = 0
        self.rows: list[Row] = []
        self.factor = even_factor if ways.even_days else factor
        late = (place for place, slot in enumerate(stand.slots) if slot.due_on >= stand.on)
        self.running = -1 if ways.overdue is Overdue.NEVER else next(late, self.count)

    def spans(self, place: int) -> list[tuple[date, date, int]]:
        """Days of a row not counted yet, and the balance that bears interest on them.

        Overdue principal bears interest up to today, as far as the plan's ways say.
        """
        slot, stand, ways = self.slots[place], self.stand, self.ways
        first = slot.starts_on if place else stand.first.counted
        bearing = max(0, self.left - self.paid_from[place]) if ways.saves else max(0, self.left)
        cut = max(first, min(stand.on, slot.due_on))
        is_running, resting = place == self.running, 0 if place else stand.resting
        if ways.overdue is Overdue.RUNNING and not is_running:
            bearing += resting
            return [(first, slot.due_on, bearing)]
        rests = self.plan.rests_on_due_day and is_running
        if ways.overdue is Overdue.NEVER or (cut == first and not rests):
            return [(first, slot.due_on, bearing)]
        actual = stand.unpaid
        if self.plan.compounds_overdue:
            actual += stand.overdue_interest + self.asked
        if rests:
            actual += resting
            bearing = max(0, actual)
        return [(first, cut, max(0, actual)), (cut, slot.due_on, bearing)]

    def interest(self, place: int) -> tuple[Fraction, int]:
        """Interest of one period, exact and as a sum of rounded portions.

        The exact one is for the level and knows nothing of what is overdue.
        """
        slot, first = self.slots[place], self.stand.first
        exact, rounded = Fraction(0), 0
        if not place and not self.ways.tops:
            exact = first.exact
            past = self.ways.overdue is Overdue.RUNNING and place != self.running
            rounded = first.fixed if past else first.with_overdue
        spans = self.spans(place)
        for since, until, owed in spans:
            if since < until:
                numerator, denominator = self.factor(self.plan, slot, since, until)
                rounded += divide(owed * numerator, denominator, self.plan.rounding)
        since, until, owed = spans[0][0], spans[-1][1], spans[-1][2]
        if since < until:
            numerator, denominator = self.factor(self.plan, slot, since, until)
            exact += Fraction(owed * numerator, denominator)
        return exact, rounded

    def flat_interest(self, place: int) -> int:
        """Interest on all that was lent, the same each period; the last takes the remainder."""
        slot, course = self.slots[place], self.course
        numerator, denominator = factor(self.plan, slot, slot.starts_on, slot.due_on)
        lent = sum(amount for on, amount in self.stand.lent if on < slot.due_on)
        portion = Fraction(lent * numerator, denominator)
        course.flat += portion
        asked = round_minor(portion, self.plan.rounding)
        if place == self.count - 1:
            asked = max(0, round_minor(course.flat, self.plan.rounding) - course.flat_asked)
        course.flat_asked += asked
        return asked

    def add(self, place: int) -> None:
        """Work out one row."""
        plan, ways, stand, course = self.plan, self.ways, self.stand, self.course
        slot, index = self.slots[place], stand.number + place
        if plan.interest is FLAT:
            exact, interest = Fraction(0), self.flat_interest(place)
        else:
            exact, interest = self.interest(place)
        is_grace = slot.has_grace or index < plan.grace_principal
        was = stand.levelled[place] if place < len(stand.levelled) else None
        is_levelled = slot.is_new or (was is not None and was.is_levelled)
        if not is_grace and (course.is_stale or is_levelled):
            keeps = ways.keeps_level and not stand.levels
            if keeps and was is not None and was.is_levelled:
                course.level, course.share = was.level, was.share
            else:
                course.level, course.share = self.new_level(place, exact, interest)
            is_levelled = is_levelled or ways.keeps_level or (stand.levels and not place)
            course.is_stale = False
        row = Row((1, index), slot.starts_on, slot.due_on, slot, course.level, course.share)
        row.fixed, row.counted, row.is_levelled = course.held, slot.starts_on, is_levelled
        principal, interest = self.parts(place, interest, is_grace)
        asked = 0 if index < plan.grace_interest else interest + course.held
        course.held = interest + course.held - asked
        row.due[2], row.due[3] = asked, principal
        self.left -= principal
        self.asked += asked
        if not ways.tops:
            row.fixed, row.course = 0, replace(course)
        self.rows.append(row)

    def parts(self, place: int, interest: int, is_grace: bool) -> tuple[int, int]:
        """Principal and interest of a row, by what was paid on it before.

        Where interest is carried, what was paid early takes the place of interest in an instalment.
        """
        paid, course = self.paid[place], self.course
        principal = self.principal(place, interest, paid, is_grace)
        if not self.ways.carries:
            return principal, interest
        later = self.paid_from[place + 1] if self.paid_from is not self.paid else 0
        free = min(self.left, self.left - later)
        interest += course.carried
        is_level = self.plan.method is Method.EQUAL_INSTALMENT and not is_grace
        course.carried = 0
        if is_level and paid and place + 1 < self.count:
            kept = min(interest, max(0, course.level - paid))
            course.carried, interest = interest - kept, kept
            wanted = course.level - interest
        else:
            wanted = self.principal(place, interest, paid, is_grace)
        return max(0, min(free, max(paid, wanted))), interest

    def principal(self, place: int, interest: int, paid: int, is_grace: bool) -> int:
        """Principal of one row; what was paid beyond it lowers what follows, by the plan."""
        plan, left, course = self.plan, self.left, self.course
        if place == self.count - 1:
            return left
        part = 0
        if not is_grace:
            part = course.level - interest
            if plan.method is Method.EQUAL_PRINCIPAL:
                part = course.share
            elif plan.method in (Method.INTEREST_FIRST, Method.DRAW_AT_WILL):
                part = 0
            if plan.variable_minor:
                index = self.stand.number + place
                part = plan.variable_minor[min(index, len(plan.variable_minor) - 1)] - interest
        part = max(0, min(part, left - self.balloon))
        if self.ways.overdue is not Overdue.RUNNING:
            return min(left, part)
        wanted = part
        used = min(course.credit, part)
        part, course.credit = part - used, course.credit - used
        if paid > part:
            if plan.early is Early.REDUCE_INSTALMENT and paid > wanted:
                course.is_stale = True
            elif plan.early is Early.NEXT_REPAYMENT:
                course.credit += paid - part
            part = paid
        return min(left, part)

    def new_level(self, place: int, exact: Fraction, interest: int) -> tuple[int, int]:
        """The instalment and the share of principal from a row on."""
        stand, plan, balance = self.stand, self.plan, self.left
        if stand.kept is not None:
            return stand.kept
        left = [
            one for one in range(place, self.count) if one == place or not self.slots[one].has_grace
        ]
        spread = balance - self.balloon
        over = len(left)
        is_whole = plan.shares_whole_term and stand.number + self.count == plan.count
        if is_whole and plan.interest is FLAT and not plan.grace_principal:
            over, spread = plan.count, spread + stand.before + stand.balance - self.left
        share = divide(spread, over, plan.rounding)
        if plan.cuts_shares:
            share = spread // over
        if plan.method is Method.EQUAL_PRINCIPAL:
            return 0, share
        if plan.fixed_minor:
            return plan.fixed_minor, share
        if plan.interest is FLAT:
            exact_level = Fraction(spread, over) + interest
            return _multiple(exact_level, plan.multiple_minor, plan.rounding), share
        parts = [
            factor(plan, self.slots[one], self.slots[one].starts_on, self.slots[one].due_on)
            for one in left
        ]
        if plan.levels_by_first_period:
            zero = stand.opens
            first = factor(plan, zero, zero.starts_on, zero.due_on)
            parts = [first] * len(left)
            exact = Fraction(balance * first[0], first[1])
        shared = 1
        for _, denominator in parts:
            shared = lcm(shared, denominator)
        rest = [numerator * (shared // denominator) for numerator, denominator in parts]
        if plan.multiple_minor == 1 and not self.balloon:
            level = broken_level(
                balance, exact, rest, shared, plan.rounding, plan.adjusts_instalment
            )
            return level, share
        wanted = _exact_level(balance, self.balloon, exact, rest, shared)
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
