"""Help is worth reading, comes at once, and every command has an example that parses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from puhui import __version__
from puhui.cli.app import app
from tests.cli.program import ROOT, Program

COMMANDS = (
    "run", "lend", "apply", "score file", "score batch", "score export", "claims", "migrate",
    "promote", "worker", "close-day",
    "replay", "pay",
    "ledger verify", "ledger trial-balance", "ledger report", "ledger close-year",
    "ledger export", "ledger statement", "serve", "api-key create", "api-key list",
    "api-key revoke", "exchange peers", "exchange add-peer", "exchange allow-draw",
    "exchange forbid-draw", "exchange deals",
)  # fmt: skip
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
    assert "--json" in text or command == "serve", "a server has no figures at its end"


def test_every_option_has_words() -> None:
    """No option or argument without help, in any command."""
    for command in typer.main.get_command(app).commands.values():  # type: ignore[attr-defined]
        for one in getattr(command, "commands", {"": command}).values():
            for parameter in one.params:
                assert parameter.name == "help" or parameter.help, (one.name, parameter.name)


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
