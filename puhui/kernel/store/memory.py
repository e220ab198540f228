"""What the writers of a node remember of rows, where other nodes may change them meanwhile."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

DISTRUSTED = 32
"""So many acts read and lock after one that had remembered wrongly: another node writes, and one
that only read again could lose to it over and over.
"""


@dataclass(slots=True)
class Lent:
    """What is remembered, while one transaction has it.

    ``known`` is of rows that never change, ``fresh`` of others; ``changes`` how often rows that
    may be remembered had been changed by anybody of this node; ``turn`` how often the server may
    have become another.
    """

    known: dict[type, Any] = field(default_factory=dict)
    fresh: dict[type, Any] = field(default_factory=dict)
    changes: int = 0
    turn: int = 0


class Memory:
    """What is remembered, lent to one writer at a time: who comes meanwhile reads and locks.

    Nothing rests on it alone. What a transaction decides by ``fresh`` it holds against the rows
    when it locks them; where one is not as remembered it is run again, and reads. That holds on one
    line of history: a server that takes over may have lost the last commits, and gives the numbers
    that they had, which are the versions of rows, to others. So each new connection forgets all.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: Lent | None = Lent()
        self._changes = 0
        self._distrusted = 0
        self._turn = 0

    def lend(self) -> Lent | None:
        """What is remembered, until it is given back; None while somebody else has it, and for a
        while after a row was not as remembered.
        """
        with self._guard:
            if self._distrusted:
                self._distrusted -= 1
                self._changes += 1
                return None
            lent, self._kept = self._kept, None
            if lent is None:
                return None
            if lent.changes != self._changes:
                lent.fresh, lent.changes = {}, self._changes
            return lent

    def give_back(self, lent: Lent) -> None:
        """The transaction is durable; it has brought up to date what it changed."""
        with self._guard:
            self._kept = lent
            if lent.turn != self._turn:
                self._kept = Lent(changes=self._changes, turn=self._turn)

    def drop(self) -> None:
        """The transaction was undone: what it had is forgotten."""
        with self._guard:
            self._kept = Lent(changes=self._changes, turn=self._turn)

    def start_anew(self) -> None:
        """The server may be another from now on: all is forgotten, also what is lent now."""
        with self._guard:
            self._turn += 1
            if self._kept is not None:
                self._kept = Lent(changes=self._changes, turn=self._turn)

    def change(self) -> None:
        """Rows are being changed by a statement that brings nothing up to date."""
        with self._guard:
            self._changes += 1

    def distrust(self) -> None:
        """A row was not as remembered."""
        with self._guard:
            self._distrusted = DISTRUSTED
