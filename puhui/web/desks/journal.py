"""The auditor's desk: the journal searched, an act opened, and the whole journal replayed."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from starlette.responses import Response

from puhui.kernel import Node
from puhui.kernel.act import USE_CASES
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.replay import ReplayReport, replay
from puhui.kernel.store import Row, Transaction
from puhui.kernel.store.browse import POSITION_MAX, browse_journal, read_act
from puhui.node import open_node
from puhui.web.ask import Ask, Missing
from puhui.web.column import Column, Kind
from puhui.web.export import Fetch, ending_of, file_reply
from puhui.web.table import sheet_of

DIFFERENCES_SHOWN = 50
ACTS = (
    Column("position", "desk.position", lambda row: row.position, Kind.COUNT),
    Column("time", "desk.when", lambda row: row.time_us, Kind.MOMENT),
    Column("use_case", "desk.use_case", lambda row: row.name),
    Column("actor", "desk.by", lambda row: row.actor),
    Column("key", "desk.key", lambda row: row.key),
    Column("refusal", "desk.end", lambda row: row.refusal),
)


@dataclass
class Replaying:
    """A replay on its way, and what it found."""

    done: int = 0
    total: int = 0
    report: ReplayReport | None = None
    failure: str = ""
    is_running: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


_replaying: dict[Path, Replaying] = {}
"""One for each node of this process; it ends with the process, as it changes nothing."""


def _span(ask: Ask) -> tuple[int, int]:
    """The days of the address as moments; a day that cannot be read is none."""
    found: list[date | None] = []
    for name in ("since", "until"):
        try:
            found.append(date.fromisoformat(ask.query.get(name, "")))
        except ValueError:
            found.append(None)
    since, until = found
    return (
        0 if since is None else start_of_day_us(since),
        POSITION_MAX if until is None else start_of_day_us(until + timedelta(days=1)),
    )


def search(ask: Ask) -> Response:
    """Acts, newest or oldest first, by use case, actor, key, day and how they ended."""
    filters = ("name", "actor", "key", "end", "since", "until")
    sheet = sheet_of(
        "/desk/journal", ask.query, filters=filters, order="-position", orders={"position"}
    )
    since_us, until_us = _span(ask)
    beyond = ask.query.get("beyond", "")
    ask.node.store.settle_positions()
    start = int(beyond) if beyond.isdecimal() and len(beyond) < 18 else None
    told: dict[str, Any] = {
        "name": sheet.filters["name"],
        "actor": sheet.filters["actor"],
        "key": sheet.filters["key"],
        "is_refused": sheet.filters["end"] == "refused",
        "since_us": since_us,
        "until_us": until_us,
        "is_oldest_first": sheet.order == "position",
    }
    if ending_of(ask):
        return file_reply(ask, "journal", ACTS, _pages(told, start), sheet.filters)
    with ask.node.read() as tx:
        rows = browse_journal(tx, **told, beyond=start, count=sheet.size + 1)
    return ask.page(
        "desk_journal.html",
        at="journal",
        sheet=sheet,
        rows=rows[: sheet.size],
        has_more=len(rows) > sheet.size,
        names=sorted(USE_CASES),
        replaying=_of(ask.node),
    )


def _pages(told: Mapping[str, Any], start: int | None) -> Fetch:
    """The journal page by page: each begins where the one before it ended."""
    beyond = start

    def take(tx: Transaction, skip: int, count: int) -> list[Row]:
        nonlocal beyond
        rows = browse_journal(tx, **told, beyond=beyond, count=count)
        beyond = rows[-1].position if rows else beyond
        return rows

    return take


def show(ask: Ask) -> Response:
    """One act with everything that is on record of it; what is personal stands there sealed."""
    position = ask.request.path_params["position"]
    with ask.node.read() as tx:
        row = read_act(tx, int(position)) if position.isdecimal() and len(position) < 18 else None
    if row is None:
        raise Missing
    return ask.page(
        "desk_act.html",
        at="journal",
        row=row,
        told=_pretty(row.input),
        outcome=_pretty(row.outcome),
        digests=_pretty(row.digests),
        use_case=USE_CASES.get(row.name),
        replaying=_of(ask.node),
    )


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False, indent=1)


def _of(node: Node) -> Replaying:
    return _replaying.setdefault(node.home, Replaying())


def begin_replay(ask: Ask) -> Response:
    """Replay the journal into an empty node beside this one; nothing here changes."""
    found = _of(ask.node)
    with found.lock:
        if not found.is_running:
            found.is_running, found.done, found.report, found.failure = True, 0, None, ""
            thread = threading.Thread(
                target=_replay, args=(ask.node, found), name="puhui-replay", daemon=True
            )
            thread.start()
    return ask.go("/desk/replay")


def _replay(node: Node, found: Replaying) -> None:
    def noted(done: int, total: int) -> None:
        found.done, found.total = done, total

    try:
        with tempfile.TemporaryDirectory(prefix="puhui-replay-") as folder:
            home = Path(folder)
            for name in ("models", "mappings"):
                if (node.home / name).is_dir():
                    (home / name).symlink_to((node.home / name).absolute())
            url = f"sqlite:///{home / 'replay.sqlite'}"
            target = open_node(home, store_url=url, keys=node.keys)
            try:
                found.report = replay(node, target, progress=noted)
            finally:
                target.close()
    except Exception as error:  # told on the page; the desk goes on
        found.failure = f"{type(error).__name__}: {error}"[:300]
    found.is_running = False


def show_replay(ask: Ask) -> Response:
    """How far the replay is, or what it found."""
    found = _of(ask.node)
    shown = () if found.report is None else found.report.differences[:DIFFERENCES_SHOWN]
    return ask.page("desk_replay.html", at="journal", found=found, shown=shown)
