"""The report as two pages, Chinese and English, each one file without scripts or requests."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from puhui.intake.evaluate import Evaluation, Profit
from puhui.intake.report.figure import Cells, figures_of
from puhui.intake.report.noun import LendReport
from puhui.intake.report.speech import NOTHING, Speech

if TYPE_CHECKING:
    from jinja2 import Template

BYTES_MAX = 300 * 1024
NUMERIC = re.compile(
    r"([A-Z]{3} )?[-+]?[0-9][0-9,.]*(–[0-9.,%]+)?( ?(%|元|美元|欧元|港元|日元))?|—"
)


def write_report(
    report: LendReport, folder: Path, *, name: str = "report", charts: Path | None = None
) -> tuple[Path, Path]:
    """Write ``name``.html (Chinese) and ``name``.en.html (English); each links to the other.

    ``charts`` is a folder where drawings stay between runs. A page is written whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {"zh": f"{name}.html", "en": f"{name}.en.html"}
    made = {language: render_report(report, language, files, charts=charts) for language in files}
    for language, text in made.items():
        draft = folder / f"{files[language]}.draft"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / files[language])
    return folder / files["zh"], folder / files["en"]


def render_report(
    report: LendReport, language: str, files: dict[str, str], *, charts: Path | None = None
) -> str:
    """The HTML of the report in one language; ``files`` names the page of each language."""
    say = Speech(language)
    other = "en" if language == "zh" else "zh"
    template, style = _template()
    found = report.evaluation
    return template.render(
        say=say,
        report=report,
        figures=figures_of(report, say, charts),
        title=say.pick(report.title_zh, report.title_en),
        headline=say(
            "headline",
            applications=say.count(report.applications),
            approved=say.count(report.approved),
            disbursed=say.money_short(report.disbursed),
        ),
        subline=_subline(report, say),
        keys=_keys(report, say),
        sections=_sections(report),
        guards=_guards(report, say),
        refusals=[
            (say.pick(one.title_zh, one.title_en), say.count(one.rows), _lines(one.lines, one.rows))
            for one in report.refusals
        ],
        examples=[
            (str(row.line), say.pick(row.reason_zh, row.reason_en), row.code)
            for row in report.refused_examples
        ],
        measures=_measures(found, say) if found else [],
        measures_note=_measures_note(found, say) if found else "",
        profits=_profits(found, say) if found else [],
        profit_note=say(
            "profit_note",
            lgd=_loss_given_default(report, say),
            pd_max=say.share(report.pd_max, 2),
        ),
        facts=_facts(report, say),
        signals=[(say.pick(zh, en), name) for name, zh, en in report.model.signals],
        parameters=[(key, f"{value:g}") for key, value in report.model.parameters],
        metrics=[(key, say.figure(value, 4)) for key, value in report.model.metrics],
        warnings=_warnings(report, say),
        replication=_replication(report, say),
        coefficients=_coefficients(report, say),
        timings=_timings(report, say),
        numeric=_is_numeric,
        other_href=files[other],
        other_lang=Speech(other)("lang"),
        style=style,
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


@cache
def _template() -> tuple[Template, str]:
    import jinja2

    folder = resources.files("puhui.intake") / "templates"
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    page = environment.from_string((folder / "report.html").read_text("utf-8"))
    return page, (folder / "report.css").read_text("utf-8").strip()


def _is_numeric(rows: Sequence[Cells], place: int) -> bool:
    """Whether a column of a table holds figures, which stand at the right."""
    return bool(rows) and all(NUMERIC.fullmatch(row[place]) is not None for row in rows)


def _lines(lines: tuple[int, ...], rows: int) -> str:
    shown = ", ".join(str(line) for line in lines)
    return f"{shown} …" if rows > len(lines) else shown


def _subline(report: LendReport, say: Speech) -> str:
    file = f"{report.file.name} · SHA-256 {report.file.digest[:12]}" if report.file else ""
    kind = "" if report.is_synthetic else say("real_data")
    product = say.pick(report.product_zh, report.product_en)
    return " · ".join(part for part in (product, kind, file, report.made_on) if part)


def _keys(report: LendReport, say: Speech) -> list[Cells]:
    """The figures that matter, each with its yardstick."""
    found, cost = report.evaluation, report.cost
    rate = report.approved / report.applications if report.applications else None
    approved, applications = say.count(report.approved), say.count(report.applications)
    note = say("key_approval_note", approved=approved, applications=applications)
    keys: list[Cells] = [(say("key_approval"), say.share(rate), note)]
    if found is not None:
        chance = found.bad_rate_random
        bad_note = say(
            "key_bad_note",
            all=say.share(found.bad_rate_all),
            low=say.share(chance.low),
            high=say.share(chance.high),
        )
        auc = dict(found.measures.intervals).get("auc")
        interval = say.between(auc.low, auc.high) if auc else NOTHING
        random = say.money_short(found.realised_random_net)
        keys += [
            (say("key_bad"), say.share(found.bad_rate_approved), bad_note),
            (say("key_auc"), say.figure(found.measures.auc),
             say("key_auc_note", interval=interval)),
            (say("key_profit"), say.money_short(found.realised.net),
             say("key_profit_note", random=random)),
        ]  # fmt: skip
    survey = say(
        "key_cost_note",
        machine=say.yuan(cost.survey_machine_yuan, 0),
        people=say.yuan(cost.survey_people_yuan, 0),
    )
    each = report.seconds * 1000 / max(1, report.applications)
    time = say("key_time_note", seconds=say.figure(report.seconds, 1), each=say.figure(each, 1))
    spent = say("ms", value=say.figure(report.cpu_ms_per_application, 2))
    keys += [(say("key_cost"), say.yuan(cost.yuan), survey), (say("key_time"), spent, time)]
    return keys


def _sections(report: LendReport) -> list[str]:
    codes = ["flow", "outcome", "why", "cost", "card", "leak", "replication"]
    return [code for code in codes if code != "replication" or report.replication is not None]


def _loss_given_default(report: LendReport, say: Speech) -> str:
    if report.charged_off_share is None:
        return say("lgd_product")
    return say("lgd_learned", lgd=say.share(report.charged_off_share))


def _guards(report: LendReport, say: Speech) -> list[Cells]:
    return [
        (
            say.maybe(f"guard_{one.code}", one.code),
            say.count(one.passed),
            say.count(one.failed),
            say.count(one.not_applicable),
        )
        for one in report.guards
    ]


def _measures(found: Evaluation, say: Speech) -> list[Cells]:
    measures = found.measures
    intervals = dict(measures.intervals)
    rows: list[Cells] = []
    for name, value in (
        ("auc", measures.auc),
        ("ks", measures.ks),
        ("h_measure", measures.h_measure),
        ("brier", measures.brier),
    ):
        inside = intervals.get(name)
        shown = say.between(inside.low, inside.high, 4) if inside else NOTHING
        rows.append((say(f"m_{name}"), say.figure(value, 4), shown))
    rows.append((say("m_log_loss"), say.figure(measures.log_loss, 4), NOTHING))
    for name, share in (
        ("misclassified_half", measures.misclassified_share),
        ("misclassified", found.misclassified_share),
        ("misclassified_random", found.misclassified_random),
        ("misclassified_majority", found.misclassified_majority),
    ):
        rows.append((say(f"m_{name}"), say.share(share, 2), NOTHING))
    rows.append((say("m_psi"), say.figure(found.score_psi, 4), NOTHING))
    return rows


def _measures_note(found: Evaluation, say: Speech) -> str:
    a, b = found.measures.h_prior
    return say(
        "measures_note", rows=say.count(found.labelled), a=say.figure(a, 2), b=say.figure(b, 2)
    )


def _profits(found: Evaluation, say: Speech) -> list[Cells]:
    def line(code: str, one: Profit) -> Cells:
        parts = (one.interest, one.loss, one.profit, one.cost, one.net)
        return (say(code), *(say.money(part) for part in parts))

    return [
        line("profit_expected", found.expected),
        line("profit_expected_labelled", found.expected_labelled),
        line("profit_realised", found.realised),
        line("profit_all", found.realised_all),
    ]


def _facts(report: LendReport, say: Speech) -> list[tuple[str, str, bool]]:
    """(label, value, whether it is a code) of the model and its data."""
    model = report.model
    trained = say(
        "card_rows_value", rows=say.count(model.train_rows), rate=say.share(model.train_bad_rate)
    )
    source = " · ".join(part for part in (report.source_title, report.source_link) if part)
    facts = [
        (say("card_name"), model.name, False),
        (say("card_kind"), say.maybe(f"kind_{model.kind}", model.kind), False),
        (say("card_rows"), trained, False),
        (say("card_trained"), model.trained_on or NOTHING, False),
        (say("card_maker"), model.maker, False),
        (say("card_source"), source, False),
        (say("card_digest"), model.digest, True),
        (say("card_data"), model.data_digest, True),
        (say("card_mapping"), f"{report.mapping} {model.mapping_digest}", True),
        (say("card_version"), report.code_version, True),
    ]
    if report.file is not None:
        facts.insert(6, (say("card_file"), report.file.digest, True))
    return facts


def _warnings(report: LendReport, say: Speech) -> list[Cells]:
    found: list[Cells] = []
    for warning in report.warnings:
        used = "yes" if warning.is_signal else "no_forbidden" if warning.is_forbidden else "no"
        found.append((warning.column, say.figure(warning.auc), say(used)))
    return found


def _replication(report: LendReport, say: Speech) -> list[Cells]:
    one = report.replication
    if one is None:
        return []
    published = round(one.published_share * one.published_rows)
    return [
        (say("misclassified"), say.share(one.published_share, 2),
         say.share(one.misclassified_share, 2)),
        (say("misclassified_rows"), say.count(published), say.count(one.misclassified)),
        (say("test_rows"), say.count(one.published_rows), say.count(one.rows)),
    ]  # fmt: skip


def _coefficients(report: LendReport, say: Speech) -> list[Cells]:
    one = report.replication
    return [(name, say.figure(value, 4)) for name, value in one.coefficients] if one else []


def _timings(report: LendReport, say: Speech) -> list[Cells]:
    rows = [
        (say.pick(one.title_zh, one.title_en), say.figure(one.seconds, 2),
         say.figure(one.cpu_seconds, 2))
        for one in report.timings
    ]  # fmt: skip
    whole = sum(one.cpu_seconds for one in report.timings)
    return [*rows, (say("time_all"), say.figure(report.seconds, 2), say.figure(whole, 2))]
