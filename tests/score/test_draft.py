"""Drafts: whole or not at all, and what a killed process left is cleared by the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from puhui.score import load_model, save_model
from puhui.score.engines.draft import clear_drafts, drafted
from puhui.score.nouns import Model

HOLDS = """
import sys
from pathlib import Path
from puhui.score.engines.draft import drafted
with drafted(Path(sys.argv[1]), is_folder=len(sys.argv) > 2) as draft:
    if len(sys.argv) > 2:
        draft.mkdir()
        draft = draft / "part"
    draft.write_text("half")
    print(draft, flush=True)
    sys.stdin.readline()
"""


def holder(target: Path, *more: str) -> tuple[subprocess.Popen[str], Path]:
    """Another process in the middle of writing ``target``, and its draft."""
    run = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(target), *more],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout is not None
    return run, Path(run.stdout.readline().strip())


@pytest.mark.parametrize("more", [(), ("folder",)])
def test_drafts_of_the_dead_go_and_those_of_the_living_stay(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    target = tmp_path / "scores [1]"
    alive, kept = holder(target, *more)
    dead, left = holder(target, *more)
    try:
        dead.kill()
        dead.wait(30)
        assert left.exists()
        assert clear_drafts(target) == 1
        assert (kept.exists(), left.exists()) == (True, False)
        with drafted(tmp_path / "other") as other:
            assert clear_drafts(target) == 0
            assert other.exists()
        alive.communicate("go on\n", timeout=30)
        assert alive.returncode == 0
    finally:
        alive.kill()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", target.name]
    assert (target / "part" if more else target).read_text() == "half"


def test_nothing_but_drafts_of_the_same_target_is_cleared(tmp_path: Path) -> None:
    """Neither other people's files, nor links, nor drafts of what has a longer name."""
    others = [
        ".scores.draft", ".scores.1.draft.bak", "scores.1.draft", ".scores.zz.draft",
        ".scores.1.2.draft", ".scoresX1.draft", ".more.scores.1.draft",
    ]  # fmt: skip
    for name in others:
        (tmp_path / name).write_text("kept")
    (tmp_path / ".scores.aa.draft").symlink_to(tmp_path / others[0])
    os.mkfifo(tmp_path / ".scores.bb.draft.fifo")
    (tmp_path / ".scores.4711.draft").write_text("of an older release")
    assert clear_drafts(tmp_path / "scores") == 1
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*others, ".scores.aa.draft", ".scores.bb.draft.fifo"}


def test_who_stops_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "scores"
    with drafted(target) as draft:
        draft.write_text("first")
    with pytest.raises(KeyboardInterrupt), drafted(target) as draft:
        draft.write_text("second")
        raise KeyboardInterrupt
    assert target.read_text() == "first"
    assert list(target.parent.iterdir()) == [target]
    with pytest.raises(OSError), drafted(target / "below") as draft:
        pytest.fail("a file is no folder")


def test_the_mode_is_that_of_a_plain_file(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with drafted(tmp_path / "scores") as draft:
            draft.write_text("x")
    finally:
        os.umask(old)
    assert (tmp_path / "scores").stat().st_mode & 0o777 == 0o640


def test_a_model_killed_while_it_was_saved_is_saved_anew(card: Model, tmp_path: Path) -> None:
    run, left = holder(tmp_path / f"{card.digest}.json")
    run.kill()
    run.wait(30)
    assert left.exists()
    path = save_model(tmp_path, card)
    assert load_model(tmp_path, card.digest) == card
    assert list(tmp_path.iterdir()) == [path]
