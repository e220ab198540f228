"""The desk of stability: how far the score and the signals of a model have moved (PSI)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.kernel.store.browse import browse_journal, read_act
from puhui.lending.window import mapping_of
from puhui.score import list_models
from puhui.web.ask import Ask, Missing
from puhui.web.chart import strips_of
from puhui.web.column import Column, Kind
from puhui.web.export import ending_of, file_reply, of_rows, page_path

NAME = "lending.measure_drift"
SHOWN = 24
STABLE, MOVED = 0.1, 0.25
"""PSI below the first reads as stable, from the second on as moved: the trade's rule of thumb
(Siddiqi, Credit Risk Scorecards, 2006; from memory)."""

SPANS = (("before_since", 60), ("before_until", 31), ("since", 30), ("until", 0))


@dataclass(frozen=True, slots=True)
class DriftLine:
    """The PSI of the score, or of one signal by its title."""

    signal: str
    title: str
    psi: float
    missing_before: float | None
    missing_after: float | None


def word_of(psi: float) -> str:
    """How a PSI reads: stable, watch or moved."""
    return "stable" if psi < STABLE else "watch" if psi < MOVED else "moved"


MARKS = {"stable": "yes", "watch": "wait", "moved": "no"}
COLOURS = {"stable": "good", "watch": "plain", "moved": "bad"}
COLUMNS = (
    Column("signal", "drift.signal", lambda row: row.title),
    Column("psi", "drift.psi", lambda row: row.psi, Kind.NUMBER, digits=3),
    Column("reading", "drift.reading", lambda row: word_of(row.psi), Kind.WORD,
           words="drift.word_", mark=lambda row: MARKS[word_of(row.psi)]),
    Column("missing_before", "drift.missing_before", lambda row: row.missing_before, Kind.SHARE),
    Column("missing_after", "drift.missing_after", lambda row: row.missing_after, Kind.SHARE),
)  # fmt: skip


def _measured(tx: Transaction) -> dict[int, dict[str, Any]]:
    """The measurements that stand in the journal, newest first, by position."""
    found = {}
    for row in browse_journal(tx, name=NAME, count=SHOWN):
        act = read_act(tx, row.position) if row.refusal is None else None
        if act is not None and act.outcome:
            found[int(row.position)] = json.loads(act.outcome)
    return found


def show(ask: Ask) -> Response:
    """The newest measurement, or the one that the address names."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        models = {one.digest: one for one in list_models(tx)}
        measured = _measured(tx)
    asked = ask.query.get("act", "")
    at = int(asked) if asked.isdecimal() and len(asked) < 18 else 0
    at = at if at in measured else next(iter(measured), 0)
    found = measured.get(at)
    lines = _lines(ask, found) if found else []
    if ending_of(ask):
        return file_reply(ask, "drift", COLUMNS, of_rows(lines), {"act": str(at or "")})
    bars = [
        (one.title, one.psi, f"{one.psi:.3f}", COLOURS[word_of(one.psi)])
        for one in sorted(lines, key=lambda line: -line.psi)[:12]
    ]
    most = max([MOVED * 1.2, *(bar[1] for bar in bars)])
    typed = {
        name: ask.text(name) or (ask.today - timedelta(days=days)).isoformat()
        for name, days in SPANS
    }
    return ask.page(
        "desk_drift.html",
        at="drift",
        models=models,
        measured=measured,
        position=at,
        found=found,
        lines=lines,
        columns=COLUMNS,
        chart=strips_of(bars, most),
        model=ask.text("model") or next(reversed(models), ""),
        typed=typed,
        csv=f"{page_path(ask)}.csv?act={at or ''}",
        json=f"{page_path(ask)}.json?act={at or ''}",
    )


def _lines(ask: Ask, found: dict[str, Any]) -> list[DriftLine]:
    try:
        mapping = mapping_of(ask.node.home, found["mapping"])
        titles = {one.name: ask.say.of(one, "title") for one in mapping.signals}
    except Refused:
        titles = {}
    score = DriftLine("score", str(ask.say("drift.score")), found["score_psi"], None, None)
    return [
        score,
        *(
            DriftLine(
                one["signal"], titles.get(one["signal"], one["signal"]), one["psi"],
                one["missing_before"], one["missing_after"],
            )
            for one in found["signals"]
        ),
    ]  # fmt: skip


def measure(ask: Ask) -> Response:
    """Have it measured now; who was looked at for it can see that."""
    days: dict[str, date] = {}
    for name, _ in SPANS:
        try:
            days[name] = date.fromisoformat(ask.text(name))
        except ValueError:
            ask.wrong(name, ask.say.of_field(f"drift.{name}", "arrears.bad_day"))
    with ask.node.read() as tx:
        if ask.text("model") not in {one.digest for one in list_models(tx)}:
            raise Missing
    if ask.problems:
        return _show(ask)
    try:
        ask.act(NAME, {"model_digest": ask.text("model"), **days})
    except Refused as refused:
        ask.wrong("before_since", said(refused.code, ask.view.language))
        return _show(ask)
    ask.node.store.settle_positions()
    return ask.go("/desk/drift")
