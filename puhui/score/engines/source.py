"""Whose decisions are audited: rooms that decide by models name themselves when they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from puhui.kernel.store import Transaction
from puhui.score.nouns.stored_audit import DecidedRow

Source = Callable[[Transaction, str, int, int, int], Sequence[DecidedRow]]
"""``source(tx, model_digest, from_us, before_us, count)``: the newest decisions by a model in a
time, at most ``count``."""

SOURCES: list[Source] = []


def audit_decisions_of(source: Source) -> None:
    """Have audits of models look at the decisions that ``source`` gives."""
    assert source not in SOURCES, source
    SOURCES.append(source)
