"""A short hand for the suite: nouns in, statuses and sums out, ids moved to where they are free."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import (
    Records,
    id_halves,
    pack_accounts,
    pack_transfers,
    unpack_accounts,
    unpack_transfers,
)
from puhui.ledger.engines import LedgerEngine, Page
from puhui.ledger.nouns import ID_MAX
from tests.ledger.conformance.played import Played

START_NS = 1_800_000_000_000_000_000
SECOND_NS = 1_000_000_000
END_NS = 2**63 - 1
LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
FUND, ALICE, BOB, SHOP = 1, 2, 3, 4
"""The accounts of the fixture ``hand``."""

IDS = ("id", "debit_account_id", "credit_account_id", "pending_id")


class Hand:
    """Acts on an engine at a time that tests move on."""

    def __init__(self, played: Played) -> None:
        self.played, self.now_ns = played, START_NS

    @property
    def engine(self) -> LedgerEngine:
        """The engine, which may be another after it was opened again."""
        return self.played.engine

    def place(self, number: int) -> int:
        """An id of a test as the engine has it; nought and the largest stay what they are."""
        return number if number in (0, ID_MAX) else number + self.played.offset

    def moved(self, transfer: Transfer) -> Transfer:
        """A transfer with its ids as the engine has them."""
        return replace(transfer, **{name: self.place(getattr(transfer, name)) for name in IDS})

    def open(self, *accounts: Account) -> list[str]:
        """Create accounts."""
        asked = pack_accounts([replace(a, id=self.place(a.id)) for a in accounts])
        return list(self.engine.create_accounts(asked, self.now_ns).named())

    def book(self, *transfers: Transfer) -> list[str]:
        """Create transfers."""
        return list(self.result(*transfers)[0])

    def result(self, *transfers: Transfer) -> tuple[list[str], list[int]]:
        """Create transfers; statuses and times."""
        asked = pack_transfers([self.moved(t) for t in transfers])
        made = self.engine.create_transfers(asked, self.now_ns)
        return list(made.named()), made.time_ns.tolist()

    def found_accounts(self, *ids: int) -> Records:
        """The records of accounts."""
        return self.engine.lookup_accounts(id_halves(map(self.place, ids)), self.now_ns)

    def sums(self, *ids: int) -> list[tuple[int, int, int, int]]:
        """Debits pending and posted, credits pending and posted of each account."""
        return [
            (
                a.debits_pending_minor,
                a.debits_posted_minor,
                a.credits_pending_minor,
                a.credits_posted_minor,
            )
            for a in unpack_accounts(self.found_accounts(*ids))
        ]

    def is_closed(self, account_id: int) -> bool:
        """Whether an account is closed."""
        return bool(self.found_accounts(account_id)["flags"][0] & Account.CLOSED)

    def transfers(self, *ids: int) -> list[Transfer]:
        """The transfers that exist, with ids as tests have them."""
        found = unpack_transfers(self.engine.lookup_transfers(id_halves(map(self.place, ids))))
        return [self.back(t) for t in found]

    def back(self, transfer: Transfer) -> Transfer:
        """A transfer with ids as tests have them."""
        taken = {name: getattr(transfer, name) for name in IDS}
        return replace(
            transfer, **{n: i - self.played.offset if i else 0 for n, i in taken.items()}
        )

    def history(
        self,
        account_id: int,
        *,
        after: int = -1,
        count: int = 1000,
        from_ns: int = 0,
        until_ns: int = END_NS,
    ) -> tuple[Page, list[tuple[int, int]]]:
        """A page of an account's transfers, and id and balance of each."""
        page = self.engine.account_transfers(
            self.place(account_id), after=after, count=count, from_ns=from_ns, until_ns=until_ns
        )
        assert (np.diff(page.ordinals) > 0).all()
        ids = [t.id - self.played.offset for t in unpack_transfers(page.transfers)]
        return page, list(zip(ids, page.balances.tolist(), strict=True))

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now_ns += seconds * SECOND_NS


def pay(number: int, debit: int, credit: int, amount: int, flags: int = 0, **more: int) -> Transfer:
    """A transfer in yuan."""
    return Transfer(number, debit, credit, amount, "CNY", 4, flags, **more)


def end(number: int, pending: int, flags: int, amount: int = 0) -> Transfer:
    """A post or a void."""
    return Transfer(number, amount_minor=amount, flags=flags, pending_id=pending)


def needs_clock(hand: Hand) -> None:
    """Skip where a test cannot move the clock."""
    if not hand.played.has_clock:
        pytest.skip("this engine has a clock of its own, which no test moves")
