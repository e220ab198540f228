"""Structures of messages: which elements, in which order, how often, with which text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
UNBOUNDED = 2**31

_STEP = re.compile(r"(\w+):(\w+)([?*+]|\{\d+,\d+\})?")
_MARKS = {"?": (0, 1), "*": (0, UNBOUNDED), "+": (1, UNBOUNDED), None: (1, 1)}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text: ``kind`` is string, decimal, boolean, date, dateTime, time or gYearMonth.

    ``digits`` are all digits at most, ``decimals`` those behind the point; ``currency`` is the
    type of its attribute Ccy, None where it has none.
    """

    name: str
    kind: str
    least: int = 0
    most: int = UNBOUNDED
    digits: int = UNBOUNDED
    decimals: int = UNBOUNDED
    is_positive: bool = False
    pattern: re.Pattern[str] | None = None
    codes: frozenset[str] = frozenset()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """An element that may come next, between ``least`` and ``most`` times."""

    name: str
    type: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Branch:
    """An element made of elements: all ``steps`` in their order, or one of them.

    ``places`` are the numbers of the steps by name. ``is_open`` takes one element of any kind.
    """

    name: str
    steps: tuple[Step, ...]
    places: Mapping[str, int]
    is_choice: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """The structure of one version of a message."""

    message: str
    types: Mapping[str, Leaf | Branch]

    @property
    def namespace(self) -> str:
        """The namespace that a document of this version stands in."""
        return NAMESPACE + self.message


@lru_cache(maxsize=16)
def structure_of(message: str) -> Structure:
    """The structure of a message that is known here, such as ``pain.001.001.09``."""
    text = (files(__package__) / "data" / f"{message}.txt").read_text(encoding="utf-8")
    types: dict[str, Leaf | Branch] = {}
    rows = [line.split(" ") for line in text.splitlines() if line and not line.startswith("#")]
    for name, kind, *rest in rows:
        if kind in (">", "|"):
            types[name] = _branch(name, rest, is_choice=kind == "|")
        elif kind == "any":
            types[name] = Branch(name, (), {}, is_open=True)
        elif kind != "amount":
            types[name] = _leaf(name, kind, rest)
    for name, kind, *rest in rows:
        if kind == "amount":
            carried = types[rest[0]]
            assert isinstance(carried, Leaf), rest
            types[name] = Leaf(
                name,
                carried.kind,
                digits=carried.digits,
                decimals=carried.decimals,
                is_positive=carried.is_positive,
                currency=rest[1].partition(":")[2],
            )
    return Structure(message, types)


def _branch(name: str, words: list[str], *, is_choice: bool) -> Branch:
    steps = []
    for word in words:
        found = _STEP.fullmatch(word)
        assert found, word
        mark = found[3]
        if mark and mark[0] == "{":
            least, most = (int(part) for part in mark[1:-1].split(","))
        else:
            least, most = _MARKS[mark]
        steps.append(Step(found[1], found[2], least, most))
    places = {step.name: number for number, step in enumerate(steps)}
    assert len(places) == len(steps), name
    return Branch(name, tuple(steps), places, is_choice=is_choice)


def _leaf(name: str, kind: str, words: list[str]) -> Leaf:
    least, most, digits, decimals = 0, UNBOUNDED, UNBOUNDED, UNBOUNDED
    is_positive, pattern, codes = False, None, frozenset[str]()
    for word in words:
        if word[0] == "~":
            pattern = re.compile(word[1:])
        elif word[0] == "=":
            codes = frozenset(word[1:].split(","))
        elif word == ">=0":
            is_positive = True
        elif ".." in word:
            least, most = (int(part) for part in word.split(".."))
        else:
            digits, decimals = (int(part) for part in word.split("."))
    return Leaf(name, kind, least, most, digits, decimals, is_positive, pattern, codes)
