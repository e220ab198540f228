"""Random lives on every engine, beside the plain reference, which must agree after each step."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import (
    id_halves,
    pack_accounts,
    pack_transfers,
    unpack_accounts,
    unpack_transfers,
)
from tests.ledger.conformance.hand import END_NS, SECOND_NS, START_NS
from tests.ledger.conformance.played import Played
from tests.ledger.reference import Held, Reference

WORLDS = itertools.count(1)
DRIFT_NS = 1_000_000
"""Every wait is longer by this, so that no time falls together with an expiry: engines tell the
events of a batch apart by nanoseconds, the reference by microseconds."""

EXAMPLES = {"memory": 25, "tigerbeetle bytes": 15, "log": 10}
"""How many lives an engine is given; six where each batch is a commit of a database."""

HISTORY = Account.HISTORY
ACCOUNTS = (
    (0, "CNY"),
    (0, "CNY"),
    (Account.DEBITS_MUST_NOT_EXCEED_CREDITS, "CNY"),
    (Account.CREDITS_MUST_NOT_EXCEED_DEBITS, "CNY"),
    (HISTORY, "CNY"),
    (Account.DEBITS_MUST_NOT_EXCEED_CREDITS | HISTORY, "CNY"),
    (Account.CLOSED, "CNY"),
    (HISTORY, "USD"),
)
CLOSABLE = (3, 4, 5, 6)
"""Accounts that can be closed in the store: those with a balance row."""

MISSING = len(ACCOUNTS) + 1
KINDS = ["plain"] * 6 + ["pending"] * 6 + ["post"] * 5 + ["void"] * 3 + ["balance"] * 2 + ["close"]
DEBITS = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 6] * 3 + [7, 8, MISSING]


@dataclass(frozen=True)
class Draft:
    """A transfer in small numbers, from which a real one is made when its time has come."""

    kind: str
    debit: int
    credit: int
    amount: int
    old: int
    is_old: bool
    is_twin: bool
    is_linked: bool
    timeout: int
    ledger: str
    takes_all: bool


drafts = st.builds(
    Draft,
    kind=st.sampled_from(KINDS),
    debit=st.sampled_from(DEBITS),
    credit=st.sampled_from(DEBITS),
    amount=st.integers(0, 60),
    old=st.integers(0, 5),
    is_old=st.sampled_from([False] * 9 + [True]),
    is_twin=st.sampled_from([False] * 9 + [True]),
    is_linked=st.sampled_from([False] * 6 + [True]),
    timeout=st.sampled_from([0, 0, 1, 2, 5]),
    ledger=st.sampled_from(["CNY"] * 30 + ["USD"]),
    takes_all=st.booleans(),
)


def draft_by(dice: random.Random) -> Draft:
    """A draft by dice: for the dense life that few random steps would not reach."""
    return Draft(
        kind=dice.choice(KINDS),
        debit=dice.choice(DEBITS),
        credit=dice.choice(DEBITS),
        amount=dice.randrange(40),
        old=dice.randrange(30),
        is_old=dice.random() < 0.1,
        is_twin=dice.random() < 0.05,
        is_linked=dice.random() < 0.15,
        timeout=dice.choice([0, 0, 1, 2, 5]),
        ledger="USD" if dice.random() < 0.02 else "CNY",
        takes_all=dice.random() < 0.5,
    )


class Life(RuleBasedStateMachine):
    """Batches of transfers and the clock; one world of ids for each example."""

    now_ns = START_NS

    def __init__(self, played: Played) -> None:
        super().__init__()
        self.played = played
        self.base = played.offset + (next(WORLDS) << 32)
        self.reference = Reference()
        self.sent: list[Transfer] = []
        self.held: list[int] = []
        self.numbers = itertools.count(self.base + 1000)
        self.seen: set[str] = set()
        accounts = [
            Account(id=self.base + place, ledger=ledger, code=2011, flags=flags)
            for place, (flags, ledger) in enumerate(ACCOUNTS, start=1)
        ]
        # Lives on one ledger follow each other: its time never goes back.
        Life.now_ns += SECOND_NS
        made = played.engine.create_accounts(pack_accounts(accounts), self.now_ns)
        assert set(made.named()) == {"created"}
        for account in accounts:
            self.reference.accounts[account.id] = Held(account.ledger, account.flags)
        starts = [(1, 3), (1, 6), (4, 2)]
        self.book([self.plain(debit, credit, 100) for debit, credit in starts])

    def plain(self, debit: int, credit: int, amount: int) -> Transfer:
        """A transfer that nothing is peculiar about."""
        ids = (next(self.numbers), self.base + debit, self.base + credit)
        return Transfer(*ids, amount, "CNY", 4)

    def made(self, draft: Draft) -> Transfer:
        """The transfer that a draft stands for."""
        if draft.is_twin and self.sent:
            return self.sent[-1 - draft.old % len(self.sent)]
        number = next(self.numbers)
        if draft.is_old and self.sent:
            number = self.sent[-1 - draft.old % len(self.sent)].id
        flags, amount = Transfer.LINKED if draft.is_linked else 0, draft.amount
        if draft.kind in ("post", "void"):
            flags |= Transfer.POST if draft.kind == "post" else Transfer.VOID
            if draft.takes_all:
                amount = Transfer.ALL if draft.kind == "post" else 0
            pending_id = self.held[-1 - draft.old % len(self.held)] if self.held else 7
            return Transfer(number, amount_minor=amount, flags=flags, pending_id=pending_id)
        fields: dict[str, Any] = {"id": number, "ledger": draft.ledger, "code": 4}
        fields["debit_account_id"] = self.base + draft.debit
        fields["credit_account_id"] = self.base + draft.credit
        if draft.kind == "close" and draft.debit in CLOSABLE:
            flags |= Transfer.CLOSING_DEBIT
        if draft.kind == "close" and draft.credit in CLOSABLE and draft.takes_all:
            flags |= Transfer.CLOSING_CREDIT
        if draft.kind in ("pending", "close"):
            self.held.append(number)
            flags |= Transfer.PENDING
            # Where no test moves the clock, nothing is to end by itself.
            far = 1 if self.played.has_clock else 3600
            # An account that is closed for good has no more to say.
            if draft.timeout or draft.kind == "close":
                fields["timeout_s"] = max(draft.timeout, far)
        if draft.kind == "balance":
            flags |= Transfer.BALANCING_DEBIT if draft.takes_all else Transfer.BALANCING_CREDIT
        return Transfer(amount_minor=amount, flags=flags, **fields)

    def book(self, transfers: list[Transfer], now_ns: int | None = None) -> None:
        """One batch, on both."""
        self.sent += transfers
        expected = self.reference.batch(transfers, self.now_ns // 1000)
        made = self.played.engine.create_transfers(
            pack_transfers(transfers), self.now_ns if now_ns is None else now_ns
        )
        assert list(made.named()) == expected
        assert ((made.time_ns != 0) == (made.status == 0)).all()
        self.seen.update(expected)

    @rule(batch=st.lists(drafts, min_size=1, max_size=12))
    def create(self, batch: list[Draft]) -> None:
        self.book([self.made(draft) for draft in batch])

    @rule(batch=st.lists(drafts, min_size=1, max_size=6), seconds=st.integers(1, 4000))
    def create_while_the_clock_is_behind(self, batch: list[Draft], seconds: int) -> None:
        """A batch at a time before the last one's happens right after it all the same."""
        self.book([self.plain(1, 2, 0)])
        # An act of the store has its own time, whatever another one had.
        is_led = self.played.is_store or not self.played.has_clock
        behind_ns = 0 if is_led else seconds * SECOND_NS
        self.book([self.made(draft) for draft in batch], self.now_ns - behind_ns)

    @rule(seconds=st.integers(1, 3))
    def wait(self, seconds: int) -> None:
        if self.played.has_clock:
            Life.now_ns += seconds * SECOND_NS + DRIFT_NS
            self.reference.expire(self.now_ns // 1000)

    @rule()
    def reopen(self) -> None:
        self.played.reopen()

    @invariant()
    def agrees(self) -> None:
        ids = list(self.reference.accounts)
        found = self.played.engine.lookup_accounts(id_halves(ids), self.now_ns)
        for account, expected in zip(
            unpack_accounts(found), self.reference.accounts.values(), strict=True
        ):
            sums = (
                account.debits_pending_minor,
                account.debits_posted_minor,
                account.credits_pending_minor,
                account.credits_posted_minor,
            )
            assert (sums, account.flags) == (expected.sums(), expected.flags), account.id

    def teardown(self) -> None:
        """Every transfer is told as the reference has it, and balances are the sums of them."""
        self.agrees()
        transfers = self.reference.transfers
        asked = [*transfers, *self.reference.failed]
        found = unpack_transfers(self.played.engine.lookup_transfers(id_halves(asked)))
        assert [t.id for t in found] == list(transfers)
        assert [t.amount_minor for t in found] == [t.amount_minor for t in transfers.values()]
        for account_id, held in self.reference.accounts.items():
            page = self.played.engine.account_transfers(
                account_id, after=-1, count=9999, from_ns=0, until_ns=END_NS
            )
            concerned = [t.id for t in found if account_id in _ends(t)]
            told = [t.id for t in unpack_transfers(page.transfers)]
            if self.played.has_holds:  # upkeep's voids of what was past its time stand there too
                told = [number for number in told if number in transfers]
            assert told == concerned
            balance = held.credits_posted - held.debits_posted
            assert (page.balances.tolist() or [0])[-1] == balance


def _ends(transfer: Transfer) -> tuple[int, int]:
    return transfer.debit_account_id, transfer.credit_account_id


def test_any_life_agrees_with_the_reference(played: Played) -> None:
    run_state_machine_as_test(
        lambda: Life(played),
        settings=settings(
            max_examples=EXAMPLES.get(played.kind, 6),
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_long_life_agrees_with_the_reference(played: Played) -> None:
    """Twenty batches of a hundred, seeded: the dense life that few random steps would not reach."""
    dice = random.Random(20260302)
    life = Life(played)
    for _ in range(20):
        life.create([draft_by(dice) for _ in range(100)])
        life.agrees()
        life.wait(dice.randrange(1, 3))
        if dice.random() < 0.3:
            life.reopen()
        life.create_while_the_clock_is_behind([draft_by(dice)], dice.randrange(1, 100))
    life.teardown()
    reached = {
        "created",
        "exists",
        "exceeds_credits",
        "exceeds_debits",
        "linked_event_failed",
        "pending_transfer_already_posted",
        "pending_transfer_already_voided",
        "id_already_failed",
        "exceeds_pending_transfer_amount",
        "exists_with_different_flags",
        "debit_account_already_closed",
        "credit_account_already_closed",
    }
    if played.has_clock:
        reached.add("pending_transfer_expired")
    assert reached <= life.seen
