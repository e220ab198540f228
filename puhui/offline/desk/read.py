"""What is shown of offline payments, and the signed list of revocations."""

from __future__ import annotations

import base64
from dataclasses import replace

from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.ledger import chart, lookup_accounts, trial_balance
from puhui.offline import rules, tables
from puhui.offline.desk.books import allowance_state, own_account, voucher_of, voucher_state
from puhui.offline.engines.signature import CONTEXT
from puhui.offline.formats import message
from puhui.offline.nouns import (
    AllowanceState,
    Exposure,
    FraudCase,
    FraudKind,
    OfflineVoucher,
    Revocation,
    RevocationList,
    VoucherState,
)

ROWS_MAX = 1_000


def allowance_of(tx: Transaction, allowance_id: str) -> AllowanceState:
    """One allowance. Refused: ``offline.unknown_allowance``."""
    row = tx.one(tables.READ_ALLOWANCE, id=allowance_id)
    if row is None:
        raise Refused("offline.unknown_allowance", "There is no such allowance.")
    return allowance_state(row)


def allowances_of(tx: Transaction, party_id: str) -> tuple[AllowanceState, ...]:
    """The allowances of a party, newest first, up to 1,000."""
    rows = tx.all(tables.READ_ALLOWANCES_OF, party_id=party_id, count=ROWS_MAX)
    return tuple(allowance_state(row) for row in rows)


def vouchers_of(tx: Transaction, allowance_id: str) -> tuple[VoucherState, ...]:
    """The vouchers of an allowance that came in, by counter."""
    return tuple(voucher_state(row) for row in tx.all(tables.READ_VOUCHERS, ids=[allowance_id]))


def vouchers_to(tx: Transaction, payee_account_id: int) -> tuple[VoucherState, ...]:
    """The vouchers that pay an account, newest first, up to 1,000."""
    rows = tx.all(
        tables.READ_VOUCHERS_TO, payee_account_id=f"{payee_account_id:032x}", count=ROWS_MAX
    )
    return tuple(voucher_state(row) for row in rows)


def fraud_cases(tx: Transaction) -> tuple[FraudCase, ...]:
    """What wallets were found to have signed against themselves, newest first, up to 1,000."""
    rows = tx.all(tables.READ_CASES, count=ROWS_MAX)
    ids = sorted({row.allowance_id for row in rows})
    held: dict[str, list[OfflineVoucher]] = {}
    if ids:
        for row in tx.all(tables.READ_VOUCHERS, ids=ids):
            held.setdefault(row.allowance_id, []).append(voucher_of(row))
    told = {allowance_id: rules.witnessed(vouchers) for allowance_id, vouchers in held.items()}
    return tuple(
        FraudCase(
            allowance_id=row.allowance_id,
            party_id=row.party_id,
            counter=row.counter,
            kind=FraudKind(row.kind),
            opened_us=row.opened_us,
            digests=tuple(sorted(d.hex() for d in told[row.allowance_id][row.counter])),
        )
        for row in rows
    )


def revocation_list(node: Node, tx: Transaction, *, now_us: int) -> RevocationList:
    """The signed list that devices fetch when they have a network, as of ``now_us``.

    A wallet stands in it for as long as an allowance of an older epoch can be paid out.
    """
    rows = tx.all(tables.READ_REVOKED, now_us=now_us, count=message.LIST_MAX)
    entries = tuple(Revocation(bytes.fromhex(row.pseudonym), row.epoch) for row in rows)
    revoked = RevocationList(now_us, entries)
    signed = node.keys.sign(CONTEXT + message.list_body(revoked))
    return replace(revoked, signature=base64.b64decode(signed))


def exposure(tx: Transaction, currency: str) -> Exposure:
    """What offline payments of a currency can cost, held against the ledger."""
    opened = tx.one(tables.SUM_OPEN, currency=currency)
    closed = tx.one(tables.SUM_CLOSED, currency=currency)
    waiting = tx.one(tables.SUM_WAITING, currency=currency)
    cases = tx.one(tables.COUNT_CASES, currency=currency)
    revoked = tx.one(tables.COUNT_REVOKED, currency=currency)
    assert opened is not None
    assert closed is not None
    assert waiting is not None
    assert cases is not None
    assert revoked is not None
    held = {
        row.code: row.credits_posted_minor - row.debits_posted_minor
        for row in trial_balance(tx).rows
        if row.ledger == currency
    }
    escrow_minor = held.get(chart().account("offline_escrow"), 0)
    (fund,) = lookup_accounts(tx, [own_account("offline_cover", currency)])
    expected_minor = opened.allowance_limit_minor + opened.cover_minor - opened.paid_minor
    return Exposure(
        currency=currency,
        allowances=opened.allowances,
        allowance_limit_minor=opened.allowance_limit_minor,
        cover_minor=opened.cover_minor,
        paid_minor=opened.paid_minor,
        escrow_minor=escrow_minor,
        difference_minor=escrow_minor - expected_minor,
        fund_minor=0 if fund is None else fund.credit_balance_minor,
        cover_used_minor=closed.cover_used_minor,
        unpaid_minor=closed.unpaid_minor,
        waiting_minor=waiting.waiting_minor,
        cases=cases.cases,
        wallets_revoked=revoked.wallets,
        aside_minor=held.get(chart().account("offline_excess"), 0),
    )
