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
        name = parameter.metavar or parameter.name
        is_argument = parameter.param_type_name == "argument"
        assert not is_argument or any(sign.isupper() for sign in name), name
    for line in COMMANDS[command].help.splitlines():
        assert not LIST_MARK.match(line), line


def test_flags_take_nothing_and_say_so() -> None:
    for words in ((), ("exchange",), ("audit", "fairness"), ("pay",), ("offers", "make")):
        text = help_of(*words)
        assert "<bool>" not in text, words
    assert "<str>" in help_of("apply")


@pytest.mark.parametrize(
    "words, reason",
    [
        (("repay", "payments.csv"), "There is no file payments.csv. (cli.no_file)"),
        (("offers", "make", "spring.csv"), "There is no file spring.csv. (cli.no_file)"),
        (("offers", "make", "."), ". is a folder, and no file. (cli.no_file)"),
        (("products", "check", "green.toml"), "There is no file green.toml."),
        (("limits", "--out", "none/x.csv"), "There is no folder none. (cli.no_file)"),
        (("offers", "list", "party-019c..."), "There is no party party-019c...."),
        (("message", "credits", "party-019c...", "--out", "x"), "There is no party party-019c...."),
        (
            ("message", "write", "remittance-1", "--out", "x"),
            "There is no remittance remittance-1.",
        ),
    ],
)
def test_a_pasted_example_says_what_is_missing(
    program: Program, words: tuple[str, ...], reason: str
) -> None:
    ended = program(*words)
    assert ended.code == 2, ended.said
    assert f"Refused: {reason}" in ended.said


@pytest.mark.parametrize(
    "words, reason",
    [
        (("score", "batch", "x", "--threads", "two"), "'--threads': it takes a whole number."),
        (("score", "batch", "x", "--threads", "0"), "it must be greater than or equal to 1"),
        (("audit", "fairness", "x", "--cut-off", "low"), "'--cut-off': it takes a number."),
        (("audit", "fairness", "x.csv"), "sba_case, sba_national, or a TOML file."),
        (("score", "export", "latest"), "'latest' names no model: give 6 or more hexadecimal"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(
    program: Program, words: tuple[str, ...], reason: str
) -> None:
    ended = program(*words)
    assert ended.code == 2
    assert reason in ended.said
    assert "Input should" not in ended.said


def test_the_help_tells_how_models_are_listed() -> None:
    assert "puhui score models" in " ".join(help_of("score").split())


def test_a_store_that_is_not_there_is_no_mistake_of_ours(program: Program) -> None:
    program.patch.setenv("PUHUI_STORE", "postgresql://nobody@127.0.0.1:9/none")
    ended = program("migrate")
    assert ended.code == 1
    assert "kernel.store_unavailable" in ended.said
    assert "mistake in puhui" not in ended.said


def test_an_empty_list_says_so(program: Program) -> None:
    for words in (("exchange", "deals"), ("limits",), ("relief",)):
        assert "None." in program(*words).said


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
