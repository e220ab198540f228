"""Files of payments in CSV: which encoding, which columns, and each row as a payment or a no.

Read as a stream: a file of any size takes the memory of one row. Encoding (UTF-8 or GB18030) and
delimiter (comma, tab, semicolon) are judged from the beginning of the file.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, parse_money
from puhui.payment.nouns.line import PaymentLine, RefusedLine

COLUMNS = ("payment_id", "payer", "payee", "amount", "currency", "purpose", "remark")
"""What a file says of a payment, by our names."""

SAMPLE_BYTES = 65_536
TELL_LINES = 512
DELIMITERS = ",\t;"
KNOWN = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig"} | dict.fromkeys(
    ("gb18030", "gbk", "gb2312"), "gb18030"
)
AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?|[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
"""Digits, with commas between groups of three where there are any: 1,5 is no amount."""

NOT_TEXT = re.compile("[\ud800-\udfff\x00]")
"""What no store keeps: a byte that the encoding does not have, read as half a character, or a
zero."""


@lru_cache(maxsize=1)
def _columns() -> dict[str, Any]:
    path = files("puhui.payment").joinpath("data", "columns.toml")
    return tomllib.loads(path.read_text("utf-8"))


def encoding_of(sample: bytes, declared: str = "") -> str:
    """The codec of a file: as declared, else judged from its beginning.

    UTF-8 where the sample reads as that, but for a character cut off at its end; GB18030 where it
    reads as that alone. Refused: ``payment.bad_encoding`` for UTF-16, for an encoding that is not
    read here, and where neither reads the sample.
    """
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Refused("payment.bad_encoding", "The file is UTF-16: save it as UTF-8 CSV.")
    if declared:
        known = KNOWN.get(declared.strip().lower().replace("_", "-"))
        if known is None:
            reason = f"Encoding {declared[:40]!r} is not read here: use utf-8 or gb18030."
            raise Refused("payment.bad_encoding", reason)
        return known
    head = sample.split(b"\n", 1)[0]
    for encoding in ("utf-8-sig", "gb18030"):
        if _reads(sample, encoding):
            return encoding
    for encoding in ("utf-8-sig", "gb18030"):
        if _reads(head, encoding):  # a damaged row further down is refused by itself
            return encoding
    raise Refused("payment.bad_encoding", "The file is neither UTF-8 nor GB18030.")


def _reads(data: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data, final=False)
    except UnicodeDecodeError:
        return False
    return True


def read_csv(
    path: Path, *, encoding: str = "", tell: Callable[[int], None] | None = None
) -> Iterator[PaymentLine | RefusedLine]:
    """The payments of a CSV file in order, each with its line; what cannot be read as one is a
    ``RefusedLine``, and the others go on.

    ``tell`` is told now and then how many bytes were read. Empty rows are none. Refused:
    ``payment.no_file``, ``payment.bad_encoding``, ``payment.bad_header``. As data:
    ``payment.bad_row``, ``payment.bad_amount``, ``payment.no_currency``, ``payment.bad_text``.
    """
    try:
        with path.open("rb") as raw:
            codec = encoding_of(raw.read(SAMPLE_BYTES), encoding)
            raw.seek(0)
            text = io.TextIOWrapper(raw, codec, errors="surrogateescape", newline="")
            before, first = _header_of(text)
            places = places_of(first)
            rows = _rows(text, _delimiter_of(first), before)
            yield from _lines(rows, places, lambda: tell(raw.tell()) if tell else None)
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror or error}."
        raise Refused("payment.no_file", reason) from None


def _header_of(text: Iterator[str]) -> tuple[int, str]:
    """How many empty lines stand before the header, and the header; "" of a file without one."""
    return next(((at, line) for at, line in enumerate(text) if line.strip("\ufeff\r\n ")), (0, ""))


def _delimiter_of(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def places_of(header: str) -> dict[str, int]:
    """Where each column stands, by the names of data/columns.toml; others are passed over.

    Refused: ``payment.bad_header`` where the file is empty, a needed column is missing or one
    stands twice.
    """
    if not header:
        raise Refused("payment.bad_header", "The file is empty.")
    names = {name: ours for ours, known in _columns()["column"].items() for name in known}
    cells = next(csv.reader([header.strip("\r\n")], delimiter=_delimiter_of(header)), [])
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        ours = names.get(cell.strip().lower().replace(" ", "_"))
        if ours is None:
            continue
        if ours in places:
            raise Refused("payment.bad_header", f"The column {ours} stands twice in the file.")
        places[ours] = place
    missing = [name for name in _columns()["needed"]["columns"] if name not in places]
    if missing:
        found = ", ".join(cell.strip()[:20] for cell in cells[:10])
        wanted = ", ".join(f"{name} ({_in_chinese(name)})" for name in missing)
        reason = f"The first line, {found!r}, lacks the column {wanted}."
        raise Refused("payment.bad_header", reason)
    return places


def _in_chinese(column: str) -> str:
    """The first of the Chinese names that a column may have."""
    names: list[str] = _columns()["column"][column]
    return next(name for name in names if not name.isascii())


def _rows(
    text: Iterator[str], delimiter: str, before: int
) -> Iterator[tuple[int, list[str] | RefusedLine]]:
    """Each row below the header with its line, or why it is none; ``before`` lines stood above it.

    A row is one line. Where a quotation mark is not closed, every line that stands behind it is
    refused by itself, to the line that closes it or to the end: nothing is lost unsaid, and
    nothing that stands between quotation marks is taken for a payment. A doubled mark closes none.
    """
    seen: list[str] = []
    reader = csv.reader(_kept(text, seen), delimiter=delimiter, strict=True)
    above = 1 + before
    while True:
        seen.clear()
        line = above + reader.line_num + 1
        row: list[str] | None = None
        is_open = is_wide = False
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            is_open = str(error).startswith("unexpected end")
            if is_wide := str(error).startswith("field larger"):
                for one in seen:
                    is_open = _leaves_open(one, delimiter, is_open)
        last = above + reader.line_num
        if row is not None and last == line:
            yield line, row
            continue
        if row is not None:
            reason = f"The row runs over lines {line} to {last}: {OPENED}"
            yield line, RefusedLine(line, row[0][:80], "payment.bad_row", reason)
            continue
        reason = "A quotation mark stands where none may."
        if last > line or is_open:
            reason = OPENED[0].upper() + OPENED[1:]
        elif is_wide:
            reason = f"A cell has more than {csv.field_size_limit():,} characters."
        yield line, RefusedLine(line, "", "payment.bad_row", reason)
        for inside in range(line + 1, last + 1):
            yield inside, _inside(inside, line)
        if is_open:
            for more in text:  # where it was given up as too long, the mark may be closed below
                above += 1
                inside = above + reader.line_num
                yield inside, _inside(inside, line)
                if not (is_open := _leaves_open(more, delimiter, is_open)):
                    break


def _kept(text: Iterator[str], seen: list[str]) -> Iterator[str]:
    """The same lines; each is also put into ``seen``."""
    for line in text:
        seen.append(line)
        yield line


def _leaves_open(line: str, delimiter: str, is_open: bool) -> bool:
    """Whether a mark is open at the end of a line, where one was (``is_open``) before it or not.

    In a cell that begins with a mark every other one closes it, so a doubled one changes nothing;
    in any other cell marks are letters.
    """
    is_marked, is_new = is_open, not is_open
    for sign in line:
        if sign == '"' and (is_marked or is_new):
            is_marked, is_open = True, not is_open
        is_new = sign == delimiter and not is_open
        is_marked = is_marked and not is_new
    return is_open


OPENED = "a quotation mark is not closed, or a cell has a line break; take it out."


def _inside(line: int, opened: int) -> RefusedLine:
    reason = f"Not read: it stands behind the quotation mark that line {opened} opens."
    return RefusedLine(line, "", "payment.bad_row", reason)


def _lines(
    rows: Iterator[tuple[int, list[str] | RefusedLine]],
    places: Mapping[str, int],
    tell: Callable[[], None],
) -> Iterator[PaymentLine | RefusedLine]:
    count = 1 + max(places.values())
    default = _columns()["default"]["currency"]
    order = [places.get(name, -1) for name in COLUMNS]
    for line, row in rows:
        if not line % TELL_LINES:
            tell()
        if isinstance(row, RefusedLine):
            yield row
            continue
        text = "".join(row)
        if not text or text.isspace():
            continue
        if len(row) < count:
            found = row[order[0]].strip() if order[0] < len(row) else ""
            reason = f"The row has {len(row)} cells, {count} are needed."
            yield RefusedLine(line, found, "payment.bad_row", reason)
            continue
        row.append("")  # the cell of a column that the file does not have
        cells = [row[place].strip() for place in order]
        if (not text.isascii() or "\0" in text) and NOT_TEXT.search(text):
            shown = NOT_TEXT.sub("?", cells[0])
            reason = "The row holds bytes that are no text in the file's encoding."
            yield RefusedLine(line, shown, "payment.bad_row", reason)
            continue
        yield _line_of(line, cells, default)
    tell()


def _line_of(line: int, cells: Sequence[str], default: str) -> PaymentLine | RefusedLine:
    """One row, its cells in the order of ``COLUMNS``, as a payment, or why it is none."""
    payment_id, payer, payee, amount, currency, purpose, remark = cells
    if not (payment_id and payer and payee):
        reason = "A row needs a payment id, a payer and a payee."
        return RefusedLine(line, payment_id, "payment.bad_row", reason)
    currency = currency.upper() or default
    if currency not in DIGITS:
        reason = f"There is no currency {currency[:10]!r} here."
        return RefusedLine(line, payment_id, "payment.no_currency", reason)
    minor, reason = _minor_of(amount, currency)
    if reason:
        return RefusedLine(line, payment_id, "payment.bad_amount", reason)
    return PaymentLine(line, payment_id, payer, payee, minor, currency, purpose, remark)


@lru_cache(maxsize=65_536)
def _minor_of(amount: str, currency: str) -> tuple[int, str]:
    """An amount in minor units, or why it is none: the same few come again in most files."""
    try:
        minor = parse_money(amount, currency).minor if AMOUNT.fullmatch(amount) else 0
    except Refused as refused:
        return 0, refused.reason
    if minor > 0:
        return minor, ""
    if not amount:
        return 0, "The row has no amount."
    reason = f"{amount[:40]!r} is no amount that can be paid: write it like 1000 or 1,000.50."
    return 0, reason
