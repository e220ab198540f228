"""A merchant's row, read by consent: flows out of the ledger, records and birth dates out of data.

Whoever asks has recorded the access before, by ``data.record_access``.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from puhui.data import view
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.ledger import account_history, chart
from puhui.merchant.nouns import Flows, Guarded, Stated
from puhui.merchant.rules.guarded import observed_of, recorded, with_stated, years_between
from puhui.merchant.rules.row import monthly_inflow_minor, row_of
from puhui.merchant.rules.signal import day_number, signals_of
from puhui.party import Party

LOW_32 = 2**32 - 1
DAY_US = 86_400_000_000
ZONE_US = 8 * 3_600_000_000
PAGE = 10_000
FLOW_NAMES = ("payment", "deposit", "withdrawal")
"""Transfers that are a shop's own dealings; loans paid out or repaid are no takings."""


def read_flows(tx: Transaction, wallet_id: int, *, since: date, until: date) -> Flows:
    """The flows of a wallet from ``since`` up to the evening before ``until``, as signals see them.

    Whoever calls this holds a permit for ``wallet_flow``. Balances include all transfers.
    """
    wanted = {chart().transfer(name) for name in FLOW_NAMES}
    rows, after = [], 0
    from_us, until_us = start_of_day_us(since), start_of_day_us(until)
    while True:
        page = account_history(
            tx, wallet_id, after=after, count=PAGE, from_us=from_us, until_us=until_us
        )
        rows += [
            (
                (one.time_us + ZONE_US) // DAY_US,
                -one.amount_minor if one.is_debit else one.amount_minor,
                one.user_data_128 >> 64,
                one.user_data_128 >> 32 & LOW_32,
                one.user_data_128 & LOW_32,
                one.balance_minor,
            )
            for one in page
            if one.code in wanted
        ]
        if len(page) < PAGE:
            break
        after = page[-1].position
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 6).T
    assert not len(rows) or columns[0][-1] < day_number(until), until
    return Flows(*columns)


def read_row(
    node: Node,
    tx: Transaction,
    access_id: str,
    *,
    viewer: str,
    party: Party,
    wallet_id: int,
    since: date,
    on: date,
    stated: Stated | None = None,
) -> tuple[dict[str, str], Guarded]:
    """The row of a merchant as a mapping reads it, and what guards look at, on the day ``on``.

    ``access_id`` is an access that ``viewer`` recorded; flows count from ``since`` on. ``stated``
    is what the applicant says: it can weaken what records say, and fills in where they are silent.
    Refused: what ``data.view`` refuses.
    """
    shown = view(node, tx, access_id, viewer=viewer)
    records = [(record.kind, record.reference, record.content) for record in shown.records]
    flows = read_flows(tx, wallet_id, since=since, until=on)
    signals = signals_of(observed_of(records, on=on, flows=flows))
    born = shown.fields.get("birth_date")
    is_firm = party.kind == "firm"
    guards = Guarded(
        is_firm=is_firm,
        is_identity_verified=party.is_identified,
        is_consent_valid=True,
        age_years=None if is_firm or born is None else years_between(born, on),
        monthly_inflow_minor=monthly_inflow_minor(signals),
    )
    guards = recorded(guards, records)
    if stated is not None:
        guards = with_stated(guards, stated)
    row = row_of(
        signals,
        age_years=guards.age_years,
        yearly_income_minor=guards.yearly_income_minor,
        existing_debt_minor=guards.existing_debt_minor,
        overdue_minor=guards.overdue_minor,
        overdue_days=guards.overdue_days,
    )
    return row, guards
