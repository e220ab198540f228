"""Wallets of the county: their numbers, what a transfer tells, and the flows read back."""

from __future__ import annotations

from datetime import date

import numpy as np

from puhui.demo.nouns import Flows
from puhui.demo.rules.signal import day_number
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.store import Transaction
from puhui.ledger import Account, account_history, chart

CURRENCY = "CNY"
CLEARING = Account.id_of("demo-county/clearing")
"""The account through which buyers with other banks pay, and to which money leaves the county."""

LOW_64 = 2**64 - 1
LOW_32 = 2**32 - 1
DAY_US = 86_400_000_000
ZONE_US = 8 * 3_600_000_000
PAGE = 10_000
FLOW_NAMES = ("payment", "deposit", "withdrawal")
"""Transfers that are a shop's own dealings; loans paid out or repaid are no takings."""


def wallet_of(party_id: str) -> int:
    """The number of a party's wallet, as lending knows it."""
    return Account.id_of(f"wallet:{party_id}:{CURRENCY}")


def packed(payer: int, tickets: int, payers: int) -> int:
    """What a QR transfer tells beside its amount, as its 128-bit user data.

    ``payer`` is the pseudonym of a named buyer (0: walk-in customers), ``tickets`` and ``payers``
    count the sales and the different buyers that the transfer bundles.
    """
    assert 0 <= payer <= LOW_64 >> 1, payer
    return payer << 64 | tickets << 32 | payers


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
