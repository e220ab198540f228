"""The main job: read a file, learn from its past, decide the rest, and report what happened."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from puhui import ledger, lending, score
from puhui.intake.cost import cost_of_application
from puhui.intake.evaluate import (
    Decided,
    Evaluation,
    GuardCount,
    count_guards,
    earnings,
    evaluate,
    learn_charged_off_share,
)
from puhui.intake.read import FileFacts, FileRow, minor_of, number_of, open_data_path, read_file
from puhui.intake.read.row import refuse_row
from puhui.intake.report import (
    LendReport,
    ModelCard,
    ReasonCount,
    RefusalTally,
    Timing,
    write_report,
)
from puhui.intake.run import Ask, Course, Runner, Step, Terms
from puhui.kernel import Actor, Money, Node, Refused
from puhui.kernel.act import code_version
from puhui.kernel.clock import business_date, time_of
from puhui.kernel.store.journal import count_acts
from puhui.score import study

SEED = 310
PRODUCTS = {"sba_case": "sba_term", "sba_national": "sba_term", "small_loans": "small_loan"}
"""The product that a mapping's rows apply for where none is named."""

OPEN_DATA = {"small-loans": "small_loans"}
"""The mapping of each open data set that comes as a package."""

REPLICATED = "sba_case"
"""The mapping whose data carry a published figure to compute anew."""


@dataclass(frozen=True, slots=True)
class LendRun:
    """A finished run: its report, and the pages that show it."""

    report: LendReport
    pages: tuple[Path, Path]

    def figures(self) -> dict[str, object]:
        """The figures by name, flat; null where something was not measured."""
        report = self.report
        found = report.evaluation
        measures = found.measures if found else None
        return {
            "applications": report.applications,
            "refused_rows": report.refused_rows,
            "new_acts": report.new_acts,
            "approved": report.approved,
            "capped": report.capped,
            "reviewed": report.reviewed,
            "disbursed_minor": report.disbursed.minor,
            "currency": report.disbursed.currency,
            "auc_test": _known(measures.auc if measures else None),
            "ks_test": _known(measures.ks if measures else None),
            "h_test": _known(measures.h_measure if measures else None),
            "brier_test": _known(measures.brier if measures else None),
            "misclassified_share_logit": _known(
                report.replication.misclassified_share if report.replication else None
            ),
            "bad_rate_all": _known(found.bad_rate_all if found else None),
            "bad_rate_approved": _known(found.bad_rate_approved if found else None),
            "approval_rate": _known(found.approval_rate if found else None),
            "profit_realised_minor": found.realised.net.minor if found else None,
            "profit_expected_minor": found.expected.net.minor if found else None,
            "pd_max": None if report.pd_max is None else float(report.pd_max),
            "seconds": report.seconds,
            "cpu_ms_per_application": report.cpu_ms_per_application,
            "cost_yuan_per_application": float(report.cost.yuan),
            "trial_balance_minor": report.trial_balance.minor,
            "is_synthetic": report.is_synthetic,
            "report": str(self.pages[0]),
        }


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


@dataclass(slots=True)
class Material:
    """A file read to its end: good rows, what was refused, and the table that study works on."""

    mapping: study.Mapping
    product: str
    file: FileFacts
    rows: list[FileRow]
    tally: RefusalTally
    table: score.Table
    sample: study.Sample


@dataclass(slots=True)
class Learnt:
    """What the training rows taught: the champion, its cut-off, the loss given default."""

    model: score.Model
    train_points: np.ndarray[tuple[int], np.dtype[np.int64]]
    pd_max: Decimal
    charged_off_share: Decimal | None
    warnings: tuple[study.ColumnWarning, ...]


def lend_file(
    node: Node,
    actor: Actor,
    *,
    file: Path | None = None,
    mapping: str | Path = "",
    product: str = "",
    open_data: str = "",
    encoding: str = "",
    reports: Path | None = None,
    step: Step | None = None,
) -> LendRun:
    """Run a file of past applications through the lender, and report.

    The rows that the mapping's split keeps for training teach the model and its cut-off; all
    others become applications through the ordinary acts. A second run finds everything done.
    Refused: ``intake.product_needed``, ``intake.nothing_to_decide``, those of ``read_file``, of
    mappings, products and training.
    """
    step = step or (lambda name, done, total: None)
    started = time.perf_counter()
    if open_data:
        file, mapping = open_data_path(open_data), mapping or OPEN_DATA[open_data]
    assert file is not None, "a file or open data"
    material = _read(file, mapping, product, encoding, step)
    read_s = time.perf_counter() - started
    learnt = _learn(node, material, step)
    learn_s = time.perf_counter() - started - read_s
    champion = f"{material.product}_{material.mapping.name}"[:60].lower().replace("-", "_")
    terms = Terms(
        source=f"file_{material.mapping.name}_{material.product}",
        product=material.product,
        champion=champion,
        mapping_digest=material.mapping.digest,
        channel="file",
    )
    runner = Runner(node, actor, terms, step)
    _prepare(node, runner, material, learnt, mapping)
    courses = _lend(runner, material)
    report = _report(node, material, learnt, runner, courses, (started, read_s, learn_s))
    folder = reports or node.home / "reports"
    name = f"{material.mapping.name}-{material.product}"
    pages = write_report(report, folder, name=name, charts=node.home / "charts")
    return LendRun(report, pages)


def _read(
    file: Path, mapping_name: str | Path, product: str, encoding: str, step: Step
) -> Material:
    mapping = study.read_mapping(mapping_name)
    product = product or PRODUCTS.get(mapping.name, "")
    if not product:
        known = ", ".join(lending.shelf.product_names())
        raise Refused("intake.product_needed", f"Name the product with --product: {known}.")
    lending.shelf.load_product(product)
    reading = read_file(
        file,
        mapping,
        product,
        encoding=encoding,
        progress=lambda done, total: step("read", done, total),
    )
    rows: list[FileRow] = []
    tally = RefusalTally()
    for row in reading:
        if isinstance(row, FileRow):
            rows.append(row)
        else:
            tally.add(row)
    columns = reading.columns
    table = score.Table.of_rows(columns, [[row.values[c] for c in columns] for row in rows])
    sample = study.draw_sample(table, mapping)
    return Material(mapping, product, reading.facts, rows, tally, table, sample)


def _learn(node: Node, material: Material, step: Step) -> Learnt:
    """Screen the columns, train points and trees, choose the champion and the cut-off."""
    mapping, table, sample = material.mapping, material.table, material.sample
    step("screen", 0, 4)
    warnings = study.suspicious_columns(table, mapping)
    trained = []
    for place, kind in enumerate(("points", "trees"), start=1):
        step(f"train {kind}", place, 4)
        on = mapping.source.on
        trained.append(study.train_held_out(table, mapping, kind, SEED, trained_on=on))
        score.save_model(node.home / "models", trained[-1].model)
    best = study.better_of([made.model for made in trained])
    chosen = next(made for made in trained if made.model is best)
    share = _charged_off_share(material)
    step("cut-off", 3, 4)
    wanted = [_wanted(material, material.rows[place]) or 0 for place in chosen.rows.tolist()]
    cut_off = lending.study.learn_cut_off(
        material.product,
        wanted_minor=wanted,
        pd=chosen.pd.tolist(),
        is_bad=(chosen.is_bad == 1.0).tolist(),
        charged_off_share=share,
        on=business_date(node.clock.now_us()),
    )
    train_rows = table.take(np.flatnonzero(sample.is_train))
    points = score.score_table(best, train_rows).points
    step("cut-off", 4, 4)
    return Learnt(best, points, cut_off.pd_max, share, warnings)


def _charged_off_share(material: Material) -> Decimal | None:
    columns = {part.role: part.column for part in material.mapping.loss}
    if not {"charged_off", "exposure"} <= columns.keys():
        return None
    lost, exposed = (
        np.array([_number(text) for text in material.table.columns[columns[role]]])
        for role in ("charged_off", "exposure")
    )
    return learn_charged_off_share(lost, exposed, material.sample.is_bad, material.sample.is_train)


def _number(value: object) -> float:
    try:
        return number_of(str(value))
    except ValueError:
        return math.nan


def _wanted(material: Material, row: FileRow) -> int | None:
    """What a row asks for, in minor units: its amount column, or what the product states."""
    amount = material.mapping.amount
    if amount.column:
        return minor_of(row.values[amount.column], material.mapping.currency, amount.times)
    return lending.shelf.load_product(material.product).stated_amount_minor


def _prepare(
    node: Node, runner: Runner, material: Material, learnt: Learnt, mapping_name: str | Path
) -> None:
    """Open the books, keep the mapping, put model and cut-off in force, record the consent."""
    mapping, terms = material.mapping, runner.terms
    lending.keep_mapping(node.home, mapping, study.mapping_text(mapping_name))
    runner.act("lending.open_books", f"books:{mapping.currency}", currency=mapping.currency)
    digest = learnt.model.digest
    runner.act(
        "score.register_model",
        f"model:{terms.champion}:{digest}",
        name=terms.champion,
        digest=digest,
    )
    runner.act(
        "lending.set_cut_off",
        f"cut_off:{terms.product}:{digest}:{learnt.pd_max}",
        product=terms.product,
        model_digest=digest,
        pd_max=str(learnt.pd_max),
        reason="highest net profit on the training rows, held out",
    )
    runner.consent(material.file.digest, mapping.source.title)


def _lend(runner: Runner, material: Material) -> list[Course]:
    """The rows that did not train become applications."""
    train = material.sample.is_train
    to_decide = [row for place, row in enumerate(material.rows) if not train[place]]
    if not to_decide:
        raise Refused("intake.nothing_to_decide", "Every row of this file is a training row.")
    used = _used_columns(material.mapping)
    parties = runner.register(to_decide)
    asks = []
    for row in to_decide:
        wanted = _wanted(material, row)
        if wanted is None or wanted <= 0:
            material.tally.add(
                refuse_row(row.line, "amount_not_positive", column=_amount_column(material))
            )
            continue
        facts = {column: row.values[column] for column in used if column in row.values}
        asks.append(Ask(row.key, row.line, facts, wanted, parties[row.key]))
    return runner.lend(asks)


def _amount_column(material: Material) -> str:
    return material.mapping.amount.column or "amount"


def _used_columns(mapping: study.Mapping) -> tuple[str, ...]:
    """The columns that decisions may read, and no other: outcomes never leave the file."""
    used = [column for signal in mapping.signals for column in signal.columns]
    used += [guard.column for guard in mapping.guards if guard.column]
    return tuple(dict.fromkeys(used))


def _report(
    node: Node,
    material: Material,
    learnt: Learnt,
    runner: Runner,
    courses: Sequence[Course],
    clock: tuple[float, float, float],
) -> LendReport:
    mapping, product = material.mapping, lending.shelf.load_product(material.product)
    for course in courses:
        if course.refused is not None:
            material.tally.add(refuse_row(course.ask.line, "act", why=course.refused.code))
    decided = [course for course in courses if course.outcome]
    evaluation, guards, reasons = _judge(node, material, learnt, decided)
    with node.read() as tx:
        difference = ledger.trial_balance(tx).difference_minor
    started, read_s, learn_s = clock
    speed = _speed(node, runner, material, learnt, len(decided))
    cost = cost_of_application(
        cpu_seconds=speed["cpu_s"],
        stored_bytes=speed["stored_bytes"],
        is_firm=mapping.name.startswith("sba"),
    )
    replication = None
    if mapping.name == REPLICATED:
        replication = study.replicate_published(material.table)
    return LendReport(
        title_zh=mapping.title_zh,
        title_en=mapping.title_en,
        source_title=mapping.source.title,
        source_link=mapping.source.link,
        is_synthetic=False,
        made_on=time_of(node.clock.now_us()).date().isoformat(),
        code_version=code_version(),
        mapping=mapping.name,
        product_zh=product.title_zh,
        product_en=product.title_en,
        file=material.file,
        refused_rows=material.tally.total(),
        refusals=material.tally.counts(),
        refused_examples=material.tally.examples,
        applications=len(decided),
        new_acts=runner.tally.new_acts,
        approved=sum(course.outcome == "approved" for course in decided),
        capped=sum(course.is_capped for course in decided),
        reviewed=sum(course.outcome == "review" for course in decided),
        disbursed_loans=sum(course.disbursed_minor > 0 for course in decided),
        disbursed=Money(sum(course.disbursed_minor for course in decided), mapping.currency),
        trial_balance=Money(difference, mapping.currency),
        evaluation=evaluation,
        pd_max=learnt.pd_max,
        charged_off_share=learnt.charged_off_share,
        reasons=reasons,
        guards=guards,
        cost=cost,
        model=_model_card(material, learnt),
        warnings=learnt.warnings,
        forbidden=tuple((one.column, one.reason) for one in mapping.forbidden),
        replication=replication,
        seconds=time.perf_counter() - started,
        cpu_ms_per_application=speed["cpu_s"] * 1000,
        timings=(
            Timing("读取文件", "reading the file", read_s, read_s),
            Timing("训练与选择阈值", "training and choosing the cut-off", learn_s, learn_s),
            Timing(
                "申请、审批、签约、放款",
                "applying, deciding, signing, paying out",
                runner.tally.seconds,
                runner.tally.cpu_seconds,
            ),
        ),
    )


def _judge(
    node: Node, material: Material, learnt: Learnt, decided: Sequence[Course]
) -> tuple[Evaluation | None, tuple[GuardCount, ...], tuple[ReasonCount, ...]]:
    """Hold the decisions on record against the outcomes in the file."""
    outcome_of = {row.key: material.sample.is_bad[n] for n, row in enumerate(material.rows)}
    is_bad: list[float] = []
    pd: list[float] = []
    points: list[int] = []
    approved: list[bool] = []
    expected: list[tuple[int, int, int]] = []
    realised: list[tuple[int, int, int]] = []
    guards: list[tuple[str, str]] = []
    reasons: Counter[str] = Counter()
    for course in decided:
        with node.read() as tx:
            case, decision = lending.read_case(tx, course.application_id)
        if decision is None or case.points is None or case.pd is None:
            continue
        bad = outcome_of[course.ask.key]
        guards += [(guard.code, guard.outcome.value) for guard in decision.guards]
        if course.outcome == "refused":
            reasons.update(decision.reasons)
        would, did = lending.study.earnings_of(
            material.product,
            decision,
            wanted_minor=course.ask.wanted_minor,
            pd=case.pd,
            is_bad=None if math.isnan(bad) else bool(bad),
            charged_off_share=learnt.charged_off_share,
        )
        is_bad.append(bad)
        pd.append(case.pd)
        points.append(case.points)
        approved.append(course.outcome == "approved")
        expected.append((would.interest_minor, would.cost_minor, would.loss_minor))
        realised.append((did.interest_minor, did.cost_minor, did.loss_minor))
    outcomes = np.array(is_bad, dtype=np.float64)
    evaluation = None
    if not np.isnan(outcomes).all():
        evaluation = evaluate(
            Decided(
                outcomes,
                np.array(pd, dtype=np.float64),
                np.array(points, dtype=np.int64),
                np.array(approved, dtype=np.bool_),
                earnings(expected),
                earnings(realised),
                material.mapping.currency,
            ),
            train_points=learnt.train_points,
        )
    return evaluation, count_guards(guards), _reason_counts(reasons)


def _reason_counts(reasons: Counter[str]) -> tuple[ReasonCount, ...]:
    texts = lending.shelf.load_reasons()
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        ReasonCount(code, texts.text(code).reason_zh, texts.text(code).reason_en, rows)
        for code, rows in ordered
    )


def _speed(
    node: Node, runner: Runner, material: Material, learnt: Learnt, count: int
) -> dict[str, float]:
    """What one application took; a second run shows what the first one measured."""
    key = f"{material.file.digest[:16]}-{learnt.model.digest[:16]}-{material.product}"
    path = node.home / "runs" / f"{key}.json"
    if not runner.tally.new_acts and path.is_file():
        found: dict[str, float] = json.loads(path.read_text("utf-8"))
        return found
    with node.read() as tx:
        acts, _ = count_acts(tx)
    per_act = node.store.size_bytes() / max(acts, 1)
    speed = {
        "cpu_s": runner.tally.cpu_seconds / max(count, 1),
        "stored_bytes": per_act * runner.tally.new_acts / max(count, 1),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(speed), "utf-8")
    return speed


def _model_card(material: Material, learnt: Learnt) -> ModelCard:
    model = learnt.model
    train = material.sample.is_train
    return ModelCard(
        name=model.name,
        kind=model.kind,
        digest=model.digest,
        data_digest=model.data_digest,
        mapping_digest=model.mapping_digest,
        maker=model.maker,
        trained_on=model.trained_on,
        train_rows=int(train.sum()),
        train_bad_rate=float(material.sample.is_bad[train].mean()),
        signals=tuple((s.name, s.title_zh, s.title_en) for s in model.signals),
        parameters=model.parameters,
        metrics=model.metrics,
    )
