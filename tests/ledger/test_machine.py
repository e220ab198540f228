"""Random lives of a ledger, on both stores, beside a plain reference that must agree."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from puhui import ledger
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from tests.ledger.books import advance, check_books, create_accounts, create_transfers, expire
from tests.ledger.reference import Held, Reference

WORLDS = itertools.count(1)
ACCOUNT_FLAGS = (
    0,
    0,
    Account.DEBITS_MUST_NOT_EXCEED_CREDITS,
    Account.CREDITS_MUST_NOT_EXCEED_DEBITS,
    Account.HISTORY,
    Account.DEBITS_MUST_NOT_EXCEED_CREDITS | Account.HISTORY,
    Account.CLOSED,
    0,
)
LEDGERS = ("CNY", "CNY", "CNY", "CNY", "CNY", "CNY", "CNY", "USD")
MISSING = len(ACCOUNT_FLAGS) + 1

places = st.sampled_from([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 6] * 3 + [7, 8, MISSING])
kinds = st.sampled_from(
    ["plain"] * 5 + ["pending"] * 5 + ["post"] * 4 + ["void", "void", "balance"]
)


@dataclass(frozen=True)
class Draft:
    """A transfer in small numbers, from which a real one is made when its time has come."""

    kind: str
    debit: int
    credit: int
    amount: int
    old: int
    is_old: bool
    is_linked: bool
    timeout: int
    ledger: str
    takes_all: bool


drafts = st.builds(
    Draft,
    kind=kinds,
    debit=places,
    credit=places,
    amount=st.integers(0, 60),
    old=st.integers(0, 5),
    is_old=st.sampled_from([False] * 9 + [True]),
    is_linked=st.sampled_from([False] * 6 + [True]),
    timeout=st.sampled_from([0, 0, 1, 2, 5]),
    ledger=st.sampled_from(["CNY"] * 30 + ["USD"]),
    takes_all=st.booleans(),
)


class Life(RuleBasedStateMachine):
    """Batches of transfers, the clock, upkeep; one world of ids for each example."""

    def __init__(self, node: Node, clock: FixedClock) -> None:
        super().__init__()
        self.node, self.clock = node, clock
        self.base = next(WORLDS) << 64
        self.reference = Reference()
        self.ids: list[int] = []
        self.held: list[int] = []
        self.snapshots: list[tuple[int, dict[int, tuple[int, ...]]]] = []
        accounts = [
            Account(id=self.base + place, ledger=name, code=2011, flags=flags)
            for place, (flags, name) in enumerate(zip(ACCOUNT_FLAGS, LEDGERS, strict=True), start=1)
        ]
        assert set(create_accounts(node, *accounts)) == {"created"}
        for account in accounts:
            self.reference.accounts[account.id] = Held(account.ledger, account.flags)

        starts = [
            self.made(Draft("plain", 1, place, 100, 0, False, False, 0, "CNY", False))
            for place in (3, 6)
        ]
        starts.append(self.made(Draft("plain", 4, 2, 100, 0, False, False, 0, "CNY", False)))
        assert create_transfers(node, *starts) == self.reference.batch(starts, clock.now_us())

    def made(self, draft: Draft) -> Transfer:
        """The transfer that a draft stands for."""
        if draft.is_old and self.ids:
            number = self.ids[-1 - draft.old % len(self.ids)]
        else:
            number = self.base + 1000 + len(self.ids)
            self.ids.append(number)
        fields: dict[str, Any] = {"id": number, "ledger": draft.ledger, "code": 4}
        flags, amount = Transfer.LINKED if draft.is_linked else 0, draft.amount
        if draft.kind in ("post", "void"):
            flags |= Transfer.POST if draft.kind == "post" else Transfer.VOID
            if draft.takes_all:
                amount = Transfer.ALL if draft.kind == "post" else 0
            pending_id = self.held[-1 - draft.old % len(self.held)] if self.held else 7
            return Transfer(number, amount_minor=amount, flags=flags, pending_id=pending_id)
        fields["debit_account_id"] = self.base + draft.debit
        fields["credit_account_id"] = self.base + draft.credit
        if draft.kind == "pending":
            self.held.append(number)
            flags |= Transfer.PENDING
            fields["timeout_s"] = draft.timeout
        if draft.kind == "balance":
            flags |= Transfer.BALANCING_DEBIT if draft.takes_all else Transfer.BALANCING_CREDIT
        return Transfer(amount_minor=amount, flags=flags, **fields)

    @rule(batch=st.lists(drafts, min_size=1, max_size=12))
    def create(self, batch: list[Draft]) -> None:
        transfers = [self.made(draft) for draft in batch]
        expected = self.reference.batch(transfers, self.clock.now_us())
        assert create_transfers(self.node, *transfers) == expected

    @rule(seconds=st.integers(1, 3))
    def wait(self, seconds: int) -> None:
        self.reference.expire(self.clock.now_us())
        self.snapshots.append((self.clock.now_us(), self.sums()))
        self.clock.set_us(self.clock.now_us() + seconds * 1_000_000)
        self.reference.expire(self.clock.now_us())

    @rule(at_most=st.integers(1, 5))
    def expire(self, at_most: int) -> None:
        expire(self.node, at_most)

    @rule(at_most=st.sampled_from([1, 3, 1000]))
    def advance(self, at_most: int) -> None:
        advance(self.node, at_most)

    def sums(self) -> dict[int, tuple[int, ...]]:
        return {i: held.sums() for i, held in self.reference.accounts.items()}

    def found(self, at_us: int) -> dict[int, tuple[int, ...]]:
        ids = list(self.reference.accounts)
        with self.node.read() as tx:
            accounts = ledger.lookup_accounts(tx, ids, at_us=at_us)
        return {
            a.id: (
                a.debits_pending_minor,
                a.debits_posted_minor,
                a.credits_pending_minor,
                a.credits_posted_minor,
            )
            for a in accounts
            if a is not None
        }

    @invariant()
    def agrees(self) -> None:
        self.reference.expire(self.clock.now_us())
        assert self.found(self.clock.now_us()) == self.sums()

    def teardown(self) -> None:
        for at_us, sums in self.snapshots:
            assert self.found(at_us) == sums, at_us
        for transfer_id, transfer in self.reference.transfers.items():
            with self.node.read() as tx:
                (found,) = ledger.lookup_transfers(tx, [transfer_id])
            assert found is not None
            assert found.amount_minor == transfer.amount_minor
        expire(self.node)
        with self.node.read() as tx:
            kept = ledger.lookup_accounts(tx, list(self.reference.accounts))
        self.reference.expire(self.clock.now_us())
        assert [a.debits_pending_minor for a in kept if a] == [
            held.debits_pending for held in self.reference.accounts.values()
        ]
        check_books(self.node)


def test_any_life_agrees_with_the_reference(node: Node, clock: FixedClock) -> None:
    run_state_machine_as_test(
        lambda: Life(node, clock),
        settings=settings(
            max_examples=20,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_long_life_agrees_with_the_reference(node: Node, clock: FixedClock) -> None:
    """Twenty batches of a hundred, seeded: the dense life that few random steps would not reach."""
    dice = random.Random(20260302)
    life = Life(node, clock)
    seen: set[str] = set()
    for _ in range(20):
        batch = [
            Draft(
                kind=dice.choice(["plain"] * 5 + ["pending"] * 4 + ["post", "post", "void"]),
                debit=dice.choice([1, 1, 2, 3, 3, 3, 4, 5, 6, 6, 6, 7, 8, MISSING]),
                credit=dice.choice([1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 6, 6, 7, 8, MISSING]),
                amount=dice.randrange(40),
                old=dice.randrange(30),
                is_old=dice.random() < 0.1,
                is_linked=dice.random() < 0.15,
                timeout=dice.choice([0, 0, 1, 2, 5]),
                ledger="USD" if dice.random() < 0.02 else "CNY",
                takes_all=dice.random() < 0.5,
            )
            for _ in range(100)
        ]
        transfers = [life.made(draft) for draft in batch]
        expected = life.reference.batch(transfers, clock.now_us())
        assert create_transfers(node, *transfers) == expected
        seen.update(expected)
        life.agrees()
        life.wait(dice.randrange(1, 3))
        if dice.random() < 0.4:
            expire(node, dice.randrange(1, 20))
        if dice.random() < 0.4:
            advance(node, dice.randrange(1, 200))
    life.teardown()
    assert {
        "created",
        "exceeds_credits",
        "exceeds_debits",
        "linked_event_failed",
        "pending_transfer_already_posted",
        "pending_transfer_already_voided",
        "pending_transfer_expired",
        "id_already_failed",
        "exceeds_pending_transfer_amount",
        "exists_with_different_flags",
    } <= seen
