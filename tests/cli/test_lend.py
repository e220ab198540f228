"""``puhui lend``: figures by name, bad rows counted, a second run that finds everything done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Ended, Program, with_bad_rows

pytestmark = pytest.mark.xdist_group("cli")

NAMED = (
    "applications refused_rows new_acts approved capped disbursed_minor auc_test ks_test "
    "misclassified_share_logit bad_rate_all bad_rate_approved cpu_ms_per_application "
    "cost_yuan_per_application trial_balance_minor"
).split()
MEASURED_AGAIN = ("new_acts", "seconds")


def test_the_figures_have_their_names(lent: tuple[Path, Path, Ended]) -> None:
    home, _, ended = lent
    figures = ended.figures
    assert set(NAMED) <= set(figures)
    assert figures["misclassified_share_logit"] is None
    assert figures["trial_balance_minor"] == 0
    assert figures["refused_rows"] == 0
    assert figures["new_acts"] > 2 * figures["applications"] > 1_000
    assert 0 < figures["approved"] < figures["applications"]
    assert figures["disbursed_minor"] == figures["approved"] * 2_000_000
    assert figures["auc_test"] > 0.7
    assert figures["bad_rate_approved"] < figures["bad_rate_all"]
    assert figures["is_synthetic"] is False
    assert len(figures["data_digest"]) == 64
    page = Path(figures["report"])
    assert page.parent == home / "reports"
    assert f"{figures['applications']:,}" in page.read_text("utf-8")
    assert "in English" in ended.out
    assert "reading the file" in ended.err


def test_a_second_run_finds_everything_done(
    lender: Program, lent: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    _, file, first = lent
    reports = tmp_path / "pages"
    second = lender("lend", file, "--mapping", "small_loans", "--reports", reports, "--json")
    assert second.code == 0
    assert "nothing new: all of it was done before" in second.out
    found, before = second.figures, first.figures
    assert found["new_acts"] == 0
    assert found["report"] == str(reports / Path(before["report"]).name)
    for name in found.keys() - {*MEASURED_AGAIN, "report"}:
        assert found[name] == before[name], name


def test_bad_rows_are_counted_and_stop_nothing(
    lender: Program, lent: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    """A text for a number, a doubled row, a short row: refused; the rest is as before."""
    _, file, first = lent
    worse = with_bad_rows(file, tmp_path / "worse.csv")
    ended = lender("lend", worse, "--mapping", "small_loans", "--json")
    assert ended.code == 0
    assert ended.figures["refused_rows"] == 3
    for name in ("applications", "approved", "disbursed_minor", "auc_test"):
        assert ended.figures[name] == first.figures[name], name
    assert ended.figures["new_acts"] == 0


def test_another_encoding_can_be_named(
    lender: Program, lent: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    """The wrong name of an encoding is refused; the right one changes nothing of ASCII rows."""
    _, file, _ = lent
    wrong = lender("lend", file, "--mapping", "small_loans", "--encoding", "utf-7")
    assert (wrong.code, "(intake.encoding_unknown)" in wrong.err) == (2, True)
    right = lender("lend", file, "--mapping", "small_loans", "--encoding", "gb18030", "--json")
    assert right.figures["new_acts"] == 0
