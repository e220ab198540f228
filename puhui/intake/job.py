"""The main job: read a file, learn from its past, decide the rest, and report what happened."""

from __future__ import annotations

import time
from pathlib import Path

from puhui import lending
from puhui.intake.learn import Learnt, Material, learn, read_material, wanted_of
from puhui.intake.read import open_data_path
from puhui.intake.read.row import refuse_row
from puhui.intake.report import write_report
from puhui.intake.run import Ask, Course, Runner, Step, Terms
from puhui.intake.summary import LendRun, make_report
from puhui.kernel import Actor, Node, Refused
from puhui.score import study

OPEN_DATA = {"small-loans": "small_loans"}
"""The mapping of each open data set that comes as a package."""


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
    started, started_cpu = time.perf_counter(), time.process_time()
    if open_data:
        file, mapping = open_data_path(open_data), mapping or OPEN_DATA[open_data]
    assert file is not None, "a file or open data"
    material = read_material(file, mapping, product, encoding, step)
    read_s = (time.perf_counter() - started, time.process_time() - started_cpu)
    learnt = learn(node, material, step)
    learn_s = (
        time.perf_counter() - started - read_s[0],
        time.process_time() - started_cpu - read_s[1],
    )
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
    report = make_report(node, material, learnt, runner, courses, (started, read_s, learn_s))
    folder = reports or node.home / "reports"
    name = f"{material.mapping.name}-{material.product}"
    pages = write_report(report, folder, name=name, charts=node.home / "charts")
    return LendRun(report, pages)


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
        wanted = wanted_of(material, row)
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
