"""A strict reader of TOML tables: every key is asked for once, and none may be left over."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from puhui.kernel.errors import Refused
from puhui.lending.nouns import Sourced

Choice = TypeVar("Choice", bound=Enum)


class Sheet:
    """One table of a TOML file; ``code`` is the refusal used for every fault in it.

    A figure stands as {value, unit, from, source} with ``confirmed = false`` where nobody has
    checked it at its source; ``sources`` collects these with their place in the file.
    """

    def __init__(
        self, table: Mapping[str, object], code: str, place: str, sources: list[Sourced]
    ) -> None:
        self._rest = dict(table)
        self._code = code
        self._place = place
        self.sources = sources

    def refuse(self, key: str, fault: str) -> Refused:
        """The refusal for ``key``: raise it."""
        return Refused(self._code, f"{self._place}{key}: {fault}")

    def has(self, key: str) -> bool:
        """Whether ``key`` is there and not yet taken."""
        return key in self._rest

    def names(self) -> tuple[str, ...]:
        """The keys not yet taken, in the order of the file."""
        return tuple(self._rest)

    def take(self, key: str) -> object:
        """The value of ``key``, which must be there."""
        if key not in self._rest:
            raise self.refuse(key, "is missing")
        return self._rest.pop(key)

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(key, "must be a text")
        return value

    def day(self, key: str) -> date:
        """A calendar day."""
        value = self.take(key)
        if type(value) is not date:
            raise self.refuse(key, "must be a day such as 2026-11-01")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.take(key)
        if not isinstance(value, bool):
            raise self.refuse(key, "must be true or false")
        return value

    def choice(self, key: str, kind: type[Choice]) -> Choice:
        """A member of ``kind`` by its value."""
        value = self.take(key)
        for member in kind:
            if member.value == value:
                return member
        known = ", ".join(str(member.value) for member in kind)
        raise self.refuse(key, f"must be one of {known}")

    def sheet(self, key: str) -> Sheet:
        """A table inside this one."""
        value = self.take(key)
        if not isinstance(value, dict):
            raise self.refuse(key, "must be a table")
        return Sheet(value, self._code, f"{self._place}{key}.", self.sources)

    def sheets(self, key: str) -> list[Sheet]:
        """A list of tables."""
        value = self.take(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse(key, "must be a list of tables")
        return [
            Sheet(item, self._code, f"{self._place}{key}.{number}.", self.sources)
            for number, item in enumerate(value, start=1)
        ]

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(key, "must be a list of texts")
        return tuple(value)

    def sourced(self, key: str, unit: str) -> object:
        """The value of a figure in ``unit``; its source is kept."""
        figure = self.sheet(key)
        value = figure.take("value")
        found = figure.text("unit")
        if found != unit:
            raise self.refuse(key, f"must be in {unit}, not {found}")
        from_on, source = figure.day("from"), figure.text("source")
        is_confirmed = figure.flag("confirmed") if figure.has("confirmed") else True
        figure.finish()
        path = f"{self._place}{key}"
        self.sources.append(Sourced(path, str(value), unit, from_on, source, is_confirmed))
        return value

    def number(self, key: str, unit: str, lowest: str = "0", highest: str = "1e15") -> Decimal:
        """A figure within bounds, at most six decimals."""
        return self._number(key, self.sourced(key, unit), lowest, highest)

    def _number(self, key: str, value: object, lowest: str, highest: str) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise self.refuse(key, "must be a number")
        number = Decimal(value)
        if not number.is_finite() or not Decimal(lowest) <= number <= Decimal(highest):
            raise self.refuse(key, f"must lie between {lowest} and {highest}")
        if number != number.quantize(Decimal("1e-6")):
            raise self.refuse(key, "may have at most six decimals")
        return number

    def share(self, key: str, unit: str = "share") -> Decimal:
        """A figure between 0 and 1."""
        return self.number(key, unit, "0", "1")

    def whole(self, key: str, unit: str, lowest: int = 0, highest: int = 10**6) -> int:
        """A whole figure within bounds."""
        value = self.number(key, unit, str(lowest), str(highest))
        if value != int(value):
            raise self.refuse(key, "must be a whole number")
        return int(value)

    def wholes(self, key: str, unit: str, lowest: int, highest: int) -> tuple[int, ...]:
        """A list of whole figures, growing, at least one."""
        value = self.sourced(key, unit)
        if not isinstance(value, list) or not value:
            raise self.refuse(key, "must be a list of whole numbers")
        numbers = tuple(int(self._number(key, item, str(lowest), str(highest))) for item in value)
        if list(numbers) != sorted(set(numbers)) or list(numbers) != value:
            raise self.refuse(key, "must be whole numbers that grow")
        return numbers

    def numbers(
        self, key: str, unit: str, lowest: str = "0", highest: str = "1e15"
    ) -> tuple[Decimal, ...]:
        """A list of figures within bounds, at least one."""
        value = self.sourced(key, unit)
        if not isinstance(value, list) or not value:
            raise self.refuse(key, "must be a list of numbers")
        return tuple(self._number(key, one, lowest, highest) for one in value)

    def pairs(self, key: str, unit: str) -> tuple[tuple[Decimal, Decimal], ...]:
        """A list of pairs of figures."""
        value = self.sourced(key, unit)
        if not isinstance(value, list):
            raise self.refuse(key, "must be a list of pairs")
        pairs = []
        for item in value:
            if not isinstance(item, list) or len(item) != 2:
                raise self.refuse(key, "must be a list of pairs")
            first, second = (self._number(key, figure, "0", "1e6") for figure in item)
            pairs.append((first, second))
        return tuple(pairs)

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self._rest:
            raise self.refuse(key, "is not known")


def open_sheet(text: str, code: str) -> tuple[Sheet, str]:
    """Read a TOML text; gives its outermost table and the digest of its canonical form.

    The digest is SHA-256 over JSON with sorted keys, numbers as texts, so that comments and the
    order of keys do not change it.
    """
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise Refused(code, f"this is not TOML: {error}") from None
    canonical = json.dumps(
        table, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )
    return Sheet(table, code, "", []), hashlib.sha256(canonical.encode()).hexdigest()
