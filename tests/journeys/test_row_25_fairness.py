"""Row 25, biased scoring: rural scores 30 per cent lower and half the approvals, found and mended.

Goal: an auditor who gets rows only finds the survey's case, and stays silent where there is none.
Method: the demo county draws where people live; the 20 unbiased draws are one family of tests,
held at 5 per cent by Holm's procedure over all of their tests.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from puhui.cli.lending.county import lend_county
from puhui.data.window import accesses_of
from puhui.demo.window import fairness_rows
from puhui.kernel import Actor, Node
from puhui.kernel.clock import business_date
from puhui.lending import list_loans
from puhui.score import champion, study
from puhui.score.window import audit_file, audits_of, read_declaration, search_alternative
from tests.cli.program import Program

DRAWS = 20


def test_the_seeded_bias_is_found_and_mended() -> None:
    declaration = read_declaration("county_fairness")
    mapping = study.read_mapping(declaration.mapping)
    table = fairness_rows(1, is_biased=True)
    scores = {"rural": [], "urban": []}  # type: dict[str, list[float]]
    for region, score in zip(table.columns["region"], table.columns["score"], strict=True):
        scores[str(region)].append(float(str(score)))
    means = {region: sum(found) / len(found) for region, found in scores.items()}
    assert means["rural"] / means["urban"] == pytest.approx(0.7, abs=0.01)
    (finding,) = audit_file(table, declaration, mapping).findings
    assert finding.is_found
    assert finding.adverse_impact_ratio == pytest.approx(0.5, abs=0.02)
    assert finding.smd < -0.5
    assert finding.p_adjusted < 1e-6
    search = search_alternative(table, declaration, mapping, with_constraint=False)
    assert search.chosen.adverse_impact_ratio > 0.9
    assert search.chosen.auc >= search.champion.auc - 0.005


def test_unbiased_draws_stay_silent_as_one_family() -> None:
    declaration = read_declaration("county_fairness")
    mapping = study.read_mapping(declaration.mapping)
    tables = [fairness_rows(seed, is_biased=False) for seed in range(1, DRAWS + 1)]
    tests = sum(audit_file(table, declaration, mapping).family for table in tables)
    audits = [audit_file(table, declaration, mapping, family=tests) for table in tables]
    assert all(audit.family == tests for audit in audits)
    significant = [
        test
        for audit in audits
        for finding in audit.findings
        for test in finding.tests
        if test.p_adjusted < audit.rules.significance
    ]
    assert significant == []
    assert [audit.found for audit in audits] == [()] * DRAWS


def test_the_program_tells_the_figures(
    program: Program, reference_data: Callable[..., Path], tmp_path: Path
) -> None:
    file = reference_data("credit/germancredit.csv")
    ended = program("audit", "fairness", str(file), "--reports", str(tmp_path), "--json")
    for name in ("adverse_impact_ratio", "smd", "approval_gap", "p_value"):
        assert isinstance(ended.figures[name], float), name
    assert ended.figures["findings"] == 0
    text = (tmp_path / "fairness_german_credit.html").read_text(encoding="utf-8")
    assert "<svg" in text
    assert "too few rows" in text


def test_the_model_in_force_is_audited_by_what_it_decided(sqlite_node: Node) -> None:
    """An auditor asks; groups of real decisions are compared, and people can see who looked."""
    lend_county(sqlite_node, size=40, past_borrowers=500)
    with sqlite_node.read() as tx:
        model = champion(tx, "merchant_310")
    today = business_date(sqlite_node.clock.now_us())
    auditor = Actor("auditor", frozenset({"auditor"}))
    asked = {"model_digest": model, "since": today.replace(year=today.year - 5), "until": today}
    made = sqlite_node.act("score.audit_model", asked, key="audit", actor=auditor)
    assert model is not None
    with sqlite_node.read() as tx:
        (kept,) = audits_of(tx, model)
        person = list_loans(tx)[0].party_id
        looks = [one for one in accesses_of(tx, person) if one.purpose == "fairness_audit"]
    assert (kept.rows, kept.findings, kept.audited_by) == (made.rows, made.findings, "auditor")
    assert {one.attribute for one in kept.groups} == {"sex", "age", "region", "sex x region"}
    assert dict(kept.unknown)["sex"] < 1.0
    assert [sorted(one.fields) for one in looks] == [["birth_date", "region", "sex"]]
