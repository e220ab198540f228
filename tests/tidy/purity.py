"""Purity: where clocks, chance, settings, SQL and floats may not be."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from tests.tidy.tree import (
    CHANNELS,
    PURE_KINDS,
    Source,
    aliases_of,
    docstrings_of,
    dotted,
    imports_of,
    rooms_below,
    sources_in,
)

CLOCKS = re.compile(
    r"(datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today"
    r"|time\.(time|time_ns|localtime|gmtime|ctime|strftime))"
)
CHANCE = re.compile(
    r"(random\.(?!Random$)\w+|numpy\.random\.(?!Generator$|default_rng$)\w+|uuid\.uuid[14])"
)
SETTINGS = re.compile(r"os\.(environ|getenv|putenv)")
WORLD = re.compile(
    r"(open|print|input|eval|exec|__import__|globals"
    r"|(time|os|io|sys|secrets|random|uuid|socket|pathlib|subprocess)(\..*)?)"
)

PURE_STANDARD = frozenset(
    "__future__ abc bisect collections copy dataclasses datetime decimal enum fractions functools "
    "hashlib heapq hmac itertools json math operator re statistics string types typing "
    "typing_extensions unicodedata".split()
)
PURE_KERNEL = frozenset(
    f"puhui.kernel.{name}" for name in ("money", "calendar", "errors", "compiled")
)
ARRAY_LIBRARIES = frozenset(("numba", "scipy"))

SQL_LIBRARIES = ("sqlalchemy", "sqlite3", "psycopg", "alembic")
SQL_CALLS = frozenset("execute executemany executescript exec_driver_sql commit rollback".split())
CURSOR_CALLS = frozenset(("commit", "rollback"))
"""The worker moves its cursor over the events outside any act: it may end that transaction."""

SQL_TEXT = re.compile(
    r"^\s*(SELECT\b.+\bFROM\b|INSERT\s+INTO\b|UPDATE\s+\w+\s+SET\b|DELETE\s+FROM\b"
    r"|CREATE\s+(TABLE|INDEX|UNIQUE)|DROP\s+TABLE|ALTER\s+TABLE|PRAGMA\s+\w+|WITH\s+\w+\s+AS\s*\()",
    re.IGNORECASE | re.DOTALL,
)
MONEY_NAME = re.compile(r"(^|_)(minor|fen|cents)(_|$)")


def banned_calls(source: Source) -> list[str]:
    """Clocks and chance below the channels; the whole outside world in pure modules."""
    banned = []
    if source.room not in CHANNELS and source.path != "puhui/kernel/clock.py":
        banned += [CLOCKS, CHANCE]
    reads_settings = source.room in (*CHANNELS, "kernel", "migrations")
    if not reads_settings and source.kind != "engines":
        banned.append(SETTINGS)
    if source.is_pure:
        banned.append(WORLD)
    aliases = aliases_of(source)
    found = {}
    for node in ast.walk(source.tree):
        name = _name_reached(node, aliases)
        if any(pattern.fullmatch(name) for pattern in banned):
            line = getattr(node, "lineno", 0)
            found[line, name] = source.at(line, f"{name} has no place here")
    return list(found.values())


def _name_reached(node: ast.AST, aliases: dict[str, str]) -> str:
    """The imported thing that ``node`` reaches, or the builtin or unseeded dice it calls."""
    if isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id in aliases):
        return dotted(node, aliases)
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Name) and node.func.id not in aliases:
        return node.func.id
    name = dotted(node.func, aliases)
    is_unseeded = name in ("random.Random", "numpy.random.default_rng") and not node.args
    return "random.unseeded" if is_unseeded and not node.keywords else ""


def impure_imports(source: Source) -> list[str]:
    """Nouns, rules and arrays import a short list: nouns, four kernel modules, mathematics."""
    if not source.is_pure:
        return []
    return [
        source.at(line, f"{source.kind} may not import {module} {name}".rstrip())
        for line, module, name in imports_of(source)
        if not _is_pure_import(source, module, name)
    ]


def _is_pure_import(source: Source, module: str, name: str) -> bool:
    first, *rest = module.split(".")
    if first != "puhui":
        is_library = first == "numpy" or (source.kind == "arrays" and first in ARRAY_LIBRARIES)
        return is_library or first in PURE_STANDARD
    full = f"{module}.{name}"
    if rest[:1] == ["kernel"]:
        return module in PURE_KERNEL or full in PURE_KERNEL
    if rest[:1] == [source.room]:
        kinds = {"nouns": {"nouns"}, "rules": {"nouns", "rules"}}
        own = kinds.get(source.kind, {"nouns", "rules", "arrays"})
        return ([*rest, name][1:2] or [""])[0] in own
    is_noun = name[:1].isupper() or name in _pure_entries(rest[0])
    return len(rest) == 1 and rest[0] in rooms_below(source.room) and is_noun


@lru_cache(maxsize=64)
def _pure_entries(room: str) -> frozenset[str]:
    """What the door of a room shows of its nouns, rules and arrays: as pure as they are."""
    doors = [source for source in sources_in("puhui") if source.is_door and source.room == room]
    kinds = tuple(f"puhui.{room}.{kind}" for kind in PURE_KINDS)
    shown = set()
    for door in doors:
        for node in ast.walk(door.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if f"{node.module}.{alias.name}".startswith(kinds):
                        shown.add(alias.asname or alias.name)
    return frozenset(shown)


def misplaced_sql(source: Source) -> list[str]:
    """SQL outside tables.py: a library, a call on a connection, or a statement as text."""
    if source.room in ("kernel", "migrations") or source.kind == "tables":
        return []
    found = [
        source.at(line, f"{module} belongs in tables.py")
        for line, module, _ in imports_of(source)
        if module.split(".")[0] in SQL_LIBRARIES
    ]
    calls = SQL_CALLS - CURSOR_CALLS if source.room == "worker" else SQL_CALLS
    prose = docstrings_of(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in calls:
                found.append(source.at(node.lineno, f".{node.func.attr}() belongs in the store"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_statement = id(node) not in prose and SQL_TEXT.match(node.value)
            found += (
                [source.at(node.lineno, "SQL text belongs in tables.py")] if is_statement else []
            )
    return found


def floats_in_money(source: Source) -> list[str]:
    """No float in the money module, and no float for a name that counts minor units."""
    found = []
    for node in ast.walk(source.tree):
        if source.path == "puhui/kernel/money.py":
            is_name = isinstance(node, ast.Name) and node.id == "float"
            is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if is_name or is_literal:
                found.append(source.at(getattr(node, "lineno", 0), "a float in money"))
        annotation = getattr(node, "annotation", None)
        name = node.arg if isinstance(node, ast.arg) else ""
        if isinstance(node, ast.AnnAssign):
            name = getattr(node.target, "id", "") or getattr(node.target, "attr", "")
        if annotation is not None and MONEY_NAME.search(name):
            names = {item.id for item in ast.walk(annotation) if isinstance(item, ast.Name)}
            if "float" in names:
                found.append(source.at(getattr(node, "lineno", 0), f"{name} is money, not float"))
    return found


def broad_excepts(source: Source) -> list[str]:
    """No bare except; ``except Exception`` in channels, or in the kernel with its reason.

    A handler that tidies up and raises the same again hides nothing and may catch all.
    """
    found = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            found.append(source.at(node.lineno, "bare except"))
            continue
        caught = {item.id for item in ast.walk(node.type) if isinstance(item, ast.Name)}
        if not caught & {"Exception", "BaseException"} or source.room in CHANNELS:
            continue
        has_reason = "  # " in source.lines[node.lineno - 1]
        is_raised_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        if not is_raised_again and (source.room != "kernel" or not has_reason):
            found.append(source.at(node.lineno, "except Exception below the channels"))
    return found


def banned_libraries(source: Source) -> list[str]:
    """No pandas and no scikit-learn inside the package."""
    return [
        source.at(line, f"{module} is not used here")
        for line, module, _ in imports_of(source)
        if module.split(".")[0] in ("pandas", "sklearn", "bbbrisk")
    ]


def joined_asserts(source: Source) -> list[str]:
    """One condition an assert, so that a failure names it."""
    return [
        source.at(node.lineno, "two conditions in one assert")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assert)
        and isinstance(node.test, ast.BoolOp)
        and isinstance(node.test.op, ast.And)
    ]
