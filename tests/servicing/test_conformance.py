"""Two open corpora of worked loans, to the cent; the interpreter never sees expected rows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from puhui.cli.claim.conformance import schedules
from puhui.kernel.errors import Refused
from puhui.servicing import conformance
from puhui.servicing.desk.conformance import LEFT_OUT
from puhui.servicing.formats import fineract
from puhui.servicing.nouns import Plan, Recalculation

NEEDS = pytest.mark.skipif(not os.environ.get("PUHUI_DATA"), reason="PUHUI_DATA is not set")
DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"


@NEEDS
def test_shares_of_both_corpora() -> None:
    found = conformance.summary(Path(os.environ["PUHUI_DATA"]))
    assert found == {
        "cases": 20,
        "exact": 20,
        "feature_scenarios": 92,
        "feature_schedules": 156,
        "feature_exact": 156,
        "left_out": 0,
    }


@NEEDS
def test_the_store_s_own_kind_on_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenarios as loans of the store: 107 tables agree whole, the others where we differ.

    Penalties are owed at once, overdue principal bears penalty interest instead of interest, early
    money counts to the day, and money drawn later is not paid by what was too much before.
    """
    plan_of = fineract.plan_of

    def plan_as_stored(row: Mapping[str, str]) -> Plan:
        return replace(plan_of(row), recalculation=Recalculation.TO_THE_DAY, flat_counts_all=True)

    monkeypatch.setattr(fineract, "plan_of", plan_as_stored)
    path = Path(os.environ["PUHUI_DATA"]) / "lending" / "fineract_features_simple.json"
    assert sum(table.is_exact for table in conformance.run_features(path)) == 107


@NEEDS
def test_what_differs_is_listed_with_its_reason() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    differing = conformance.differences(Path(os.environ["PUHUI_DATA"]))
    names = [table.scenario[:4] for table in differing]
    assert names == list(LEFT_OUT)
    assert all(re.search(rf"\| {name} \|", text) for name in names)


@NEEDS
def test_a_changed_cell_is_found(tmp_path: Path) -> None:
    """One cent in one expected table makes that table differ: cells are really compared."""
    source = Path(os.environ["PUHUI_DATA"]) / "lending" / "fineract_features_simple.json"
    first = json.loads(source.read_text(encoding="utf-8"))[:1]
    for step in first[0]["steps"]:
        if "periods" in step["step"]:
            step["rows"][1]["Due"] = "167.01"
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(first), encoding="utf-8")
    (table,) = conformance.run_features(path)
    assert table.difference == "row 1: Due 167.00, not 167.01"


def test_unknown_steps_are_refused() -> None:
    for step in ("Admin sells the loan", 'Customer makes "A" repayment on "1 May 2024"'):
        with pytest.raises(Refused) as refused:
            fineract.take_step(fineract.Book(), step, ())
        assert refused.value.code == "servicing.unknown_step"


def test_the_command_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("", str(tmp_path)):
        monkeypatch.setenv("PUHUI_DATA", folder)
        with pytest.raises(Refused) as refused:
            schedules(details=False, as_json=True)
        assert refused.value.code == "cli.no_reference_data"


@NEEDS
def test_the_command_prints_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    schedules(details=True, as_json=True)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["exact"], last["feature_exact"], last["left_out"]) == (20, 156, 0)
