"""The figures of a report: each with its finding in words, its drawing and its table twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from puhui.intake.evaluate import Evaluation
from puhui.intake.report.chart import Spec, bar_list, line_chart, range_list, svg_of
from puhui.intake.report.noun import LendReport
from puhui.intake.report.speech import Speech

ROWS_MAX = 30
REASONS_MAX = 8
DIAGONAL = ((0.0, 0.0), (1.0, 1.0))

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart: its title, what it shows in a sentence, its SVG, and the same as a table."""

    code: str
    title: str
    finding: str
    svg: str
    columns: Cells
    rows: tuple[Cells, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A figure before it is drawn."""

    code: str
    finding: str
    spec: Spec
    columns: Cells
    rows: tuple[Cells, ...]


def figures_of(report: LendReport, say: Speech, kept: Path | None = None) -> dict[str, Figure]:
    """All figures of a report by code; those of outcomes are there where outcomes are known."""
    drafts = [flow_of(report, say)]
    if report.evaluation is not None:
        makers: tuple[Callable[[Evaluation, LendReport, Speech], Draft], ...] = (
            bad_rates_of,
            scores_of,
            roc_of,
            calibration_of,
            cut_off_of,
        )
        drafts += [make(report.evaluation, report, say) for make in makers]
    if report.reasons:
        drafts.append(reasons_of(report, say))
    drafts += [cost_parts_of(report, say), swings_of(report, say), volumes_of(report, say)]
    return {
        draft.code: Figure(
            draft.code,
            say(f"{draft.code}_title"),
            draft.finding,
            svg_of(draft.spec, kept),
            draft.columns,
            draft.rows,
        )
        for draft in drafts
    }


def flow_of(report: LendReport, say: Speech) -> Draft:
    """From rows of the file to loans paid out."""
    read = report.applications + report.refused_rows
    steps = [
        ("decided", report.applications, "plain"),
        ("approved", report.approved, "good"),
        ("capped", report.capped, "good"),
        ("disbursed", report.disbursed_loans, "good"),
    ]
    if report.reviewed:
        steps.insert(2, ("reviewed", report.reviewed, "plain"))
    if report.refused_rows:
        steps.insert(1, ("refused_rows", report.refused_rows, "bad"))
    bars = [(say(code), float(count), say.count(count), name) for code, count, name in steps]
    rows = tuple(
        (say(code), say.count(count), say.share(count / read if read else None))
        for code, count, _ in steps
    )
    rate = report.approved / report.applications if report.applications else None
    finding = say("flow_finding", share=say.share(rate), approved=say.count(report.approved))
    columns = (say("step"), say("count"), say("share_of_rows"))
    return Draft("flow", finding, bar_list(bars, float(max(read, 1))), columns, rows)


def bad_rates_of(found: Evaluation, _: LendReport, say: Speech) -> Draft:
    """Bad rate of the approved against everyone, chance and the majority rule."""
    chance = found.bad_rate_random
    interval = f"{say.share(chance.low)}–{say.share(chance.high)}"
    lines = [
        ("rate_approved", found.bad_rate_approved, "good", found.misclassified_share, ""),
        ("rate_random", chance.mean, "plain", found.misclassified_random, interval),
        ("rate_majority", found.bad_rate_majority, "plain", found.misclassified_majority, ""),
        ("rate_all", found.bad_rate_all, "plain", float("nan"), ""),
        ("rate_refused", found.bad_rate_refused, "bad", float("nan"), ""),
    ]
    bars = [
        (say(code), 0.0 if rate != rate else rate, say.share(rate), name)
        for code, rate, name, _, _ in lines
    ]
    rows = tuple(
        (say(code), say.share(rate), inside or "—", say.share(wrong))
        for code, rate, _, wrong, inside in lines
    )
    finding = say(
        "bad_rates_finding",
        approved=say.share(found.bad_rate_approved),
        all=say.share(found.bad_rate_all),
        interval=interval,
    )
    columns = (say("group"), say("bad_rate"), say("interval"), say("misclassified"))
    return Draft("bad_rates", finding, bar_list(bars), columns, rows)


def scores_of(found: Evaluation, _: LendReport, say: Speech) -> Draft:
    """How the scores of good and of bad loans lie apart."""
    bins = found.score_bins
    goods, bads = (max(1, sum(getattr(one, name) for one in bins)) for name in ("goods", "bads"))
    drawn = []
    labels = []
    for code, name, counts, whole in (
        ("good", "good", [one.goods for one in bins], goods),
        ("bad", "bad", [one.bads for one in bins], bads),
    ):
        line = [(float(one.low), count / whole) for one, count in zip(bins, counts, strict=True)]
        drawn.append((say(code), name, [*line, (float(bins[-1].high), 0.0)]))
        peak = max(line, key=lambda point: point[1])
        align = "right" if name == "bad" else "left"
        labels.append((peak[0], peak[1], say(code), name, align))
    rows = tuple(
        (f"{one.low}–{one.high - 1}", say.count(one.goods), say.count(one.bads),
         say.share(one.bads / max(1, one.goods + one.bads)))
        for one in bins
    )  # fmt: skip
    most = max(to for _, _, line in drawn for _, to in line)
    spec = line_chart(
        drawn,
        x=(say("score_axis"), ".0f"),
        y=(say("share_axis"), ".0%"),
        labels=labels,
        y_domain=(0.0, most * 1.12),
        fill=True,
    )
    finding = say(
        "scores_finding", ks=say.figure(found.measures.ks), psi=say.figure(found.score_psi)
    )
    columns = (say("score"), say("good"), say("bad"), say("bad_rate"))
    return Draft("scores", finding, spec, columns, rows)


def roc_of(found: Evaluation, _: LendReport, say: Speech) -> Draft:
    """Bads caught against goods lost at every cut-off."""
    area = say.figure(found.measures.auc)
    gap = max(found.roc, key=lambda point: point[1] - point[0], default=(0.0, 0.0))
    spec = line_chart(
        [("", "good", found.roc or DIAGONAL)],
        x=(say("goods_refused"), ".0%"),
        y=(say("bads_refused"), ".0%"),
        labels=[
            (gap[0], (gap[0] + gap[1]) / 2, f"KS {say.figure(found.measures.ks)}", "good", "left"),
            (0.62, 0.3, f"AUC {area}", "ink", "left"),
            (0.7, 0.6, say("chance"), "plain", "left"),
        ],
        points=[(*gap, "good")],
        dashed=[DIAGONAL, [(gap[0], gap[0]), gap]],
        x_domain=(0.0, 1.0),
        y_domain=(0.0, 1.0),
        height=260,
    )
    step = max(1, len(found.roc) // ROWS_MAX)
    rows = tuple((say.share(x), say.share(y)) for x, y in found.roc[::step])
    measured = dict(found.measures.intervals)
    low_high = measured.get("auc")
    interval = say.between(low_high.low, low_high.high) if low_high else "—"
    finding = say("roc_finding", auc=area, interval=interval)
    return Draft("roc", finding, spec, (say("goods_refused"), say("bads_refused")), rows)


def calibration_of(found: Evaluation, _: LendReport, say: Speech) -> Draft:
    """What was foretold beside what came true, in ten groups."""
    bins = found.measures.calibration
    most = min(1.0, max(max(one.pd, one.bad_rate) for one in bins) * 1.15 + 0.01)
    spots = [(one.pd, one.bad_rate) for one in bins]
    spec = line_chart(
        [("", "good", spots)],
        x=(say("pd_axis"), ".0%"),
        y=(say("bad_rate_axis"), ".0%"),
        labels=[(most * 0.72, most * 0.6, say("exact"), "plain", "left")],
        points=[(*spot, "good") for spot in spots],
        dashed=[((0.0, 0.0), (most, most))],
        x_domain=(0.0, most),
        y_domain=(0.0, most),
        height=260,
    )
    rows = tuple((say.count(one.rows), say.share(one.pd), say.share(one.bad_rate)) for one in bins)
    finding = say("calibration_finding", brier=say.figure(found.measures.brier, 4))
    columns = (say("count"), say("pd_mean"), say("bad_rate"))
    return Draft("calibration", finding, spec, columns, rows)


def cut_off_of(found: Evaluation, report: LendReport, say: Speech) -> Draft:
    """Net profit by the share approved, with what was chosen and what would have been best."""
    best = found.best_cut_off
    step, unit = say.scale(best.net if best.net.minor else found.realised_all.net)
    line = [(cut.share, float(cut.net.major() / step)) for cut in found.cut_offs]
    taken = found.approved_labelled / found.labelled
    net = float(found.realised.net.major() / step)
    top = float(best.net.major() / step)
    nearly = abs(best.share - taken) < 0.12
    labels = [(taken, net, say("chosen"), "good", "left" if taken < 0.6 else "right")]
    if not nearly:
        align = "left" if best.share < 0.6 else "right"
        labels.append((best.share, top, say("best"), "plain", align))
    lows = [to for _, to in line] + [net, 0.0]
    room = (max(lows) - min(lows)) or 1.0
    spec = line_chart(
        [("", "plain", line)],
        x=(say("approval_axis"), ".0%"),
        y=(say("net_axis", unit=unit), ",~r"),
        labels=labels,
        points=[(taken, net, "good"), (best.share, top, "plain")],
        dashed=[((0.0, 0.0), (1.0, 0.0))],
        x_domain=(0.0, 1.0),
        y_domain=(min(lows) - room * 0.05, max(lows) + room * 0.16),
    )
    kept = found.cut_offs[:: max(1, len(found.cut_offs) // ROWS_MAX)]
    rows = tuple(
        (say.share(cut.share), say.share(cut.pd_max, 2), say.share(cut.bad_rate),
         say.money(cut.net))
        for cut in kept
    )  # fmt: skip
    finding = say(
        "cut_off_finding",
        net=say.money_short(found.realised.net),
        random=say.money_short(found.realised_random_net),
        everyone=say.money_short(found.realised_all.net),
    )
    columns = (say("approval_rate"), say("pd_max"), say("bad_rate"), say("net"))
    return Draft("cut_off", finding, spec, columns, rows)


def reasons_of(report: LendReport, say: Speech) -> Draft:
    """Why applications were refused."""
    refused = max(1, report.applications - report.approved - report.reviewed)
    shown = report.reasons[:REASONS_MAX]
    named = [(say.pick(one.title_zh, one.title_en), one) for one in report.reasons]
    bars = [
        (say.pick(one.title_zh, one.title_en), float(one.rows), say.count(one.rows), "bad")
        for one in shown
    ]
    rows = tuple(
        (title, one.code, say.count(one.rows), say.share(one.rows / refused))
        for title, one in named
    )
    finding = say("reasons_finding", first=named[0][0], share=say.share(shown[0].rows / refused))
    columns = (say("reason"), say("code"), say("count"), say("share_of_refused"))
    return Draft("reasons", finding, bar_list(bars), columns, rows)


def cost_parts_of(report: LendReport, say: Speech) -> Draft:
    """What one application costs, part by part."""
    cost = report.cost
    bars = [
        (say.pick(part.title_zh, part.title_en), float(part.yuan), say.yuan(part.yuan), "good")
        for part in sorted(cost.parts, key=lambda part: -part.yuan)
    ]
    rows = tuple(
        (
            say.pick(part.title_zh, part.title_en),
            say.yuan(part.yuan, 4),
            f"{part.price} {part.unit}",
            say(f"kind_{part.kind}"),
            part.from_on,
            part.source,
        )
        for part in cost.parts
    )
    finding = say(
        "cost_parts_finding",
        yuan=say.yuan(cost.yuan),
        machine=say.yuan(cost.survey_machine_yuan, 0),
        people=say.yuan(cost.survey_people_yuan, 0),
    )
    columns = ("part", "yuan", "price", "kind", "from_on", "source")
    return Draft(
        "cost_parts", finding, bar_list(bars), tuple(say(f"cost_{name}") for name in columns), rows
    )


def swings_of(report: LendReport, say: Speech) -> Draft:
    """The cost when each part is half, or half as much again."""
    cost = report.cost
    ranges = [
        (
            say.pick(swing.title_zh, swing.title_en),
            float(swing.low_yuan),
            float(swing.high_yuan),
            f"{swing.low_yuan:.2f}–{swing.high_yuan:.2f}",
        )
        for swing in cost.swings
    ]
    machine = float(cost.survey_machine_yuan)
    marks = [(machine, say("survey_mark", yuan=say.yuan(cost.survey_machine_yuan, 0)))]
    spec = range_list(ranges, centre=float(cost.yuan), marks=marks, title=say("yuan_axis"))
    rows = tuple((title, f"{low:.4f}", f"{high:.4f}") for title, low, high, _ in ranges)
    widest = ranges[0]
    finding = say("swings_finding", part=widest[0], low=f"{widest[1]:.2f}", high=f"{widest[2]:.2f}")
    columns = (say("cost_part"), say("half"), say("half_more"))
    return Draft("swings", finding, spec, columns, rows)


def volumes_of(report: LendReport, say: Speech) -> Draft:
    """The cost by the number of applications a year."""
    cost = report.cost
    line = [(float(count), float(yuan)) for count, yuan in cost.by_volume]
    machine = float(cost.survey_machine_yuan)
    most = max(max(to for _, to in line), machine) * 1.15
    labels = [(at, to, f"{to:.2f}", "good", "below" if to < machine else "left") for at, to in line]
    labels.append(
        (line[-1][0], machine, say("survey_mark", yuan=say.yuan(cost.survey_machine_yuan, 0)),
         "plain", "right")
    )  # fmt: skip
    spec = line_chart(
        [("", "good", line)],
        x=(say("volume_axis"), "~s"),
        y=(say("yuan_axis"), ".1f"),
        labels=labels,
        points=[(*point, "good") for point in line],
        dashed=[((line[0][0], machine), (line[-1][0], machine))],
        y_domain=(0.0, most),
        is_log=True,
    )
    rows = tuple((say.count(count), say.yuan(yuan, 4)) for count, yuan in cost.by_volume)
    finding = say("volumes_finding", volume=say.count(cost.volume), yuan=say.yuan(cost.yuan))
    return Draft("volumes", finding, spec, (say("volume"), say("cost_yuan")), rows)
