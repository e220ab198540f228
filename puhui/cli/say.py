"""How the command line speaks: lines and tables on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO
from unicodedata import east_asian_width

Step = Any
"""A callable (name, done, total) that long work tells how far it is."""

PIPE_COLUMNS = 160
"""How wide tables are where nobody's terminal says so."""

STEP_WORDS = {
    "read": "reading the file",
    "screen": "looking for columns that tell too much",
    "train points": "training the points card",
    "train trees": "training the trees",
    "cut-off": "choosing the cut-off",
    "register": "registering the applicants",
    "lend": "applying, deciding, signing, paying out",
    "county": "county: drawing it",
    "roles": "county: roles of the staff",
    "boss": "county: suppliers' owners",
    "supplier": "county: suppliers",
    "revoked": "county: consents taken back",
    "wallets": "county: wallets",
    "settled": "county: settled",
    "score": "first day: training and registering the model",
    "books": "first day: opening the books",
    "past": "judging the decisions",
    "lending.void_stale_contracts": "ending contracts never paid out",
    "lending.age_loans": "aging contracts",
    "lending.charge_late_fees": "charging late fees",
    "lending.take_up_loans": "taking over loans",
    "servicing.judge_promises": "looking at promises to pay",
    "servicing.open_tasks": "work lists of collectors",
    "servicing.run_day": "debiting, counting and classing loans",
    "lending.expire_offers": "ending offers nobody accepted",
    "ledger.mark_books": "marking how far the books have come",
    "ledger.sum_books": "summing the transfers of the day",
    "ledger.close_books": "closing the books",
    "ledger.verify": "adding up all transfers",
    "ledger.verify pages": "reading every page of the store",
    "ledger.verify general": "checking the days that are closed",
    "ledger.export": "writing transfers",
    "replaying": "running the acts again",
    "staff": "county: people of the bank",
    "logins": "county: logins",
    "owner": "county: shopkeepers",
    "firm": "county: firms",
    "identity": "county: identity checks",
    "consents": "county: consents",
    "history": "county: 120 days of trade",
    "records": "county: records that partners share",
    "indexed": "county: each wallet with its history",
    "codes": "market: shops get a code to scan",
    "quotes": "market: two providers quote for other currencies",
    "accesses": "first day: reading flows under consent",
    "applications": "first day: applications",
    "decisions": "first day: decisions",
    "contracts": "first day: contracts",
    "money": "first day: money into wallets",
    "days": "months: days that pass",
    "payments": "paying the file",
    "score rows": "scoring rows",
    "offers": "offering credit",
}


def line(text: str = "") -> None:
    """One line on stdout."""
    print(text)


def note(text: str) -> None:
    """One line on stderr, after what stdout has so far."""
    sys.stdout.flush()
    print(text, file=sys.stderr)


def figures(found: Mapping[str, object]) -> None:
    """The figures by name as one flat JSON object: the last line of stdout.

    What is not a number becomes null; nothing nested is allowed.
    """
    flat = {name: _plain(value) for name, value in found.items()}
    print(json.dumps(flat, ensure_ascii=False, allow_nan=False))


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    assert value is None or isinstance(value, str | int | float | bool), value
    return value


def table(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    stream: TextIO | None = None,
) -> None:
    """A table on stdout or ``stream``; the columns numbered in ``right`` stand at the right. One
    without rows says so.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    turned = set(right)
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, title in enumerate(titles):
        drawn.add_column(title, justify="right" if place in turned else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(_literal(cell) for cell in row))
    width = None if stream is None and sys.stdout.isatty() else PIPE_COLUMNS
    console = Console(highlight=False, width=width, file=stream)
    console.print(drawn)
    if not drawn.row_count:
        console.print("None.")


def _literal(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def pairs(rows: Iterable[tuple[str, str]], *, stream: TextIO | None = None) -> None:
    """Names and values under one another; Chinese characters are two columns wide."""
    kept = list(rows)
    width = max((_columns(name) for name, _ in kept), default=0)
    for name, value in kept:
        print(f"  {name}{' ' * (width - _columns(name))}  {value}", file=stream)


def _columns(text: str) -> int:
    return sum(1 + (east_asian_width(char) in "WF") for char in text)


def share(value: float | None, digits: int = 1) -> str:
    """A share 0..1 for people: 21.0%, or a dash."""
    return "-" if value is None else f"{value * 100:.{digits}f}%"


def number(value: float | None, digits: int = 4) -> str:
    """A figure for people, or a dash."""
    return "-" if value is None else f"{value:,.{digits}f}"


@contextmanager
def progress() -> Iterator[Step]:
    """Bars on stderr while the block runs; without a terminal one line for each step begun."""
    if not sys.stderr.isatty():
        yield _told_in_lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def step(name: str, done: int, total: int) -> None:
            words = STEP_WORDS.get(name, name)
            if words not in tasks:
                for task in bars.tasks:  # what came before is over, whatever it said last
                    bars.update(task.id, completed=task.total)
                tasks[words] = bars.add_task(words, total=total, completed=done)
            bars.update(tasks[words], completed=done, total=total)

        yield step


def _told_in_lines() -> Step:
    started = time.perf_counter()
    told: set[str] = set()

    def step(name: str, done: int, total: int) -> None:
        if name not in told:
            told.add(name)
            note(f"[{time.perf_counter() - started:6.1f} s] {STEP_WORDS.get(name, name)}")

    return step
