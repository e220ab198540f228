"""Fixtures of the command line: the program on an empty home, and a home with loans in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Ended, Program, copied, run_process, small_loans


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program on an empty home."""
    for name in ("PUHUI_STORE", "PUHUI_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Program(tmp_path / "home", monkeypatch, capsys)


Lent = tuple[Path, Path, Ended]
_lent: list[Lent] = []
"""The journeys have this fixture too, and a session need not lend twice."""


@pytest.fixture(scope="session")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Lent:
    """A home in which a slice of the open small loans was lent on, by a process of its own."""
    if not _lent:
        folder = tmp_path_factory.mktemp("lent")
        home, file = folder / "home", small_loans(folder)
        ended = run_process("lend", file, "--mapping", "small_loans", "--json", home=home)
        assert ended.code == 0, ended.said
        _lent.append((home, file, ended))
    return _lent[0]


@pytest.fixture
def lender(program: Program, lent: Lent, tmp_path: Path) -> Program:
    """The program on a copy of that home, which the test may change."""
    return Program(copied(lent[0], tmp_path), program.patch, program.capture)
