"""Decided rows and a report made of seeded dice, for the tests of evaluation and pages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from puhui.intake.cost import cost_of_application
from puhui.intake.evaluate import Decided, GuardCount, earnings, evaluate
from puhui.intake.read import FileFacts, RefusedRow
from puhui.intake.report import LendReport, ModelCard, ReasonCount, RefusalTally, Timing
from puhui.kernel.money import Money
from puhui.score import study


def decided(rows: int = 400, *, seed: int = 3, unknown: int = 40) -> Decided:
    """Rows whose outcome follows their pd; the safer half is approved, some are unlabelled."""
    dice = np.random.default_rng(seed)
    pd = dice.beta(1.2, 4.0, size=rows)
    is_bad = (dice.random(rows) < pd).astype(np.float64)
    parts = [
        (90_000, 30_000, 0) if outcome == 0 else (60_000, 20_000, 400_000) for outcome in is_bad
    ]
    expected = [
        (round(90_000 - 30_000 * p), round(30_000 - 10_000 * p), round(400_000 * p)) for p in pd
    ]
    is_bad[:unknown] = np.nan
    return Decided(
        is_bad=is_bad,
        pd=pd,
        points=np.rint(900 - 600 * pd).astype(np.int64),
        is_approved=pd <= np.median(pd),
        expected=earnings(expected),
        realised=earnings(parts),
        currency="CNY",
    )


def report() -> LendReport:
    """A whole report; texts hold characters that HTML must not take at their word."""
    rows = decided()
    tally = RefusalTally()
    for line in range(3, 33):
        tally.add(RefusedRow(line, "intake.not_a_number", "“金额”应当是数字。", "<b>amount</b>"))
    tally.add(RefusedRow(40, "score.bad_number", "不是数字", "no number"))
    digest = "0123456789abcdef" * 4
    return LendReport(
        title_zh="样例贷款 <甲> & 乙",
        title_en="Sample loans <a> & b",
        source_title="dice with a seed",
        source_link="",
        is_synthetic=True,
        made_on="2026-11-23",
        code_version="0.0.0",
        mapping="sample",
        product_zh="小额贷",
        product_en="Small loan",
        file=FileFacts("sample.csv", digest, 12345, 500, 400, 31, "utf-8", ("a", "b")),
        refused_rows=tally.total(),
        refusals=tally.counts(),
        refused_examples=tally.examples,
        applications=400,
        new_acts=1600,
        approved=200,
        capped=7,
        reviewed=3,
        disbursed_loans=200,
        disbursed=Money(400_000_000, "CNY"),
        trial_balance=Money(0, "CNY"),
        evaluation=evaluate(rows, train_points=rows.points, resamples=50),
        pd_max=Decimal("0.2"),
        charged_off_share=Decimal("0.4321"),
        reasons=(
            ReasonCount("score.use", "额度使用率", "credit in use", 120),
            ReasonCount("price_over_cap", "利率超过上限", "price above the cap", 60),
        ),
        guards=(GuardCount("age", 390, 10, 0), GuardCount("identity", 0, 0, 400)),
        cost=cost_of_application(cpu_seconds=0.004, stored_bytes=7000),
        model=ModelCard(
            name="sample_points",
            kind="points",
            digest=digest,
            data_digest=digest[::-1],
            mapping_digest=digest,
            maker="puhui",
            trained_on="2026-11-23",
            train_rows=1000,
            train_bad_rate=0.21,
            signals=(("use", "额度使用率", "credit in use"),),
            parameters=(("folds", 5.0),),
            metrics=(("cv_auc", 0.7123),),
        ),
        warnings=(study.ColumnWarning("Term", 0.9812, True, False),),
        forbidden=(("Term", "it is the final term"),),
        replication=study.Replication(1050, 338, 338 / 1050, (("intercept", 1.25),), 1051, 0.3216),
        seconds=9.25,
        cpu_ms_per_application=4.21,
        timings=(Timing("读入", "reading", 0.25, 0.2),),
    )


def without_outcomes() -> LendReport:
    """The same where nothing is known of how the loans ended."""
    return replace(
        report(),
        evaluation=None,
        replication=None,
        reasons=(),
        refusals=(),
        refused_rows=0,
        refused_examples=(),
        file=None,
        is_synthetic=False,
        new_acts=0,
        pd_max=None,
        charged_off_share=None,
        warnings=(),
        reviewed=0,
    )
