"""Sizes: a function, a module, a line, and what must be said in words."""

from __future__ import annotations

import ast

from tests.tidy.tree import FunctionNode, Source, functions_of

FUNCTION_LINES_MAX = 70
COMPILED_FUNCTION_LINES_MAX = 120
MODULE_LINES_MAX = 400
LINE_COLUMNS_MAX = 100
TYPE_IGNORES_MAX = 20


def long_functions(source: Source) -> list[str]:
    """Functions over 70 lines; 120 where a comment on the ``def`` line gives the reason."""
    found = []
    for function in functions_of(source.tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        signature = source.lines[function.lineno - 1 : function.body[0].lineno - 1]
        has_reason = any("  # " in line for line in signature)
        most = COMPILED_FUNCTION_LINES_MAX if has_reason else FUNCTION_LINES_MAX
        if lines > most:
            found.append(source.at(function.lineno, f"{function.name} has {lines} > {most} lines"))
    return found


def long_module(source: Source) -> list[str]:
    """A module over 400 lines: make it a folder of the same name, split by verb."""
    lines = len(source.lines)
    return [source.at(1, f"{lines} lines")] if lines > MODULE_LINES_MAX else []


def long_lines(source: Source) -> list[str]:
    """Lines over 100 columns."""
    return [
        source.at(number, f"{len(line)} columns")
        for number, line in enumerate(source.lines, start=1)
        if len(line) > LINE_COLUMNS_MAX
    ]


def missing_docstrings(source: Source) -> list[str]:
    """Modules, public classes and public functions that say nothing about themselves."""
    found = [] if ast.get_docstring(source.tree) else [source.at(1, "module without docstring")]
    found += _undocumented(source, source.tree, "")
    return found


def _undocumented(source: Source, parent: ast.Module | ast.ClassDef, prefix: str) -> list[str]:
    found = []
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | FunctionNode) or node.name.startswith("_"):
            continue
        name = f"{prefix}{node.name}"
        is_overload = any("overload" in ast.dump(item) for item in node.decorator_list)
        if not ast.get_docstring(node) and not is_overload:
            found.append(source.at(node.lineno, f"{name} without docstring"))
        if isinstance(node, ast.ClassDef):
            found += _undocumented(source, node, f"{name}.")
    return found


def uncoded_ignores(source: Source) -> list[str]:
    """A ``type: ignore`` must name the error that it silences."""
    return [
        source.at(number, "type: ignore without a code")
        for number, line in enumerate(source.lines, start=1)
        if "# type: ignore" in line and "# type: ignore[" not in line
    ]


def ignores(source: Source) -> int:
    """How many ``type: ignore`` a source has."""
    return sum("# type: ignore" in line for line in source.lines)
