"""The tree as text: machine paths, locks, declarative files, decisions, the changelog."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.tree import ROOT
from tests.tidy.word import EMPTY_WORDS, words_of

SKIPPED_FOLDERS = frozenset(
    ".git .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache "
    "__pycache__ build dist var wheels puhui.egg-info .benchmarks".split()
)
TEXT_SUFFIXES = frozenset(
    ".py .toml .md .txt .html .css .js .j2 .mako .cfg .ini .yml .yaml .json .svg .csv".split()
)
FILE_BYTES_MAX = 1024 * 1024
DECISION_LINES_MAX = 40

MACHINE_PATH = re.compile(r"(?<![\w.])/(work|tmp|root|home|opt|Users|mnt)/")
REGISTRY_HOST = re.compile(
    r"\b(pypi|test\.pypi|files\.pythonhosted|registry\.npmjs|deb\.debian|conda\.anaconda)\.org\b"
)
LOCK_OPTION = re.compile(r"^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)\b|://|@ ")
VERSION_HEADING = re.compile(r"^## (?:\[)?(Unreleased|\d+\.\d+\.\d+)(?:\])?(?: - (\S+))?", re.M)


def files_of(root: Path = ROOT) -> Iterator[Path]:
    """Every file of the project, without what a checkout makes for itself."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            if path.name not in SKIPPED_FOLDERS:
                yield from files_of(path)
        elif path.suffix not in (".pyc", ".nbi", ".nbc"):
            yield path


def machine_traces(name: str, text: str) -> list[str]:
    """Paths of one machine and hosts of registries: neither means anything elsewhere."""
    return [
        f"{name}:{number}: {what.group(0)}"
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern in (MACHINE_PATH, REGISTRY_HOST)
        if (what := pattern.search(line))
    ]


def empty_file_name(name: str) -> list[str]:
    """A file or folder named by a word that says nothing."""
    words = {word for part in Path(name).parts for word in words_of(Path(part).stem)}
    return [f"{name}: {word} names nothing" for word in sorted(words & EMPTY_WORDS)]


def bad_lock(name: str, text: str) -> list[str]:
    """A lock pins every line exactly and names no index, no path and no host."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if LOCK_OPTION.search(line):
            found.append(f"{name}:{number}: {line.strip()}")
        elif line[:1] not in ("#", " ", "") and "==" not in line:
            found.append(f"{name}:{number}: not pinned: {line}")
    return found


def bad_toml(name: str, text: str) -> list[str]:
    """A declarative file parses; where it holds figures from outside it names a source."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [f"{name}: {error}"]
    is_declarative = Path(name).parent.name in ("products", "data")
    if is_declarative and _has_figure(content) and not _has_key(content, "source"):
        return [f"{name}: figures without a source"]
    return []


def _has_figure(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_figure(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_figure(item) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _has_key(value: object, key: str) -> bool:
    if isinstance(value, dict):
        named = any(str(name).startswith(key) for name in value)
        return named or any(_has_key(item, key) for item in value.values())
    return isinstance(value, list) and any(_has_key(item, key) for item in value)


def bad_decision(name: str, text: str) -> list[str]:
    """A decision note has at most 40 lines: a title, Context, Choice and Price."""
    lines = text.splitlines()
    found = []
    if len(lines) > DECISION_LINES_MAX:
        found.append(f"{name}: {len(lines)} lines, at most {DECISION_LINES_MAX}")
    if not lines or not lines[0].startswith("# "):
        found.append(f"{name}: the first line is a title")
    found += [
        f"{name}: no section {section}"
        for section in ("Context", "Choice", "Price")
        if f"## {section}" not in lines
    ]
    return found


def bad_numbering(names: list[str]) -> list[str]:
    """Decisions are numbered from 0001 without a gap."""
    wanted = [f"{number:04d}" for number in range(1, len(names) + 1)]
    numbers = sorted(name[:4] for name in names)
    return [] if numbers == wanted else [f"decisions are numbered {numbers}"]


def bad_changelog(text: str) -> list[str]:
    """The changelog opens with what is unreleased; versions follow, newest first."""
    headings = [match.group(1) for match in VERSION_HEADING.finditer(text)]
    if headings[:1] != ["Unreleased"]:
        return ["CHANGELOG.md: the first section is Unreleased"]
    versions = [tuple(map(int, heading.split("."))) for heading in headings[1:]]
    if versions != sorted(versions, reverse=True):
        return ["CHANGELOG.md: versions stand newest first"]
    return []


def unmatched_wildcards(contracts: str, modules: set[str]) -> list[str]:
    """Wildcards in the import contracts that match no module: they would hold nothing."""
    found = []
    for expression in sorted(set(re.findall(r"puhui(?:\.[\w*]+)*\.\*+(?:\.[\w*]+)*", contracts))):
        body = re.escape(expression).replace(r"\*\*", r"[\w.]+").replace(r"\*", r"\w+")
        pattern = re.compile(rf"{body}(\..+)?")
        if not any(pattern.fullmatch(module) for module in modules):
            found.append(f".importlinter: {expression} matches no module")
    return found
