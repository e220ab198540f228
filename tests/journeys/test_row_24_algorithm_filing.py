"""Row 24, algorithm filing: every model in force has its papers, every decision can be replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.score import load_model
from tests.cli.program import Ended, Program

pytestmark = pytest.mark.xdist_group("cli")


def test_models_are_filed_with_data_parameters_and_figures(
    program: Program, lent: tuple[Path, Path, Ended]
) -> None:
    """The list counts models with papers, and the file of each holds what was counted."""
    lender = Program(lent[0], program.patch, program.capture)
    listed = lender("score", "models", "--json").figures
    assert listed["models"] == listed["models_with_papers"] == 1
    (path,) = [
        file for file in (lent[0] / "models").glob("*.json") if file.stem[:12] in lender(
            "score", "models").out
    ]  # fmt: skip
    model = load_model(lent[0] / "models", path.stem)
    assert len(model.data_digest) == 64
    assert model.parameters
    assert model.metric("cv_auc") > 0.7
    assert model.maker
    assert model.trained_on


def test_every_decision_comes_out_again(program: Program, lent: tuple[Path, Path, Ended]) -> None:
    """All acts run again in an empty node: same decisions, same models, same tables."""
    lender = Program(lent[0], program.patch, program.capture)
    figures = lender("replay", "--json").figures
    assert figures["acts"] > 1_000
    assert figures["differences"] == 0
