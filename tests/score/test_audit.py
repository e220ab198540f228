"""Audits of fairness: tests of shares, families, guarded cells, protected columns, the search."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from puhui.data.desk.lists import read_lists
from puhui.kernel import Actor, Node, Refused
from puhui.score import Model, Table, champion, save_model, study, train
from puhui.score.arrays.audit import audit_rows
from puhui.score.formats.audit_toml import read_declaration_text
from puhui.score.formats.mapping_toml import read_mapping_text
from puhui.score.formats.model_json import seal
from puhui.score.formats.protected_toml import protected_names
from puhui.score.nouns.audit import AuditRows
from puhui.score.rules.audit import fisher_p, holm, z_p
from puhui.score.rules.protect import (
    protected_columns,
    protected_name,
    refuse_protected_signals,
)
from puhui.score.window import (
    ALTERNATIVE_COLUMNS,
    COLUMNS,
    Audit,
    Search,
    alternative_lines,
    audit_csv,
    audit_figures,
    audit_file,
    audit_lines,
    read_audit_rules,
    read_declaration,
    score_parquet,
    search_alternative,
)
from tests.score.made import made_mapping, made_table

SHIPPED = ("hmda", "german_credit", "sba_national", "sba_case", "county_fairness")
counts = st.integers(0, 60)


@given(counts, counts, counts, counts)
def test_fisher_equals_an_independent_one(a: int, b: int, c: int, d: int) -> None:
    theirs = stats.fisher_exact([[a, b], [c, d]]).pvalue if (a + b) and (c + d) else 1.0
    assert fisher_p(a, b, c, d) == pytest.approx(theirs, abs=1e-7)


@given(counts, counts, counts, counts)
def test_the_test_does_not_care_which_group_is_first(a: int, b: int, c: int, d: int) -> None:
    assert fisher_p(a, b, c, d) == pytest.approx(fisher_p(c, d, a, b), abs=1e-9)
    assert z_p(a, b, c, d) == pytest.approx(z_p(c, d, a, b), abs=1e-12)


def test_fisher_of_the_lady_tasting_tea() -> None:
    """Fisher 1935: 3 of 4 right, two-sided 0.4857; all right 2/70."""
    assert fisher_p(3, 1, 1, 3) == pytest.approx(34 / 70)
    assert fisher_p(4, 0, 0, 4) == pytest.approx(2 / 70)


def test_holm_by_hand_and_over_a_larger_family() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.01], family=20) == pytest.approx((0.2,))
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_chances_are_never_smaller_and_keep_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(after >= before for before, after in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    assert [adjusted[place] for place in order] == sorted(adjusted)


def made_rows(small: int) -> AuditRows:
    """300 of a reference approved by two thirds, and a group of ``small`` by a third."""
    total = 300 + small
    approved = np.arange(total) % 3 != 0
    approved[300:] = np.arange(small) % 3 == 0
    is_small = np.arange(total) >= 300
    members = {("sex", "male"): ~is_small, ("sex", "female"): is_small}
    blank = np.full(total, np.nan)
    return AuditRows(approved, approved * 1.0, blank, blank, members, {"sex": "male"})


def test_a_gap_is_found_and_a_small_cell_claims_nothing() -> None:
    rules = read_audit_rules()
    (one,) = audit_rows(made_rows(150), rules).findings
    assert (one.rows, one.approved, one.is_found) == (150, 50, True)
    assert one.adverse_impact_ratio == pytest.approx(0.5)
    assert one.approval_gap == pytest.approx(-1 / 3)
    assert math.isnan(one.true_positive_gap)
    small = audit_rows(made_rows(rules.rows_min - 1), rules)
    (guarded,) = small.findings
    assert (guarded.is_guarded, guarded.is_found, guarded.tests) == (True, False, ())
    assert guarded.rows == rules.rows_min - 1
    assert math.isnan(guarded.adverse_impact_ratio)
    assert audit_lines(small)[0][-1] == "too few rows"
    assert small.worst is None
    assert audit_figures(small)["adverse_impact_ratio"] is None


def told_rows(known: int) -> AuditRows:
    """200 of a reference and 200 women, scores 10 and 9 points about evenly; the outcome of the
    first ``known`` of each is known, every fourth of them bad where each has a pd of 0.15.
    """
    place = np.arange(400) % 200
    is_woman = np.arange(400) >= 200
    score = np.where(place % 2 == 0, 1.0, -1.0) + np.where(is_woman, 9.0, 10.0)
    bad = np.where(place < known, (place % 4 == 0) * 1.0, np.nan)
    approved = np.where(is_woman, place % 3 == 1, place % 3 != 0)
    members = {("sex", "male"): ~is_woman, ("sex", "female"): is_woman}
    pd = np.full(400, 0.15)
    return AuditRows(approved, score, pd, bad, members, {"sex": "male"})


def test_scores_opportunity_and_calibration_by_hand() -> None:
    """A point apart at a deviation of one; of 75 good loans each a third and two thirds approved;
    a quarter bad against 15 in 100.
    """
    audit = audit_rows(told_rows(100), read_audit_rules())
    (one,) = audit.findings
    assert one.smd == pytest.approx(-1 / math.sqrt(200 / 199))
    assert one.true_positive_gap == pytest.approx(-1 / 3)
    assert one.calibration_gap == pytest.approx(0.10)
    chances = {test.name: test.p_value for test in one.tests}
    assert list(chances) == ["approval", "score", "opportunity", "calibration"]
    assert chances["calibration"] == pytest.approx(math.erfc(10 / math.sqrt(12.75) / math.sqrt(2)))
    assert one.is_found
    fifths = [point for point in audit.calibration if point.group == "female"]
    assert [point.rows for point in fifths] == [20] * 5
    assert sum(point.bad_share * point.rows for point in fifths) == pytest.approx(25)


def test_nothing_is_said_of_few_outcomes() -> None:
    """One fewer than may be spoken of: no opportunity, no calibration, not even by fifths."""
    rules = read_audit_rules()
    audit = audit_rows(told_rows(rules.outcomes_min - 1), rules)
    (one,) = audit.findings
    assert not one.is_guarded
    assert [test.name for test in one.tests] == ["approval", "score"]
    assert math.isnan(one.true_positive_gap)
    assert math.isnan(one.calibration_gap)
    assert audit.calibration == ()


def test_the_ratio_is_told_over_all_cut_offs() -> None:
    audit = audit_rows(made_rows(150), read_audit_rules())
    assert [point.share for point in audit.cut_offs] == [step / 20 for step in range(1, 20)]
    assert audit_csv(audit).splitlines()[0].split(",")[: len(COLUMNS)][0] == "attribute"


def test_who_has_no_score_is_approved_by_no_cut_off() -> None:
    """Refused before a score was made: half of the women. The others score as the men do."""
    rows = told_rows(0)
    score = np.where(np.arange(400) % 200 < 100, np.arange(400) % 100, np.nan)
    score[:200] = np.arange(200) % 100
    audit = audit_rows(replace(rows, score=score), read_audit_rules())
    assert [point.group for point in audit.cut_offs] == ["female"] * 19
    assert [point.adverse_impact_ratio for point in audit.cut_offs] == pytest.approx([1.0] * 19)
    assert [point.approval_gap for point in audit.cut_offs] == pytest.approx([0.0] * 19)
    score[200:] = np.nan
    assert audit_rows(replace(rows, score=score), read_audit_rules()).cut_offs == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_mapping_scores_by_what_it_audits(name: str) -> None:
    declaration = read_declaration(name)
    mapping = study.read_mapping(declaration.mapping)
    protected = protected_columns(declaration)
    assert protected
    refuse_protected_signals(mapping.signals, protected)
    used = {column.strip().casefold() for one in mapping.signals for column in one.columns}
    assert used
    assert not used & {column.casefold() for column in protected}


def test_a_score_that_uses_a_protected_column_is_refused() -> None:
    declaration = read_declaration("sba_case")
    mapping = study.read_mapping("sba_case")
    with pytest.raises(Refused) as caught:
        refuse_protected_signals(mapping.signals, protected_columns(declaration))
    assert caught.value.code == "score.protected_signal"


def test_protected_data_stand_apart_at_level_four() -> None:
    lists = read_lists()
    assert lists.fields["sex"].level == 4
    using = {name for name, purpose in lists.purposes.items() if "sex" in purpose.fields}
    assert using == {"fairness_audit", "own_access"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = [", "score.audit_bad"),
        ("title = 1", "score.audit_bad"),
    ],
)
def test_a_bad_declaration_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_declaration_text(text, "t")
    assert caught.value.code == code


def test_an_audit_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        read_declaration("nowhere")
    assert caught.value.code == "score.audit_missing"


def test_an_audit_without_decisions_needs_a_mapping() -> None:
    declaration = replace(read_declaration("hmda"), mapping="")
    with pytest.raises(Refused) as caught:
        audit_file(study_table(), declaration, None)
    assert caught.value.code == "score.audit_bad"


def study_table() -> Table:
    """A table with one row that nobody reads."""
    return Table.of_rows(["a"], [["1"]])


def test_the_search_reports_on_rows_it_did_not_choose_by() -> None:
    from puhui.demo.window import fairness_rows

    table = fairness_rows(3, is_biased=True)
    declaration = read_declaration("county_fairness")
    mapping = study.read_mapping(declaration.mapping)
    audit = audit_file(table, declaration, mapping)
    assert isinstance(audit, Audit)
    found = search_alternative(table, declaration, mapping, with_constraint=False)
    assert isinstance(found, Search)
    assert found.fitted_rows + found.selected_rows + found.reported_rows <= table.rows
    assert found.is_better
    assert [len(line) for line in alternative_lines(found)] == [len(ALTERNATIVE_COLUMNS)] * 2


def test_to_approve_more_is_no_fairer_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine tenths of the rows share the best score of the first way: its ratio is near one, as it
    approves nearly all. The second way tells rows apart.
    """
    from puhui.demo.window import fairness_rows

    table = fairness_rows(3, is_biased=True)
    declaration = read_declaration("county_fairness")
    mapping = study.read_mapping(declaration.mapping)
    clean = np.array(
        [float(str(one)) for one in fairness_rows(3, is_biased=False).columns["score"]]
    )
    coarse = np.minimum(clean, np.quantile(clean, 0.1))
    tried = [("coarse", (), coarse)]
    monkeypatch.setattr("puhui.score.engines.audit._candidates", lambda *told: tried)
    found = search_alternative(table, declaration, mapping, with_constraint=False)
    assert (found.candidates, found.chosen.name) == (1, "champion")
    tried.append(("clean", (), clean))
    found = search_alternative(table, declaration, mapping, with_constraint=False)
    assert found.chosen.name == "clean"
    assert found.chosen.approval == pytest.approx(found.champion.approval, abs=0.05)
    assert found.is_better


@pytest.mark.parametrize("column", ["sex", " Gender ", "性别", "RACE", "SexCode"])
def test_no_mapping_at_all_may_read_a_protected_column(column: str) -> None:
    text = study.mapping_text("small_loans")
    with pytest.raises(Refused) as caught:
        read_mapping_text(text.replace('column = "rev"', f'column = "{column}"'), "t")
    assert caught.value.code == "score.protected_signal"


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("applicant_sex", "sex"),
        ("personal_status_and_sex", "sex"),
        ("SexCode", "sex"),
        ("Ｓｅｘ", "sex"),
        ("is-male", "male"),
        ("race.1", "race"),
        ("sex1", "sex"),
        ("Gender2", "gender"),
        ("SEXCode", "sex"),
        ("s\u00adex", "sex"),
        ("se\u200bx", "sex"),
        ("women_share", "women"),
        ("女性占比", "女性"),
        ("Region Kind", "region_kind"),
        ("申请人性别", "性别"),
        ("Black", "black"),
        ("essex_branch", ""),
        ("trace", ""),
        ("black_list_hits", ""),
        ("region", ""),
        ("kind_of_region", ""),
        ("性价比", ""),
    ],
)
def test_a_name_tells_what_it_holds(column: str, told: str) -> None:
    assert protected_name(column, protected_names()) == told


def test_no_way_into_force_for_a_model_that_reads_sex(
    card: Model, sqlite_node: Node, operator: Actor, tmp_path: Path
) -> None:
    """Neither a mapping made in code, nor a file made by hand with a digest that is right."""
    mapping = made_mapping()
    first, *rest = mapping.signals
    by_sex = replace(first, columns=("applicant_sex",))
    table = made_table()
    sexed = Table({**table.columns, "applicant_sex": table.columns[first.columns[0]]}, table.rows)
    with pytest.raises(Refused) as caught:
        train(sexed, replace(mapping, signals=(by_sex, *rest)), "points", 7)
    assert caught.value.code == "score.protected_signal"

    made = seal(replace(card, signals=(by_sex, *card.signals[1:]), digest=""))
    save_model(sqlite_node.home / "models", made)
    with pytest.raises(Refused) as caught:
        sqlite_node.act(
            "score.register_model", {"name": "made", "digest": made.digest}, key="r", actor=operator
        )
    assert caught.value.code == "score.protected_signal"
    with sqlite_node.read() as tx:
        assert champion(tx, "made") is None

    arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra scale is not installed")
    source = tmp_path / "people.parquet"
    parquet.write_table(arrow.table({n: list(v) for n, v in sexed.columns.items()}), source)
    with pytest.raises(Refused) as caught:
        score_parquet(made, source, tmp_path / "scores.parquet")
    assert caught.value.code == "score.protected_signal"
