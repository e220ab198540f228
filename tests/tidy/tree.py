"""Where the sources are, what they are called, and how their names resolve."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

PURE_KINDS = ("nouns", "rules", "arrays")

CHANNELS = tuple(
    "cli intake worker channel web openbank edge voice api serve demo node __main__".split()
)
"""Modules and rooms that stand on top: they meet the world, so clocks and settings may enter."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its path from the root of the project, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def parts(self) -> tuple[str, ...]:
        """The path inside the package, without the suffix: ("lending", "rules", "price")."""
        return Path(self.path).with_suffix("").parts[1:]

    @property
    def room(self) -> str:
        """The folder or module that stands directly in the package."""
        return self.parts[0] if self.parts else ""

    @property
    def kind(self) -> str:
        """What the file is in its room: "rules" for rules.py and for all of a rules/ folder."""
        return self.parts[1] if len(self.parts) > 1 else ""

    @property
    def is_pure(self) -> bool:
        """Whether the file is held to purity: nouns, rules and arrays of a room."""
        return self.room != "kernel" and self.kind in PURE_KINDS

    @property
    def is_door(self) -> bool:
        """Whether the file is the door of a room; the kernel and the migrations have none."""
        doorless = ("kernel", "migrations")
        return self.parts == (self.room, "__init__") and self.room not in doorless

    @property
    def is_window(self) -> bool:
        """Whether the file is the window of a room: what channels alone may read."""
        return self.parts == (self.room, "window")

    @property
    def lines(self) -> list[str]:
        """The text as lines, without their ends."""
        return self.text.splitlines()

    def at(self, line: int, message: str) -> str:
        """A finding as people read it."""
        return f"{self.path}:{line}: {message}"


def source_of(path: str, text: str) -> Source:
    """A source from text, for a file or for a snippet that a test makes up."""
    return Source(path, text, ast.parse(text, filename=path))


@lru_cache(maxsize=8)
def sources_in(folder: str) -> tuple[Source, ...]:
    """Every Python file under ``folder`` of the project, in the order of their paths."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return tuple(
        source_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in paths
    )


@lru_cache(maxsize=1)
def floors() -> tuple[tuple[str, ...], ...]:
    """The order of the house from the ground up, as the import contracts have it."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter", encoding="utf-8")
    lines = parser["importlinter:contract:floors"]["layers"].split("\n")
    named = [[name.strip(" ()") for name in line.split("|")] for line in lines if line.strip()]
    return tuple(tuple(names) for names in reversed(named))


def rooms_below(room: str) -> set[str]:
    """The rooms whose doors ``room`` may use."""
    below: set[str] = set()
    for floor in floors():
        if room in floor:
            return below
        below.update(floor)
    return below


def functions_of(tree: ast.AST) -> Iterator[FunctionNode]:
    """Every function and method, nested ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def docstrings_of(tree: ast.AST) -> set[int]:
    """The ids of constants that stand alone as statements: docstrings and their like."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def imports_of(source: Source) -> Iterator[tuple[int, str, str]]:
    """Each import as (line, module, name); the name is empty for a plain ``import``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                is_package = source.path.endswith("__init__.py")
                package = Path(source.path).with_suffix("").parts[:-1]
                keep = len(package) - (node.level - 1)
                assert is_package or keep >= 0, source.path
                module = ".".join([*package[:keep], *([module] if module else [])])
            yield from ((node.lineno, module, alias.name) for alias in node.names)


def aliases_of(source: Source) -> dict[str, str]:
    """What each imported local name stands for: {"dt": "datetime", "now": "time.time"}."""
    aliases: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                aliases[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return aliases


def dotted(node: ast.AST, aliases: dict[str, str]) -> str:
    """The full dotted name of ``node`` if it starts at an import or a builtin, else ""."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    if names and node.id not in aliases:
        return ""
    return ".".join([aliases.get(node.id, node.id), *reversed(names)])
