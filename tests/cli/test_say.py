"""Small words: the JSON line, shares, tables of any text, progress without a terminal."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys

import pytest

from puhui.cli import say


def test_the_json_line_is_flat_and_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    say.figures({"a": math.nan, "b": math.inf, "c": None, "d": True, "名": "元"})
    assert json.loads(capsys.readouterr().out) == {
        "a": None, "b": None, "c": None, "d": True, "名": "元",
    }  # fmt: skip
    with pytest.raises(AssertionError):
        say.figures({"nested": {"x": 1}})


def test_cells_are_taken_at_their_word(capsys: pytest.CaptureFixture[str]) -> None:
    """A cell that looks like markup is text."""
    say.table(("a", "b"), [("[bold]x[/bold]", "[/]"), ("商户", "1")], right=(1,))
    out = capsys.readouterr().out
    assert "[bold]x[/bold]" in out
    assert "商户" in out


def test_figures_for_people() -> None:
    assert say.share(0.2104) == "21.0%"
    assert say.share(None) == "-"
    assert say.number(0.86146) == "0.8615"
    assert say.number(None) == "-"


def test_without_a_terminal_each_step_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with say.progress() as step:
        for done in range(5):
            step("lend", done, 4)
        step("made up", 1, 1)
    err = capsys.readouterr().err
    assert err.count("applying, deciding") == 1
    assert "made up" in err


def test_on_a_terminal_there_are_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar for each step; one that begins ends those before it."""
    leader, follower = os.openpty()
    with os.fdopen(follower, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "120")
        with say.progress() as step:
            step("train trees", 2, 4)
            step("lend", 961, 961)
        terminal.flush()
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal nobody writes to any more
        while part := os.read(leader, 100_000):
            shown += part
    os.close(leader)
    told = shown.decode()
    assert "training the trees" in told
    assert "4/4" in told
    assert "961/961" in told
