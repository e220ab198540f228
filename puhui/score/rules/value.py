"""The one boundary between raw values and numbers: one row and a whole table read alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping as Keyed
from datetime import date, timedelta

from puhui.kernel.errors import Refused
from puhui.score.nouns import Row, Signal, Value

MISSING = math.nan
UNSEEN = -1.0
"""The code of a category that the training rows never showed."""

MISSING_TEXTS = frozenset({"", ".", "na", "n/a", "nan", "null", "none"})
"""Texts that mean "no value", compared without case; "." is how SAS writes it."""

CURRENCY_SIGNS = "$¥￥€£"
SAS_EPOCH = date(1960, 1, 1)
"""Day 0 of dates written as SAS day numbers."""

DAYS_PER_YEAR = 365.25

SignalReader = Callable[..., float]
RowReader = Callable[[Row], float]


def read_number(value: Value) -> float:
    """The float64 of a raw value; not a number where it is missing.

    Texts may carry blanks, one currency sign, a sign, thousands separators in groups of three
    and an exponent: "12", " 12.0 ", "1,200" and "$1,200.00" are numbers. Minus nought is nought.
    Refused: ``score.bad_number`` for any other text and for infinite values.
    """
    if type(value) is str:
        try:
            number = float(value)
        except ValueError:
            return _number_of_written(value)
        if number - number == 0.0 and "_" not in value:
            return number or 0.0
        if "_" in value:
            raise _bad_number(value)
    elif value is None:
        return MISSING
    else:
        try:
            number = float(value)
        except (OverflowError, TypeError, ValueError):
            raise _bad_number(value) from None
    if number - number != 0.0:
        if number != number:
            return MISSING
        raise _bad_number(value)
    return number + 0.0


def _number_of_written(value: str) -> float:
    """The number in a text that is not plain: separators, a currency sign, or a missing mark."""
    text = value.strip().replace("，", ",")
    if text.lower() in MISSING_TEXTS:
        return MISSING
    sign = text[0] if text[0] in "+-" else ""
    text = text[len(sign) :].lstrip()
    if text[:1] and text[0] in CURRENCY_SIGNS:
        text = text[1:].lstrip()
    if not sign and text[:1] in ("+", "-"):
        sign, text = text[0], text[1:]
    whole, point, rest = text.partition(".")
    first, *groups = whole.split(",")
    if groups and (not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups)):
        raise _bad_number(value)
    digits = first + "".join(groups)
    if not (digits + rest) or not set(digits + rest) <= set("0123456789"):
        raise _bad_number(value)
    return float(sign + (digits or "0") + point + rest) + 0.0


def _bad_number(value: object) -> Refused:
    return Refused("score.bad_number", f"{str(value)[:40]!r} is not a number.")


def read_text(value: Value) -> str:
    """The category of a raw value without outer blanks; "" where it is missing.

    Whole numbers read as their digits, so 1, 1.0 and "1" are one category.
    """
    if type(value) is str:
        text = value.strip()
        return "" if text.lower() in MISSING_TEXTS else text
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_day(value: Value, date_format: str) -> date | None:
    """The day of a raw value, or None where it is missing.

    Formats: "iso" 2001-04-09, "us" 4/9/2001, "sas_days" days since 1960-01-01.
    Refused: ``score.bad_date``.
    """
    text = read_text(value)
    if not text:
        return None
    try:
        if date_format == "iso":
            return date.fromisoformat(text[:10])
        if date_format == "us":
            month, day, year = text.split("/")
            return date(int(year), int(month), int(day))
        number = read_number(text)
        return SAS_EPOCH + timedelta(days=int(number))
    except (ValueError, OverflowError, Refused):
        raise Refused("score.bad_date", f"{text[:40]!r} is not a date ({date_format}).") from None


def code_of(text: str, codes: Keyed[str, float]) -> float:
    """The code of a category; missing stays missing, a category never seen is ``UNSEEN``."""
    if not text:
        return MISSING
    return codes.get(text, UNSEEN)


def text_reader(signal: Signal) -> Callable[..., str]:
    """How a category signal's text is read from the values of its columns."""
    assert signal.kind == "category", signal
    if signal.operation == "prefix":
        length = int(signal.operand)
        return lambda value: read_text(value)[:length]
    return read_text


def signal_reader(signal: Signal, codes: Keyed[str, float]) -> SignalReader:
    """How a signal's float64 is read from the raw values of its columns, one per column.

    Categories become their code in ``codes``. Refused, by the reader: ``score.bad_number``,
    ``score.bad_date``, ``score.out_of_range`` below ``least`` or above ``most``.
    """
    if signal.operation == "absent":
        return lambda: MISSING
    if signal.operation == "stated":
        if signal.kind == "category":
            stated = code_of(read_text(signal.stated), codes)
        else:
            stated = read_number(signal.stated)
        return lambda: stated
    if signal.kind == "category":
        read = text_reader(signal)
        return lambda value: code_of(read(value), codes)
    plain = _number_reader(signal)
    if signal.least is None and signal.most is None:
        return plain
    return _bounded(signal, plain)


def _bounded(signal: Signal, plain: SignalReader) -> SignalReader:
    least = -math.inf if signal.least is None else signal.least
    most = math.inf if signal.most is None else signal.most

    def read(*values: Value) -> float:
        number = plain(*values)
        if number < least or number > most:
            raise Refused(
                "score.out_of_range",
                f"{signal.name} is {number:.12g}, outside {least:.12g} to {most:.12g}.",
            )
        return number

    return read


def _number_reader(signal: Signal) -> SignalReader:
    """The reader of a number signal by its operation, without bounds."""
    match signal.operation:
        case "copy":
            return read_number
        case "ratio":
            return _ratio
        case "sum":
            return lambda *values: math.fsum(read_number(value) for value in values) + 0.0
        case "difference":
            return lambda left, right: read_number(left) - read_number(right) + 0.0
        case "above":
            bound = signal.operand
            return lambda value: _above(read_number(value), bound)
        case "same":
            return _same
        case "year":
            written = signal.date_format
            return lambda value: _year(read_day(value, written))
        case "years_between":
            written = signal.date_format
            return lambda start, end: _years(read_day(start, written), read_day(end, written))
    raise AssertionError(signal.operation)


def _ratio(upper: Value, lower: Value) -> float:
    numerator, denominator = read_number(upper), read_number(lower)
    return numerator / denominator + 0.0 if denominator else MISSING


def _above(number: float, bound: float) -> float:
    if number != number:
        return MISSING
    return 1.0 if number > bound else 0.0


def _same(left: Value, right: Value) -> float:
    one, other = read_text(left), read_text(right)
    if not one or not other:
        return MISSING
    return 1.0 if one == other else 0.0


def _year(day: date | None) -> float:
    if day is None:
        return MISSING
    return day.year + (day.timetuple().tm_yday - 1) / DAYS_PER_YEAR


def _years(start: date | None, end: date | None) -> float:
    if start is None or end is None:
        return MISSING
    return (end - start).days / DAYS_PER_YEAR


def row_reader(signal: Signal, codes: Keyed[str, float]) -> RowReader:
    """How a signal's float64 is read from a whole raw row; a column not there is missing."""
    read = signal_reader(signal, codes)
    columns = signal.columns
    if len(columns) == 0:
        return lambda row: read()
    if len(columns) == 2:
        first, second = columns
        return lambda row: read(row.get(first), row.get(second))
    return lambda row: read(*(row.get(column) for column in columns))
