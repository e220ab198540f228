"""Keeping a node: migrate, worker, close-day, replay and the books, from the command line."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import ROOT, Ended, Program

pytestmark = pytest.mark.xdist_group("cli")


def test_the_books_are_checked_and_printed(
    program: Program, lent: tuple[Path, Path, Ended]
) -> None:
    home, _, ended = lent
    lender = Program(home, program.patch, program.capture)
    sound = lender("ledger", "verify", "--json")
    assert (sound.code, sound.figures["findings"]) == (0, 0)
    assert "the books are sound" in sound.out
    balance = lender("ledger", "trial-balance", "--json")
    assert balance.figures["trial_balance_minor"] == 0
    lent_yuan = f"{ended.figures['disbursed_minor'] / 100:,.2f}"
    assert balance.out.count(lent_yuan) >= 4


def test_books_that_were_changed_by_hand_end_with_one(lender: Program) -> None:
    store = sqlite3.connect(lender.home / "puhui.sqlite")
    changed = store.execute(
        "UPDATE ledger_balance SET credits_posted = credits_posted + 1 "
        "WHERE account_id = (SELECT min(account_id) FROM ledger_balance)"
    ).rowcount
    store.commit()
    store.close()
    assert changed == 1
    ended = lender("ledger", "verify", "--json")
    assert ended.code == 1
    assert "something DISAGREES" in ended.out
    assert ended.figures["findings"] > 0


def test_replay_finds_everything_as_recorded_and_then_not(
    lender: Program, tmp_path: Path, lent: tuple[Path, Path, Ended]
) -> None:
    second = tmp_path / "second"
    same = lender("replay", "--into", second, "--json")
    assert same.code == 0, same.said
    assert same.figures["differences"] == 0
    assert same.figures["acts"] == lent[2].figures["new_acts"]
    assert "everything is as recorded" in same.out
    full = lender("replay", "--into", second)
    assert (full.code, "(replay.target_not_empty)" in full.err) == (2, True)

    store = sqlite3.connect(lender.home / "puhui.sqlite")
    key = "lend:%:disburse:%"
    changed = store.execute(
        "UPDATE journal SET outcome = replace(outcome, '2000000', '2000001') WHERE key LIKE ?"
        " AND position = (SELECT min(position) FROM journal WHERE key LIKE ?)",
        (key, key),
    ).rowcount
    store.commit()
    store.close()
    assert changed == 1
    other = lender("replay", "--json")
    assert other.code == 1
    assert "it DIFFERS" in other.out
    assert "lending.disburse" in other.out
    assert other.figures["differences"] >= 1


def test_a_node_moves_to_another_store_by_replay(
    lender: Program, tmp_path: Path, postgres: Any
) -> None:
    """From SQLite to PostgreSQL, and the second node works on with the same key."""
    alone = lender("replay", "--store", "postgresql://x/y")
    assert (alone.code, "--store needs --into" in alone.said) == (2, True)
    target = tmp_path / "moved"
    with postgres.empty_database() as url:
        moved = lender("replay", "--into", target, "--store", url, "--json")
        assert (moved.code, moved.figures["differences"]) == (0, 0), moved.said
        shutil.copy(lender.home / "master.key", target / "master.key")
        lender.patch.setenv("PUHUI_STORE", url)
        there = Program(target, lender.patch, lender.capture)
        assert there("ledger", "verify", "--json").figures["findings"] == 0
        assert there("score", "models", "--json").figures["models"] == 1
    assert not (target / "puhui.sqlite").exists()


def test_a_day_is_closed_and_closed_again(lender: Program) -> None:
    first = lender("close-day", "--json")
    again = lender("close-day", "--json")
    assert (first.code, again.code) == (0, 0)
    assert first.figures == again.figures
    assert first.figures["steps"] >= 2


def test_the_worker_delivers_once_and_stops_when_told(lender: Program) -> None:
    done = lender("worker", "--once", "--json")
    assert done.code == 0
    assert done.figures["stuck"] == 0
    again = lender("worker", "--once", "--json")
    assert again.figures["taken"] == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "puhui", "worker", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert "Ctrl-C stops" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "0 events delivered." in out


def test_migrate_makes_a_store_and_finds_it_made(program: Program) -> None:
    first = program("migrate", "--json")
    assert first.code == 0, first.said
    assert first.figures["is_changed"] is True
    second = program("migrate", "--json")
    assert second.figures["is_changed"] is False
    assert program("ledger", "verify", "--json").figures["findings"] == 0
    program.patch.setenv("PUHUI_STORE", "mysql://somewhere")
    refused = program("migrate")
    assert (refused.code, "(kernel.bad_store_url)" in refused.err) == (2, True)
