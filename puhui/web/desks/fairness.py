"""The desk of fairness: stored audits of the models in force, and having one done now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.score import list_models
from puhui.score.window import audits_of
from puhui.web.ask import Ask, Missing
from puhui.web.chart import Strip, lines_of, strips_of
from puhui.web.column import Column, Kind
from puhui.web.export import ending_of, file_reply, of_rows, page_path
from puhui.web.say import Say

DAYS = 30
FAIR_RATIO = 0.8
"""Four fifths: a lower ratio of approvals is drawn as one to look at."""


def state_of(row: Any) -> str:
    """What is said of a group: too few rows, found, or nothing."""
    if row.is_guarded:
        return "guarded"
    return "found" if row.is_found else "none"


MARKS = {"found": "no", "none": "yes", "guarded": "wait"}
COLUMNS = (
    Column("attribute", "fairness.attribute", lambda row: row.attribute, Kind.WORD,
           words="fairness.attribute_"),
    Column("group", "fairness.group", lambda row: row.group, Kind.WORD, words="fairness.group_"),
    Column("reference", "fairness.reference", lambda row: row.reference, Kind.WORD,
           words="fairness.group_"),
    Column("finding", "fairness.finding", state_of, Kind.WORD, words="fairness.state_",
           mark=lambda row: MARKS[state_of(row)]),
    Column("rows", "fairness.rows", lambda row: row.rows, Kind.COUNT),
    Column("approved", "fairness.approval", lambda row: row.approval, Kind.SHARE),
    Column("of_reference", "fairness.of_reference", lambda row: row.reference_approval,
           Kind.SHARE),
    Column("ratio", "fairness.ratio", lambda row: row.adverse_impact_ratio, Kind.NUMBER, digits=3),
    Column("gap", "fairness.gap", lambda row: row.approval_gap, Kind.SHARE),
    Column("smd", "fairness.smd", lambda row: row.smd, Kind.NUMBER, digits=3),
    Column("true_positive_gap", "fairness.good_gap", lambda row: row.true_positive_gap,
           Kind.SHARE),
    Column("calibration_gap", "fairness.calibration", lambda row: row.calibration_gap, Kind.SHARE),
    Column("p_value", "fairness.p_value", lambda row: row.p_value, Kind.NUMBER, digits=4),
    Column("p_family", "fairness.p_family", lambda row: row.p_family, Kind.NUMBER, digits=4),
)  # fmt: skip


def crossed(say: Say, prefix: str, name: str) -> str:
    """A group or an attribute in words; of a crossing, both with a sign between."""
    return " × ".join(str(say.maybe(f"{prefix}{one}", one)) for one in name.split(" x "))


def show(ask: Ask) -> Response:
    """The newest audit of a model, or the one that the address names, with every group."""
    return _show(ask)


def _models(tx: Transaction) -> dict[str, Any]:
    """What was ever in force, by digest, the newest last."""
    return {one.digest: one for one in list_models(tx)}


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        models = _models(tx)
        asked = ask.query.get("model", "") or ask.text("model")
        digest = asked if asked in models else next(reversed(models), "")
        audits = audits_of(tx, digest) if digest else ()
    wanted = ask.query.get("audit", "")
    audit = next((one for one in audits if one.id == wanted), audits[0] if audits else None)
    groups = audit.groups if audit else ()
    if ending_of(ask):
        told = {"model": digest, "audit": audit.id if audit else ""}
        columns = COLUMNS if ending_of(ask) == "json" else _worded(ask.say)
        return file_reply(ask, "fairness", columns, of_rows(groups), told)
    until = ask.text("until") or ask.today.isoformat()
    since = ask.text("since") or (ask.today - timedelta(days=DAYS)).isoformat()
    columns = _worded(ask.say)
    more = f"model={digest}&audit={audit.id if audit else ''}"
    return ask.page(
        "desk_fairness.html",
        at="fairness",
        models=models,
        digest=digest,
        audits=audits,
        audit=audit,
        columns=columns[:APPROVALS],
        sure=(*columns[:2], *columns[APPROVALS:]),
        chart=_chart(ask.say, groups),
        sweep=sweep(ask.say, groups, ask.view.size),
        unknown=[(crossed(ask.say, "fairness.attribute_", name), share)
                 for name, share in (audit.unknown if audit else ()) if share],
        since=since,
        until=until,
        csv=f"{page_path(ask)}.csv?{more}",
        json=f"{page_path(ask)}.json?{more}",
    )  # fmt: skip


def _worded(say: Say) -> tuple[Column, ...]:
    """The columns with crossings put into words; in JSON they stay codes."""

    def worded(column: Column) -> Column:
        if column.words not in ("fairness.attribute_", "fairness.group_"):
            return column
        value = column.value
        return Column(
            column.name, column.title, lambda row: crossed(say, column.words, value(row)), Kind.WORD
        )

    return tuple(worded(column) for column in COLUMNS)


APPROVALS = 9
"""So many columns tell who was approved; the others tell how sure that is."""


def _chart(say: Say, groups: Sequence[Any]) -> tuple[Strip, ...]:
    """The ratio of approvals of each group that is large enough; red below four fifths."""
    bars = [
        (
            crossed(say, "fairness.group_", one.group),
            one.adverse_impact_ratio,
            f"{one.adverse_impact_ratio:.2f}",
            "bad" if one.adverse_impact_ratio < FAIR_RATIO else "good",
        )
        for one in groups
        if not one.is_guarded and one.adverse_impact_ratio is not None
    ]
    return strips_of(bars, max([1.0, *(bar[1] for bar in bars)]))


def sweep(say: Say, groups: Sequence[Any], size: int = 0) -> str:
    """The ratio of the groups that fare worst, over all shares approved; dashed at four fifths.

    Names stand at different places along their lines, so that none covers another.
    """
    told = [one for one in groups if len([at for at in one.cut_offs if at.ratio is not None]) > 1]
    worst = sorted(
        told, key=lambda one: min(at.ratio for at in one.cut_offs if at.ratio is not None)
    )
    lines = []
    for one, colour in zip(worst, ("bad", "good", "plain"), strict=False):
        points = [(at.share, at.ratio) for at in one.cut_offs if at.ratio is not None]
        lines.append((crossed(say, "fairness.group_", one.group), colour, points))
    if not lines:
        return ""
    highest = max(1.0, *(to for _, _, points in lines for _, to in points))
    return lines_of(
        size,
        lines,
        x=(str(say("fairness.axis_share")), ".0%"),
        y=(str(say("fairness.ratio")), ".1f"),
        x_domain=(0.0, 1.0),
        y_domain=(0.0, highest * 1.05),
        labels=[
            (*points[-1 - len(points) * place // 3], name, colour, "right")
            for place, (name, colour, points) in enumerate(lines)
        ],
        dashed=[[(0.0, FAIR_RATIO), (1.0, FAIR_RATIO)]],
    )


def audit_now(ask: Ask) -> Response:
    """Have a model audited over some days; who was looked at for it can see that."""
    found: list[date] = []
    for name in ("since", "until"):
        try:
            found.append(date.fromisoformat(ask.text(name)))
        except ValueError:
            ask.wrong(name, ask.say.of_field(f"desk.{name}_day", "arrears.bad_day"))
    with ask.node.read() as tx:
        if ask.text("model") not in _models(tx):
            raise Missing
    if ask.problems:
        return _show(ask)
    told = {"model_digest": ask.text("model"), "since": found[0], "until": found[1]}
    try:
        made = ask.act("score.audit_model", told)
    except Refused as refused:
        ask.wrong("since", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/fairness?model={ask.text('model')}&audit={made.audit_id}")
