"""The ledger of the store behind the same few questions, each batch an act of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from puhui import ledger
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import (
    CODES,
    Records,
    id_halves,
    numbers_of,
    pack_accounts,
    pack_transfers,
    unpack_accounts,
    unpack_transfers,
)
from puhui.ledger.engines import Page, Results
from puhui.ledger.nouns import Status
from tests.ledger.books import create_accounts, create_transfers, expire

RESERVED_FLAG = 1 << 15


class StoreLedger:
    """The ledger ``sql``. Times are whole microseconds; a position in the ledger is an ordinal."""

    def __init__(self, node: Node, clock: FixedClock) -> None:
        self.node, self.clock = node, clock
        self.created: list[int] = []

    def create_accounts(self, accounts: Records, now_ns: int) -> Results:
        """An account as the store knows it has no reserved field: one with it has a bad flag."""
        self.clock.set_us(now_ns // 1000)
        is_reserved = accounts["reserved"] != 0
        spoilt = accounts.copy()
        spoilt["flags"][is_reserved] |= RESERVED_FLAG
        asked = unpack_accounts(spoilt)
        statuses = [
            "reserved_field" if is_bad and said == "reserved_flag" else said
            for is_bad, said in zip(is_reserved, create_accounts(self.node, *asked), strict=True)
        ]
        ids = [a.id for a, said in zip(asked, statuses, strict=True) if said == "created"]
        self.created += ids
        with self.node.read() as tx:
            found = ledger.lookup_accounts(tx, ids)
        return _results(statuses, {a.id: a.time_us for a in found if a}, [a.id for a in asked])

    def create_transfers(self, transfers: Records, now_ns: int) -> Results:
        self.clock.set_us(now_ns // 1000)
        asked = unpack_transfers(transfers)
        statuses = create_transfers(self.node, *asked)
        ids = [t.id for t, said in zip(asked, statuses, strict=True) if said == "created"]
        found = self._transfers(ids)
        return _results(statuses, {t.id: t.time_us for t in found}, [t.id for t in asked])

    def _transfers(self, ids: list[int]) -> list[Transfer]:
        with self.node.read() as tx:
            return [t for t in ledger.lookup_transfers(tx, ids) if t is not None]

    def _accounts(self, ids: list[int], now_ns: int) -> Records:
        # Asked of an earlier time, the store would tell what was then.
        self.clock.set_us(max(now_ns // 1000, self.clock.now_us()))
        expire(self.node)
        with self.node.read() as tx:
            found = ledger.lookup_accounts(tx, ids)
            then = ledger.lookup_accounts(tx, ids, at_us=self.clock.now_us())
        for now, at in zip(found, then, strict=True):
            assert now is None or at == replace(now, flags=at.flags), (now, at)
        return pack_accounts([a for a in found if a is not None])

    def lookup_accounts(self, ids: NDArray[np.uint64], now_ns: int) -> Records:
        return self._accounts(numbers_of(ids[:, 0], ids[:, 1]), now_ns)

    def lookup_transfers(self, ids: NDArray[np.uint64]) -> Records:
        return pack_transfers(self._transfers(numbers_of(ids[:, 0], ids[:, 1])))

    def account_transfers(
        self, account_id: int, *, after: int, count: int, from_ns: int, until_ns: int
    ) -> Page:
        with self.node.read() as tx:
            lines = ledger.account_history(
                tx,
                account_id,
                after=max(after, 0),
                count=count,
                from_us=-(-from_ns // 1000),
                until_us=-(-until_ns // 1000),
            )
        return Page(
            np.array([line.position for line in lines], dtype=np.int64),
            pack_transfers(self._transfers([line.transfer_id for line in lines])),
            np.array([line.balance_minor for line in lines], dtype=np.int64),
        )

    def accounts(self, *, after: int, count: int, now_ns: int) -> Records:
        return self._accounts(self.created[after : after + count], now_ns)

    def tail(self, *, after: int, count: int) -> Page:
        raise NotImplementedError("the store has its own events")

    def close(self) -> None:
        pass


def _results(statuses: list[str], times: dict[int, int], ids: list[int]) -> Results:
    codes = [CODES[Status(said)] for said in statuses]
    ns = [
        times[number] * 1000 if said == "created" else 0
        for said, number in zip(statuses, ids, strict=True)
    ]
    return Results(np.array(codes, dtype=np.uint16), np.array(ns, dtype=np.uint64))


def find_accounts(found: Records) -> dict[int, Account]:
    """Accounts by id."""
    return {a.id: a for a in unpack_accounts(found)}


def halves(*ids: int) -> NDArray[np.uint64]:
    """Ids as engines take them."""
    return id_halves(ids)
