"""``puhui relief`` and ``puhui limits``: lists of the desk as files, for scripts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from puhui.cli import say

PAGE = 1_000
ROWS_MAX = 1_000_000
SHOWN = 50

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE.csv", help="Every row, as a file.")
]


def relief(
    state: Annotated[
        str, typer.Option(help="asked, granted, declined or withdrawn (default: asked).")
    ] = "asked",
    kind: Annotated[str, typer.Option(help="Of which hardship: household or trade.")] = "",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List requests for relief with their loans, those that wait the longest first.

    Why somebody is in hardship is sealed; only its kind is told here. An officer opens a request
    and decides at the desk: that is not done by a list.

    Example: puhui relief --kind household --out waiting.csv
    """
    from puhui.cli.open import opened
    from puhui.servicing.window import list_reliefs, relief

    if kind and kind not in relief.REASON_CLASSES:
        raise typer.BadParameter("--kind is household or trade.")
    words = {"status": state, "reason_class": kind}
    with opened() as node, node.read() as tx:
        rows = _all(lambda skip, count: list_reliefs(tx, **words, skip=skip, count=count))
    titles = ("request", "loan", "wanted", "hardship", "days past due", "state")
    lines = [
        (row.id, row.loan_id, row.kind, row.reason_class, str(row.days_past_due), row.status)
        for row in rows
    ]
    _told(titles, lines, out)
    if as_json:
        say.figures({"requests": len(rows)})


def credit_limits(
    state: Annotated[
        str,
        typer.Option(help="offered, agreed, declined, lapsed, lowered or kept (default: all)."),
    ] = "",
    product: Annotated[str, typer.Option(help="Of which product.")] = "",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List what the monthly reviews did to credit limits, the newest first.

    Borrowers answer to a higher limit on a page of their own; no command does that for them.

    Example: puhui limits --state lowered --out lowered.csv
    """
    from puhui.cli.open import opened
    from puhui.kernel.money import Money
    from puhui.lending.window import list_changes

    words = {"status": state, "product": product}
    with opened() as node, node.read() as tx:
        rows = _all(lambda skip, count: list_changes(tx, **words, skip=skip, count=count))
    titles = ("month", "party", "product", "before", "after", "reason", "state")
    lines = [
        (row.month, row.party_id, row.product, str(Money(row.before_minor, row.currency)),
         str(Money(row.after_minor, row.currency)), row.reason, row.status)
        for row in rows
    ]  # fmt: skip
    _told(titles, lines, out)
    if as_json:
        say.figures({"changes": len(rows)})


def _all(page: Callable[[int, int], Sequence[Any]]) -> list[Any]:
    """Every row of a list, page by page."""
    found: list[Any] = []
    while len(found) < ROWS_MAX:
        more = page(len(found), PAGE)
        found.extend(more)
        if len(more) < PAGE:
            break
    return found


def _told(titles: Sequence[str], lines: Sequence[Iterable[str]], out: Path | None) -> None:
    """The first rows on the screen, all of them into the file."""
    say.table(titles, [tuple(line) for line in lines[:SHOWN]])
    if out is not None:
        with out.open("w", encoding="utf-8-sig", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(titles)
            rows.writerows(lines)
        say.line(f"{len(lines):,} rows are written to {out}.")
    elif len(lines) > SHOWN:
        say.line(f"... and {len(lines) - SHOWN:,} more: --out FILE.csv has them all")
