"""Lines into records: one bad line costs one record, whatever it holds."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field

from puhui.intake.read.block import LINE_BYTES_MAX, Block
from puhui.intake.read.row import RefusedRow, refuse_row

RECORD_LINES_MAX = 64
"""A quoted field may hold line breaks, but a record never spans more lines than this."""

OPEN_QUOTE = "unexpected end of data"
"""How the csv module says, when strict, that a quote was still open at the end."""

Line = bytes | None


@dataclass(slots=True)
class Records:
    """What a block gave: ``rows`` of texts that start at ``starts``, and the lines refused."""

    starts: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)


class Splitter:
    """Cuts blocks into records of ``width`` columns; a record may go on in the next block."""

    def __init__(self, encoding: str, delimiter: str, width: int) -> None:
        self._encoding = encoding
        self._delimiter = delimiter
        self._width = width
        self._carried: list[Line] = []

    def split(self, block: Block) -> Records:
        """The records of a block, after the lines that the block before left open."""
        first = block.first - len(self._carried)
        lines = self._carried + block.lines
        self._carried = []
        rows = self._plain_rows(lines)
        if rows is not None:
            return Records(list(range(first, first + len(rows))), rows)
        return self._split_slowly(first, lines, block)

    def _plain_rows(self, lines: list[Line]) -> list[list[str]] | None:
        """The fast way for lines that are one good record each; None where any is not."""
        try:
            text = b"\n".join(lines).decode(self._encoding)  # type: ignore[arg-type]
            texts = text.split("\n") if lines else []
            rows = list(self._read(texts))
        except (TypeError, UnicodeDecodeError, csv.Error):
            return None
        if "\0" in text or len(rows) != len(lines):
            return None
        return rows if all(len(row) == self._width for row in rows) else None

    def _read(self, texts: Iterable[str]) -> Iterable[list[str]]:
        return csv.reader(texts, delimiter=self._delimiter, strict=True)

    def _split_slowly(self, first: int, lines: list[Line], block: Block) -> Records:
        found = Records()
        place = 0
        while place < len(lines):
            is_end = block.is_cut and place == len(lines) - 1
            taken = self._take_one(found, first + place, lines[place], is_end=is_end)
            if not taken:
                span = self._take_open(found, first + place, lines[place:], block.is_last)
                if span == 0:
                    self._carried = lines[place:]
                    break
                taken = span
            place += taken
        return found

    def _take_one(self, found: Records, number: int, line: Line, *, is_end: bool) -> int:
        """Take one line as a record or refuse it; 0 where a quote is still open after it."""
        text = self._text_of(found, number, line)
        if text is None or not text.strip():
            return 1
        try:
            row = next(iter(self._read([text])))
        except csv.Error as error:
            if OPEN_QUOTE in str(error):
                if is_end:
                    found.refused.append(refuse_row(number, "truncated"))
                return 1 if is_end else 0
            code = "line_too_long" if "field limit" in str(error) else "bad_quote"
            found.refused.append(refuse_row(number, code))
            return 1
        if len(row) == self._width:
            found.starts.append(number)
            found.rows.append(row)
        elif is_end and len(row) < self._width:
            found.refused.append(refuse_row(number, "truncated"))
        else:
            code = "too_few_columns" if len(row) < self._width else "too_many_columns"
            refusal = refuse_row(number, code, found=len(row), expected=self._width)
            found.refused.append(refusal)
        return 1

    def _text_of(self, found: Records, number: int, line: Line) -> str | None:
        """The text of a line, or None after refusing it."""
        if line is None:
            found.refused.append(refuse_row(number, "line_too_long"))
            return None
        if b"\0" in line:
            found.refused.append(refuse_row(number, "nul_byte"))
            return None
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError:
            found.refused.append(refuse_row(number, "undecodable"))
            return None

    def _take_open(self, found: Records, number: int, lines: list[Line], is_last: bool) -> int:
        """Close the quote that the first line opens; how many lines that took.

        Where the lines up to the first quote that closes it do not make one record, or a line
        in between is a record of its own, only the first line is refused. 0 asks for more lines.
        """
        texts: list[str] = []
        size = 0
        for line in lines[:RECORD_LINES_MAX]:
            size += len(line or b"")
            text = self._quiet_text(line)
            if text is None or size > LINE_BYTES_MAX:
                break
            texts.append(text + "\n")
            if len(texts) == 1 or '"' not in text:
                if len(texts) > 1 and self._is_record(text):
                    break
                continue
            rows = self._rows_of(texts)
            if rows is None and not self._is_record(text):
                continue
            if rows and len(rows) == 1 and len(rows[0]) == self._width:
                found.starts.append(number)
                found.rows.append(rows[0])
                return len(texts)
            break
        else:
            if len(lines) < RECORD_LINES_MAX and not is_last:
                return 0
        found.refused.append(refuse_row(number, "unclosed_quote"))
        return 1

    def _quiet_text(self, line: Line) -> str | None:
        try:
            return None if line is None or b"\0" in line else line.decode(self._encoding)
        except UnicodeDecodeError:
            return None

    def _is_record(self, text: str) -> bool:
        rows = self._rows_of([text])
        return bool(rows) and self._width > 1 and rows is not None and len(rows[0]) == self._width

    def _rows_of(self, texts: list[str]) -> list[list[str]] | None:
        """The rows of some lines; None where a quote is still open, none where it is misplaced."""
        try:
            return list(self._read(texts))
        except csv.Error as error:
            return None if OPEN_QUOTE in str(error) else []
