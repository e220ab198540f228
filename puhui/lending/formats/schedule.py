"""The schedule and the fees of a product file, and which of them go together."""

from __future__ import annotations

from decimal import Decimal

from puhui.kernel.money import DIGITS
from puhui.lending.formats.sheet import Sheet
from puhui.lending.nouns import (
    DayCount,
    Early,
    FeeKind,
    FeeTerms,
    Frequency,
    Interest,
    Method,
    Part,
    Product,
    Rhythm,
    ScheduleTerms,
    Timing,
    YearCut,
)
from puhui.lending.rules.plan import in_rhythm, periods_of

UNITS = {Frequency.DAYS: "day", Frequency.WEEKS: "week", Frequency.MONTHS: "month"}
AMOUNT = "share of amount"
INSTALMENTS_MAX = 480
LEVEL = (Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL)
MONTH_ENDS = ("clamp", "roll")


def read_schedule(product: Sheet, currency: str) -> ScheduleTerms:
    """The table ``[schedule]`` of a product file; without it, months and no extras."""
    if not product.has("schedule"):
        return ScheduleTerms()
    sheet = product.sheet("schedule")

    def share(key: str) -> Decimal:
        return sheet.share(key, AMOUNT) if sheet.has(key) else Decimal(0)

    def periods(key: str) -> int:
        return sheet.whole(key, "period", 0, INSTALMENTS_MAX) if sheet.has(key) else 0

    def flag(key: str) -> bool:
        return sheet.has(key) and sheet.flag(key)

    frequency = Frequency.MONTHS
    if sheet.has("frequency"):
        frequency = sheet.choice("frequency", Frequency)
    every = sheet.whole("every", UNITS[frequency], 1, 366) if sheet.has("every") else 1
    month_end = sheet.text("month_end") if sheet.has("month_end") else "clamp"
    if month_end not in MONTH_ENDS or (month_end == "roll" and frequency is not Frequency.MONTHS):
        raise sheet.refuse("month_end", "is clamp or roll, and goes with months")
    found = ScheduleTerms(
        sheet.choice("interest", Interest) if sheet.has("interest") else Interest.DECLINING,
        frequency,
        every,
        month_end == "clamp",
        flag("bullet"),
        share("balloon"),
        periods("grace_principal"),
        periods("grace_interest"),
        periods("interest_free"),
        share("fixed_instalment"),
        share("down_payment"),
        sheet.choice("year_cut", YearCut) if sheet.has("year_cut") else YearCut.LAST_DAY,
        flag("adjusts_instalment"),
        flag("drawings"),
        _amounts(sheet, currency),
        sheet.numbers("variable_shares", AMOUNT, "0", "1") if sheet.has("variable_shares") else (),
        _minor(sheet, "instalment_multiple", currency) if sheet.has("instalment_multiple") else 1,
        flag("chooses_due_day"),
        _rhythms(sheet),
    )
    sheet.finish()
    return found


def _rhythms(sheet: Sheet) -> tuple[Rhythm, ...]:
    """How often a borrower may choose to pay, each once."""
    if not sheet.has("rhythms"):
        return ()
    words = sheet.texts("rhythms")
    known = {one.value: one for one in Rhythm}
    if not set(words) <= set(known) or len(set(words)) < len(words) or len(words) < 2:
        raise sheet.refuse("rhythms", f"are two or more of {', '.join(known)}, each once")
    return tuple(known[word] for word in words)


def _amounts(sheet: Sheet, currency: str) -> tuple[int, ...]:
    """Totals of instalments in turn, major units in the file."""
    if not sheet.has("variable_amounts"):
        return ()
    found = [
        amount.scaleb(DIGITS[currency]) for amount in sheet.numbers("variable_amounts", currency)
    ]
    if any(amount != int(amount) or amount <= 0 for amount in found):
        raise sheet.refuse("variable_amounts", f"must be amounts of {currency} above nought")
    return tuple(int(amount) for amount in found)


def _minor(sheet: Sheet, key: str, currency: str) -> int:
    """An amount above nought, major units in the file, as minor units."""
    found = sheet.number(key, currency).scaleb(DIGITS[currency])
    if found != int(found) or not found:
        raise sheet.refuse(key, f"must be an amount of {currency} above nought")
    return int(found)


def read_fees(product: Sheet, currency: str) -> tuple[FeeTerms, ...]:
    """The list ``[[fee]]`` of a product file: each an amount, a share of the amount, or both.

    One at first is part of the interest unless it says ``is_interest = false``; others never are.
    """
    found = []
    for entry in product.sheets("fee") if product.has("fee") else []:
        kind = entry.choice("kind", FeeKind)
        amount = Decimal(0)
        if entry.has("amount"):
            amount = entry.number("amount", currency).scaleb(DIGITS[currency])
        share = entry.share("share", AMOUNT) if entry.has("share") else Decimal(0)
        if amount != int(amount):
            raise entry.refuse("amount", f"has more decimals than {currency} allows")
        if not amount and not share:
            raise entry.refuse("amount", "an amount or a share must be above nought")
        is_first = kind is FeeKind.UP_FRONT
        is_interest = entry.flag("is_interest") if entry.has("is_interest") else is_first
        if is_interest and not is_first:
            raise entry.refuse("is_interest", "is for fees at first: others are earned when asked")
        entry.finish()
        found.append(FeeTerms(kind, int(amount), share, is_interest))
    return tuple(found)


def read_allocation(sheet: Sheet) -> tuple[tuple[Timing, Part], ...]:
    """The order of parts, each key such as "past_due.penalty" once.

    Past due and due parts must all be there; those in advance all or none of them (then penalty,
    fee, interest and principal follow in this order), after all that is due: what is due is never
    left for what is not.
    """
    timings = (Timing.PAST_DUE, Timing.DUE, Timing.IN_ADVANCE)
    wanted = {f"{t.value}.{part.value}": (t, part) for t in timings for part in Part}
    keys = sheet.texts("allocation")
    due = [key for key in wanted if not key.startswith(Timing.IN_ADVANCE.value)]
    if sorted(keys) not in (sorted(due), sorted(wanted)):
        raise sheet.refuse("allocation", "must name every part past due and due once, and every "
                           "part in advance or none")  # fmt: skip
    if len(keys) == len(wanted) and sorted(keys[: len(due)]) != sorted(due):
        raise sheet.refuse("allocation", "parts in advance must stand after all that is due")
    return tuple(wanted[key] for key in keys)


def check_schedule(product: Product, sheet: Sheet) -> None:
    """What of a schedule goes together. Refused: ``lending.bad_product``."""
    terms = product.schedule
    methods = [method for method, _ in product.day_counts]
    for months in product.terms_months:
        periods = periods_of(terms, months)
        if periods is None or not 1 <= periods <= INSTALMENTS_MAX:
            raise sheet.refuse("schedule.every", f"{months} months are not filled by whole periods")
        if max(terms.grace_principal, terms.interest_free + terms.grace_interest) >= periods:
            raise sheet.refuse("schedule.grace_principal", f"leaves none of {periods} periods")
    if terms.grace_interest > terms.grace_principal:
        raise sheet.refuse("schedule.grace_interest", "cannot be longer than that on principal")
    if terms.balloon_share and not set(methods) <= set(LEVEL):
        raise sheet.refuse("schedule.balloon", "goes with equal instalments or equal principal")
    for key in ("balloon_share", "down_payment_share"):
        if getattr(terms, key) == 1:
            raise sheet.refuse(f"schedule.{key}", "must leave something for the instalments")
    _check_methods(product, sheet, methods)
    _check_instalments(product, sheet, methods)
    _check_rhythms(product, sheet, methods)
    _check_days(product, sheet)
    if terms.interest is Interest.FLAT:
        _check_flat(product, sheet)


def _check_methods(product: Product, sheet: Sheet, methods: list[Method]) -> None:
    terms, servicing = product.schedule, product.servicing
    graces = terms.grace_principal or terms.grace_interest or terms.interest_free
    extras = graces or terms.balloon_share or terms.fixed_share or terms.down_payment_share
    is_alone = Method.DRAW_AT_WILL in methods or servicing.is_revolving
    if is_alone and (extras or terms.is_bullet or terms.has_drawings):
        raise sheet.refuse("schedule", "a loan drawn at will has no graces, balloon, fixed "
                           "instalment, down payment or drawings")  # fmt: skip
    if terms.is_bullet and (extras or methods != [Method.INTEREST_FIRST]):
        raise sheet.refuse("schedule.bullet", "goes with interest_first alone, without graces")
    if terms.fixed_share:
        if methods != [Method.EQUAL_INSTALMENT] or terms.balloon_share:
            raise sheet.refuse("schedule.fixed_instalment", "goes with equal_instalment alone")
        if servicing.early is not Early.REDUCE_COUNT:
            raise sheet.refuse("servicing.early", "a fixed instalment needs reduce_count")
    is_level = Method.EQUAL_INSTALMENT in methods and not terms.fixed_share
    if terms.adjusts_instalment and not is_level:
        raise sheet.refuse("schedule.adjusts_instalment", "goes with equal_instalment")
    is_fixed = terms.balloon_share or terms.fixed_share or terms.down_payment_share
    if terms.has_drawings and (is_fixed or terms.is_bullet):
        raise sheet.refuse("schedule.drawings", "go with no bullet, balloon, fixed instalment or "
                           "down payment")  # fmt: skip
    if Method.DRAW_AT_WILL in methods and product.fee(FeeKind.EACH_INSTALMENT) != (0, Decimal(0)):
        raise sheet.refuse("fee", "a loan drawn at will has no instalments that bear fees")


def _check_instalments(product: Product, sheet: Sheet, methods: list[Method]) -> None:
    """Which instalments may be told one by one, rounded, or put on a day."""
    terms = product.schedule
    told = terms.variable_minor or terms.variable_shares
    if terms.variable_minor and terms.variable_shares:
        raise sheet.refuse("schedule.variable_shares", "amounts and shares do not go together")
    if told:
        is_other = terms.fixed_share or terms.balloon_share or terms.multiple_minor > 1
        if methods != [Method.EQUAL_INSTALMENT] or is_other or terms.interest is Interest.FLAT:
            raise sheet.refuse("schedule.variable_shares", "go with equal_instalment alone, and no "
                               "fixed instalment, balloon, multiple or flat interest")  # fmt: skip
        fewest = min(periods_of(terms, months) or 0 for months in product.terms_months)
        if len(told) > fewest:
            raise sheet.refuse("schedule.variable_shares", f"are more than {fewest} instalments")
    if terms.multiple_minor > 1:
        if methods != [Method.EQUAL_INSTALMENT] or terms.fixed_share or terms.is_bullet:
            raise sheet.refuse("schedule.instalment_multiple", "goes with equal_instalment alone")
        if terms.multiple_minor >= product.smallest_minor:
            raise sheet.refuse("schedule.instalment_multiple", "must be below the smallest amount")
    by_months = terms.frequency is Frequency.MONTHS or Rhythm.MONTH in terms.rhythms
    if terms.chooses_due_day and (not by_months or terms.is_bullet
                                  or Method.DRAW_AT_WILL in methods):  # fmt: skip
        raise sheet.refuse("schedule.chooses_due_day", "goes with instalments by months")
    if terms.chooses_due_day and DayCount.THIRTY_360 in [count for _, count in product.day_counts]:
        raise sheet.refuse("schedule.chooses_due_day", "needs actual days: the first period is "
                           "longer or shorter than a month")  # fmt: skip


def _check_rhythms(product: Product, sheet: Sheet, methods: list[Method]) -> None:
    """Which products let the borrower say how often to pay, over which of their terms."""
    terms = product.schedule
    if not terms.rhythms:
        return
    parts = (terms.grace_principal, terms.interest_free, terms.fixed_share, terms.variable_minor,
             terms.variable_shares, terms.is_bullet)  # fmt: skip
    if any(parts) or not set(methods) <= set(LEVEL):
        raise sheet.refuse("schedule.rhythms", "go with equal instalments or equal principal, and "
                           "no grace, free time, fixed or variable instalments")  # fmt: skip
    if not any(in_rhythm(terms, one) == terms for one in terms.rhythms):
        raise sheet.refuse("schedule.rhythms", "must have the product's own among them")
    if product.servicing.shifts_due_days and Rhythm.WEEK in terms.rhythms:
        raise sheet.refuse("servicing.shifts_due_days", "due days less than two weeks apart could "
                           "fall on one another")  # fmt: skip
    for one in terms.rhythms:
        counts = [periods_of(in_rhythm(terms, one), months) for months in product.terms_months]
        if not any(counts) or max(count or 0 for count in counts) > INSTALMENTS_MAX:
            raise sheet.refuse("schedule.rhythms", f"{one.value} fills none of the terms")


def _check_days(product: Product, sheet: Sheet) -> None:
    terms = product.schedule
    length = {Frequency.DAYS: 1, Frequency.WEEKS: 7, Frequency.MONTHS: 28}[terms.frequency]
    if product.servicing.shifts_due_days and length * terms.every < 14:
        raise sheet.refuse("servicing.shifts_due_days", "due days less than two weeks apart could "
                           "fall on one another")  # fmt: skip
    counts = [count for _, count in product.day_counts]
    if terms.year_cut is not YearCut.LAST_DAY and DayCount.ACT_ACT not in counts:
        raise sheet.refuse("schedule.year_cut", "goes with act/act")


def _check_flat(product: Product, sheet: Sheet) -> None:
    """Flat interest is owed whole, whatever is repaid early."""
    terms, servicing = product.schedule, product.servicing
    if product.day_count(Method.DRAW_AT_WILL) is not None or servicing.is_revolving:
        raise sheet.refuse("schedule.interest", "of a loan drawn at will is declining")
    if terms.grace_interest or terms.interest_free or terms.fixed_share or terms.has_drawings:
        raise sheet.refuse("schedule.interest", "flat interest has no grace on interest, free "
                           "time, fixed instalment or drawings")  # fmt: skip
    if servicing.early is not Early.NEXT_REPAYMENT:
        raise sheet.refuse("servicing.early", "flat interest needs next_repayment")
    ahead = [part for timing, part in servicing.allocation if timing is Timing.IN_ADVANCE]
    if ahead and ahead.index(Part.PRINCIPAL) < ahead.index(Part.INTEREST):
        raise sheet.refuse("servicing.allocation", "flat interest in advance stands before "
                           "principal")  # fmt: skip
    if servicing.cooling_off_days:
        raise sheet.refuse("servicing.cooling_off", "must be 0 with flat interest, which is owed "
                           "whole")  # fmt: skip
