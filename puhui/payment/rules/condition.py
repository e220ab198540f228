"""Conditions of promises: whether they may be set, what they say as text, whether they are met."""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from puhui.kernel.errors import Refused
from puhui.payment.nouns.promise import Condition, Facts

DEPTH_MAX = 4
PARTS_MAX = 8
LEAVES_MAX = 16
PURPOSE = re.compile(r"[A-Z0-9]{1,35}")
NAME = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,59}")

COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "eq": operator.eq,
    "ge": operator.ge,
    "gt": operator.gt,
}

_GIVEN = {
    "from": {"on"},
    "until": {"on"},
    "purpose": {"purposes"},
    "reading": {"source", "name", "comparison", "threshold"},
    "all": {"parts"},
    "any": {"parts"},
}
_EMPTY = Condition("")


def check_condition(condition: Condition) -> None:
    """Whether a condition can be held against facts at all.

    At most 4 deep, 8 parts in one and 16 single conditions; each says what its kind needs, and
    nothing else. Refused: ``payment.bad_condition``.
    """
    _check(condition, 1)
    if sum(1 for _ in leaves_of(condition)) > LEAVES_MAX:
        raise _bad(f"at most {LEAVES_MAX} single conditions")


def _bad(words: str) -> Refused:
    return Refused("payment.bad_condition", f"The condition cannot be set: {words}.")


def _check(one: Condition, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise _bad(f"at most {DEPTH_MAX} conditions in one another")
    needed = _GIVEN.get(one.kind)
    if needed is None:
        raise _bad(f"{one.kind[:20]!r} is none of {', '.join(_GIVEN)}")
    for name in ("on", "purposes", "source", "name", "comparison", "threshold", "parts"):
        is_given = getattr(one, name) != getattr(_EMPTY, name)
        if is_given != (name in needed):
            raise _bad(f"{one.kind!r} takes {', '.join(sorted(needed))}, not more and not less")
    if len(one.parts) > PARTS_MAX or len(one.purposes) > PARTS_MAX:
        raise _bad(f"at most {PARTS_MAX} parts or purposes")
    if not all(PURPOSE.fullmatch(code) for code in one.purposes):
        raise _bad("a purpose is a code of capital letters and digits")
    if one.kind == "reading":
        if not (NAME.fullmatch(one.source) and NAME.fullmatch(one.name)):
            raise _bad("source and name of a reading are small letters, digits and _ . : -")
        if one.comparison not in COMPARISONS:
            raise _bad(f"a comparison is one of {', '.join(COMPARISONS)}")
        assert one.threshold is not None, one
        check_value(one.threshold)
    for part in one.parts:
        _check(part, depth + 1)


def check_value(value: Decimal) -> None:
    """A threshold or a measured value: finite, at most 18 digits on each side of the point.

    Refused: ``payment.bad_condition``.
    """
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -18 or (value and value.adjusted() >= 18):
        raise _bad("a number is finite and has at most 18 digits on each side of its point")


def leaves_of(condition: Condition) -> Iterator[Condition]:
    """The single conditions inside, in order."""
    if not condition.parts:
        yield condition
    for part in condition.parts:
        yield from leaves_of(part)


def binds_purpose(condition: Condition) -> bool:
    """Whether it can be met only by a payee known for a purpose, whatever else holds."""
    if condition.kind == "all":
        return any(binds_purpose(part) for part in condition.parts)
    if condition.kind == "any":
        return all(binds_purpose(part) for part in condition.parts)
    return condition.kind == "purpose"


def can_be_met(condition: Condition, *, first: date, last: date) -> bool:
    """Whether its days leave any day from ``first`` to ``last`` on which it could be met.

    Purposes and readings are taken as met. Days are tried only where a day changes the answer.
    """
    days = {first, last}
    days |= {leaf.on for leaf in leaves_of(condition) if leaf.on is not None}
    return any(first <= day <= last and _on(condition, day) for day in days)


def _on(one: Condition, day: date) -> bool:
    if one.kind == "all":
        return all(_on(part, day) for part in one.parts)
    if one.kind == "any":
        return any(_on(part, day) for part in one.parts)
    if one.on is None:
        return True
    return day >= one.on if one.kind == "from" else day <= one.on


def is_met(condition: Condition, facts: Facts) -> bool:
    """Whether the facts meet a condition. A reading that is not there meets nothing."""
    return not unmet_in(condition, facts)


def unmet_in(condition: Condition, facts: Facts) -> tuple[Condition, ...]:
    """The single conditions that stand in the way; none where the condition is met."""
    if condition.kind == "all":
        return tuple(one for part in condition.parts for one in unmet_in(part, facts))
    if condition.kind == "any":
        found = [unmet_in(part, facts) for part in condition.parts]
        return () if () in found else tuple(one for ones in found for one in ones)
    return () if _holds(condition, facts) else (condition,)


def _holds(one: Condition, facts: Facts) -> bool:
    if one.kind == "purpose":
        return not facts.purposes.isdisjoint(one.purposes)
    if one.kind == "reading":
        value = facts.readings.get((one.source, one.name))
        assert one.threshold is not None, one
        return value is not None and COMPARISONS[one.comparison](value, one.threshold)
    assert one.on is not None, one
    return facts.on >= one.on if one.kind == "from" else facts.on <= one.on


def check_met(condition: Condition, facts: Facts) -> None:
    """Refused: ``payment.not_met`` naming what stands in the way."""
    unmet = unmet_in(condition, facts)
    if unmet:
        words = "; ".join(words_of(one) for one in unmet[:4])
        raise Refused("payment.not_met", f"The promise is not due: it waits for {words}.")


def words_of(one: Condition) -> str:
    """A single condition in words."""
    if one.kind == "purpose":
        return f"a payee known for {' or '.join(one.purposes)}"
    if one.kind == "reading":
        return f"{one.name} of {one.source} {one.comparison} {one.threshold}"
    return f"a day {'from' if one.kind == 'from' else 'until'} {one.on}"


def text_of(condition: Condition) -> str:
    """The canonical text: JSON with sorted keys, without blanks, purposes sorted and once each.

    Equal conditions have equal texts; the order of parts is kept, as people read it.
    """
    return json.dumps(_told(condition), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _told(one: Condition) -> dict[str, Any]:
    if one.parts:
        return {one.kind: [_told(part) for part in one.parts]}
    if one.kind == "purpose":
        return {"purpose": sorted(set(one.purposes))}
    if one.kind == "reading":
        assert one.threshold is not None, one
        told = {"source": one.source, "name": one.name, "comparison": one.comparison}
        return {"reading": told | {"threshold": number_text(one.threshold)}}
    return {one.kind: str(one.on)}


def number_text(value: Decimal) -> str:
    """A number in one way: no exponent, no noughts at its end, no negative nought."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def number_of(text: str) -> Decimal:
    """A number that ``number_text`` wrote."""
    return Decimal(text)


def condition_of(text: str) -> Condition:
    """The condition of a canonical text. Refused: ``payment.bad_condition``."""
    try:
        condition = _condition(json.loads(text), 1)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        raise _bad("the text is none") from None
    check_condition(condition)
    return condition


def _condition(told: Any, depth: int) -> Condition:
    if depth > DEPTH_MAX:
        raise _bad(f"at most {DEPTH_MAX} conditions in one another")
    if not isinstance(told, dict) or len(told) != 1:
        raise _bad("it is an object of one entry")
    ((kind, value),) = told.items()
    if kind in ("all", "any"):
        return Condition(kind, parts=tuple(_condition(part, depth + 1) for part in value))
    if kind == "purpose":
        return Condition(kind, purposes=tuple(str(code) for code in value))
    if kind == "reading":
        return Condition(
            kind,
            source=str(value["source"]),
            name=str(value["name"]),
            comparison=str(value["comparison"]),
            threshold=Decimal(value["threshold"]),
        )
    return Condition(kind, on=date.fromisoformat(value))


def digest_of(text: str) -> str:
    """The SHA-256 of a canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
