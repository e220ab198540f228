"""The house rules, held over the whole tree: sizes, words, purity, doors, and the text around.

Goal: whoever breaks a rule of docs/style.md reads here which one and where. Method: each check
of tests/tidy is a function from a source to findings; test_tidy_itself.py shows that each can
fail.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.tidy import door, purity, size, text, word
from tests.tidy.tree import ROOT, Source, sources_in

Check = Callable[[Source], list[str]]

PACKAGE_CHECKS: tuple[Check, ...] = (
    door.bad_door,
    door.crowded_kernel_module,
    purity.banned_calls,
    purity.banned_libraries,
    purity.broad_excepts,
    purity.floats_in_money,
    purity.impure_imports,
    purity.joined_asserts,
    purity.misplaced_sql,
    size.missing_docstrings,
    size.uncoded_ignores,
    word.misused_words,
)
ALL_CHECKS: tuple[Check, ...] = (size.long_functions, size.long_lines, size.long_module)
CODE_FOLDERS = ("puhui", "docs", "bench", "tests")


def nothing(found: list[str]) -> None:
    """Fail with every finding on a line of its own."""
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def named(check: Check) -> str:
    """The name of a check, as pytest shows it."""
    return check.__name__


@pytest.mark.parametrize("check", PACKAGE_CHECKS, ids=named)
def test_the_package_keeps(check: Check) -> None:
    """Each source of the package passes the check."""
    sources = sources_in("puhui")
    assert sources
    nothing([finding for source in sources for finding in check(source)])


@pytest.mark.parametrize("check", ALL_CHECKS, ids=named)
def test_all_code_keeps(check: Check) -> None:
    """Sizes hold for tests, benches and scripts as well."""
    sources = [source for folder in CODE_FOLDERS for source in sources_in(folder)]
    nothing([finding for source in sources for finding in check(source)])


def test_scripts_and_benches_say_what_they_do() -> None:
    """Scripts carry docstrings as the package does; a test module opens with its goal."""
    found = [
        finding
        for folder in ("docs", "bench")
        for source in sources_in(folder)
        for finding in size.missing_docstrings(source)
    ]
    for source in filter(lambda source: source.text, sources_in("tests")):
        found += [item for item in size.missing_docstrings(source) if "module without" in item]
    nothing(found)


def test_type_ignores_stay_few() -> None:
    """At most twenty silenced type errors in the whole package."""
    assert sum(size.ignores(source) for source in sources_in("puhui")) <= size.TYPE_IGNORES_MAX


def test_every_door_name_is_tried() -> None:
    """A name at a door or a window appears in a test of its room."""
    found = []
    for source in sources_in("puhui"):
        if source.is_door or source.is_window:
            found += door.untested_entries(source, sources_in(f"tests/{source.room}"))
    nothing(found)


def test_import_contracts_are_up_to_date() -> None:
    """`.importlinter` is what the rooms that are there ask for, and none of it is idle."""
    command = [sys.executable, "docs/make_contracts.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    modules = set()
    for source in sources_in("puhui"):
        parts = ["puhui", *source.parts]
        modules.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    contracts = (ROOT / ".importlinter").read_text(encoding="utf-8")
    nothing(text.unmatched_wildcards(contracts, modules))


def test_no_trace_of_a_machine() -> None:
    """No path of one machine and no registry host in any text file."""
    found = []
    for path in text.files_of():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in text.TEXT_SUFFIXES or path.name in ("Makefile", "run", ".gitignore"):
            found += text.machine_traces(name, path.read_text(encoding="utf-8"))
    nothing(found)


def test_files_are_small_and_well_named() -> None:
    """No blob over a megabyte, no file named by an empty word."""
    found = []
    for path in text.files_of():
        name = path.relative_to(ROOT).as_posix()
        found += text.empty_file_name(name)
        if path.stat().st_size > text.FILE_BYTES_MAX:
            found.append(f"{name}: {path.stat().st_size} bytes")
    nothing(found)


def test_locks_are_complete_pins() -> None:
    """Both locks pin every line and name no index, path or host."""
    found = []
    for name in ("requirements.txt", "requirements-dev.txt"):
        found += text.bad_lock(name, (ROOT / name).read_text(encoding="utf-8"))
    nothing(found)


def test_declarative_files_parse_and_name_their_sources() -> None:
    """Every TOML file parses; products and data tables say where their figures come from."""
    found = []
    for path in text.files_of():
        if path.suffix == ".toml":
            name = path.relative_to(ROOT).as_posix()
            found += text.bad_toml(name, path.read_text(encoding="utf-8"))
    nothing(found)


def test_decisions_are_short_and_numbered() -> None:
    """Each note has context, choice and price on at most forty lines."""
    notes = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    found = text.bad_numbering([note.name for note in notes])
    for note in notes:
        found += text.bad_decision(note.name, note.read_text(encoding="utf-8"))
    nothing(found)


def test_changelog_is_newest_first() -> None:
    """What is unreleased stands on top."""
    nothing(text.bad_changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))
