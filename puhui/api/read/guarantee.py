"""Reads of guarantees, each for the guarantor who was asked, and for staff."""

from __future__ import annotations

from puhui.api import credit_answers as answers
from puhui.api.caller import Caller
from puhui.api.problem import Problem
from puhui.kernel import Node
from puhui.kernel.errors import Refused
from puhui.lending.window import guarantee

NOT_THERE = ("api.not_found", "There is no such thing, or it is not yours.")


def list_guarantees(
    node: Node, caller: Caller, asked: answers.GuaranteesQuery
) -> answers.GuaranteesAnswer:
    """List what a person was asked to stand for, the newest first."""
    caller.check_sees(asked.party_id)
    with node.read() as tx:
        rows = guarantee.asked_of(node, tx, asked.party_id)
    return answers.GuaranteesAnswer(
        tuple(
            answers.GuaranteeItem(
                row.id,
                row.contract_id,
                row.borrower_id,
                row.share_millionths,
                row.call_after_days,
                row.status,
                row.guarantee_id,
                row.is_shown,
            )
            for row in rows
        )
    )


def read_guarantee(
    node: Node, caller: Caller, asked: answers.GuaranteeQuery
) -> answers.GuaranteeAnswer:
    """Read what a guarantor would sign today, with what it may come to.

    Nothing of the loan is told before the borrower agrees, nor once the borrower took that back or
    the guarantee was declined or taken back; what was signed stays the guarantor's to read.
    Refused: ``lending.no_language``.
    """
    with node.read() as tx:
        try:
            row = guarantee.ask_row(tx, asked.ask_id)
        except Refused:  # told like another's, so that nobody learns which ids exist
            raise Problem(*NOT_THERE) from None
        caller.check_sees(row.guarantor_id)
        if not guarantee.is_shown(node, tx, row):
            return answers.GuaranteeAnswer(
                ask_id=row.id,
                status=row.status,
                is_shown=False,
                language=row.language or asked.language,
                text=row.text or "",
                text_digest=row.text_digest or "",
                currency=row.currency,
            )
        text = guarantee.draft_guarantee(node, tx, row.id, asked.language)
    return answers.GuaranteeAnswer(
        ask_id=row.id,
        status=row.status,
        is_shown=True,
        language=row.language or text.language,
        text=row.text or text.text,
        text_digest=row.text_digest or text.digest,
        outstanding_minor=text.outstanding_minor,
        share_minor=text.share_minor,
        monthly_minor=text.monthly_minor,
        days_past_due=text.days_past_due,
        currency=row.currency,
    )
