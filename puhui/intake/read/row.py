"""Rows of a file: the good ones with their key, the refused ones with their reason."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping as Keyed
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row that can become an application: its first line in the file, its key, its texts."""

    line: int
    key: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Why the row that starts at ``line`` is not used; ``code`` is one of refusals.toml."""

    line: int
    code: str
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was read in all; ``digest`` is the SHA-256 of the file's bytes as they were read."""

    name: str
    digest: str
    bytes: int
    lines: int
    rows: int
    refused: int
    encoding: str
    columns: tuple[str, ...]


class Keyer:
    """Gives the keys of rows of one file: 64 hex digits, the same for the same row for ever.

    SHA-256 over the mapping, the product, and the source's own identifier, or where it has none
    the canonical row: every column with its text, whatever the order of the columns, the quoting
    and the outer blanks. So a file read a second time gives the keys that it gave at first.
    """

    def __init__(self, mapping: str, product: str, columns: Sequence[str], id_column: str) -> None:
        head = _joined(["puhui application", mapping, product])
        self._head = hashlib.sha256(head.encode("utf-8", "surrogatepass"))
        self._id_place = columns.index(id_column) if id_column and id_column in columns else -1
        self._places = sorted(range(len(columns)), key=columns.__getitem__)
        self._parts = [part for place in self._places for part in (columns[place], "")]

    def key(self, row: Sequence[str]) -> str:
        """The key of a row, its texts in the order of the columns."""
        source_id = row[self._id_place].strip() if self._id_place >= 0 else ""
        if source_id:
            content = "\x1eid\x1e" + source_id
        else:
            parts = self._parts.copy()
            parts[1::2] = [row[place].strip() for place in self._places]
            content = "\x1erow\x1e" + _joined(parts)
        found = self._head.copy()
        found.update(content.encode("utf-8", "surrogatepass"))
        return found.hexdigest()


def row_key(mapping: str, product: str, row: Keyed[str, str], *, id_column: str = "") -> str:
    """The key of one row by column name; equal to that of ``Keyer`` for a whole file."""
    return Keyer(mapping, product, tuple(row), id_column).key(tuple(row.values()))


def _joined(parts: list[str]) -> str:
    """Parts with a separator between; parts that hold one are escaped, so no two lists agree."""
    text = SEPARATOR.join(parts)
    if text.count(SEPARATOR) == len(parts) - 1 and "\x1e" not in text:
        return text
    return "\x1d" + SEPARATOR.join(repr(part) for part in parts)


@cache
def refusal_texts() -> dict[str, dict[str, str]]:
    """The reasons of refusals.toml by code, each with zh and en."""
    text = (resources.files("puhui.intake") / "data" / "refusals.toml").read_text("utf-8")
    return tomllib.loads(text)


def refuse_row(line: int, code: str, **words: object) -> RefusedRow:
    """A refused row with its reason in both languages."""
    texts = refusal_texts()[code]
    shown = {name: str(word)[:80] for name, word in words.items()}
    return RefusedRow(
        line, f"intake.{code}", texts["zh"].format(**shown), texts["en"].format(**shown)
    )
