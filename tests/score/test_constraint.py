"""Mending by a constraint in training: what it reaches, what it costs, whom it leaves out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from puhui.score import study
from puhui.score.arrays.audit import approve_share
from puhui.score.engines import constraint
from puhui.score.window import (
    Search,
    alternative_lines,
    audit_figures,
    audit_file,
    read_declaration,
    search_alternative,
)


def test_a_constraint_closes_the_gap_and_tells_its_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded case of the demo county: rows nothing was fitted or chosen on."""
    pytest.importorskip("fairlearn", reason="the extra fairness is not installed")
    from puhui.demo.window import fairness_rows

    monkeypatch.setattr("puhui.score.engines.audit.PAIRS_MAX", 0)
    declaration = read_declaration("county_fairness")
    mapping = study.read_mapping(declaration.mapping)
    table = fairness_rows(1, is_biased=True)
    found = search_alternative(table, declaration, mapping)
    assert found.constrained is not None
    used, mended = found.champion, found.constrained
    assert mended.adverse_impact_ratio > used.adverse_impact_ratio + 0.2
    assert mended.approval == pytest.approx(used.approval, abs=0.03)
    assert len(alternative_lines(found)) == 3
    figures = audit_figures(audit_file(table, declaration, mapping), found)
    assert figures["auc_price_constrained"] == used.auc - mended.auc
    assert figures["ratio_constrained"] == mended.adverse_impact_ratio


def test_to_be_unknown_is_no_group() -> None:
    """Rows without a group change nothing, however they ended."""
    pytest.importorskip("fairlearn", reason="the extra fairness is not installed")
    dice = np.random.default_rng(1)
    matrix = dice.normal(size=(900, 2))
    group = 1 + (np.arange(900) % 2)
    matrix[group == 2, 0] += 0.8
    bad = (dice.random(900) < 1 / (1 + np.exp(-matrix[:, 0]))).astype(np.float64)
    alone = constraint.fit_constrained(matrix, bad, group, matrix, 1, pd_max=0.5)
    more = np.vstack([matrix, dice.normal(size=(300, 2)) - 3])
    nobody = np.concatenate([group, np.zeros(300, dtype=np.int64)])
    wider = constraint.fit_constrained(
        more, np.append(bad, np.ones(300)), nobody, matrix, 1, pd_max=0.5
    )
    assert (alone == wider).all()
    approved = approve_share(alone, 0.5)
    rates = [approved[group == one].mean() for one in (1, 2)]
    plain = approve_share(-matrix[:, 0], 0.5)
    assert abs(rates[0] - rates[1]) < abs(plain[group == 1].mean() - plain[group == 2].mean())


def test_what_was_not_tried_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, or with too few of a group, the search goes on without this way."""
    from puhui.demo.window import fairness_rows

    monkeypatch.setattr(constraint, "is_installed", lambda: True)
    monkeypatch.setattr("puhui.score.engines.audit.PAIRS_MAX", 0)
    declaration = read_declaration("county_fairness")
    first = declaration.attributes[0]
    nobody = tuple(
        group if group.name == first.reference else replace(group, values=("nowhere",))
        for group in first.groups
    )
    declaration = replace(declaration, attributes=(replace(first, groups=nobody),), crossings=())
    mapping = study.read_mapping(declaration.mapping)
    table = fairness_rows(1, is_biased=True)
    found = search_alternative(table, declaration, mapping)
    assert isinstance(found, Search)
    assert found.constrained is None
    figures = audit_figures(audit_file(table, declaration, mapping), found)
    assert figures["auc_price_constrained"] is None
