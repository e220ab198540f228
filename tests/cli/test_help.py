"""Help is worth reading, comes at once, and every command has an example that parses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from puhui import __version__
from puhui.cli.app import app
from tests.cli.program import ROOT, Program


def _commands() -> dict[str, Any]:
    """Every command of the program by the words that call it."""
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        for inner, one in getattr(command, "commands", {"": command}).items():
            found[f"{name} {inner}".strip()] = one
    return found


COMMANDS = _commands()
QUIET = ("serve", "offline ask", "offline pay")
"""Commands without figures at their end: a server, and two that print what the other side reads."""
LIST_MARK = re.compile(r"\s*([-*+>#]|\d+[.)])(\s|$)")
HEAVY = ("numpy", "numba", "sqlalchemy", "lightgbm", "puhui.kernel", "altair", "cryptography")


def help_of(*words: str) -> str:
    """The help of a command on one line, without frames."""
    shown = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    return " ".join(shown.output.replace("│", " ").split())


def test_the_program_names_every_command() -> None:
    text = help_of()
    for command in COMMANDS:
        assert re.search(rf" {command.split()[0]} [A-Z]", text), command
    assert "PUHUI_HOME" in text
    assert "2 refused or bad input" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_does_with_one_example(command: str) -> None:
    text = help_of(*command.split())
    examples = re.findall(rf"Example: (?:[A-Z_]+=\S+ )?puhui {command}\b", text)
    assert len(examples) == 1, text
    assert len(text.split("Example:")[0].split()) > 12
    assert "--json" in text or command in QUIET


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_words_and_no_line_looks_like_a_list(command: str) -> None:
    for parameter in COMMANDS[command].params:
        assert parameter.name == "help" or parameter.help, parameter.name
    for line in COMMANDS[command].help.splitlines():
        assert not LIST_MARK.match(line), line


def test_help_and_version_come_without_the_heavy_libraries(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from puhui.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules])\n"
    )
    for words in (["--help"], ["lend", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=ROOT,
            env={**os.environ, "PUHUI_HOME": str(tmp_path / "none")},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.endswith("LOADED []\n"), done.stdout[-300:]
    assert f"puhui {__version__}" in done.stdout
    assert not (tmp_path / "none").exists()


def test_no_words_show_the_help(program: Program) -> None:
    ended = program()
    assert ended.code in (0, 2)
    assert "Usage: puhui" in ended.said
    assert not program.home.exists()
