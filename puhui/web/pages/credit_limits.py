"""Changes of credit limits as the borrower is told of them: why, from when, and the answers."""

from __future__ import annotations

from starlette.responses import Response

from puhui.lending.window import changes_of
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.own import own_debts
from puhui.web.pages.credit import CURRENCY

MARKS = {"agreed": "yes", "kept": "yes", "lowered": "no", "offered": "wait"}
CHANGES = (
    Column("month", "limits.month", lambda row: row.month),
    Column("product", "credit.product", lambda row: row.product, Kind.PRODUCT),
    Column("before", "limits.before", lambda row: row.before_minor, Kind.MONEY, order="before"),
    Column("after", "limits.after", lambda row: row.after_minor, Kind.MONEY, order="after"),
    Column("outcome", "limits.what", lambda row: row.status, Kind.WORD, words="limits.what_",
           mark=lambda row: MARKS.get(row.status, "")),
    Column("reason", "limits.why", lambda row: row.reason, Kind.WORD, words="limits.why_"),
    Column("counts_from", "limits.counts_from",
           lambda row: row.counts_from if row.status in ("lowered", "agreed") else None, Kind.DAY),
    Column("told", "limits.told", lambda row: row.reviewed_us, Kind.MOMENT, order="reviewed"),
    Column("answered", "limits.answered", lambda row: row.answered_us, Kind.MOMENT),
)  # fmt: skip


def show(ask: Ask) -> Response:
    """Every change with its reason; one tap lowers what may be owed here."""
    with ask.node.read() as tx:
        rows = changes_of(tx, ask.party_id)
        found = own_debts(ask, tx)
    if ending_of(ask):
        return file_reply(ask, "limit-changes", CHANGES, of_rows(rows))
    return ask.page(
        "limits.html",
        rows=rows,
        marks=MARKS,
        currency=CURRENCY,
        here_minor=found.owed_here_minor(CURRENCY),
        own_minor=found.own_limit_minor(CURRENCY),
        has_offer=any(one.status == "offered" for one in rows),
        back="/credit",
    )
