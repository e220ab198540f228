"""``puhui score``: rows to points without an application, and the models on record."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from puhui.score import load_model, save_model, score_row, train
from tests.cli.program import ROOT, Ended, Program, copied
from tests.score.made import made_mapping, made_table

pytestmark = pytest.mark.xdist_group("cli")


def without_outcome(file: Path, target: Path, rows: int) -> Path:
    """The first rows without the column of the outcome, as new applicants come; one is bad."""
    with file.open(encoding="utf-8", newline="") as stream:
        kept = list(csv.DictReader(stream))[:rows]
    for row in kept:
        del row["is_bad"]
    kept[3]["income"] = "plenty"
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, kept[0])
        writer.writeheader()
        writer.writerows(kept)
    return target


def test_a_file_without_outcomes_is_scored(
    program: Program, lent: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    """Points and pd equal those of the model on one row; a bad row is told and goes on."""
    home, file, _ = lent
    lender = Program(home, program.patch, program.capture)
    new = without_outcome(file, tmp_path / "new.csv", 50)
    out = tmp_path / "scores.csv"
    ended = lender("score", new, "--mapping", "small_loans", "--out", out, "--json")
    assert ended.code == 0
    found = ended.figures
    assert (found["rows"], found["refused_rows"]) == (49, 1)
    with out.open(encoding="utf-8", newline="") as stream:
        scores = list(csv.DictReader(stream))
    assert [int(row["line"]) for row in scores] == list(range(2, 52))
    assert "(intake." in scores[3]["refused"]
    assert "plenty" not in scores[3]["points"]
    model = load_model(home / "models", found["model"])
    with new.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for place in (0, 7, 49):
        alone = score_row(model, rows[place])
        assert int(scores[place]["points"]) == alone.points
        assert float(scores[place]["pd"]) == alone.pd
    assert any("score." in row["reasons"] for row in scores)

    as_text = tmp_path / "scores.json"
    words = ("score", new, "-m", "small_loans", "--model", found["model"][:10])
    assert lender(*words, "--out", as_text, "--reasons", 0).code == 0
    told = json.loads(as_text.read_text("utf-8"))
    assert [row["points"] for row in told] == [
        int(row["points"]) if row["points"] else None for row in scores
    ]
    assert not any(row["reasons"] for row in told)
    assert sorted(path.name for path in tmp_path.glob("*scores*")) == ["scores.csv", "scores.json"]


@pytest.mark.parametrize(
    "digest, code, sentence",
    [("abcdef0123", 2, "(score.model_missing)"), ("xyz", 2, "6 or more hexadecimal digits")],
)
def test_a_model_that_is_not_there(
    program: Program,
    lent: tuple[Path, Path, Ended],
    digest: str,
    code: int,
    sentence: str,
) -> None:
    lender = Program(lent[0], program.patch, program.capture)
    ended = lender("score", lent[1], "-m", "small_loans", "--model", digest)
    assert (ended.code, sentence in ended.said) == (code, True)


def test_models_are_listed_with_their_papers(
    program: Program, lent: tuple[Path, Path, Ended]
) -> None:
    ended = Program(lent[0], program.patch, program.capture)("score", "models", "--json")
    assert ended.figures == {"models": 1, "in_force": 1, "models_with_papers": 1}
    assert "small_loan_small_loans" in ended.out
    empty = program("score", "models", "--json")
    assert empty.figures["models"] == 0
    assert "No model is in force yet" in empty.out


def test_a_model_is_trained_by_every_option(
    program: Program, lent: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    """Kept under its digest, put in force when asked, and used by what scores files."""
    file = lent[1]
    plain = program("score", "train", file, "-m", "small_loans", "--json")
    assert (plain.code, plain.figures["kind"], plain.figures["version"]) == (0, "points", 0)
    others = without_outcome(file, tmp_path / "refused.csv", 200)
    words = ("score", "train", file, "-m", "small_loans", "--refused", others, "--json")
    made = {}
    for method in ("parcelling", "fuzzy"):
        ended = program(*words, "--reject-method", method, "--reject-factor", 2)
        assert ended.code == 0, ended.said
        assert "1 rows of refused.csv cannot be read" in ended.said
        assert (ended.figures["reject_rows"], ended.figures["reject_factor"]) == (199, 2.0)
        assert ended.figures[f"reject_{method}"] == 1.0
        made[method] = ended.figures["model"]
    assert len({plain.figures["model"], *made.values()}) == 3
    forced = program(
        "score", "train", file, "-m", "small_loans", "--kind", "trees", "--in-force", "mine",
        "--json",
    )  # fmt: skip
    assert (forced.figures["version"], "In force as mine, version 1." in forced.out) == (1, True)
    scored = program("score", others, "-m", "small_loans", "--reasons", 0, "--json")
    assert (scored.figures["model"], scored.figures["rows"]) == (forced.figures["model"], 199)


def test_training_says_what_it_cannot_do(program: Program, lent: tuple[Path, Path, Ended]) -> None:
    words = ("score", "train", lent[1], "-m", "small_loans")
    for more, sentence in (
        (("--kind", "magic"), "--kind takes points"),
        (("--reject-method", "magic"), "--reject-method takes parcelling or fuzzy"),
        (("--reject-factor", "0.5"), "greater than or equal to 1"),
        (("--stable-periods", "4"), "(score.no_date)"),
    ):
        ended = program(*words, *more)
        assert (ended.code, sentence in ended.said) == (2, True), ended.said


def test_what_a_model_decided_is_audited_and_kept(
    program: Program, lent: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    """Applicants of a file have no name, so no group takes them in, and nothing is claimed."""
    lender = Program(copied(lent[0], tmp_path), program.patch, program.capture)
    words = ("audit", "model", "small_loan_small_loans")
    assert "No audit of this model is kept yet." in lender(*words, "--show").out
    made = lender(*words, "--json")
    assert made.code == 0, made.said
    assert (made.figures["audits"], made.figures["findings"]) == (1, 0)
    assert made.figures["rows"] > 0
    assert made.figures["groups_too_small"] == made.figures["groups"]
    assert "sex: unknown for 100 of 100 decisions" in made.out
    assert lender(*words, "--show", "--json").figures["audits"] == 1
    for more, sentence in (
        (("nobody",), "(score.never_in_force)"),
        (("small_loan_small_loans", "--since", "1 May"), "A day is written as YYYY-MM-DD."),
        (("small_loan_small_loans", "--until", "2001-01-01"), "(score."),
    ):
        ended = lender("audit", "model", *more)
        assert (ended.code, sentence in ended.said) == (2, True), ended.said


def stopped(tmp_path: Path, sign: signal.Signals) -> tuple[list[str], Path, int, str]:
    """A batch that a signal ends after its first block: words, folder, exit code, what it said."""
    arrow = pytest.importorskip("pyarrow", reason="the extra scale is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra scale is not installed")
    model = train(made_table(), made_mapping(), "points", 7, maker="t", trained_on="2026-01-01")
    file = save_model(tmp_path / "models", model)
    columns = {name: list(values) for name, values in made_table().columns.items()}
    part = arrow.table({name: arrow.array(values) for name, values in columns.items()})
    source, out = tmp_path / "people.parquet", tmp_path / "out"
    parquet.write_table(arrow.concat_tables([part] * (600_000 // part.num_rows)), source)
    out.mkdir()
    words = ["score", "batch", source, "--model", file, "--out", out / "scores.parquet"]
    run = subprocess.Popen(
        [sys.executable, "-m", "puhui", *map(str, words)],
        env={**os.environ, "PUHUI_HOME": str(tmp_path / "home")}, cwd=ROOT,
        stderr=subprocess.PIPE, text=True,
        # Whoever runs the tests in the background has Ctrl-C ignored, and so would the program.
        preexec_fn=lambda: sign == signal.SIGKILL or signal.signal(sign, signal.SIG_DFL),
    )  # fmt: skip
    try:
        assert run.stderr is not None
        for line in run.stderr:
            if "scoring rows" in line:  # told after the first block
                break
        run.send_signal(sign)
        told = run.stderr.read()
        return [str(word) for word in words], out, run.wait(60), told
    finally:
        run.kill()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_batch_that_is_stopped_leaves_nothing(tmp_path: Path, sign: signal.Signals) -> None:
    """By Ctrl-C or by whoever ends processes: exit code 130, and no half file."""
    _, out, code, told = stopped(tmp_path, sign)
    assert code == 130
    assert "Nothing was written" in told
    assert "mistake" not in told
    assert not list(out.iterdir())


def test_what_a_killed_batch_left_is_cleared_by_the_next(program: Program, tmp_path: Path) -> None:
    """A kill leaves a hidden draft, never a half file by the name that was asked for."""
    words, out, code, _ = stopped(tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    (draft,) = out.iterdir()
    assert draft.match(".scores.parquet.*.draft")
    ended = program(*words, "--json")
    assert (ended.code, ended.figures["rows"]) == (0, 600_000)
    assert [path.name for path in out.iterdir()] == ["scores.parquet"]
