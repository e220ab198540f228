"""Tables as files at the address of their page: CSV for spreadsheets, JSON for programs.

A file is written from one look at the store, past the first mebibyte on disk, and streamed from
there; that it leaves is put on record before its first line does.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any

from starlette.responses import Response, StreamingResponse

from puhui.channel import new_key
from puhui.kernel.store import Transaction
from puhui.web.ask import Ask
from puhui.web.column import Column, cell_in_csv, cell_in_json
from puhui.web.say import Say
from puhui.web.table import Sheet, safe, sheet_of
from puhui.web.who import Who

ENDINGS = ("csv", "json")
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json; charset=utf-8"}
PAGE_ROWS = 5_000
ROWS_MAX = 1_000_000
MEMORY_BYTES = 1 << 20
PIECE_BYTES = 1 << 16

Fetch = Callable[[Transaction, int, int], Sequence[Any]]
"""Rows of a list: (transaction, how many to skip, how many to take at most)."""


def ending_of(ask: Ask) -> str:
    """Which file the address asks for; "" for the page."""
    ending = ask.path.rpartition(".")[2]
    return ending if ending in ENDINGS else ""


def page_path(ask: Ask) -> str:
    """The address of the page, whichever file of it is asked for."""
    ending = ending_of(ask)
    return ask.path.removesuffix(f".{ending}") if ending else ask.path


def listed(
    ask: Ask,
    template: str,
    columns: Sequence[Column],
    fetch: Callable[[Sheet], Fetch],
    *,
    at: str,
    filters: Sequence[str] = (),
    order: str = "",
    **values: Any,
) -> Response:
    """A list as a page or as a file, by the filters and the order of the address."""
    path = page_path(ask)
    columns = for_reader(ask, columns)
    orders = {column.order for column in columns if column.order}
    sheet = sheet_of(path, ask.query, filters=filters, order=order, orders=orders)
    take = fetch(sheet)
    if ending_of(ask):
        return file_reply(ask, path.rpartition("/")[2], columns, take, sheet.filters)
    with ask.node.read() as tx:
        rows = take(tx, sheet.skip, sheet.size + 1)
    return ask.page(
        template,
        at=at,
        sheet=sheet,
        columns=columns,
        rows=rows[: sheet.size],
        has_more=len(rows) > sheet.size,
        **values,
    )


def for_reader(ask: Ask, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns with links to such desks only as whoever asks may open."""

    def kept(link: Callable[[Any], str]) -> Callable[[Any], str]:
        return lambda row: link(row) if may_open(ask, link(row)) else ""

    return tuple(
        column if column.link is None else replace(column, link=kept(column.link))
        for column in columns
    )


def may_open(ask: Ask, url: str) -> bool:
    """Whether a link to the desk of a customer or of a case leads anywhere for whoever asks."""
    is_lending = url.startswith(("/desk/customer/", "/desk/case/"))
    return not is_lending or bool(ask.roles & Who.LENDING.value)


def of_rows(rows: Sequence[Any]) -> Fetch:
    """A list whose rows are there already."""
    return lambda tx, skip, count: rows[skip : skip + count]


def file_reply(
    ask: Ask,
    name: str,
    columns: Sequence[Column],
    take: Fetch,
    filters: Mapping[str, str] | None = None,
) -> Response:
    """Rows as the file that the address asks for, on record before it leaves.

    Refused: ``data.bad_export``.
    """
    ending = ending_of(ask)
    told = {name: word for name, word in (filters or {}).items() if word}
    # The file outlives this function: it is closed when its last piece has left.
    kept: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115
    try:
        write = _write_csv if ending == "csv" else _write_json
        with ask.node.read() as tx:
            count = write(kept, ask.say, columns, _all_rows(tx, take), told)
        ask.node.act(
            "data.record_export",
            {"list_name": name, "form": ending, "filters": tuple(told.items()), "rows": count},
            key=f"web:export:{new_key()}",
            actor=ask.actor,
        )
    except BaseException:
        kept.close()
        raise
    kept.seek(0)
    return StreamingResponse(
        _pieces(kept),
        media_type=TYPES[ending],
        headers={"Content-Disposition": f'attachment; filename="{name}.{ending}"'},
    )


def _all_rows(tx: Transaction, take: Fetch) -> Iterator[Any]:
    for skip in range(0, ROWS_MAX, PAGE_ROWS):
        rows = take(tx, skip, PAGE_ROWS)
        yield from rows
        if len(rows) < PAGE_ROWS:
            return


def _pieces(kept: IO[bytes]) -> Iterator[bytes]:
    with kept:
        while piece := kept.read(PIECE_BYTES):
            yield piece


def _write_csv(
    kept: IO[bytes],
    say: Say,
    columns: Sequence[Column],
    rows: Iterator[Any],
    told: Mapping[str, str],
) -> int:
    text = io.TextIOWrapper(kept, encoding="utf-8", newline="", write_through=True)
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow([str(say(column.title)) for column in columns])
    count = 0
    for row in rows:
        writer.writerow([safe(cell_in_csv(say, column, row)) for column in columns])
        count += 1
    text.detach()
    return count


def _write_json(
    kept: IO[bytes],
    say: Say,
    columns: Sequence[Column],
    rows: Iterator[Any],
    told: Mapping[str, str],
) -> int:
    kept.write(b'{"filters": ' + json.dumps(dict(told), ensure_ascii=False).encode())
    kept.write(b', "rows": [')
    count = 0
    for count, row in enumerate(rows, start=1):
        found = dict(cell_in_json(column, row) for column in columns)
        text = json.dumps(found, ensure_ascii=False)
        kept.write(f"{',' if count > 1 else ''}\n{text}".encode())
    kept.write(f'\n], "count": {count}}}\n'.encode())
    return count
