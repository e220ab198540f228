"""The county's history as batches: wallets, opening balances, transfers, and partners' records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from puhui.demo.desk.acts import ROOT, Wish
from puhui.demo.desk.wallet import CLEARING, CURRENCY, DAY_US, ZONE_US, packed, wallet_of
from puhui.demo.draw.county import County
from puhui.demo.draw.facts import invoices_of
from puhui.demo.draw.trade import KINDS, KINDS_IN
from puhui.demo.figures import read_figures
from puhui.demo.nouns import Merchant
from puhui.kernel.act import BATCH_MAX
from puhui.kernel.clock import start_of_day_us
from puhui.ledger import Account, Transfer, chart

SOURCES = {
    "invoice": "invoice platform (synthetic)",
    "past_repayment": "village bank (synthetic)",
    "stated_income": "applicant (synthetic)",
    "bureau_debt": "credit bureau (synthetic)",
    "registry_fact": "county register (synthetic)",
}
"""Who shares which kind of record; every name says that it is synthetic."""

CODE_OF_KIND = {
    "noon": "payment",
    "buyer": "payment",
    "evening": "payment",
    "supplier": "payment",
    "rent": "payment",
    "household": "withdrawal",
    "card": "withdrawal",
}


def opened_accounts(county: County, parties: Sequence[str]) -> Iterator[tuple[Account, ...]]:
    """A wallet for each party, opened just before the history begins, in batches."""
    time_us = start_of_day_us(county.first) - 1
    wallets = [
        Account(
            wallet_of(party_id),
            CURRENCY,
            chart().account("customer_deposit"),
            flags=Account.DEBITS_MUST_NOT_EXCEED_CREDITS | Account.IMPORTED,
            user_data_128=Account.id_of(party_id),
            time_us=time_us,
        )
        for party_id in parties
    ]
    for start in range(0, len(wallets), BATCH_MAX):
        yield tuple(wallets[start : start + BATCH_MAX])


def transfer_wishes(
    county: County, wallets: Sequence[int], suppliers: Sequence[str]
) -> Iterator[Wish]:
    """All transfers of the history in batches, oldest first, with the times they had."""
    batch: list[Transfer] = []
    number = 0
    for transfer in _transfers(county, wallets, [wallet_of(one) for one in suppliers]):
        batch.append(transfer)
        if len(batch) == BATCH_MAX:
            yield Wish(f"{ROOT}/history/{number}", {"transfers": tuple(batch)})
            batch, number = [], number + 1
    if batch:
        yield Wish(f"{ROOT}/history/{number}", {"transfers": tuple(batch)})


def _transfers(
    county: County, wallets: Sequence[int], suppliers: Sequence[int]
) -> Iterator[Transfer]:
    codes = [chart().transfer(CODE_OF_KIND[kind]) for kind in KINDS]
    opening = chart().transfer("opening")
    first_us = start_of_day_us(county.first)
    for shop, amount in enumerate(county.block.trading.opening.tolist()):
        if amount:
            yield _transfer(f"opening/{shop}", CLEARING, wallets[shop], amount, opening, first_us)
    moved = county.movements
    columns = (
        moved.shop,
        moved.day,
        moved.second,
        moved.kind,
        moved.amount_minor,
        moved.payer,
        moved.tickets,
        moved.payers,
        moved.supplier,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for shop, day, second, kind, amount, payer, tickets, payers, supplier in rows:
        wallet = wallets[shop]
        other = suppliers[supplier] if supplier >= 0 else CLEARING
        debit, credit = (CLEARING, wallet) if kind < KINDS_IN else (wallet, other)
        time_us = day * DAY_US - ZONE_US + second * 1_000_000
        told = packed(payer, tickets, payers)
        reference = f"{shop}/{day}/{kind}"
        yield _transfer(reference, debit, credit, amount, codes[kind], time_us, told)


def _transfer(
    reference: str,
    debit: int,
    credit: int,
    amount_minor: int,
    code: int,
    time_us: int,
    told: int = 0,
) -> Transfer:
    return Transfer(
        Transfer.id_of(f"{ROOT}/{reference}"),
        debit,
        credit,
        amount_minor,
        CURRENCY,
        code,
        flags=Transfer.IMPORTED,
        user_data_128=told,
        time_us=time_us,
    )


def record_wishes(county: County, parties: Sequence[str]) -> Iterator[Wish]:
    """What partners share about the merchants, one source after another, in batches."""
    for kind, source in SOURCES.items():
        records = [
            {
                "party_id": parties[merchant.number],
                "kind": kind,
                "reference": f"{merchant.number}/{number}",
                "day": day.isoformat(),
                "content": content,
            }
            for merchant in county.merchants
            for number, (day, content) in enumerate(_facts(county, merchant, kind))
        ]
        for start in range(0, len(records), BATCH_MAX):
            batch = tuple(records[start : start + BATCH_MAX])
            key = f"{ROOT}/records/{kind}/{start // BATCH_MAX}"
            yield Wish(key, {"source": source, "records": batch})


def _facts(county: County, merchant: Merchant, kind: str) -> Iterator[tuple[date, dict[str, Any]]]:
    """The records of one kind about one merchant: the day, and the content."""
    eve = county.day - timedelta(days=1)
    if kind == "invoice":
        for one in invoices_of(county.block.trading, merchant.number, county.first):
            yield (
                one.paid_on or one.issued_on,
                {
                    "supplier": one.supplier,
                    "issued_on": one.issued_on.isoformat(),
                    "due_on": one.due_on.isoformat(),
                    "paid_on": one.paid_on.isoformat() if one.paid_on else None,
                    "amount_minor": one.amount_minor,
                },
            )
    elif kind == "past_repayment":
        for past in merchant.past_instalments:
            yield (
                past.paid_on,
                {
                    "due_on": past.due_on.isoformat(),
                    "paid_on": past.paid_on.isoformat(),
                    "amount_minor": past.amount_minor,
                },
            )
    elif kind == "stated_income":
        yield eve, {"yearly_income_minor": merchant.yearly_income_minor}
    elif kind == "bureau_debt":
        yield (
            eve,
            {
                "debt_minor": merchant.existing_debt_minor,
                "lenders": merchant.lenders,
                "overdue_minor": merchant.overdue_minor,
                "overdue_days": merchant.overdue_days,
            },
        )
    elif kind == "registry_fact":
        trade = read_figures().trades[merchant.trade]
        yield (
            merchant.registered_on,
            {"trade": trade.name, "registered_on": merchant.registered_on.isoformat()},
        )
