"""Reading a ledger beside the store: what the door answers, out of the engine's records."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.layout import PENDING_FLAG, POST, SECOND, VOID
from puhui.ledger.arrays.record import (
    Records,
    id_halves,
    ledger_name,
    ledger_number,
    numbers_of,
    pack_accounts,
    unpack_accounts,
    unpack_transfers,
)
from puhui.ledger.desk.beside.held import MARK
from puhui.ledger.desk.beside.outside import OutsideLedger, outside_of
from puhui.ledger.desk.beside.shipping import keep_opened
from puhui.ledger.desk.chart import chart
from puhui.ledger.engines import END_NS, LedgerEngine
from puhui.ledger.nouns import (
    Account,
    Finding,
    LedgerReport,
    Posting,
    Status,
    Transfer,
    TrialBalance,
    TrialRow,
)
from puhui.ledger.rules import check_limits, compare_books, require_created

PAGE = 8190
OPENED_MAX = 100_000
_SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


def engine_of(tx: Transaction) -> LedgerEngine | None:
    """The engine beside the store; None where the ledger is in the store."""
    outside = outside_of(tx)
    return None if outside is None else outside.engine


def create_beside(
    outside: OutsideLedger, act: Act, accounts: Sequence[Account], *, strict: bool
) -> tuple[Status, ...]:
    """As ``create_accounts``; accounts stay where the act is refused after all.

    An act that is run again has created what it created the first time. ``strict`` takes an account
    that is there just as wanted: it may be left of an act that was cut off.
    """
    records = pack_accounts(accounts)
    statuses = list(outside.engine.create_accounts(records, act.now_us * 1000).named())
    is_new = [status is Status.CREATED for status in statuses]
    keep_opened(outside, act, records, is_new)
    if len(outside.opened_by) > OPENED_MAX:
        outside.opened_by.clear()
    before = {a.id for a in accounts if outside.opened_by.get(a.id) == act.key}
    for place, account in enumerate(accounts):
        if statuses[place] is Status.CREATED:
            outside.opened_by[account.id] = act.key
        elif statuses[place] is Status.EXISTS and (strict or account.id in before):
            before.discard(account.id)
            statuses[place] = Status.CREATED
    if strict:
        require_created(statuses, "account")
    return tuple(statuses)


def find_accounts(
    outside: OutsideLedger, tx: Transaction, ids: Sequence[int], *, at_us: int | None
) -> tuple[Account | None, ...]:
    """As ``lookup_accounts``, within an act as the act has left them.

    Elsewhere provisional pendings count as pending.
    """
    if not ids:
        return ()
    engine = outside.engine
    records = engine.lookup_accounts(id_halves(ids), 0)
    if at_us is not None:
        for place, account_id in enumerate(numbers_of(records["id_lo"], records["id_hi"])):
            for name, amount_minor in zip(_SUMS, _sums_at(engine, account_id, at_us), strict=True):
                records[name + "_lo"][place] = amount_minor
    found = {account.id: account for account in unpack_accounts(records)}
    if at_us is None and outside.own(tx):
        sums = {i: [getattr(a, name + "_minor") for name in _SUMS] for i, a in found.items()}
        outside.add_own(tx, sums)
        names = [name + "_minor" for name in _SUMS]
        for i, own in sums.items():
            found[i] = replace(found[i], **dict(zip(names, own, strict=True)))
        for i, is_closed in outside.own_closed(tx).items():
            if i in found:
                flags = found[i].flags & ~Account.CLOSED | (Account.CLOSED if is_closed else 0)
                found[i] = replace(found[i], flags=flags)
    return tuple(found.get(account_id) for account_id in ids)


def _sums_at(engine: LedgerEngine, account_id: int, at_us: int) -> list[int]:
    sums, held = [0, 0, 0, 0], {}
    for _, t, _ in _lines(engine, account_id, after=-1, from_ns=0, until_ns=at_us * 1000 + 1000):
        place = 0 if t.debit_account_id == account_id else 2
        if t.flags & PENDING_FLAG:
            held[t.id] = t.amount_minor
            sums[place] += t.amount_minor
        elif t.flags & SECOND:
            sums[place] -= held.pop(t.pending_id, 0)
        if not t.flags & (PENDING_FLAG | VOID):
            sums[place + 1] += t.amount_minor
    return sums


def find_transfers(
    outside: OutsideLedger, tx: Transaction, ids: Sequence[int]
) -> tuple[Transfer | None, ...]:
    """As ``lookup_transfers``; within an act also what the act has made."""
    id_halves(ids)  # refuses what is none
    found, _ = outside.find(tx, ids, is_durable=not outside.own(tx))
    return tuple(found.get(transfer_id) for transfer_id in ids)


def history(
    engine: LedgerEngine,
    account_id: int,
    *,
    after: int,
    count: int,
    from_us: int | None,
    until_us: int | None,
) -> tuple[Posting, ...]:
    """As ``account_history``; provisional pendings, and what lets them go, are left out."""
    made = []
    from_ns = 0 if from_us is None else from_us * 1000
    until_ns = END_NS if until_us is None else until_us * 1000
    lines = _lines(engine, account_id, after=after - 1, from_ns=from_ns, until_ns=until_ns)
    for ordinal, t, balance_minor in lines:
        is_debit = t.debit_account_id == account_id
        made.append(
            Posting(
                position=ordinal + 1,
                time_us=t.time_us,
                transfer_id=t.id,
                is_debit=is_debit,
                other_account_id=t.credit_account_id if is_debit else t.debit_account_id,
                amount_minor=t.amount_minor,
                ledger=t.ledger,
                code=t.code,
                flags=t.flags,
                pending_id=t.pending_id,
                user_data_128=t.user_data_128,
                balance_minor=balance_minor,
            )
        )
        if len(made) == count:
            break
    return tuple(made)


def _lines(
    engine: LedgerEngine, account_id: int, *, after: int, from_ns: int, until_ns: int
) -> Iterator[tuple[int, Transfer, int]]:
    """An account's own transfers with their ordinals and the balance after each, oldest first."""
    while True:
        page = engine.account_transfers(
            account_id, after=after, count=PAGE, from_ns=from_ns, until_ns=until_ns
        )
        if not len(page.ordinals):
            return
        after = int(page.ordinals[-1])
        own = np.flatnonzero(page.transfers["user_32"] != MARK)
        transfers = unpack_transfers(page.transfers[own])
        ordinals, balances = page.ordinals[own].tolist(), page.balances[own].tolist()
        yield from zip(ordinals, transfers, balances, strict=True)


def accounts_with_codes(
    engine: LedgerEngine, ledger: str, codes: Collection[int], *, after: int, count: int
) -> list[int]:
    """The numbers of accounts of a ledger that have one of the codes, past a number, in order."""
    records = _all_accounts(engine)
    is_asked = np.isin(records["code"], list(codes)) & (records["ledger"] == ledger_number(ledger))
    ids = numbers_of(records["id_lo"][is_asked], records["id_hi"][is_asked])
    return sorted(account_id for account_id in ids if account_id > after)[:count]


def codes_beside(engine: LedgerEngine) -> set[int]:
    """Every code that an account has."""
    return set(np.unique(_all_accounts(engine)["code"]).tolist())


def debits_at(tx: Transaction, account_id: int, at_us: int) -> int:
    """An account's posted debits less its posted credits at a time, minor units; with what acts of
    the transaction's group have moved.
    """
    outside = outside_of(tx)
    assert outside is not None, account_id
    own_minor = sum(
        t.amount_minor * ((t.debit_account_id == account_id) - (t.credit_account_id == account_id))
        for one in outside.own(tx)
        for t in one.records_as_transfers()
        if t.time_us <= at_us and not t.flags & (PENDING_FLAG | VOID)
    )
    # Imported ones stand out of the order of time, so the balance of the last would not do.
    after, until_ns = -1, at_us * 1000 + 1000
    low, high = id_halves([account_id])[0]
    while True:
        page = outside.engine.account_transfers(
            account_id, after=after, count=PAGE, from_ns=0, until_ns=until_ns
        )
        if not len(page.ordinals):
            return own_minor
        after, records = int(page.ordinals[-1]), page.transfers
        records = records[records["flags"] & (PENDING_FLAG | VOID) == 0]
        is_debit = (records["debit_lo"] == low) & (records["debit_hi"] == high)
        own_minor += sum(records["amount_lo"][is_debit].tolist())
        own_minor -= sum(records["amount_lo"][~is_debit].tolist())


def _all_accounts(engine: LedgerEngine) -> Records:
    pages: list[Records] = []
    while True:
        page = engine.accounts(after=sum(map(len, pages)), count=PAGE, now_ns=0)
        pages.append(page)
        if len(page) < PAGE:
            return np.concatenate(pages)


def balance_of_all(engine: LedgerEngine) -> TrialBalance:
    """As ``trial_balance``."""
    return _balance(_all_accounts(engine))


def _balance(records: Records) -> TrialBalance:
    names, rows = chart(), []
    kinds = sorted(set(zip(records["ledger"].tolist(), records["code"].tolist(), strict=True)))
    for ledger, code in kinds:
        own = records[(records["ledger"] == ledger) & (records["code"] == code)]
        sums = [sum(own[name + "_lo"].tolist()) for name in _SUMS]
        rows.append(TrialRow(ledger_name(ledger), code, names.name_of(code), len(own), *sums))
    return TrialBalance(tuple(sorted(rows, key=lambda row: (row.ledger, row.code))))


def check(engine: LedgerEngine) -> LedgerReport:
    """As ``verify``: every sum made again from the transfers, and held against the accounts."""
    computed: dict[int, list[int]] = {}
    held: dict[int, Transfer] = {}
    transfers, after = 0, -1
    while len((page := engine.tail(after=after, count=100_000)).ordinals):
        after = int(page.ordinals[-1])
        transfers += len(page.ordinals)
        for t in unpack_transfers(page.transfers):
            debit = computed.setdefault(t.debit_account_id, [0, 0, 0, 0])
            credit = computed.setdefault(t.credit_account_id, [0, 0, 0, 0])
            if t.flags & PENDING_FLAG:
                held[t.id] = t
                debit[0] += t.amount_minor
                credit[2] += t.amount_minor
                continue
            if t.flags & SECOND:
                amount_minor = held.pop(t.pending_id).amount_minor
                debit[0] -= amount_minor
                credit[2] -= amount_minor
            if not t.flags & SECOND or t.flags & POST:
                debit[1] += t.amount_minor
                credit[3] += t.amount_minor
    records = _all_accounts(engine)
    ids = numbers_of(records["id_lo"], records["id_hi"])
    columns = [records[name + "_lo"].tolist() for name in _SUMS]
    recorded = dict(zip(ids, zip(*columns, strict=True), strict=True))
    flags = dict(zip(ids, records["flags"].tolist(), strict=True))
    balance = _balance(records)
    findings = [*compare_books("balance", computed, recorded)]
    findings += [f for f in check_limits(flags, recorded) if f.check == "balance_limit"]
    if balance.difference_minor:
        found = str(balance.difference_minor)
        findings.append(Finding("trial_balance", "all ledgers", "0", found))
    return LedgerReport(len(records), transfers, len(held), tuple(findings[:1000]), balance)
