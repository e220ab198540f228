"""What audits of models look at: the decisions of applications, and how their loans ended."""

from __future__ import annotations

from puhui.kernel.store import Transaction
from puhui.lending.tables.fairness import READ_DECIDED
from puhui.score import study

DEFAULT_DAYS = 90
"""Days past due from which a loan counts as bad while it runs (Basel II, paragraph 452)."""


def decided_by(
    tx: Transaction, model_digest: str, from_us: int, before_us: int, count: int
) -> tuple[study.DecidedRow, ...]:
    """The newest decisions by a model in a time, those in force alone; one statement.

    An application that waits for a person is not decided yet.
    """
    rows = tx.all(
        READ_DECIDED,
        model_digest=model_digest,
        from_us=from_us,
        before_us=before_us,
        count=count,
    )
    return tuple(
        study.DecidedRow(
            row.party_id,
            row.outcome == "approved",
            None if row.pd is None else float(row.pd),
            has_ended_badly(row.status, row.days_past_due),
        )
        for row in rows
    )


def has_ended_badly(status: str | None, days_past_due: int | None) -> bool | None:
    """Whether a loan went bad, by its contract; None while that is open and where there is none."""
    if status == "written_off" or (days_past_due or 0) >= DEFAULT_DAYS:
        return True
    return False if status == "paid_off" else None


study.audit_decisions_of(decided_by)
