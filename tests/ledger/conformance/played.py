"""An engine under test, and what the suite must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from puhui.ledger.engines import LedgerEngine

STORES = ("sqlite", "postgres")


@dataclass
class Played:
    """An engine, and what the suite must know of it.

    ``offset`` is added to ids, so that a ledger that others have used will do; ``has_clock``
    whether it goes by the time that is handed in; ``reopened`` is the same ledger, opened again.
    """

    engine: LedgerEngine
    kind: str
    offset: int = 0
    has_clock: bool = True
    reopened: Callable[[], LedgerEngine] | None = None

    def reopen(self) -> None:
        """Close the ledger and open it again, where that can be done."""
        if self.reopened is not None:
            self.engine.close()
            self.engine = self.reopened()

    @property
    def is_store(self) -> bool:
        """Whether acts move its money, each at its own time."""
        return self.kind.split()[0] in (*STORES, "beside")

    @property
    def has_holds(self) -> bool:
        """Whether what acts hold stands among its transfers."""
        return self.kind.startswith("beside")
