"""``puhui claims``: 35 rows, no figure without its origin, stale where other code measured."""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from puhui.cli.claim import measure
from puhui.cli.claim.claims import ours
from puhui.kernel import Fault
from tests.cli.program import ROOT, Program

COMMIT = "0123456789ab"


def told(name: str, done: int, total: int) -> None:
    """A step nobody looks at."""


def kept_under(commit: str) -> dict[str, measure.Measured]:
    """Every figure of every command, measured by code of ``commit``; values tell where from."""
    return {
        name: measure.Measured(
            {
                one.name: 1000 * place
                for row in measure.survey_rows()
                for one in row.figures
                if one.command == name
            },
            command.shown,
            f"{place:064x}",
            commit,
            "2026-11-23",
        )
        for place, (name, command) in enumerate(measure.commands().items(), start=1)
    }


def test_all_rows_are_there_and_name_known_commands() -> None:
    rows = measure.survey_rows()
    assert [row.number for row in rows] == list(range(1, 36))
    assert "10.13665" in measure.survey_source()
    for row in rows:
        assert row.zh and row.en and row.figures
        for one in row.figures:
            assert bool(one.command) == bool(one.name) == bool(one.unit), one
            assert not one.command or one.command in measure.commands(), one
    used = {one.command for row in rows for one in row.figures}
    for name, command in measure.commands().items():
        assert name in used
        assert bool(command.words) != bool(command.script)
        assert not command.data_of or command.data_of in measure.commands()


def test_each_measured_row_has_a_journey() -> None:
    """A row with a figure of ours has a test file of its own number."""
    measured = [
        row.number
        for row in measure.survey_rows()
        if any(one.command and not one.is_market for one in row.figures)
    ]
    journeys = {path.name[9:11] for path in (ROOT / "tests" / "journeys").glob("test_row_*.py")}
    assert {f"{number:02d}" for number in measured} <= journeys
    assert measured[:2] == [1, 2]


def test_no_figure_of_ours_is_written_in_the_sources() -> None:
    """The table has no entry for one, and the code that prints it no number but places."""
    text = (ROOT / "puhui" / "cli" / "data" / "claims.toml").read_text("utf-8")
    for row in tomllib.loads(text)["row"]:
        for one in row["figures"]:
            assert set(one) <= {"what", "reported", "command", "name", "unit", "market", "as"}
    tree = ast.parse((ROOT / "puhui" / "cli" / "claim" / "claims.py").read_text("utf-8"))
    numbers = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }
    assert numbers <= {0, 1, 2, 12, 100}, numbers


def test_a_figure_is_measured_stale_or_missing_by_its_commit() -> None:
    figure = measure.survey_rows()[0].figures[0]
    assert not figure.is_market
    now = measure.standing_of(figure, kept_under(COMMIT), COMMIT)
    assert (now.state, ours(now)) == ("measured", f"{now.value:,} {figure.unit}")
    old = measure.standing_of(figure, kept_under("other"), COMMIT)
    assert old.state == "stale"
    assert ours(old) == f"stale: {now.value:,} {figure.unit}, measured by other"
    none = measure.standing_of(figure, {}, COMMIT)
    assert (none.state, none.value) == ("none", None)
    assert ours(none) == "not yet (--run measures it)"
    unmeasured = measure.Measured({figure.name: None}, "x", "0" * 64, COMMIT, "2026-11-23")
    assert measure.standing_of(figure, {figure.command: unmeasured}, COMMIT).state == "none"


def test_market_figures_are_never_ours() -> None:
    figures = [one for row in measure.survey_rows() for one in row.figures if one.is_market]
    assert len(figures) >= 6
    for one in figures:
        with_proxy = measure.standing_of(one, kept_under(COMMIT), COMMIT)
        assert ours(with_proxy).startswith("not measurable here")
        assert measure.standing_of(one, {}, COMMIT).state == "market"
    assert any(measure.standing_of(one, kept_under(COMMIT), COMMIT).state == "proxy"
               for one in figures)  # fmt: skip


def test_measuring_keeps_command_data_commit_and_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands run on a home of their own; what a check looks over lends it its data digest."""
    monkeypatch.setenv("PUHUI_STORE", "postgresql://production")
    monkeypatch.delenv("PUHUI_DATA", raising=False)
    ran: list[tuple[str, ...]] = []

    def run(
        words: tuple[str, ...], environment: Mapping[str, str], folder: Path
    ) -> Mapping[str, object]:
        ran.append(words)
        assert "PUHUI_STORE" not in environment
        assert Path(environment["PUHUI_HOME"]).name.startswith("puhui-claims-")
        if "lend" in words:
            return {"approved": len(ran), "data_digest": "d" * 64, "report": "gone"}
        return {"differences": 0}

    found, left_out = measure.measure(["replay", "sba_case"], {}, step=told, run=run)
    assert [words[1:3] for words in ran] == [("-m", "puhui"), ("-m", "puhui")]
    assert ran[0][-3:] == ("--open", "small-loans", "--json")
    assert ran[1][-2:] == ("replay", "--json")
    assert found["replay"].data_digest == found["small_loans"].data_digest == "d" * 64
    assert found["small_loans"].figures == {"approved": 1, "data_digest": "d" * 64}
    assert found["replay"].commit == measure.commit_now()
    assert found["replay"].command == "puhui replay --json"
    assert "PUHUI_DATA" in left_out["sba_case"]
    measure.keep(tmp_path, found)
    assert measure.read_kept(tmp_path) == found


def test_every_command_has_data_that_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a command prints, its figures are kept with the digest of what they came from."""
    for one in measure.commands().values():
        if one.needs:
            path = tmp_path / one.needs
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(one.name, "utf-8")
    monkeypatch.setenv("PUHUI_DATA", str(tmp_path))

    def run(*args: object) -> Mapping[str, object]:
        return {"rows": 1}

    found, left_out = measure.measure(measure.commands(), {}, step=told, run=run)
    assert set(found) == set(measure.commands())
    assert not left_out
    digests = {name: one.data_digest for name, one in found.items()}
    alone = [digests[name] for name, one in measure.commands().items() if not one.data_of]
    assert all(len(one) == 64 for one in alone)
    assert len(set(alone)) == len(alone), "no two of them are drawn from the same"


def test_a_command_that_fails_leaves_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*args: object) -> Mapping[str, object]:
        raise Fault("cli.claim_failed", "it fell over")

    before = kept_under("older")
    found, left_out = measure.measure(["county"], before, step=told, run=run)
    assert found == before
    assert "it fell over" in left_out["county"]


def test_the_last_line_of_a_command_is_read(tmp_path: Path) -> None:
    good = measure.run_command(
        (sys.executable, "-c", "print('x'); print('{\"a\": 1}')"), {}, tmp_path
    )
    assert good == {"a": 1}
    for script in ("print('no figures')", "raise SystemExit('out of luck')", "print('[1]')"):
        with pytest.raises(Fault) as fault:
            measure.run_command((sys.executable, "-c", script), {}, tmp_path)
        assert fault.value.code == "cli.claim_failed"
    assert "no figures" in fault.value.reason


def test_kept_figures_that_were_damaged_count_as_none(tmp_path: Path) -> None:
    for text in ("", "[]", '{"county": 1}', '{"county": {"value": 1}}'):
        (tmp_path / measure.KEPT).write_text(text, "utf-8")
        assert measure.read_kept(tmp_path) == {}


def test_the_commit_names_changes_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed sources give another name; without git it is the version."""
    answers = {"rev-parse": "abcdef012345", "diff": "", "ls-files": ""}
    monkeypatch.setattr(measure, "_git", lambda root, *words: answers[words[0]])
    monkeypatch.setattr(measure.shutil, "which", lambda name: "git")
    monkeypatch.setattr(measure, "checkout", lambda: ROOT)
    assert (ROOT / ".git").exists() is False or measure.commit_now() == "abcdef012345"
    answers["diff"] = "one"
    one = measure.commit_now()
    answers["diff"] = "two"
    assert (ROOT / ".git").exists() is False or one != measure.commit_now()
    monkeypatch.setattr(measure, "checkout", lambda: None)
    assert measure.commit_now() == measure.puhui.__version__


def test_the_table_is_printed(program: Program) -> None:
    """Empty, stale and measured, with every figure by name in the JSON."""
    empty = program("claims", "--json")
    assert empty.code == 0
    assert empty.figures["rows"] == 35
    assert empty.figures["measured"] == empty.figures["stale"] == 0
    assert empty.figures["row_1_county_mean_loan"] is None
    program.home.mkdir()
    measure.keep(program.home, kept_under("old"))
    stale = program("claims", "--json", "--details")
    assert stale.figures["stale"] > 10
    assert "measured by old" in stale.said
    assert "puhui lend --open small-loans --json" in stale.out
    measure.keep(program.home, kept_under(measure.commit_now()))
    fresh = program("claims", "--row", "1", "--row", "2", "--json")
    assert fresh.figures["rows"] == fresh.figures["rows_measured"] == 2
    assert fresh.figures["stale"] == 0
    kept = json.loads((program.home / measure.KEPT).read_text("utf-8"))
    value = kept["county"]["figures"]["mean_loan"]
    assert fresh.figures["row_1_county_mean_loan"] == value
    assert "not measurable here; nearest:" in fresh.said
