"""Ids whose transfers failed for a passing reason: burnt for acts, whatever the engine knows.

The rules judge an act before the engine hears of it, so the engine cannot burn them. They stand in
the store, in the act's own transaction, in the table that the ledger in the store has for its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.store import Transaction
from puhui.kernel.store.sheet import sixteen
from puhui.ledger.arrays.record import STATUSES, Records
from puhui.ledger.nouns import Status
from puhui.ledger.rules.books import TRANSIENT
from puhui.ledger.tables import write
from puhui.ledger.tables.schema import blob, number

IS_BURNING = np.array([status in TRANSIENT for status in STATUSES])
"""Of each status, by its place, whether it burns the id."""


@dataclass(slots=True)
class Burnt:
    """The burnt ids of one store, which are looked up only where there are any.

    One node moves the money of an engine, and under its lock, so nobody else adds to them.
    """

    are_there: bool | None = None

    def _are_none(self, tx: Transaction) -> bool:
        if self.are_there is None:
            self.are_there = bool(tx.all(write.ANY_FAILED))
        return not self.are_there

    def among(self, tx: Transaction, ids: Iterable[int]) -> frozenset[int]:
        """Those of ``ids`` that are burnt."""
        if self._are_none(tx):
            return frozenset()
        asked = [blob(i) for i in ids]
        return frozenset(number(row.id) for row in tx.all(write.FIND_FAILED, ids=asked))

    def marks(self, tx: Transaction, batch: Records) -> NDArray[np.bool_]:
        """Whether the id of each record is burnt."""
        marks = np.zeros(len(batch), dtype=np.bool_)
        if not self._are_none(tx):
            tx.give({"id": sixteen(batch["id_hi"], batch["id_lo"])})
            if len(which := tx.arrays(write.GIVEN_BURNT)[0]):
                marks[which - 1] = True
        return marks

    def add(self, act: Act, failed: Iterable[tuple[int, Status]]) -> None:
        """Burn ids for as long as the act is not undone."""
        rows = [
            {"id": blob(id), "status": status.value, "time_us": act.now_us} for id, status in failed
        ]
        if rows:
            self.are_there = True
            act.tx.run_many(write.INSERT_FAILED, rows)
