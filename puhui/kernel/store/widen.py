"""Statements that take many rows at once on PostgreSQL, made from those that take one."""

from __future__ import annotations

import re
from typing import Any

from puhui.kernel.store.statement import DIALECTS, Compiled

ROWS = 64
"""Rows of one wide statement; few enough that its values stay within the protocol's 65,535."""

ROW_ONCE = "is_row_once"
"""The execution option of an update whose rows, in one batch, are never the same row twice."""

_INSERT = re.compile(r"(INSERT INTO \S+ \([^()]*\) VALUES )(\([^()]*\))( ON CONFLICT .*)?", re.S)
_UPDATE = re.compile(r"(UPDATE (\S+) SET .*)( WHERE \2\.\S+ = \$\d+(?:::\w+)?)", re.S)
_MARK = re.compile(r"\$(\d+)(?:::\w+)?")


def widen(compiled: Compiled) -> str | None:
    """The text that does for ``ROWS`` rows what ``compiled`` does for one; None where none does.

    Inserts of plain values are widened, also those that leave a row that is there as it is; and
    updates by a key whose statement says that no row comes twice (``ROW_ONCE``).
    """
    found = _INSERT.fullmatch(compiled.sql)
    if found is not None:
        head, row, tail = found.groups()
        if tail and not tail.endswith("DO NOTHING"):
            return None  # one statement cannot change a row twice
        return (
            head
            + ", ".join(_moved(row, n * len(compiled.names)) for n in range(ROWS))
            + (tail or "")
        )
    statement: Any = compiled.statement
    update = _UPDATE.fullmatch(compiled.sql)
    if update is None or not statement.get_execution_options().get(ROW_ONCE):
        return None
    change, _, where = update.groups()
    count = len(compiled.names)
    row = ", ".join(f"${n}::{kind}" for n, kind in enumerate(_kinds(compiled), 1))
    rows = ", ".join(f"({_moved(row, n * count)})" for n in range(ROWS))
    names = ", ".join(f"c{n}" for n in range(1, count + 1))
    named = [_MARK.sub(r"given.c\1", part) for part in (change, where)]
    return f"{named[0]} FROM (VALUES {rows}) AS given ({names}){named[1]}"


def _moved(text: str, more: int) -> str:
    """The text with the number of each mark raised by ``more``."""
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + more}", text)


def _kinds(compiled: Compiled) -> list[str]:
    """The type of each value, as the server names it."""
    dialect = DIALECTS["postgresql"]
    statement: Any = compiled.statement
    binds = statement.compile(dialect=dialect).binds
    return [binds[name].type.compile(dialect=dialect) for name in compiled.names]
