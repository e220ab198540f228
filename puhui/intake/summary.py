"""What a run is reported to have done: decisions held against outcomes, cost and speed."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from puhui import ledger, lending
from puhui.intake.cost import cost_of_application
from puhui.intake.evaluate import (
    Decided,
    Evaluation,
    GuardCount,
    count_guards,
    earnings,
    evaluate,
)
from puhui.intake.learn import Learnt, Material
from puhui.intake.read.row import refuse_row
from puhui.intake.report import LendReport, ModelCard, ReasonCount, Timing
from puhui.intake.run import Course, Runner
from puhui.kernel import Money, Node
from puhui.kernel.act import code_version
from puhui.kernel.clock import time_of
from puhui.kernel.store.journal import count_acts
from puhui.score import study

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


def make_report(
    node: Node,
    material: Material,
    learnt: Learnt,
    runner: Runner,
    courses: Sequence[Course],
    clock: tuple[float, tuple[float, float], tuple[float, float]],
) -> LendReport:
    """Everything that a run reports; ``clock`` is (start, reading, learning): seconds, CPU."""
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
        timings=_timings(runner, read_s, learn_s),
    )


def _timings(
    runner: Runner, read_s: tuple[float, float], learn_s: tuple[float, float]
) -> tuple[Timing, ...]:
    """What took how long, in the order of the run."""
    tally = runner.tally
    done = ("申请、审批、签约、放款", "applying, deciding, signing, paying out")
    return (
        Timing("读取文件", "reading the file", *read_s),
        Timing("训练与选择阈值", "training and choosing the cut-off", *learn_s),
        Timing(*done, tally.seconds, tally.cpu_seconds),
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
        ReasonCount(code, texts.text(code).title_zh, texts.text(code).title_en, rows)
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
