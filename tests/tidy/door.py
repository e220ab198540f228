"""Doors: what a room shows, in how many words, and that each entry is tried by a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from tests.tidy.tree import Source

ENTRIES_MAX = 10
KERNEL_ENTRIES_MAX = 14
WINDOW_ENTRIES_MAX = 30
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def entries_of(source: Source) -> list[str] | None:
    """The literal ``__all__`` of a door, or None where there is none."""
    for node in source.tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        target = node.target if isinstance(node, ast.AnnAssign) else target
        if isinstance(target, ast.Name) and target.id == "__all__":
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.List | ast.Tuple):
                return [str(item.value) for item in value.elts if isinstance(item, ast.Constant)]
    return None


def bad_door(source: Source) -> list[str]:
    """A door has one sentence with its Chinese term, and ``__all__`` of at most ten entries.

    A window, which channels alone look in at, is held to the same with thirty.
    """
    if not (source.is_door or source.is_window):
        return []
    found = []
    if not CHINESE.search(ast.get_docstring(source.tree) or ""):
        found.append(source.at(1, "a door's docstring names its Chinese term"))
    entries = entries_of(source)
    if entries is None:
        return [*found, source.at(1, "a door defines a literal __all__")]
    most = WINDOW_ENTRIES_MAX if source.is_window else ENTRIES_MAX
    if len(entries) > most:
        found.append(source.at(1, f"{len(entries)} entries, at most {most}"))
    missing = sorted(set(entries) - _bound_in(source))
    found += [source.at(1, f"{name} is in __all__ but nowhere else") for name in missing]
    return found + _work_in_door(source)


def _bound_in(source: Source) -> set[str]:
    bound: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound.update(alias.asname or alias.name for alias in node.names)
    return bound


def _work_in_door(source: Source) -> list[str]:
    allowed = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
    return [
        source.at(node.lineno, "a door imports and lists; work belongs behind it")
        for node in source.tree.body[1:]
        if not isinstance(node, allowed)
    ]


def crowded_kernel_module(source: Source) -> list[str]:
    """A kernel module shows at most 14 functions and classes."""
    if source.room != "kernel":
        return []
    shown = entries_of(source)
    if shown is None:
        kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        body = [node for node in source.tree.body if isinstance(node, kinds)]
        shown = [node.name for node in body if not node.name.startswith("_")]
    if len(shown) <= KERNEL_ENTRIES_MAX:
        return []
    return [source.at(1, f"{len(shown)} entries, at most {KERNEL_ENTRIES_MAX}")]


def names_used_in(tests: Iterable[Source]) -> set[str]:
    """Every identifier that tests use; "room.name" in a string counts as a use of name."""
    used: set[str] = set()
    for test in tests:
        for node in ast.walk(test.tree):
            if isinstance(node, ast.Name):
                used.add(node.id)
            elif isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value.partition(".")[2])
    return used


def untested_entries(door: Source, tests: Iterable[Source]) -> list[str]:
    """Door names that no test of the room uses; an import alone is no use."""
    if not (door.is_door or door.is_window):
        return []
    used = names_used_in(tests)
    entries = entries_of(door) or []
    return [door.at(1, f"door name {name} has no test") for name in entries if name not in used]
