"""A made-up file of loans with its mapping, and runs of it, for the tests of the main job."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from puhui import score
from puhui.intake import job
from puhui.intake.learn import Learnt, Material, learn
from puhui.intake.summary import LendRun
from puhui.kernel import Actor, Node

MAPPING = """
title = { zh = "测试文件", en = "a file made up for tests" }
currency = "CNY"
id_column = "id"

[source]
title = "made up by a seeded draw in this test"
link = "tests/intake/made_up.py"
on = 2026-03-01

[target]
column = "bad"
bad = ["1"]
good = ["0"]

[split]
rule = "hash"
columns = ["id"]
share = 0.6
salt = "test"

[amount]
column = "amount"

[term]
stated_by = "product"

[guard]
age = { column = "age" }
yearly_income = { column = "income" }

[[signal]]
name = "flow"
kind = "number"
column = "flow"
least = 0
title = { zh = "月流水", en = "monthly inflow" }

[[signal]]
name = "late_days"
kind = "number"
column = "late"
least = 0
title = { zh = "历史逾期天数", en = "days late before" }
"""
COLUMNS = ("id", "age", "income", "flow", "late", "bad", "amount")


@cache
def lines(count: int = 500) -> tuple[str, ...]:
    """The header and good rows by a seeded draw: little inflow and past delay make loans worse."""
    dice = random.Random(310)
    made = [",".join(COLUMNS)]
    for number in range(count):
        flow, late = dice.lognormvariate(8, 1), max(0.0, dice.gauss(2, 12))
        risk = 0.9 / (1 + flow / 1200) + late / 90
        bad = "1" if dice.random() < min(0.95, risk * 0.6) else "0"
        amount = dice.choice((5000, 20_000, 30_000))
        made.append(f"r{number},40,120000,{flow:.2f},{late:.0f},{bad},{amount}")
    return tuple(made)


def write(folder: Path, text_lines: tuple[str, ...] | None = None) -> tuple[Path, Path]:
    """The file and its mapping, written into a folder."""
    folder.mkdir(exist_ok=True)
    file, mapping = folder / "loans.csv", folder / "made_up.toml"
    file.write_text("\n".join(text_lines or lines()) + "\n", encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    return file, mapping


_learnt: dict[tuple[str, str], Learnt] = {}


def learn_once(node: Node, material: Material, step: Any) -> Learnt:
    """``learn``, once for each file of a test run: it gives the same model every time."""
    key = (material.file.digest, material.mapping.digest)
    if key not in _learnt:
        _learnt[key] = learn(node, material, step)
    score.save_model(node.home / "models", _learnt[key].model)
    return _learnt[key]


@pytest.fixture
def lend(
    operator: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., LendRun]:
    """Runs a file of the lines given through the lender."""
    monkeypatch.setattr(job, "learn", learn_once)

    def run(node: Node, text_lines: tuple[str, ...] | None = None, **more: Any) -> LendRun:
        file, mapping = write(tmp_path / "in", text_lines)
        more = {"product": "merchant_310", "mapping": mapping, **more}
        return job.lend_file(node, operator, file=file, **more)

    return run
