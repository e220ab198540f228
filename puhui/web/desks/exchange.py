"""The desk of settlement: positions with their caps, windows, and settling them by four eyes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.exchange import window as clearing
from puhui.exchange.window import Position
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.kernel.store.browse import browse_journal, read_act
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.table import sheet_of

ROWS_MAX = 10_000
ENDED_MAX = 20
RESERVE = "exchange.reserve_settlement"
WINDOWS = (
    Column("opened", "clearing.opened", lambda row: row.opened_us, Kind.MOMENT),
    Column("window", "application.number", lambda row: row.id, Kind.ID),
    Column("currency", "clearing.currency", lambda row: row.currency),
    Column("state", "application.status", lambda row: row.state),
    Column("closed", "clearing.closed", lambda row: row.closed_us, Kind.MOMENT),
    Column("settlement", "clearing.next", lambda row: row.settlement_id, Kind.ID),
)


def _positions(people: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns of positions as a file, each with the name of its participant."""
    return (
        Column("participant", "clearing.participant", lambda row: people[row.participant_id].name),
        Column("currency", "clearing.currency", lambda row: row.currency),
        Column("settled", "clearing.settled_how", lambda row: row.settlement_kind, Kind.WORD,
               words="clearing.kind_"),
        Column("position", "clearing.position", lambda row: row.position_minor, Kind.MONEY),
        Column("held", "clearing.held", lambda row: row.held_minor, Kind.MONEY),
        Column("cover", "clearing.cover", lambda row: row.cover_minor, Kind.MONEY),
        Column("cap", "clearing.cap", lambda row: row.cap_minor, Kind.MONEY),
        Column("free", "clearing.free_funds", lambda row: row.funds_minor, Kind.MONEY),
    )  # fmt: skip


def positions(ask: Ask) -> Response:
    """What each participant owes and may owe, and what lies free."""
    sheet = sheet_of(
        "/desk/positions",
        ask.query,
        filters=("currency", "settlement_kind"),
        order="-used",
        orders={"used", "name", "currency", "position", "cap", "funds"},
    )
    with ask.node.read() as tx:
        found = clearing.positions(tx, count=ROWS_MAX)
        people = {one.id: one for one in clearing.participants(tx, count=ROWS_MAX)}
    keys: dict[str, Any] = {
        "used": used_share,
        "name": lambda one: people[one.participant_id].name,
        "currency": lambda one: one.currency,
        "position": lambda one: one.position_minor,
        "cap": lambda one: one.cap_minor,
        "funds": lambda one: one.funds_minor,
    }
    rows = [
        one
        for one in found
        if all(value in ("", getattr(one, name)) for name, value in sheet.filters.items())
    ]
    rows.sort(key=keys[sheet.order.removeprefix("-")], reverse=sheet.order[0] == "-")
    if ending_of(ask):
        return file_reply(ask, "positions", _positions(people), of_rows(rows), sheet.filters)
    return ask.page(
        "desk_positions.html",
        at="positions",
        sheet=sheet,
        rows=rows[sheet.skip : sheet.skip + sheet.size],
        has_more=len(rows) > sheet.skip + sheet.size,
        people=people,
        used=used_share,
        currencies=sorted({one.currency for one in found}),
        kinds=sorted({one.settlement_kind for one in found}),
        near=[one for one in found if used_share(one) >= 0.8],
    )


def used_share(one: Position) -> float:
    """How much of the cover a position uses, 0 to 1 and more; 0 for one that owes nothing."""
    if one.position_minor <= 0:
        return 0.0
    return one.position_minor / one.cover_minor if one.cover_minor else 1.0


def windows(ask: Ask) -> Response:
    """Windows and settlements; what may be done with each, and by whom."""
    return _windows(ask)


def _windows(ask: Ask) -> Response:
    sheet = sheet_of(
        "/desk/windows",
        ask.query,
        filters=("currency", "state"),
        order="-opened",
        orders={"opened", "currency", "state"},
    )
    with ask.node.read() as tx:
        found = clearing.windows(tx, count=ROWS_MAX)
        made = clearing.settlements(tx, count=ENDED_MAX)
        people = {one.id: one.name for one in clearing.participants(tx, count=ROWS_MAX)}
        owners = {
            one.id: people[one.participant_id] for one in clearing.positions(tx, count=ROWS_MAX)
        }
        by = reserved_by(tx)
    rows = [
        one
        for one in found
        if all(value in ("", getattr(one, name)) for name, value in sheet.filters.items())
    ]
    names = {"opened": "opened_us", "currency": "currency", "state": "state"}
    name = names[sheet.order.removeprefix("-")]
    rows.sort(key=lambda one: (getattr(one, name), one.id), reverse=sheet.order[0] == "-")
    if ending_of(ask):
        return file_reply(ask, "windows", WINDOWS, of_rows(rows), sheet.filters)
    closed: dict[str, int] = {}
    for one in found:
        if one.state == "closed":
            closed[one.currency] = closed.get(one.currency, 0) + 1
    return ask.page(
        "desk_windows.html",
        at="windows",
        sheet=sheet,
        rows=rows[sheet.skip : sheet.skip + sheet.size],
        has_more=len(rows) > sheet.skip + sheet.size,
        settlements=made,
        owners=owners,
        by=by,
        me=ask.actor.name,
        closed=closed,
        currencies=sorted({one.currency for one in found}),
    )


def reserved_by(tx: Transaction) -> dict[str, str]:
    """Who has reserved each of the last settlements, as the journal says."""
    found = {}
    for row in browse_journal(tx, name=RESERVE, count=ENDED_MAX * 2):
        act = read_act(tx, row.position)
        if act is not None and act.refusal is None:
            found[json.loads(act.outcome)["settlement_id"]] = row.actor
    return found


def close(ask: Ask) -> Response:
    """Close a window; the next one opens in the same moment."""
    return _do(ask, "exchange.close_window", {"window_id": ask.request.path_params["window_id"]})


def reserve(ask: Ask) -> Response:
    """Net all closed windows of a currency, and hold what is owed."""
    currency = ask.text("currency")
    with ask.node.read() as tx:
        found = clearing.windows(tx, count=ROWS_MAX)
    ids = tuple(one.id for one in found if (one.currency, one.state) == (currency, "closed"))
    asked = ask.text("windows")
    if asked and asked != str(len(ids)):
        ask.wrong("_stale", ask.say("clearing.windows_changed"))
        return _windows(ask)
    return _do(ask, RESERVE, {"currency": currency, "window_ids": ids})


def end(ask: Ask) -> Response:
    """Pay a reserved settlement, by another person than who reserved it; or give it up."""
    wanted = ask.request.path_params["settlement_id"]
    verb = ask.path.rpartition("/")[2]
    if verb == "settle":
        ask.node.store.settle_positions()
        with ask.node.read() as tx:
            first = reserved_by(tx).get(wanted)
        if first == ask.actor.name:
            ask.wrong("_four_eyes", ask.say("clearing.four_eyes"))
            return _windows(ask)
    name = "exchange.settle" if verb == "settle" else "exchange.abort_settlement"
    return _do(ask, name, {"settlement_id": wanted})


def _do(ask: Ask, name: str, told: dict[str, Any]) -> Response:
    try:
        ask.act(name, told)
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _windows(ask)
    return ask.go("/desk/windows")
