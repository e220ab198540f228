"""What no score may read: columns that tell the group a person belongs to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from puhui.kernel.errors import Refused
from puhui.score.nouns import Signal
from puhui.score.nouns.audit import Declaration, ProtectedNames

JOINT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])")
"""Where words meet without a sign between them: SexCode, SEXCode, sex1."""
WORD = re.compile(r"[^\W_]+")


def protected_columns(declaration: Declaration) -> dict[str, str]:
    """Column to the protected attribute it tells."""
    return {
        rule.column: attribute.name
        for attribute in declaration.attributes
        for rule in attribute.groups
    }


def protected_name(column: str, names: ProtectedNames) -> str:
    """The protected name that a column's own name tells; "" where it tells none.

    Widths, case and signs that nobody sees count for nothing. A name of ``whole`` must be the
    column's whole name; one of ``words`` may stand among others: ``applicant_sex``, ``SexCode``,
    ``sex1`` and 申请人性别 are found, ``essex`` is not. Source: PIPL art. 24 and 28.
    """
    seen = "".join(sign for sign in column if unicodedata.category(sign) != "Cf")
    plain = unicodedata.normalize("NFKC", seen).strip()
    if (folded := plain.casefold()) in names.whole:
        return folded
    spaced = f" {' '.join(WORD.findall(JOINT.sub(' ', plain).casefold()))} "
    for name in names.words:
        words = " ".join(WORD.findall(name))
        if (words in spaced) if not name.isascii() else (f" {words} " in spaced):
            return name
    return ""


def refuse_protected_names(signals: Iterable[Signal], names: ProtectedNames) -> None:
    """Refuse signals that read a column whose name tells a group: ``score.protected_signal``."""
    for signal in signals:
        for column in signal.columns:
            if known := protected_name(column, names):
                raise _refused(signal, column, known)


def refuse_protected_signals(signals: Iterable[Signal], protected: dict[str, str]) -> None:
    """Refuse signals that read, or are derived from, a column that an audit declares.

    Refused: ``score.protected_signal``. Source: PIPL art. 24 (no unreasonable difference).
    """
    for signal in signals:
        for column in signal.columns:
            known = protected.get(column) or protected.get(column.strip().casefold())
            if known is not None:
                raise _refused(signal, column, known)


def _refused(signal: Signal, column: str, known: str) -> Refused:
    return Refused(
        "score.protected_signal",
        f"Signal {signal.name!r} uses column {column!r}, which tells the "
        f"{known} of a person; it serves the audit alone.",
    )
