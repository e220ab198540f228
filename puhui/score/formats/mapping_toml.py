"""Mappings in TOML: read strictly, every mistake named, leaking signals refused."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.score.formats.protected_toml import protected_names
from puhui.score.nouns import ColumnAs, Forbidden, Mapping, Signal, Source, Split, Target
from puhui.score.nouns.mapping import DATE_FORMATS, DIRECTIONS, KINDS, OPERATIONS, SPLIT_RULES
from puhui.score.rules.leakage import refuse_leaking_signals
from puhui.score.rules.protect import refuse_protected_names

TOP_KEYS = frozenset(
    "title currency source id_column date target split signal forbidden amount term guard loss "
    "trees".split()
)
SIGNAL_KEYS = frozenset(
    "name kind column columns operation operand date_format absent stated direction least most "
    "special title advice".split()
)
GUARDS = ("age", "yearly_income", "existing_debt", "overdue", "overdue_days", "monthly_inflow")
"""What guards and the size of a credit limit may be read from."""

LOSSES = ("charged_off", "exposure")
COLUMN_COUNTS = {
    "ratio": (2, 2),
    "difference": (2, 2),
    "same": (2, 2),
    "years_between": (2, 2),
    "sum": (2, 50),
}
"""How many columns an operation takes, least and most; the others take one."""


def read_mapping_text(text: str, name: str) -> Mapping:
    """Read a mapping from TOML text.

    Refused: ``score.mapping_bad`` (not TOML, an unknown or missing entry, a wrong type or
    value), ``score.mapping_signal`` (a signal that is wrong in itself),
    ``score.leaking_signal`` (a signal that a decision could not know), and
    ``score.protected_signal`` (one that tells a protected attribute).
    """
    try:
        entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _bad(name, f"it is not TOML ({error})") from None
    _refuse_unknown(name, entries, TOP_KEYS, "the mapping")
    zh, en = _titles(name, entries, "the mapping")
    dated = _table(name, entries, "date", optional=True)
    currency = _text(name, entries, "currency")
    if currency not in DIGITS:
        raise _bad(name, f"currency {currency!r} is not known")
    mapping = Mapping(
        name=name,
        title_zh=zh,
        title_en=en,
        currency=currency,
        source=_source(name, _table(name, entries, "source")),
        id_column=_text(name, entries, "id_column", ""),
        date_column=_text(name, dated, "column", ""),
        date_format=_one_of(name, dated, "format", DATE_FORMATS) if dated else "",
        target=_target(name, _table(name, entries, "target")),
        split=_split(name, _table(name, entries, "split")),
        signals=_signals(name, entries),
        forbidden=tuple(
            Forbidden(_text(name, entry, "column"), _text(name, entry, "reason"))
            for entry in _tables(name, entries, "forbidden")
        ),
        amount=_column_as(name, "amount", _table(name, entries, "amount")),
        term=_column_as(name, "term", _table(name, entries, "term")),
        guards=_columns_as(name, _table(name, entries, "guard", optional=True), GUARDS),
        loss=_columns_as(name, _table(name, entries, "loss", optional=True), LOSSES),
        parameters=_parameters(name, _table(name, entries, "trees", optional=True)),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
    refuse_leaking_signals(mapping)
    refuse_protected_names(mapping.signals, protected_names())
    return mapping


def _bad(name: str, reason: str) -> Refused:
    return Refused("score.mapping_bad", f"The mapping {name!r} cannot be used: {reason}.")


def _refuse_unknown(name: str, entry: Iterable[str], known: frozenset[str], where: str) -> None:
    unknown = sorted(set(entry) - known)
    if unknown:
        raise _bad(name, f"{where} has an unknown entry {unknown[0]!r}")


def _text(name: str, entry: dict[str, Any], key: str, otherwise: str | None = None) -> str:
    found = entry.get(key, otherwise)
    if not isinstance(found, str):
        raise _bad(name, f"{key!r} must be a text")
    return found


def _texts(name: str, entry: dict[str, Any], key: str) -> tuple[str, ...]:
    found = entry.get(key, [])
    if not isinstance(found, list) or not all(isinstance(value, str) for value in found):
        raise _bad(name, f"{key!r} must be a list of texts")
    return tuple(found)


def _number(name: str, entry: dict[str, Any], key: str) -> float | None:
    found = entry.get(key)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _bad(name, f"{key!r} must be a number")
    return float(found)


def _one_of(name: str, entry: dict[str, Any], key: str, known: tuple[str, ...]) -> str:
    found = _text(name, entry, key)
    if found not in known:
        raise _bad(name, f"{key!r} is {found!r}, not one of {', '.join(filter(None, known))}")
    return found


def _table(
    name: str, entries: dict[str, Any], key: str, *, optional: bool = False
) -> dict[str, Any]:
    found = entries.get(key, {} if optional else None)
    if not isinstance(found, dict):
        raise _bad(name, f"the table [{key}] is missing")
    return found


def _tables(name: str, entries: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = entries.get(key, [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise _bad(name, f"[[{key}]] must be a list of tables")
    return found


def _titles(
    name: str, entry: dict[str, Any], where: str, key: str = "title", *, optional: bool = False
) -> tuple[str, str]:
    if optional and key not in entry:
        return "", ""
    found = entry.get(key)
    if not isinstance(found, dict) or set(found) != {"zh", "en"}:
        raise _bad(name, f"{where} needs {key!r} with zh and en")
    return _text(name, found, "zh"), _text(name, found, "en")


def _source(name: str, entry: dict[str, Any]) -> Source:
    on = entry.get("on")
    return Source(
        _text(name, entry, "title"), _text(name, entry, "link", ""), str(on) if on else ""
    )


def _target(name: str, entry: dict[str, Any]) -> Target:
    target = Target(
        _text(name, entry, "column"), _texts(name, entry, "bad"), _texts(name, entry, "good")
    )
    if not target.bad or not target.good or set(target.bad) & set(target.good):
        raise _bad(name, "the target needs bad and good values, none of them both")
    return target


def _split(name: str, entry: dict[str, Any]) -> Split:
    rule = _one_of(name, entry, "rule", SPLIT_RULES)
    if rule == "hash":
        share = _number(name, entry, "share")
        if share is None or not 0.0 < share < 1.0:
            raise _bad(name, "a hash split needs a share between 0 and 1")
        columns = _texts(name, entry, "columns")
        return Split(rule, columns, share=share, salt=_text(name, entry, "salt", name))
    value = _text(name, entry, "value")
    if rule == "at_most":
        _decimal(name, value, "the split's value")
    return Split(rule, (_text(name, entry, "column"),), value=value)


def _decimal(name: str, text: str, where: str) -> str:
    try:
        if Decimal(text).is_finite():
            return text
    except InvalidOperation:
        pass
    raise _bad(name, f"{where} {text!r} is not a number")


def _column_as(name: str, role: str, entry: dict[str, Any]) -> ColumnAs:
    _refuse_unknown(name, entry, frozenset(("column", "times", "stated_by")), f"[{role}]")
    found = ColumnAs(
        role,
        _text(name, entry, "column", ""),
        _decimal(name, _text(name, entry, "times", "1"), "times"),
        _text(name, entry, "stated_by", ""),
    )
    if bool(found.column) == bool(found.stated_by):
        raise _bad(name, f"[{role}] needs either a column or who states it")
    return found


def _columns_as(name: str, entries: dict[str, Any], known: tuple[str, ...]) -> tuple[ColumnAs, ...]:
    _refuse_unknown(name, entries, frozenset(known), "a table of columns")
    return tuple(_column_as(name, role, _table(name, entries, role)) for role in entries)


def _parameters(name: str, entries: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    found = []
    for key in sorted(entries):
        value = _number(name, entries, key)
        assert value is not None, key
        found.append((key, value))
    return tuple(found)


def _signals(name: str, entries: dict[str, Any]) -> tuple[Signal, ...]:
    signals = tuple(_signal(name, entry) for entry in _tables(name, entries, "signal"))
    names = [signal.name for signal in signals]
    if not names:
        raise _bad(name, "it declares no signal")
    if len(set(names)) != len(names):
        raise _bad(name, "a signal's name stands twice")
    return signals


def _signal(name: str, entry: dict[str, Any]) -> Signal:
    called = _text(name, entry, "name")
    where = f"signal {called!r}"
    _refuse_unknown(name, entry, SIGNAL_KEYS, where)
    title_zh, title_en = _titles(name, entry, where)
    advice_zh, advice_en = _titles(name, entry, where, "advice", optional=True)
    special = entry.get("special", [])
    if not isinstance(special, list) or not all(isinstance(v, int | float) for v in special):
        raise _bad(name, f"{where}: 'special' must be a list of numbers")
    operation, columns = _operation(name, called, entry)
    signal = Signal(
        name=called,
        kind=_one_of(name, entry, "kind", KINDS),
        operation=operation,
        columns=columns,
        title_zh=title_zh,
        title_en=title_en,
        advice_zh=advice_zh,
        advice_en=advice_en,
        operand=_number(name, entry, "operand") or 0.0,
        date_format=_text(name, entry, "date_format", ""),
        stated=_text(name, entry, "stated", ""),
        direction=_text(name, entry, "direction", ""),
        least=_number(name, entry, "least"),
        most=_number(name, entry, "most"),
        special=tuple(float(value) for value in special),
    )
    _refuse_wrong_signal(name, signal)
    return signal


def _operation(name: str, called: str, entry: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The operation and columns: exactly one of column, columns, absent and stated is given."""
    given = [key for key in ("column", "columns", "absent", "stated") if key in entry]
    if len(given) != 1:
        raise _wrong(name, called, "needs exactly one of column, columns, absent, stated")
    if given[0] == "absent":
        return "absent", ()
    if given[0] == "stated":
        return "stated", ()
    columns = (_text(name, entry, "column"),) if "column" in entry else ()
    return _text(name, entry, "operation", "copy"), columns or _texts(name, entry, "columns")


def _wrong(name: str, called: str, reason: str) -> Refused:
    return Refused("score.mapping_signal", f"Signal {called!r} of mapping {name!r} {reason}.")


def _refuse_wrong_signal(name: str, signal: Signal) -> None:
    """Refuse a signal whose parts do not fit one another (``score.mapping_signal``)."""
    if not signal.name.isidentifier() or not signal.name.islower():
        raise _wrong(name, signal.name, "must be named in small letters, digits and _")
    if signal.direction not in DIRECTIONS:
        raise _wrong(name, signal.name, "has a direction other than up, down or free")
    if signal.operation in ("absent", "stated"):
        return
    if signal.operation not in OPERATIONS:
        raise _wrong(name, signal.name, f"has no operation out of {', '.join(OPERATIONS)}")
    least, most = COLUMN_COUNTS.get(signal.operation, (1, 1))
    if not least <= len(signal.columns) <= most:
        raise _wrong(name, signal.name, f"needs {least} to {most} columns")
    if signal.operation in ("year", "years_between") and signal.date_format not in DATE_FORMATS:
        raise _wrong(name, signal.name, f"needs a date_format out of {', '.join(DATE_FORMATS)}")
    if signal.operation == "prefix" and (signal.operand < 1 or signal.kind != "category"):
        raise _wrong(name, signal.name, "is a prefix: a category with an operand of 1 or more")
    if signal.kind == "category" and signal.operation not in ("copy", "prefix"):
        raise _wrong(name, signal.name, "is a category: only copy and prefix make one")
    numeric = signal.direction or signal.special or signal.least is not None
    if signal.kind == "category" and (numeric or signal.most is not None):
        raise _wrong(name, signal.name, "is a category: it has no direction, range or special")
