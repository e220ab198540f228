"""Runs the program as people do, and a home in which a real file was lent on once."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from puhui.cli import main
from puhui.intake import open_data_path
from puhui.kernel import Refused

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = 1_200
FACTS = (
    "rev=0.05 age=45 income=9000 debrate=0.2 due30=0 due60=0 due90=0 loan_num=6 city=J marital=1"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def figures(self) -> dict[str, Any]:
        """The JSON object that is the last line of stdout; it must be flat."""
        found = json.loads(self.out.strip().split("\n")[-1])
        assert isinstance(found, dict)
        assert not [name for name, value in found.items() if isinstance(value, dict | list)]
        return found

    @property
    def said(self) -> str:
        """Both streams with line breaks and frames taken out, so that sentences can be found."""
        return " ".join((self.out + " " + self.err).replace("│", " ").split())


@dataclass(frozen=True, slots=True)
class Program:
    """The program in this process, on one home."""

    home: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: object) -> Ended:
        self.patch.setenv("PUHUI_HOME", str(self.home))
        self.patch.setenv("PUHUI_CORE", "any")
        self.capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = self.capture.readouterr()
        code = ended.value.code
        assert isinstance(code, int), code
        assert "Traceback" not in said.out + said.err
        return Ended(code, said.out, said.err)


def run_process(*words: object, home: Path, cwd: Path = ROOT, **settings: str) -> Ended:
    """The program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "puhui", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PUHUI_CORE": "any", **settings, "PUHUI_HOME": str(home)}
        | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def small_loans(folder: Path, rows: int = ROWS) -> Path:
    """The first rows of the open small loans as a file of their own."""
    try:
        source = open_data_path("small-loans")
    except Refused as refused:
        pytest.skip(refused.reason)
    with source.open(encoding="utf-8") as stream:
        kept = [line for _, line in zip(range(rows + 1), stream, strict=False)]
    path = folder / "loans.csv"
    path.write_text("".join(kept), "utf-8")
    return path


def with_bad_rows(path: Path, target: Path) -> Path:
    """The same file with a text for a number, a doubled row and a short one at its end."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    wrong = list(rows[1])
    wrong[rows[0].index("income")] = "plenty"
    with target.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([*rows, wrong, rows[2], rows[3][:4]])
    return target


def copied(home: Path, folder: Path) -> Path:
    """A copy of a closed home, for tests that change it."""
    target = folder / "copied"
    shutil.copytree(home, target)
    return target


def facts() -> list[str]:
    """The facts of one applicant as options."""
    return [word for fact in FACTS.split() for word in ("--set", fact)]


def codes_documented() -> set[str]:
    """Every code that the list of refusals has words for."""
    told = tomllib.loads((ROOT / "puhui/channel/data/refusals.toml").read_text("utf-8"))
    return {f"{room}.{reason}" for room, entries in told.items() for reason in entries}
