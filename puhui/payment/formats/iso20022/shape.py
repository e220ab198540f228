"""How nouns stand in messages: one table of places serves reading and writing alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from puhui.kernel.errors import Refused
from puhui.payment.formats.iso20022.content import currency_digits, moment_of
from puhui.payment.formats.iso20022.parser import Element
from puhui.payment.nouns.message import MessageAmount

TEXT, NUMBER, RATE, DAY, MOMENT = "text", "number", "rate", "day", "moment"
AMOUNT, FLAG, SIGN = "amount", "flag", "sign"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field of a noun stands: ``paths`` are read in turn, the first is written.

    ``kind`` names how its text is read, or is the shape of the noun that stands there.
    """

    field: str
    paths: tuple[str, ...]
    kind: str | Shape = TEXT
    is_many: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A noun, and the places of its fields."""

    noun: type[Any]
    places: tuple[Place, ...]


def place(field: str, paths: str, kind: str | Shape = TEXT) -> Place:
    """A field that stands at ``paths`` (alternatives apart by ``|``)."""
    return Place(field, tuple(paths.split("|")), kind)


def places(field: str, path: str, kind: str | Shape = TEXT) -> Place:
    """A field of several values, all of them at ``path``."""
    return Place(field, (path,), kind, is_many=True)


def read_noun(shape: Shape, element: Element, more: Mapping[str, object] | None = None) -> Any:
    """The noun that an element says; ``more`` are fields told otherwise.

    Refused: ``payment.message_lacking`` where the message says something else instead of what is
    used here.
    """
    told: dict[str, object] = dict(more or {})
    for one in shape.places:
        if one.field in told:
            continue
        if one.is_many:
            found = element.all(one.paths[0])
            if found:
                told[one.field] = tuple(_value(one.kind, item) for item in found)
            continue
        for path in one.paths:
            at = element.find(path)
            if at is not None and (at.text or isinstance(one.kind, Shape)):
                told[one.field] = _value(one.kind, at)
                break
    for field in fields(shape.noun):
        is_needed = field.default is MISSING and field.default_factory is MISSING
        if is_needed and field.name not in told:
            path = next(one.paths[0] for one in shape.places if one.field == field.name)
            raise Refused(
                "payment.message_lacking",
                f"Line {element.line}: <{element.name}> lacks {path}, which is needed here.",
            )
    return shape.noun(**told)


def _value(kind: str | Shape, at: Element) -> object:
    if isinstance(kind, Shape):
        return read_noun(kind, at)
    if kind == AMOUNT:
        return MessageAmount(minor_of(at.text, at.currency), at.currency)
    if kind == FLAG:
        return at.text in ("true", "1")
    if kind == SIGN:
        return at.text == "CRDT"
    if kind == NUMBER:
        return int(Decimal(at.text))
    if kind == RATE:
        return Decimal(at.text)
    if kind == DAY:
        return date.fromisoformat(at.text[:10])
    return moment_of(at.text) if kind == MOMENT else at.text


def minor_of(text: str, currency: str) -> int:
    """An amount that was checked, in minor units."""
    return int(Decimal(text).scaleb(currency_digits()[currency]))


def major_text(minor: int, currency: str) -> str:
    """An amount as messages write it, with all decimals of its currency.

    Refused: ``payment.message_value`` for a currency out of use.
    """
    digits = currency_digits().get(currency)
    if digits is None:
        raise Refused("payment.message_value", f"{currency[:10]!r} is no currency in use.")
    return f"{Decimal(minor).scaleb(-digits):f}"


def add_noun(shape: Shape, noun: Any, element: Element) -> None:
    """Put what a noun says into an element; fields that say nothing are left out."""
    for one in shape.places:
        value = getattr(noun, one.field)
        if one.is_many:
            for item in value:
                _put(one.kind, item, _open(element, one.paths[0], is_new=True))
        elif not _is_empty(one.kind, value):
            _put(one.kind, value, _open(element, one.paths[0]))


def _is_empty(kind: str | Shape, value: object) -> bool:
    if isinstance(kind, Shape):
        return value is None or value == _nothing(kind)
    return value is None or value == ""


def _nothing(shape: Shape) -> object:
    """The noun that says nothing; None where it has fields that must say something."""
    if any(f.default is MISSING and f.default_factory is MISSING for f in fields(shape.noun)):
        return None
    return shape.noun()


def _open(element: Element, path: str, *, is_new: bool = False) -> Element:
    *outer, last = path.split("/")
    for name in outer:
        found = element.find(name)
        if found is None:
            found = Element(name)
            element.children.append(found)
        element = found
    found = None if is_new else element.find(last)
    if found is None:
        found = Element(last)
        element.children.append(found)
    return found


def _put(kind: str | Shape, value: Any, at: Element) -> None:
    if isinstance(kind, Shape):
        add_noun(kind, value, at)
    elif kind == AMOUNT:
        at.text, at.currency = major_text(value.minor, value.currency), value.currency
    elif kind == FLAG:
        at.text = "true" if value else "false"
    elif kind == SIGN:
        at.text = "CRDT" if value else "DBIT"
    elif kind == MOMENT:
        at.text = _moment_text(value)
    elif kind == RATE:
        at.text = f"{value:f}"
    else:
        at.text = value.isoformat() if kind == DAY else str(value)


def _moment_text(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
