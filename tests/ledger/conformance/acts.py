"""The engine `sql` as acts use it: each question in a transaction of its own, at a given time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from puhui.kernel import Act, Node, use_case
from puhui.kernel.clock import FixedClock
from puhui.ledger import lookup_accounts
from puhui.ledger.arrays.record import Records, numbers_of
from puhui.ledger.desk.beside.outside import OutsideLedger
from puhui.ledger.desk.sql import SqlEngine
from puhui.ledger.engines import END_NS, Page, Results
from tests.ledger.books import OPERATOR, expire

_NUMBERS = itertools.count(1)
_ASKED: dict[int, Callable[[SqlEngine], Results]] = {}
_MADE: dict[int, Results] = {}


@dataclass(frozen=True, slots=True)
class Slip:
    """The number of a question: arrays are not what acts are asked with."""

    number: int


@use_case("suite.create", roles=("system",))
def create(act: Act, input: Slip) -> Slip:
    """Asks the ledger of the act."""
    _MADE[input.number] = _ASKED[input.number](SqlEngine(act.tx, act))
    return input


class InActs:
    """``SqlEngine``, given an act to create in and a snapshot to read."""

    def __init__(self, node: Node, clock: FixedClock) -> None:
        self.node, self.clock = node, clock
        self.is_beside = OutsideLedger in node.ports

    def _act(self, now_ns: int, create: Callable[[SqlEngine], Results]) -> Results:
        self.clock.set_us(now_ns // 1000)
        if self.is_beside:  # where what is due is held until upkeep has ended it
            expire(self.node)
        number = next(_NUMBERS)
        _ASKED[number] = create
        try:
            self.node.act("suite.create", Slip(number), key=f"suite {number}", actor=OPERATOR)
            return _MADE.pop(number)
        finally:
            del _ASKED[number]

    def create_accounts(self, accounts: Records, now_ns: int) -> Results:
        return self._act(now_ns, lambda engine: engine.create_accounts(accounts, now_ns))

    def create_transfers(
        self, transfers: Records, now_ns: int, *, is_durable: bool = True
    ) -> Results:
        return self._act(now_ns, lambda engine: engine.create_transfers(transfers, now_ns))

    def lookup_accounts(
        self, ids: NDArray[np.uint64], now_ns: int, *, is_durable: bool = True
    ) -> Records:
        """As it is told before upkeep has ended what is due, so it is after, and of that time."""
        with self.node.read() as tx:
            found = SqlEngine(tx).lookup_accounts(ids, now_ns)
        if self.is_beside:
            self.clock.set_us(now_ns // 1000)
            return found if not expire(self.node) else self.lookup_accounts(ids, now_ns)
        # Asked of an earlier time, the store would tell what was then.
        self.clock.set_us(max(now_ns // 1000, self.clock.now_us()))
        expire(self.node)
        numbers = numbers_of(ids[:, 0], ids[:, 1])
        with self.node.read() as tx:
            after = SqlEngine(tx).lookup_accounts(ids, now_ns)
            accounts = lookup_accounts(tx, numbers)
            then = lookup_accounts(tx, numbers, at_us=self.clock.now_us())
        assert found.tobytes() == after.tobytes()
        for now, at in zip(accounts, then, strict=True):
            assert now is None or at == replace(now, flags=at.flags), (now, at)
        return found

    def lookup_transfers(self, ids: NDArray[np.uint64], *, is_durable: bool = True) -> Records:
        with self.node.read() as tx:
            return SqlEngine(tx).lookup_transfers(ids)

    def account_transfers(
        self, account_id: int, *, after: int, count: int, from_ns: int, until_ns: int
    ) -> Page:
        with self.node.read() as tx:
            return SqlEngine(tx).account_transfers(
                account_id, after=after, count=count, from_ns=from_ns, until_ns=until_ns
            )

    def accounts(self, *, after: int, count: int, now_ns: int) -> Records:
        with self.node.read() as tx:
            return SqlEngine(tx).accounts(after=after, count=count, now_ns=now_ns)

    def tail(self, *, after: int, count: int, from_ns: int = 0, until_ns: int = END_NS) -> Page:
        with self.node.read() as tx:
            return SqlEngine(tx).tail(after=after, count=count, from_ns=from_ns, until_ns=until_ns)

    def close(self) -> None:
        pass
