"""A file of applications, read once from beginning to end in bounded memory."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator
from contextlib import closing
from importlib import util
from pathlib import Path
from typing import BinaryIO

from puhui.intake.read.block import LINE_BYTES_MAX, Block, BlockReader, Progress
from puhui.intake.read.check import Checker, checks_of
from puhui.intake.read.encoding import DELIMITERS, encoding_of
from puhui.intake.read.record import Splitter
from puhui.intake.read.row import FileFacts, FileRow, Keyer, RefusedRow, refuse_row
from puhui.kernel.errors import Refused
from puhui.score import study

ROWS_MAX = 5_000_000
"""Rows of one file; the keys of all of them are remembered, about 100 bytes each."""

OPEN_DATA = {"small-loans": ("bbbrisk", "datasets/bloan.csv", "bbbrisk==1.0.2")}
"""Open data that comes as a file inside a package: package, path, and what pip installs."""


def open_data_path(name: str) -> Path:
    """Where the open data set ``name`` lies, found without running any of its package's code.

    Refused: ``intake.open_data_unknown``; ``intake.open_data_missing`` with the one command
    that installs it.
    """
    if name not in OPEN_DATA:
        known = ", ".join(OPEN_DATA)
        raise Refused("intake.open_data_unknown", f"There is no open data {name!r}, only {known}.")
    package, inside, pin = OPEN_DATA[name]
    spec = util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(folder) / inside
        if path.is_file():
            return path
    raise Refused(
        "intake.open_data_missing",
        f"The open data {name} is not installed. Run: python -m pip install --no-deps {pin}",
    )


def read_file(
    path: Path | str,
    mapping: study.Mapping,
    product: str,
    *,
    encoding: str = "",
    progress: Progress | None = None,
) -> Reading:
    """Open a file of applications; iterate over what it returns to read it.

    ``encoding`` declares "utf-8" or "gb18030"; without it the beginning of the file is judged.
    Refused: ``intake.file_missing``, ``intake.not_a_file``, ``intake.unreadable``,
    ``intake.empty_file``, ``intake.encoding_unknown``, ``intake.bad_header``,
    ``intake.column_twice``, ``intake.missing_columns``.
    """
    place = Path(path)
    stream, size = _open(place)
    try:
        return Reading(place.name, stream, size, mapping, product, encoding, progress)
    except (Refused, OSError):
        stream.close()
        raise


def _open(path: Path) -> tuple[BinaryIO, int]:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise Refused("intake.not_a_file", f"{path.name!r} is a folder or no plain file.")
        return path.open("rb"), facts.st_size
    except FileNotFoundError:
        raise Refused("intake.file_missing", f"There is no file {str(path)[:200]!r}.") from None
    except (OSError, ValueError) as error:
        raise Refused(
            "intake.unreadable", f"{path.name[:80]!r} cannot be read ({type(error).__name__})."
        ) from None


class Reading:
    """One pass over a file: yields ``FileRow`` and ``RefusedRow`` in the order of their lines.

    ``facts`` holds counts and the digest once all rows were taken.
    """

    def __init__(
        self,
        name: str,
        stream: BinaryIO,
        size: int,
        mapping: study.Mapping,
        product: str,
        encoding: str,
        progress: Progress | None,
    ) -> None:
        self._name = name
        self._stream = stream
        sample = stream.read(LINE_BYTES_MAX)
        stream.seek(0)
        if not sample.strip(b"\xef\xbb\xbf \r\n\t"):
            raise Refused("intake.empty_file", f"The file {name[:80]!r} is empty.")
        self.encoding = encoding_of(sample, encoding)
        checks = checks_of(mapping)
        header = sample.partition(b"\n")[0]
        self.columns, self.delimiter = _header_of(header, self.encoding, checks.needed)
        self._checker = Checker(checks, self.columns)
        self._keyer = Keyer(mapping.name, product, self.columns, mapping.id_column)
        self._source = BlockReader(stream, size, progress)
        self._facts: FileFacts | None = None
        self._seen: dict[int, int] = {}

    @property
    def facts(self) -> FileFacts:
        """Counts and digest; only there when the file was read to its end."""
        assert self._facts is not None, "the file has not been read to its end"
        return self._facts

    def __iter__(self) -> Iterator[FileRow | RefusedRow]:
        """Every row of the file, good or refused; a file can be read once.

        Refused: ``intake.too_many_rows``, ``intake.unreadable`` when the disk fails on the way.
        """
        assert not self._stream.closed, "the file was read already"
        rows, refused = 0, 0
        with closing(self._stream):
            for found in self._found():
                if isinstance(found, FileRow):
                    rows += 1
                else:
                    refused += 1
                yield found
        source = self._source
        self._facts = FileFacts(
            name=self._name,
            digest=source.digest(),
            bytes=source.bytes,
            lines=source.lines,
            rows=rows,
            refused=refused,
            encoding=self.encoding,
            columns=self.columns,
        )

    def _found(self) -> Iterator[FileRow | RefusedRow]:
        splitter = Splitter(self.encoding, self.delimiter, len(self.columns))
        for block in self._blocks():
            records = splitter.split(block)
            refused = self._checker.refuse(records.starts, records.rows)
            found: list[FileRow | RefusedRow] = [
                refused[place] if place in refused else self._accept(line, row)
                for place, (line, row) in enumerate(zip(records.starts, records.rows, strict=True))
            ]
            if records.refused:
                found = sorted([*found, *records.refused], key=lambda one: one.line)
            yield from found

    def _blocks(self) -> Iterator[Block]:
        """The blocks of the file after its header."""
        is_header = True
        try:
            for block in self._source.blocks():
                if is_header and block.lines:
                    is_header = False
                    block = Block(
                        block.first + 1,
                        block.lines[1:],
                        is_last=block.is_last,
                        is_cut=block.is_cut and len(block.lines) > 1,
                    )
                yield block
        except OSError as error:
            raise Refused(
                "intake.unreadable",
                f"{self._name[:80]!r} could not be read to its end ({type(error).__name__}).",
            ) from None

    def _accept(self, line: int, row: list[str]) -> FileRow | RefusedRow:
        """The row with its key, or its refusal when an earlier row had the same key."""
        values = dict(zip(self.columns, row, strict=True))
        key = self._keyer.key(row)
        before = self._seen.setdefault(int(key[:16], 16), line)
        if before != line:
            return refuse_row(line, "duplicate_row", found=before)
        if len(self._seen) > ROWS_MAX:
            raise Refused("intake.too_many_rows", f"The file has more than {ROWS_MAX:,} rows.")
        return FileRow(line, key, values)


def _header_of(line: bytes, encoding: str, needed: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The column names and the delimiter that gives all that are needed."""
    bad = Refused("intake.bad_header", "The first line cannot be read as a header.")
    try:
        text = line.decode("utf-8-sig" if encoding == "utf-8" else encoding).rstrip("\r")
    except UnicodeDecodeError:
        raise bad from None
    tried = {mark: _names(text, mark) for mark in DELIMITERS}
    if len(line) >= LINE_BYTES_MAX or "\0" in text or not tried[","]:
        raise bad
    delimiter = next((mark for mark in DELIMITERS if set(needed) <= set(tried[mark])), ",")
    names = tried[delimiter]
    missing = [name for name in needed if name not in names]
    if missing:
        listed = ", ".join(repr(name[:60]) for name in missing[:20])
        raise Refused("intake.missing_columns", f"The header lacks the column(s) {listed}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused("intake.column_twice", f"The header names {twice[0][:60]!r} twice.")
    return names, delimiter


def _names(text: str, delimiter: str) -> tuple[str, ...]:
    """The names of a header, none where it cannot be cut by this delimiter."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return ()
    return tuple(name.strip() for name in rows[0]) if rows else ()
