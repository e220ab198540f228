"""How the program ends: codes and sentences for refusals, bad input, faults and stops."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from puhui.kernel import Fault, Refused
from tests.cli.program import Program, codes_documented, run_process, small_loans


def failing(program: Program, error: BaseException) -> None:
    """Have the next opening of a node raise ``error``."""

    def fail(*args: object, **settings: object) -> None:
        raise error

    program.patch.setattr("puhui.node.open_node", fail)


@pytest.mark.parametrize(
    "error, code, words",
    [
        (Refused("lending.no_product", "There is no such product."), 2, "Refused: There is no"),
        (Fault("kernel.disk_full", "The disk is full."), 1, "Fault: The disk is full. (kernel."),
        (MemoryError(), 1, "not enough memory for this. (cli.no_memory)"),
        (OSError(errno.ENOSPC, "No space left", "var/x"), 1, "No space left: var/x. (cli.file"),
        (KeyboardInterrupt(), 130, "the same command goes on"),
    ],
)
def test_an_error_is_one_sentence_and_a_code(
    program: Program, error: BaseException, code: int, words: str
) -> None:
    failing(program, error)
    ended = program("ledger", "verify", "--json")
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.said
    assert ended.err.count("\n") == 1


def test_a_mistake_of_ours_is_a_fault_and_kept_in_a_file(program: Program) -> None:
    failing(program, ZeroDivisionError("here"))
    ended = program("ledger", "verify")
    assert ended.code == 1
    assert "A mistake in puhui itself (ZeroDivisionError)" in ended.said
    kept = program.home / "fault.log"
    assert str(kept) in ended.said
    assert "in fail" in kept.read_text("utf-8")


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("lnd",), "No such command 'lnd'"),
        (("lend", "--nonsense"), "No such option"),
        (("lend", "loans.csv"), "A file needs --mapping"),
        (("lend", "loans.csv", "--open", "small-loans"), "not both"),
        (("lend", "--mapping", "sba_case"), "need a file or --open"),
        (("apply", "--product", "small_loan"), "Say who applies"),
        (("apply", "--party", "x", "--consent", "y"), "a party gives its own consent"),
        (("apply", "--reference", "x"), "needs --product"),
        (("apply", "--reference", "x", "--set", "age"), "--set takes NAME=VALUE"),
        (("apply", "--reference", "x", "--row", "no.json"), "There is no file no.json"),
        (("score", "loans.csv"), "A file needs --mapping"),
        (("score", "models", "--out", "x.txt"), "ends in .csv or .json"),
        (("claims", "--row", "36"), "rows 1 to 35"),
    ],
)
def test_bad_input_ends_with_two_and_makes_nothing(
    program: Program, words: tuple[str, ...], sentence: str
) -> None:
    ended = program(*words)
    assert ended.code == 2
    assert sentence in ended.said
    assert not program.home.exists()


@pytest.mark.parametrize(
    "words, code",
    [
        (("lend", "nowhere.csv", "--mapping", "small_loans"), "intake.file_missing"),
        (("lend", "nowhere.csv", "--mapping", "nothing"), "score.mapping_missing"),
        (("lend", "--open", "everything"), "intake.open_data_unknown"),
        (("score", "nowhere.csv", "--mapping", "small_loans"), "cli.no_model"),
        (("promote",), "kernel.not_replicated"),
        (("close-day", "someday"), "kernel.bad_day"),
        (("close-day", "20261122"), "kernel.bad_day"),
        (("close-day", "2026-W48-5"), "kernel.bad_day"),
        (("close-day", "2999-01-01"), "cli.day_ahead"),
        (("close-day", "0001-01-01"), "cli.day_before_node"),
        (("apply", "--application", "application-none"), "lending.no_application"),
    ],
)
def test_what_is_refused_ends_with_two_and_a_documented_code(
    program: Program, words: tuple[str, ...], code: str
) -> None:
    ended = program(*words, "--json")
    assert (ended.code, ended.out) == (2, "")
    assert f"({code})" in ended.err
    assert ended.err.split("\n")[-2].startswith("Refused: ")
    assert code in codes_documented()


def test_a_store_that_is_none_and_one_that_is_away(program: Program) -> None:
    program.patch.setenv("PUHUI_STORE", "mysql://somewhere")
    refused = program("ledger", "verify")
    assert (refused.code, "(kernel.bad_store_url)" in refused.err) == (2, True)
    program.patch.setenv("PUHUI_STORE", "postgresql://nobody@127.0.0.1:1/none")
    away = program("ledger", "verify")
    assert (away.code, "(kernel.store_unavailable)" in away.err) == (1, True)


def test_a_mapping_that_leaks_is_refused(program: Program, tmp_path: Path) -> None:
    """A signal over a column that is known only afterwards stops the run before any act."""
    from puhui.score import study

    file = small_loans(tmp_path, 300)
    leaking = tmp_path / "leaking.toml"
    text = study.mapping_text("small_loans").replace('column = "rev"', 'column = "is_bad"')
    leaking.write_text(text, "utf-8")
    ended = program("lend", file, "--mapping", leaking, "--product", "small_loan")
    assert ended.code == 2
    assert "(score.leaking_signal)" in ended.err


def test_a_process_of_its_own_ends_the_same_way(tmp_path: Path) -> None:
    ended = run_process("lend", "nowhere.csv", "-m", "small_loans", home=tmp_path / "home")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err == "Refused: There is no file 'nowhere.csv'. (intake.file_missing)\n"
