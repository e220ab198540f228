"""Automatic debit 自动扣款: what is owed is taken from wallets in one ledger batch a chunk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from puhui.kernel.act import BATCH_MAX, Act
from puhui.kernel.store import Transaction
from puhui.ledger import Account, Transfer, chart, create_transfers, lookup_accounts
from puhui.payment import own_account, wallet_account
from puhui.servicing.desk.day.chunk import Chunk
from puhui.servicing.desk.loan.post import loan_account
from puhui.servicing.nouns.live import RiskFigures
from puhui.servicing.rules.age import is_debit_day
from puhui.servicing.rules.debit import PARTS, share_out
from puhui.servicing.tables import live as tables

RECEIVERS = {
    "interest": ("interest_receivable", "interest_repayment"),
    "penalty": ("interest_receivable", "penalty"),
    "fee": ("fee_income", "fee"),
}
COLUMNS = {"principal": "principal_minor", "interest": "interest_minor", "fee": "fee_minor"}


@dataclass(slots=True)
class Debited:
    """What was taken: loans, and money by currency; ``short`` counts wallets that did not hold all
    of it.
    """

    loans: int = 0
    minor: Counter[str] = field(default_factory=Counter)
    short: int = 0
    postings: int = 0
    events: list[tuple[str, int, int]] = field(default_factory=list)
    parts: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Place of the loan, interest, penalty and fees."""


def debit(act: Act, chunk: Chunk, day: int, figures: RiskFigures) -> Debited:
    """Take what is owed from the wallets of the chunk's borrowers, as far as they hold it.

    Wallets are asked in the order of loans. A chain of one loan's parts happens whole or not; what
    a wallet cannot pay stays owed and is asked for again on later days.
    """
    made = Debited()
    live = chunk.live
    owed = (
        live["owing_principal_minor"] + live["owing_interest_minor"]
        + live["owing_fee_minor"] + live["owing_penalty_minor"]
    )  # fmt: skip
    ages = live["days_past_due"].tolist()
    places = [n for n in np.flatnonzero(owed > 0).tolist() if is_debit_day(figures, ages[n])]
    if not places:
        return made
    wallets = [wallet_account(chunk.rows[n].party_id, chunk.rows[n].currency) for n in places]
    held = _held(act.tx, wallets)
    starts = np.searchsorted(chunk.loan, places, side="left").tolist()
    ends = np.searchsorted(chunk.loan, places, side="right").tolist()
    chains: list[tuple[int, int, list[dict[str, int]]]] = []
    orders: dict[str, str] = {}
    for n, wallet, start, end in zip(places, wallets, starts, ends, strict=True):
        total, has = int(owed[n]), held.get(wallet, 0)
        if has < total:
            made.short += 1
        amount = min(has, total) if figures.takes_part or has >= total else 0
        if amount <= 0:
            continue
        instalments = _owed_of(chunk, start, end)
        if amount == total:
            paid = [{part: one[part] for part in PARTS} for one in instalments]
        else:
            paid = share_out(instalments, amount, _order(act.tx, chunk, n, orders), day)
        held[wallet] = has - sum(sum(one.values()) for one in paid)
        chains.append((n, start, paid))
    _post(act, chunk, chains, made)
    return made


def _held(tx: Transaction, wallets: list[int]) -> dict[int, int]:
    """What each wallet can pay now, without what is promised already; nought of a closed one."""
    found: dict[int, int] = {}
    asked = sorted(set(wallets))
    for at in range(0, len(asked), BATCH_MAX):
        for account in lookup_accounts(tx, asked[at : at + BATCH_MAX]):
            if account is not None and not account.flags & Account.CLOSED:
                spent = account.debits_posted_minor + account.debits_pending_minor
                found[account.id] = account.credits_posted_minor - spent
    return found


def _owed_of(chunk: Chunk, start: int, end: int) -> list[dict[str, int]]:
    return [
        {
            "due_on": one[1],
            "principal": one[2],
            "interest": one[3],
            "fee": one[4],
            "penalty": penalty,
        }
        for one, penalty in zip(
            chunk.owing[start:end].tolist(), chunk.penalty[start:end].tolist(), strict=True
        )
    ]


def _order(tx: Transaction, chunk: Chunk, n: int, orders: dict[str, str]) -> str:
    """The order in which money is used on a loan, as its plan says."""
    loan_id = chunk.rows[n].id
    if loan_id not in orders:
        orders[loan_id] = tx.all(tables.READ_PLANS, ids=[loan_id])[0].allocation
    return orders[loan_id]


def _post(
    act: Act, chunk: Chunk, chains: list[tuple[int, int, list[dict[str, int]]]], made: Debited
) -> None:
    """Post chains in batches of the ledger's size, and take into the loans those that happened."""
    batch: list[Transfer] = []
    waiting: list[tuple[int, int, list[dict[str, int]], int]] = []
    for n, start, paid in chains:
        transfers = _chain(act, chunk.rows[n], paid)
        if len(batch) + len(transfers) > BATCH_MAX:
            _take_batch(act, chunk, batch, waiting, made)
            batch, waiting = [], []
        waiting.append((n, start, paid, len(batch)))
        batch += transfers
    if batch:
        _take_batch(act, chunk, batch, waiting, made)


def _chain(act: Act, row: Any, paid: list[dict[str, int]]) -> list[Transfer]:
    codes, currency = chart(), row.currency
    wallet = wallet_account(row.party_id, currency)
    sums = {part: sum(one[part] for one in paid) for part in PARTS}
    legs = [
        (own_account(account, currency), sums[part], reason)
        for part, (account, reason) in RECEIVERS.items()
        if sums[part]
    ]
    if sums["principal"]:
        legs.append((loan_account(row.id), sums["principal"], "principal_repayment"))
    last = len(legs) - 1
    return [
        Transfer(
            act.new_number(), wallet, credit, amount, currency, codes.transfer(reason),
            flags=0 if place == last else Transfer.LINKED,
        )
        for place, (credit, amount, reason) in enumerate(legs)
    ]  # fmt: skip


def _take_batch(
    act: Act,
    chunk: Chunk,
    batch: list[Transfer],
    waiting: list[tuple[int, int, list[dict[str, int]], int]],
    made: Debited,
) -> None:
    statuses = create_transfers(act, batch, are_new=True)
    for n, start, paid, at in waiting:
        if statuses[at].value != "created":
            made.short += 1
            continue
        taken = 0
        live = chunk.live[n]
        for place, one in enumerate(paid, start):
            for part, column in COLUMNS.items():
                chunk.owing[column][place] -= one[part]
            chunk.owing["penalty_paid_minor"][place] += one["penalty"]
            chunk.penalty[place] -= one["penalty"]
            live["outstanding_minor"] -= one["principal"]
            live["booked_minor"] -= one["interest"] + one["penalty"]
            taken += sum(one.values())
        live["events"] += 1
        chunk.touched.add(n)
        interest, penalty, fee = (
            sum(one[part] for one in paid) for part in ("interest", "penalty", "fee")
        )
        made.parts.append((n, interest, penalty, fee))
        made.events.append((chunk.rows[n].id, int(live["events"]), taken))
        made.loans += 1
        made.minor[chunk.rows[n].currency] += taken
    made.postings += sum(status.value == "created" for status in statuses)
