"""Applications that came from no file: the report of decisions that stand on record already."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from puhui import ledger, lending, score
from puhui.intake.cost import cost_of_application
from puhui.intake.evaluate import (
    Decided,
    Evaluation,
    count_guards,
    earnings,
    evaluate,
    learn_charged_off_share,
)
from puhui.intake.report import LendReport, ModelCard, ReasonCount, Timing, write_report
from puhui.intake.summary import LendRun
from puhui.kernel import Money, Node
from puhui.kernel.act import code_version
from puhui.kernel.clock import time_of
from puhui.score import study


@dataclass(frozen=True, slots=True)
class PlayedDay:
    """A day that was played: its cases, the table the model learned from, and what it took.

    ``cases`` pair an application on record with whether a loan to the applicant ended badly, as
    the generator drew it.
    ``day_acts`` are all acts of the day, ``new_acts`` those that this run added; ``seconds``,
    ``cpu_seconds`` and ``stored_bytes`` belong to the new ones, ``total_seconds`` to the whole run.
    """

    mapping: str
    product: str
    model_digest: str
    past: score.Table
    cases: tuple[tuple[str, bool], ...]
    day_acts: int
    day_new_acts: int
    new_acts: int
    seconds: float
    cpu_seconds: float
    stored_bytes: int
    total_seconds: float


@dataclass(slots=True)
class _Judged:
    """The decisions on record as columns, with what guards and reasons said."""

    rows: list[tuple[float, float, int, bool]]
    expected: list[tuple[int, int, int]]
    realised: list[tuple[int, int, int]]
    guards: list[tuple[str, str]]
    reasons: Counter[str]
    outcomes: Counter[str]
    capped: int = 0
    loans: int = 0
    disbursed_minor: int = 0


def report_played(node: Node, day: PlayedDay, *, reports: Path | None = None) -> LendRun:
    """Hold the decisions of a played day against how its loans ended, and report.

    Everything is read from the node; no act is made. The figures are labelled synthetic.
    Refused: ``score.model_missing``, ``score.model_damaged``, those of mappings and products.
    """
    mapping, product = study.read_mapping(day.mapping), lending.shelf.load_product(day.product)
    model = score.load_model(node.home / "models", day.model_digest)
    sample = study.draw_sample(day.past, mapping)
    share = _charged_off_share(day.past, mapping, sample)
    judged = _judge(node, day, share)
    train = day.past.take(np.flatnonzero(sample.is_train))
    evaluation = _evaluate(judged, score.score_table(model, train).points, mapping.currency)
    speed = _speed(node, day)
    with node.read() as tx:
        difference = ledger.trial_balance(tx).difference_minor
    report = LendReport(
        title_zh=mapping.title_zh,
        title_en=mapping.title_en,
        source_title=mapping.source.title,
        source_link=mapping.source.link,
        is_synthetic=True,
        made_on=time_of(node.clock.now_us()).date().isoformat(),
        code_version=code_version(),
        mapping=mapping.name,
        product_zh=product.title_zh,
        product_en=product.title_en,
        file=None,
        refused_rows=0,
        refusals=(),
        refused_examples=(),
        applications=len(day.cases),
        new_acts=day.new_acts,
        approved=judged.outcomes["approved"],
        capped=judged.capped,
        reviewed=judged.outcomes["review"],
        disbursed_loans=judged.loans,
        disbursed=Money(judged.disbursed_minor, mapping.currency),
        trial_balance=Money(difference, mapping.currency),
        evaluation=evaluation,
        pd_max=product.cut_off.pd_max,
        charged_off_share=share,
        reasons=_reasons(judged),
        guards=count_guards(judged.guards),
        cost=cost_of_application(cpu_seconds=speed["cpu_s"], stored_bytes=speed["stored_bytes"]),
        model=_card(model, sample),
        warnings=(),
        forbidden=tuple((one.column, one.reason) for one in mapping.forbidden),
        replication=None,
        seconds=day.total_seconds,
        cpu_ms_per_application=speed["cpu_s"] * 1000,
        timings=(
            Timing(
                "读取流水、申请、审批、签约、放款",
                "reading flows, applying, deciding, signing, paying out",
                day.seconds,
                day.cpu_seconds,
            ),
        ),
    )
    folder = reports or node.home / "reports"
    name = f"{day.mapping}-county"
    return LendRun(report, write_report(report, folder, name=name, charts=node.home / "charts"))


def _judge(node: Node, day: PlayedDay, share: Decimal | None) -> _Judged:
    judged = _Judged([], [], [], [], Counter(), Counter())
    for application_id, is_bad in day.cases:
        with node.read() as tx:
            case, decision = lending.read_case(tx, application_id)
            loan = lending.contract_of(tx, application_id)
        judged.outcomes[case.decision or ""] += 1
        if loan is not None and loan.started_on is not None:
            judged.loans += 1
            judged.disbursed_minor += loan.principal_minor
        if decision is None or case.points is None or case.pd is None:
            continue
        offer = decision.offer
        judged.capped += offer is not None and offer.is_capped and case.decision == "approved"
        judged.guards += [(guard.code, guard.outcome.value) for guard in decision.guards]
        if case.decision == "refused":
            judged.reasons.update(decision.reasons)
        would, did = lending.study.earnings_of(
            day.product,
            decision,
            wanted_minor=case.wanted_minor,
            pd=case.pd,
            is_bad=is_bad,
            charged_off_share=share,
        )
        is_approved = case.decision == "approved"
        judged.rows.append((float(is_bad), case.pd, case.points, is_approved))
        judged.expected.append((would.interest_minor, would.cost_minor, would.loss_minor))
        judged.realised.append((did.interest_minor, did.cost_minor, did.loss_minor))
    return judged


def _evaluate(judged: _Judged, train_points: NDArray[np.int64], currency: str) -> Evaluation | None:
    if not judged.rows:
        return None
    is_bad, pd, points, approved = zip(*judged.rows, strict=True)
    decided = Decided(
        np.array(is_bad, dtype=np.float64),
        np.array(pd, dtype=np.float64),
        np.array(points, dtype=np.int64),
        np.array(approved, dtype=np.bool_),
        earnings(judged.expected),
        earnings(judged.realised),
        currency,
    )
    return evaluate(decided, train_points=train_points)


def _reasons(judged: _Judged) -> tuple[ReasonCount, ...]:
    texts = lending.shelf.load_reasons()
    return tuple(
        ReasonCount(code, texts.text(code).title_zh, texts.text(code).title_en, rows)
        for code, rows in sorted(judged.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def _charged_off_share(
    past: score.Table, mapping: study.Mapping, sample: study.Sample
) -> Decimal | None:
    columns = {part.role: part.column for part in mapping.loss}
    lost, exposed = (
        np.array([float(str(text)) for text in past.columns[columns[role]]])
        for role in ("charged_off", "exposure")
    )
    return learn_charged_off_share(lost, exposed, sample.is_bad, sample.is_train)


def _speed(node: Node, day: PlayedDay) -> dict[str, float]:
    """What one application took; a run that adds nothing shows what the first one measured."""
    path = node.home / "runs" / f"{day.mapping}-{day.model_digest[:16]}.json"
    if not day.day_new_acts and path.is_file():
        found: dict[str, float] = json.loads(path.read_text("utf-8"))
        return found
    played = len(day.cases) * day.day_new_acts / max(day.day_acts, 1)
    speed = {
        "cpu_s": day.cpu_seconds / max(played, 1),
        "seconds": day.seconds / max(played, 1),
        "stored_bytes": day.stored_bytes / max(played, 1),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(speed), "utf-8")
    return speed


def _card(model: score.Model, sample: study.Sample) -> ModelCard:
    return ModelCard(
        name=model.name,
        kind=model.kind,
        digest=model.digest,
        data_digest=model.data_digest,
        mapping_digest=model.mapping_digest,
        maker=model.maker,
        trained_on=model.trained_on,
        train_rows=int(sample.is_train.sum()),
        train_bad_rate=float(sample.is_bad[sample.is_train].mean()),
        signals=tuple((s.name, s.title_zh, s.title_en) for s in model.signals),
        parameters=model.parameters,
        metrics=model.metrics,
    )
