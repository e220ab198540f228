"""What comes into a person's wallet a month, looked at by consent alone."""

from __future__ import annotations

from datetime import date, timedelta

from puhui.data import permit
from puhui.kernel.act import Act
from puhui.kernel.calendar import add_months
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.ledger import account_history, chart
from puhui.party import Party
from puhui.payment import wallet_account

PAGE = 10_000
INFLOW_MONTHS = 3
INFLOWS = ("payment", "deposit")
"""Transfers that are a person's takings; a loan that is paid out is none."""


def inflows_of(act: Act, party: Party, currency: str, day: date) -> tuple[int | None, int | None]:
    """What came into the wallet a month, over the last three months and the three before.

    None without a consent that lets a lender look at the wallet for a decision on credit.
    """
    try:
        permit(act, party, purpose="credit_decision", fields=("wallet_flow",))
    except Refused as refused:
        if refused.code.startswith("data."):
            return None, None
        raise
    until = day + timedelta(days=1)
    middle, since = add_months(until, -INFLOW_MONTHS), add_months(until, -2 * INFLOW_MONTHS)
    wallet = wallet_account(party.id, currency)
    now = _taken_in(act.tx, wallet, middle, until)
    return now // INFLOW_MONTHS, _taken_in(act.tx, wallet, since, middle) // INFLOW_MONTHS


def _taken_in(tx: Transaction, wallet: int, since: date, until: date) -> int:
    wanted = {chart().transfer(name) for name in INFLOWS}
    total = after = 0
    while True:
        page = account_history(
            tx,
            wallet,
            after=after,
            count=PAGE,
            from_us=start_of_day_us(since),
            until_us=start_of_day_us(until),
        )
        total += sum(one.amount_minor for one in page if not one.is_debit and one.code in wanted)
        if len(page) < PAGE:
            return total
        after = page[-1].position
