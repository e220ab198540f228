"""Words: reserved ones stay in their rooms, empty ones name nothing. Only names defined here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.tidy.tree import Source

EMPTY_WORDS = frozenset(
    "manager managers helper helpers util utils common service services handler handlers base "
    "bases".split()
)
"""They name nothing, so nothing is named by them."""

AMERICAN_WORDS = frozenset(
    "installment installments behavior color colors center favorite fulfill labor neighbor".split()
)

HOMES = {
    "transaction": ("kernel", "migrations"),
    "policy": ("insurance",),
    "policies": ("insurance",),
    "tranche": ("securities",),
    "tranches": ("securities",),
    "settlement": ("payment", "exchange", "migrations", "web"),
    "settlements": ("payment", "exchange", "migrations", "web"),
}
"""Words with one meaning, and the rooms where they may be part of a name."""

STRANGERS = {
    "account": ("party", "data"),
    "accounts": ("party", "data"),
    "model": ("party", "data", "ledger", "evidence", "payment"),
    "models": ("party", "data", "ledger", "evidence", "payment"),
}
"""Words that rooms must not use: a login is a user, and only a trained thing is a model."""

FOREIGN_NAMES = frozenset(("model_config", "model_post_init"))
"""Names that a library makes us define."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> list[str]:
    """The words of a name: ``creditLimit``, ``CreditLimit``, ``credit_limit`` -> credit, limit."""
    return [word.lower() for word in WORD.findall(name)]


def names_defined_in(source: Source) -> Iterator[tuple[int, str]]:
    """Every name that a source defines: classes, functions, arguments, variables, columns."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield getattr(node, "lineno", 0), node.asname
        elif isinstance(node, ast.Call):
            yield from _named_by(node)


def _named_by(call: ast.Call) -> Iterator[tuple[int, str]]:
    """The name of a table or a column: the first argument of ``Table`` or ``Column``."""
    callee = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
    first = call.args[0] if call.args else None
    if callee in ("Table", "Column") and isinstance(first, ast.Constant):
        yield call.lineno, str(first.value)


def misused_words(source: Source) -> list[str]:
    """Names that break the glossary: empty words, reserved words, a bare limit, spelling."""
    found = {}
    stem = PurePosixPath(source.path).stem
    for line, name in [(1, stem), *names_defined_in(source)]:
        complaint = complaint_about(name, source.room)
        if complaint:
            found[name] = source.at(line, complaint)
    return list(found.values())


def complaint_about(name: str, room: str) -> str:
    """What is wrong with ``name`` as a name defined in ``room``; "" where nothing is."""
    if name in FOREIGN_NAMES:
        return ""
    words = words_of(name)
    for word in words:
        if word in EMPTY_WORDS:
            return f"{name}: {word} names nothing"
        if word in AMERICAN_WORDS:
            return f"{name}: British spelling"
        if word in HOMES and room not in HOMES[word]:
            return f"{name}: {word} is a word of {', '.join(HOMES[word])} only"
        if room in STRANGERS.get(word, ()):
            return f"{name}: {word} is not a word of {room}"
    if words[:1] in (["limit"], ["limits"]):
        return f"{name}: say which limit"
    if {"user", "login"} & set(words) and {"account", "accounts"} & set(words):
        return f"{name}: a login is a user, an account stands in the ledger"
    return ""
