"""What an audit keeps apart: rows fitted, chosen and reported on, and groups that cross."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from puhui.demo.window import fairness_rows
from puhui.score import Table, study
from puhui.score.engines.audit import _Ground
from puhui.score.nouns import Mapping
from puhui.score.nouns.audit import Declaration, GroupRule, ProtectedAttribute
from puhui.score.window import audit_file, read_declaration, search_alternative


@pytest.fixture(scope="module")
def county() -> tuple[Table, Declaration, Mapping]:
    declaration = read_declaration("county_fairness")
    return fairness_rows(3, is_biased=True), declaration, study.read_mapping(declaration.mapping)


def test_rows_are_fitted_chosen_and_reported_on_apart(
    county: tuple[Table, Declaration, Mapping],
) -> None:
    """No row serves two ends, and every labelled one that can be read serves one."""
    table, declaration, mapping = county
    ground = _Ground(table, declaration, mapping)
    uses = ground.fit.astype(int) + ground.select + ground.report
    assert uses.max() == 1
    sample = study.draw_sample(table, mapping)
    assert not (ground.fit & sample.is_test).any()
    assert uses.sum() == (sample.is_train | sample.is_test).sum()
    assert min(ground.select.sum(), ground.report.sum()) > 0.4 * sample.is_test.sum()


def test_what_is_chosen_hangs_on_no_row_that_it_is_reported_on(
    county: tuple[Table, Declaration, Mapping], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One way knows the outcomes of the report rows alone, another those of the selection rows:
    the second is chosen, and its report shows that it knows nothing.
    """
    table, declaration, mapping = county
    ground = _Ground(table, declaration, mapping)
    chance = np.random.default_rng(2).normal(size=table.rows)
    known = np.where(ground.is_bad == 1.0, -9.0, 9.0) + chance
    ways = [
        ("knows the report", (), np.where(ground.report, known, chance)),
        ("knows the selection", (), np.where(ground.select, known, chance)),
    ]
    monkeypatch.setattr("puhui.score.engines.audit._candidates", lambda *told: ways)
    found = search_alternative(table, declaration, mapping, with_constraint=False)
    assert found.chosen.name == "knows the selection"
    assert 0.4 < found.chosen.auc < 0.6
    assert found.reported_rows == ground.report.sum()


def crossed(small: int) -> tuple[Table, Declaration]:
    """Two sexes and two ages, each approved by half: all gaps lie where the two cross. ``small``
    are the rows of one cell, which is left out where it is 200.
    """
    cells = [("f", "young", 200, 40), ("f", "old", 200, 160), ("m", "young", 200, 160)]
    cells.append(("m", "old", small, small // 5))
    rows = [
        [sex, age, "yes" if place < approved else "no"]
        for sex, age, count, approved in cells
        for place in range(count)
    ]
    declared = read_declaration("county_fairness")
    attributes = tuple(
        ProtectedAttribute(
            name, name, name, groups[0], tuple(GroupRule(one, name, (one,)) for one in groups)
        )
        for name, groups in (("sex", ("m", "f")), ("age", ("old", "young")))
    )
    declared = replace(
        declared, attributes=attributes, crossings=(("sex", "age"),), score_column="", mapping=""
    )
    return Table.of_rows(["sex", "age", "approved"], rows), declared


def test_a_gap_that_lies_in_a_crossing_alone_is_found() -> None:
    """Of men and women, old and young half each are approved; of old women four times as many
    as of old men.
    """
    table, declared = crossed(200)
    found = {(one.attribute, one.group): one for one in audit_file(table, declared, None).findings}
    assert found["sex", "f"].adverse_impact_ratio == pytest.approx(1.0)
    assert found["age", "young"].adverse_impact_ratio == pytest.approx(1.0)
    assert not found["sex", "f"].is_found and not found["age", "young"].is_found
    women = found["sex x age", "f x old"]
    assert (women.rows, women.approved, women.reference_rows) == (200, 160, 200)
    assert women.adverse_impact_ratio == pytest.approx(4.0)
    assert found["sex x age", "f x young"].approval_gap == pytest.approx(0.0)


def test_a_small_crossing_is_counted_and_not_judged() -> None:
    """Sex and age are judged; of the cell that the others are held against 99 rows are too few."""
    table, declared = crossed(99)
    audit = audit_file(table, declared, None)
    found = {(one.attribute, one.group): one for one in audit.findings}
    assert not found["sex", "f"].is_guarded
    cells = [one for (attribute, _), one in found.items() if attribute == "sex x age"]
    assert len(cells) == 3
    assert all(one.is_guarded and one.tests == () and not one.is_found for one in cells)
    assert audit.family == sum(len(one.tests) for one in audit.findings)
