"""Learning from a file: its good rows, the split, the champion and the cut-off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from puhui import lending, score
from puhui.intake.evaluate import learn_charged_off_share
from puhui.intake.read import FileFacts, FileRow, minor_of, number_of, read_file
from puhui.intake.report import RefusalTally
from puhui.intake.run import Step
from puhui.kernel import Node, Refused
from puhui.kernel.clock import business_date
from puhui.score import study

SEED = 310
PRODUCTS = {"sba_case": "sba_term", "sba_national": "sba_term", "small_loans": "small_loan"}
"""The product that a mapping's rows apply for where none is named."""


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
    train_points: NDArray[np.int64]
    pd_max: Decimal
    charged_off_share: Decimal | None
    warnings: tuple[study.ColumnWarning, ...]


def read_material(
    file: Path, mapping_name: str | Path, product: str, encoding: str, step: Step
) -> Material:
    """Read a file to its end: rows, refusals, the table and its split.

    Refused: ``intake.product_needed``, ``intake.currency_differs``, those of ``read_file``, of
    mappings and products.
    """
    mapping = study.read_mapping(mapping_name)
    product = product or PRODUCTS.get(mapping.name, "")
    if not product:
        known = ", ".join(lending.shelf.product_names())
        raise Refused("intake.product_needed", f"Name the product with --product: {known}.")
    currency = lending.shelf.load_product(product).currency
    if currency != mapping.currency:
        raise Refused(
            "intake.currency_differs",
            f"The file counts in {mapping.currency}, the product {product} lends {currency}.",
        )
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


def learn(node: Node, material: Material, step: Step) -> Learnt:
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
    wanted = [wanted_of(material, material.rows[place]) or 0 for place in chosen.rows.tolist()]
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


def wanted_of(material: Material, row: FileRow) -> int | None:
    """What a row asks for, in minor units: its amount column, or what the product states."""
    amount = material.mapping.amount
    if amount.column:
        return minor_of(row.values[amount.column], material.mapping.currency, amount.times)
    return lending.shelf.load_product(material.product).stated_amount_minor
