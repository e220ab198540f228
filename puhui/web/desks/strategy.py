"""The cut-off simulator: what another cut-off or price would have made of past applications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from starlette.responses import Response

from puhui.kernel.store import Transaction
from puhui.lending import shelf
from puhui.lending.window import strategy
from puhui.party import find_parties
from puhui.score.window import StoredAudit, audits_of
from puhui.web.ask import Ask
from puhui.web.chart import lines_of
from puhui.web.column import Column, Kind
from puhui.web.desks.fairness import FAIR_RATIO, crossed
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.pages.entry import PRODUCT
from puhui.web.table import sheet_of

ROWS_MAX = 3_000
"""So many of the newest applications are tried; each is priced anew."""

PAGE_ROWS = 500
SLIDE_MAX = 30
MARGIN_MAX = Decimal(10)
CREDIT_MAX = Decimal(300)
GROUP_MIN = 5
"""Of a group with fewer applications no share is told."""


@dataclass(frozen=True, slots=True)
class Past:
    """Decided applications of a product: what was wanted, up to how much, the pd, whose they were,
    and how their loans ended.
    """

    product: str
    wanted_minor: tuple[int, ...]
    credit_minor: tuple[int, ...]
    pd: tuple[float, ...]
    groups: tuple[str, ...]
    ended_bad: tuple[bool | None, ...]
    cut_off: Decimal | None
    day: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """One cut-off of the curve; shares are of all applications."""

    pd_max: Decimal
    approved: int
    share: float
    bads: float
    bad_rate: float | None
    profit_minor: int
    gap: float | None
    groups: tuple[tuple[str, int], ...]
    ended: int = 0
    ended_bad: int = 0
    currency: str = "CNY"


COLUMNS = (
    Column("cut_off", "strategy.cut_off", lambda row: row.pd_max, Kind.SHARE),
    Column("approved", "strategy.approved", lambda row: row.approved, Kind.COUNT),
    Column("share", "strategy.share", lambda row: row.share, Kind.SHARE),
    Column("bads", "strategy.bads", lambda row: round(row.bads, 1), Kind.NUMBER, digits=1),
    Column("bad_rate", "strategy.bad_rate", lambda row: row.bad_rate, Kind.SHARE),
    Column("ended", "strategy.ended", lambda row: row.ended, Kind.COUNT),
    Column("ended_bad", "strategy.ended_bad", lambda row: row.ended_bad, Kind.COUNT),
    Column("profit", "strategy.profit", lambda row: row.profit_minor, Kind.MONEY),
    Column("ratio", "strategy.ratio", lambda row: row.gap, Kind.NUMBER, digits=3),
)


@dataclass(frozen=True, slots=True)
class FairLine:
    """A group at the chosen cut-off: its approvals over its reference's, and less them."""

    attribute: str
    group: str
    reference: str
    ratio: float | None
    gap: float


def _read(ask: Ask, tx: Transaction, product: str) -> tuple[Past, StoredAudit | None]:
    """What the desk tries, and the newest audit of the model that scored the newest of it."""
    rows = strategy.past_applications(tx, product, ROWS_MAX)
    kinds: dict[str, str] = {}
    ids = sorted({row.party_id for row in rows})
    for at in range(0, len(ids), PAGE_ROWS):
        for party in find_parties(ask.node, tx, party_ids=ids[at : at + PAGE_ROWS]):
            kinds[party.id] = str(party.kind)
    past = Past(
        product,
        tuple(row.wanted_minor for row in rows),
        tuple(row.credit_minor for row in rows),
        tuple(row.pd for row in rows),
        tuple(kinds.get(row.party_id, "person") for row in rows),
        tuple(row.is_bad for row in rows),
        rows[0].pd_max if rows else None,
        ask.today.isoformat(),
    )
    audits = audits_of(tx, rows[0].model_digest) if rows else ()
    return past, audits[0] if audits else None


@lru_cache(maxsize=16)
def _simulated(past: Past, extra: Decimal, credit_share: Decimal) -> strategy.Strategy:
    """What comes of prices ``extra`` more a year, and credit limits times ``credit_share``."""
    return strategy.simulate_strategy(
        shelf.load_product(past.product),
        shelf.load_law(),
        wanted_minor=tuple(
            min(wanted, int(credit * credit_share))
            for wanted, credit in zip(past.wanted_minor, past.credit_minor, strict=True)
        ),
        pd=past.pd,
        is_bad=None,
        groups=past.groups,
        on=date.fromisoformat(past.day),
        extra_margin=extra,
        ended_bad=past.ended_bad,
    )


def _lines(found: strategy.Strategy) -> list[StepLine]:
    whole = dict(found.group_rows)
    return [_line(found, place, whole) for place in range(len(found.steps))]


def _line(found: strategy.Strategy, place: int, whole: dict[str, int]) -> StepLine:
    step = found.steps[place]
    shares = [
        count / whole[name] for name, count in step.approved_by_group if whole[name] >= GROUP_MIN
    ]
    most = max(shares, default=0.0)
    return StepLine(
        step.pd_max,
        step.approved,
        step.approved / found.rows if found.rows else 0.0,
        step.bads,
        step.bad_rate(),
        step.profit_minor,
        min(shares) / most if len(shares) > 1 and most else None,
        step.approved_by_group,
        step.ended,
        step.ended_bad,
    )


def _fair(audit: StoredAudit | None, share: float) -> list[FairLine]:
    """Each group of the audit that is large enough, where about ``share`` of all are approved."""
    found = []
    for one in audit.groups if audit else ():
        if one.cut_offs:
            at = min(one.cut_offs, key=lambda point: abs(point.share - share))
            found.append(FairLine(one.attribute, one.group, one.reference, at.ratio, at.gap))
    return found


def _at(lines: Sequence[StepLine], cut_off: Decimal) -> StepLine:
    """The last step that approves nobody above the cut-off."""
    below = [one for one in lines if one.pd_max <= cut_off]
    return below[-1] if below else lines[0]


def _share_in(text: str, least: Decimal, most: Decimal) -> Decimal | None:
    """A figure in percent as a share; None where it is none or out of bounds."""
    try:
        found = Decimal(text.strip().removesuffix("%"))
    except InvalidOperation:
        return None
    return found / 100 if found.is_finite() and least <= found <= most else None


def show(ask: Ask) -> Response:
    """Move the cut-off and the price; see approvals, bad rate, profit and who is approved."""
    names = shelf.product_names()
    product = ask.query.get("product", PRODUCT)
    product = product if product in names else PRODUCT
    with ask.node.read() as tx:
        past, audit = _read(ask, tx, product)
    typed, slide, margin, credit = (
        ask.query.get(name, "") for name in ("cut_off", "slide", "margin", "credit")
    )
    extra = _share_in(margin or "0", -MARGIN_MAX, MARGIN_MAX)
    if extra is None:
        ask.wrong("margin", ask.say("strategy.bad_margin", most=MARGIN_MAX))
    credit_share = _share_in(credit or "100", Decimal(1), CREDIT_MAX)
    if credit_share is None:
        ask.wrong("credit", ask.say("strategy.bad_credit", most=CREDIT_MAX))
    wanted = _share_in(typed or slide, Decimal(0), Decimal(100)) if typed or slide else None
    if (typed or slide) and wanted is None:
        ask.wrong("cut_off", ask.say("strategy.bad_cut_off"))
    tried = _simulated(past, extra or Decimal(0), credit_share or Decimal(1)) if past.pd else None
    lines = _lines(tried) if tried else []
    if ending_of(ask):
        told = {"product": product, "margin": margin, "credit": credit}
        return file_reply(ask, "cut-offs", COLUMNS, of_rows(lines), told)
    own = past.cut_off or shelf.load_product(product).cut_off.pd_max
    chosen = own if wanted is None else wanted
    best = max(lines, key=lambda one: (one.profit_minor, -one.approved)) if lines else None
    picked = _at(lines, chosen) if lines else None
    return ask.page(
        "desk_cut_off.html",
        at="cut_off",
        product=product,
        products=names,
        rows=len(past.pd),
        lines=lines,
        columns=COLUMNS,
        own=own,
        chosen=chosen,
        picked=picked,
        ways=_ways(lines, own, chosen, best),
        whole=_whole(past),
        charts=_charts(ask, lines, chosen, own),
        margin=margin,
        credit=credit,
        audit=audit,
        fair=_fair(audit, picked.share) if picked else [],
        fair_ratio=FAIR_RATIO,
        crossed=crossed,
        slide_max=SLIDE_MAX,
        files=sheet_of(
            ask.path, ask.query, filters=("product", "margin", "credit"), order="", orders=set()
        ),
    )


def _whole(past: Past) -> list[tuple[str, int]]:
    return [(name, past.groups.count(name)) for name in sorted(set(past.groups))]


def _ways(
    lines: Sequence[StepLine], own: Decimal, chosen: Decimal, best: StepLine | None
) -> list[tuple[str, Decimal, StepLine]]:
    """The cut-offs that are set side by side: by word, bound and what it brings."""
    if not lines or best is None:
        return []
    found = [("own", own, _at(lines, own))]
    if chosen != own:
        found.append(("chosen", chosen, _at(lines, chosen)))
    return [*found, ("best", best.pd_max, best)]


def _charts(ask: Ask, lines: Sequence[StepLine], chosen: Decimal, own: Decimal) -> dict[str, str]:
    """Approvals with bad rate, and profit, by cut-off; dashed where it stands and where it may."""
    if len(lines) < 2:
        return {}
    last = max(float(one.pd_max) for one in lines) or 1.0
    approved = [(float(one.pd_max), one.share) for one in lines]
    bad = [(float(one.pd_max), one.bad_rate) for one in lines if one.bad_rate is not None]
    profit = [(float(one.pd_max), one.profit_minor / 100) for one in lines]
    marks = sorted({min(float(own), last), min(float(chosen), last)})
    x = (str(ask.say("strategy.axis_cut_off")), ".0%")

    def drawn(curves: Any, y: tuple[str, str], low: float, high: float, labels: Any) -> str:
        return lines_of(
            ask.view.size,
            curves,
            x=x,
            y=y,
            x_domain=(0.0, last),
            y_domain=(low, high),
            labels=labels,
            dashed=[[(at, low), (at, high)] for at in marks],
        )

    lowest = min(0.0, *(to for _, to in profit))
    highest = max(0.0, *(to for _, to in profit)) * 1.1 or 1.0
    words = [
        (*approved[-1], str(ask.say("strategy.share")), "good", "right"),
        *([(*bad[-1], str(ask.say("strategy.bad_rate")), "bad", "right")] if bad else []),
    ]
    curves = [("approved", "good", approved), *([("bad", "bad", bad)] if bad else [])]
    return {
        "shares": drawn(curves, (str(ask.say("strategy.axis_share")), ".0%"), 0.0, 1.08, words),
        "profit": drawn(
            [("profit", "good", profit)], (str(ask.say("strategy.axis_profit")), ",.0f"), lowest,
            highest, [],
        ),
    }  # fmt: skip
