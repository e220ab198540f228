"""The compiled state machine decides as the rules do: every status, sum and record."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.ledger.arrays import status as said
from puhui.ledger.arrays.record import (
    CODES,
    STATUSES,
    TRANSFER,
    Records,
    pack_accounts,
    pack_transfers,
    unpack_transfers,
)
from puhui.ledger.engines.log.state import State
from puhui.ledger.nouns import (
    AMOUNT_ALL,
    AMOUNT_MAX,
    ID_MAX,
    TIME_US_MAX,
    Account,
    Status,
    Transfer,
)
from puhui.ledger.rules import EXPIRED, OPEN, Books, judge_transfers, leave_out_due

START_US = 1_800_000_000_000_000
ACCOUNTS = (
    Account(1, "CNY", 1),
    Account(2, "CNY", 1, Account.DEBITS_MUST_NOT_EXCEED_CREDITS),
    Account(3, "CNY", 1, Account.CREDITS_MUST_NOT_EXCEED_DEBITS),
    Account(4, "CNY", 1, Account.HISTORY),
    Account(5, "USD", 1),
    Account(6, "CNY", 1, Account.CLOSED),
)


def test_the_codes_are_those_of_the_statuses() -> None:
    for status, code in CODES.items():
        written = getattr(said, status.name, None)
        assert written in (None, code), status
    judged_elsewhere = {
        status
        for status in Status
        if status is Status.RESERVED_FIELD or status.name.endswith("_MUST_BE_ZERO")
    }
    missing = [s for s in Status if not hasattr(said, s.name)]
    assert set(missing) <= judged_elsewhere, missing


class Oracle:
    """Books kept by the rules alone."""

    def __init__(self) -> None:
        self.terms = {a.id: (a.ledger, a.flags, START_US) for a in ACCOUNTS}
        self.sums = {a.id: [0, 0, 0, 0] for a in ACCOUNTS}
        self.transfers: dict[int, Transfer] = {}
        self.pendings: dict[int, tuple[int, int]] = {}
        self.failed: set[int] = set()
        self.closed: set[int] = set()

    def batch(self, transfers: list[Transfer], now_us: int) -> list[Status]:
        due = [i for i, (state, at) in self.pendings.items() if state == OPEN and 0 < at <= now_us]
        held = [
            (account_id, is_debit, t.amount_minor)
            for t in (self.transfers[i] for i in due)
            for account_id, is_debit in ((t.debit_account_id, True), (t.credit_account_id, False))
        ]
        self.sums.update({i: list(s) for i, s in leave_out_due(self.sums, held).items()})
        for pending_id in due:
            self.pendings[pending_id] = (EXPIRED, self.pendings[pending_id][1])
            t = self.transfers[pending_id]
            if t.flags & Transfer.CLOSING_DEBIT:
                self.closed.discard(t.debit_account_id)
            if t.flags & Transfer.CLOSING_CREDIT:
                self.closed.discard(t.credit_account_id)
        books = Books(
            now_us, self.terms, self.sums, self.transfers, self.pendings, self.failed, self.closed
        )
        made = judge_transfers(books, transfers)
        for account_id, change in made.changes.items():
            self.sums[account_id] = [
                a + b for a, b in zip(self.sums[account_id], change, strict=True)
            ]
        for t in made.created:
            self.transfers[t.id] = replace(t, time_us=t.time_us or now_us)
        self.pendings.update(made.pendings)
        self.failed.update(made.failed)
        for account_id, is_closed in made.closed.items():
            (self.closed.add if is_closed else self.closed.discard)(account_id)
        return made.statuses


FLAGS = (
    [0] * 10
    + [Transfer.PENDING] * 8
    + [Transfer.POST] * 7
    + [Transfer.VOID] * 6
    + [Transfer.BALANCING_DEBIT, Transfer.BALANCING_CREDIT] * 2
    + [Transfer.BALANCING_DEBIT | Transfer.BALANCING_CREDIT | Transfer.PENDING]
    + [Transfer.PENDING | Transfer.CLOSING_DEBIT, Transfer.PENDING | Transfer.CLOSING_CREDIT]
)
ODD_FLAGS = [
    Transfer.CLOSING_DEBIT,
    Transfer.POST | Transfer.VOID,
    Transfer.PENDING | Transfer.POST,
    Transfer.POST | Transfer.BALANCING_DEBIT,
    1 << 9,
]
ODD_AMOUNTS = [AMOUNT_ALL, AMOUNT_MAX, AMOUNT_MAX + 1, 2**64, 2**64 - 1]
ODD_FIELDS = {
    "id": [0, ID_MAX],
    "debit_account_id": [0, 1, 5, 6, 7, ID_MAX],
    "credit_account_id": [0, 1, 5, 6, 7, ID_MAX],
    "amount_minor": ODD_AMOUNTS,
    "ledger": ["USD", ""],
    "code": [0, 2],
    "flags": ODD_FLAGS,
    "pending_id": [0, 3, ID_MAX],
    "timeout_s": [0, 1, 2**32 - 1],
    "user_data_128": [0, 7],
    "user_data_64": [0, 7, 2**64 - 1],
    "user_data_32": [0, 7],
    "time_us": [START_US + 1, TIME_US_MAX + 1],
}


def make_batch(chance: Random, used: list[Transfer], next_id: list[int]) -> list[Transfer]:
    """A batch most of which may be created, with repeats, chains, ends of pendings and oddities."""
    is_import = chance.random() < 0.08
    batch: list[Transfer] = []
    for _ in range(chance.randint(1, 14)):
        debit, credit = chance.sample([1, 1, 2, 3, 4, 4], 2)
        flags = chance.choice(FLAGS)
        pendings = [t.id for t in used + batch if t.flags & Transfer.PENDING]
        if flags & (Transfer.POST | Transfer.VOID) and pendings:
            rest = chance.choice([0, AMOUNT_ALL]) if flags & Transfer.POST else 0
            t = Transfer(0, amount_minor=chance.choice([rest, rest, 3]), flags=flags)
            t = replace(t, pending_id=chance.choice(pendings))
        else:
            flags &= ~(Transfer.POST | Transfer.VOID)
            timeout = chance.choice([0, 0, 1, 2, 5]) if flags & Transfer.PENDING else 0
            amount = chance.choice([0, 1, 5, 10, 40, 500])
            t = Transfer(0, debit, credit, amount, "CNY", 1, flags, timeout_s=timeout)
        if chance.random() < 0.2:
            t = replace(t, user_data_128=7, user_data_64=7, user_data_32=7)
        if is_import:
            time_us = START_US + chance.choice([0, 5, 6, 7])
            t = replace(t, flags=t.flags | Transfer.IMPORTED, time_us=time_us)
        next_id[0] += 1
        t = replace(t, id=next_id[0])
        if used + batch and chance.random() < 0.2:
            t = chance.choice(used + batch)
            if chance.random() < 0.3:
                t = replace(t, amount_minor=chance.choice([AMOUNT_ALL, t.amount_minor ^ 1, 0]))
        if chance.random() < 0.25:
            t = replace(t, flags=t.flags | Transfer.LINKED)
        for name, odd in ODD_FIELDS.items():
            if chance.random() < 0.012:
                t = replace(t, **{name: chance.choice(odd)})
        batch.append(t)
    return batch


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32))
def test_it_decides_as_the_rules_do(seed: int) -> None:
    chance = Random(seed)
    oracle, state = Oracle(), State(ids=16)
    created = pack_accounts(ACCOUNTS)
    created["time_ns"] = START_US * 1000
    state.add(created)
    log: Records = np.zeros(0, dtype=TRANSFER)
    now_us, next_id, used = START_US, [10], []
    for _ in range(8):
        now_us += chance.choice([0, 0, 1, 3]) * 1_000_000 + 1_000
        transfers = make_batch(chance, used, next_id)
        used += transfers
        expected = oracle.batch(transfers, now_us)
        judged = state.judge(
            pack_transfers(transfers),
            now_us * 1000 + len(transfers) - 1,
            lambda ordinals, log=log: log[ordinals],
        )
        log = np.concatenate([log, judged.records])
        assert [STATUSES[code] for code in judged.status] == expected
        found = unpack_transfers(judged.records[judged.status == 0])
        assert list(found) == [oracle.transfers[t.id] for t in found]
        for slot, account in enumerate(ACCOUNTS):
            row = state.slots[slot]
            names = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
            assert [int(row[name]) for name in names] == oracle.sums[account.id]
            is_closed = account.id in oracle.closed or bool(account.flags & Account.CLOSED)
            assert bool(row["flags"] & Account.CLOSED) is is_closed
    again = State.restored(state.saved(), ids=16)
    assert again.saved().keys() == state.saved().keys()
    for name, array in state.saved().items():
        assert np.array_equal(array, again.saved()[name]), name
