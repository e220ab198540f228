"""The second copy of a ledger that is a log, from the command line: shipped, told, restored."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from puhui.ledger import Account
from puhui.node import open_node
from tests.cli.program import Program
from tests.ledger.books import ALICE, BOB, DEPOSIT, FUND, create_accounts, create_transfers, pay

pytestmark = pytest.mark.xdist_group("cli")


def booked(program: Program) -> None:
    """Two depositors and a few transfers, in a log that nobody shipped."""
    node = open_node(program.home, ledger="log")
    create_accounts(
        node,
        Account(FUND, "CNY", 1),
        Account(ALICE, "CNY", 2011, DEPOSIT),
        Account(BOB, "CNY", 2011, DEPOSIT),
    )
    assert create_transfers(node, pay(1, FUND, ALICE, 100), pay(2, ALICE, BOB, 40)) == [
        "created",
        "created",
    ]
    node.close()


def test_a_log_is_shipped_lost_and_restored(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUHUI_LEDGER", "log")
    booked(program)
    second = tmp_path / "second"
    missing = program("ledger", "ship", second)
    assert (missing.code, "(ledger.ship_failed)" in missing.err) == (1, True), missing.said
    second.mkdir()
    before = program("ledger", "ship", second, "--status", "--json")
    assert before.code == 0, before.said
    assert before.figures["lacking_frames"] == before.figures["log_frames"] >= 2
    assert before.figures["copy_frames"] == before.figures["copied_bytes"] == 0
    done = program("ledger", "ship", second, "--json")
    assert done.figures["lacking_frames"] == done.figures["lacking_s"] == 0
    assert done.figures["copied_bytes"] > before.figures["lacking_bytes"]
    assert "it lacks nothing" in done.out
    assert program("ledger", "prune", second, "--json").figures == {
        "segments": 0,
        "freed_bytes": 0,
    }
    there = program("ledger", "restore", second)
    assert (there.code, "(ledger.folder_in_use)" in there.err) == (2, True)
    shutil.rmtree(program.home / "ledger")
    back = program("ledger", "restore", second, "--json")
    assert back.figures["frames"] == done.figures["log_frames"]
    sound = program("ledger", "verify", "--json")
    assert (sound.code, sound.figures["faults"], sound.figures["transfers"] > 1) == (0, 0, True)


def test_the_setting_ships_whatever_runs(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUHUI_LEDGER", "log")
    booked(program)
    (tmp_path / "second").mkdir()
    monkeypatch.setenv("PUHUI_LEDGER_SHIP", str(tmp_path / "second"))
    sound = program("ledger", "verify", "--json").figures
    assert sound["rpo_transfers"] == sound["transfers"] > 0, "nothing had been shipped by then"
    assert sound["rpo_s"] >= 0
    assert program("ledger", "trial-balance").code == 0
    assert program("ledger", "ship", "--status", "--json").figures["lacking_frames"] == 0
    sound = program("ledger", "verify", "--json").figures
    assert (sound["faults"], sound["rpo_transfers"], sound["rpo_s"]) == (0, 0, 0)


def test_what_is_no_log_or_no_copy_is_refused(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PUHUI_LEDGER", "PUHUI_LEDGER_SHIP"):
        monkeypatch.delenv(name, raising=False)
    sql = program("ledger", "ship", tmp_path)
    assert (sql.code, "(cli.no_log)" in sql.err) == (2, True)
    monkeypatch.setenv("PUHUI_LEDGER", "log")
    for words, code in (
        (("ship",), "cli.no_copy"),
        (("ship", tmp_path), "ledger.no_log"),
        (("prune", tmp_path), "ledger.no_log"),
        (("restore", tmp_path / "nothing"), "ledger.no_copy"),
    ):
        ended = program("ledger", *words)
        assert (ended.code, f"({code})" in ended.err) == (2, True), ended.said
