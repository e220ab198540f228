"""The wallet: what is in it, what came and went in a month, to print and to download."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.responses import Response

from puhui.kernel.calendar import add_months
from puhui.kernel.clock import business_date, start_of_day_us
from puhui.kernel.store import Transaction
from puhui.ledger import account_history, chart, lookup_accounts
from puhui.lending.window import wallet_account
from puhui.web.ask import Ask
from puhui.web.table import csv_reply

CURRENCY = "CNY"
LINES_MAX = 2_000
LINES_A_PAGE = 40


def balance_of(tx: Transaction, party_id: str) -> int | None:
    """What a party's wallet holds, in minor units; None where no wallet was opened yet."""
    (found,) = lookup_accounts(tx, [wallet_account(party_id, CURRENCY)])
    return None if found is None else found.credit_balance_minor


def _month(ask: Ask) -> date:
    asked = ask.query.get("month", "")
    try:
        first = date.fromisoformat(f"{asked}-01") if asked else ask.today.replace(day=1)
    except ValueError:
        first = ask.today.replace(day=1)
    return min(first, ask.today.replace(day=1))


def statement(ask: Ask) -> Response:
    """The statement of one month, newest first."""
    first = _month(ask)
    following = add_months(first, 1)
    wallet_id = wallet_account(ask.party_id, CURRENCY)
    lines: list[Any] = []
    with ask.node.read() as tx:
        balance = balance_of(tx, ask.party_id)
        after = 0
        while balance is not None and len(lines) < LINES_MAX:
            page = account_history(
                tx,
                wallet_id,
                after=after,
                count=500,
                from_us=start_of_day_us(first),
                until_us=start_of_day_us(following),
            )
            lines += page
            if len(page) < 500:
                break
            after = page[-1].position
    lines.reverse()
    reasons = {code: name for name, code in chart().transfers.items()}
    if ask.query.get("format") == "csv":
        return csv_reply(
            f"wallet-{first:%Y-%m}",
            ("time", "reason", "in", "out", "balance"),
            [
                (
                    ask.say.moment(one.time_us),
                    reasons.get(one.code, str(one.code)),
                    "" if one.is_debit else ask.say.figure(one.amount_minor),
                    ask.say.figure(one.amount_minor) if one.is_debit else "",
                    ask.say.figure(one.balance_minor),
                )
                for one in lines
            ],
        )
    at = max(0, int(ask.query.get("skip", "0")) if ask.query.get("skip", "0").isdecimal() else 0)
    is_whole = ask.query.get("whole") == "1"
    return ask.page(
        "money.html",
        balance=balance,
        lines=lines if is_whole else lines[at : at + LINES_A_PAGE],
        is_whole=is_whole,
        total=len(lines),
        skip=at,
        size=LINES_A_PAGE,
        came=sum(one.amount_minor for one in lines if not one.is_debit),
        went=sum(one.amount_minor for one in lines if one.is_debit),
        reasons=reasons,
        day_of=business_date,
        month=first,
        before=add_months(first, -1),
        following=following if following <= ask.today else None,
        back="/me",
    )
