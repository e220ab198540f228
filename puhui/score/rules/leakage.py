"""The leakage guard: no signal may know what became known only after the decision."""

from __future__ import annotations

from puhui.kernel.errors import Refused
from puhui.score.nouns import Mapping, Signal


def refuse_leaking_signals(mapping: Mapping) -> None:
    """Refuse a mapping whose signals use, or are derived from, what a decision cannot know.

    Forbidden columns, the target's column and the columns of the loss are closed to signals;
    the column of a split in time is too, as later rows lie outside what it was trained on.
    Refused: ``score.leaking_signal`` with the signal, the column and the declared reason.
    """
    closed = {entry.column: entry.reason for entry in mapping.forbidden}
    for entry in mapping.loss:
        closed.setdefault(entry.column, "it is part of the loss, known only afterwards")
    closed[mapping.target.column] = "it is the outcome itself"
    if mapping.split.rule == "at_most":
        for column in mapping.split.columns:
            closed.setdefault(column, "it splits training rows from later ones")
    for signal in mapping.signals:
        _refuse_leaking(signal, closed)


def _refuse_leaking(signal: Signal, closed: dict[str, str]) -> None:
    for column in signal.columns:
        if column in closed:
            raise Refused(
                "score.leaking_signal",
                f"Signal {signal.name!r} uses column {column!r}: {closed[column]}.",
            )
