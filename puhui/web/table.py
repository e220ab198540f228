"""Lists: filters, sorting and pages in the address, and the same rows as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

SIZES = (25, 50, 100)
SKIP_MAX = 1_000_000
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First signs of what a spreadsheet may take for a formula, the wide ones of Chinese text too."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where a list stands: its address, its filters, its order, and which rows are shown."""

    path: str
    filters: Mapping[str, str]
    order: str
    skip: int
    size: int
    has_more: bool = False

    def url(self, **changes: object) -> str:
        """The address of the list with something changed; a change of order starts at the top."""
        told: dict[str, object] = {
            **{name: value for name, value in self.filters.items() if value},
            "order": self.order,
            "size": self.size,
            "skip": self.skip,
            **changes,
        }
        if "order" in changes or "size" in changes:
            told["skip"] = 0
        return f"{self.path}?{urlencode({n: v for n, v in told.items() if v not in ('', None)})}"

    def file(self, ending: str) -> str:
        """The address of the whole list as a file, by the same filters and order."""
        told = {name: value for name, value in self.filters.items() if value}
        if self.order:
            told["order"] = self.order
        return f"{self.path}.{ending}{'?' if told else ''}{urlencode(told)}"

    def turned(self, column: str) -> str:
        """The order that a click on a column's head asks for."""
        return column if self.order == f"-{column}" else f"-{column}"

    def mark(self, column: str) -> str:
        """How a column is sorted, as ARIA says it; "" where it is not."""
        if self.order == column:
            return "ascending"
        return "descending" if self.order == f"-{column}" else ""


def sheet_of(
    path: str, query: Mapping[str, str], *, filters: Iterable[str], order: str, orders: set[str]
) -> Sheet:
    """What the address asks a list for; what it does not say, or says wrongly, is as usual."""
    asked = query.get("order", order)
    size = query.get("size", "")
    skip = query.get("skip", "")
    return Sheet(
        path=path,
        filters={name: query.get(name, "")[:100] for name in filters},
        order=asked if asked.removeprefix("-") in orders else order,
        skip=min(int(skip), SKIP_MAX) if skip.isdecimal() and len(skip) < 9 else 0,
        size=int(size) if size in {str(one) for one in SIZES} else SIZES[0],
    )


def csv_reply(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Rows as a CSV file that a spreadsheet opens with Chinese, and reads no formula from."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([safe(value) for value in row] for row in rows)
    return Response(
        "\ufeff" + text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def safe(value: object) -> object:
    """A text that begins like a formula gets a mark before it; figures stay figures."""
    if isinstance(value, str) and value.startswith(RISKY):
        is_figure = value.lstrip("-").replace(",", "").replace(".", "", 1).isdecimal()
        return value if is_figure else f"'{value}"
    return value
