"""What the acts of one group have moved in a ledger beside the store, summed up as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from puhui.ledger.desk.beside.held import OnHold
from puhui.ledger.nouns import Transfer
from puhui.ledger.rules.peaks import Taken, net_peaks


@dataclass(slots=True)
class Moved:
    """The acts of a group in order, and the sums of those of them that have ended: ``changes`` of
    accounts as ``OnHold.steps`` has them, ``closed`` as there, ``held`` by account from its debit
    and its credit side, minor units.
    """

    own: list[OnHold]
    changes: dict[int, list[int]] = field(default_factory=dict)
    closed: dict[int, bool] = field(default_factory=dict)
    held: dict[int, list[int]] = field(default_factory=dict)
    _taken: Taken = field(default_factory=Taken)
    _summed: int = 0
    _weighed: int = 0

    def sum_up(self, until: int) -> None:
        """Take in the first ``until`` acts, each of them once."""
        for one in self.own[self._summed : until]:
            for account_id, change in one.steps():
                sums = self.changes.setdefault(account_id, [0, 0, 0, 0])
                for place, minor in enumerate(change):
                    sums[place] += minor
            self.closed.update(one.closed)
            for account_id, sides in one.held.items():
                kept = self.held.setdefault(account_id, [0, 0])
                kept[0], kept[1] = kept[0] + sides[0], kept[1] + sides[1]
        self._summed = max(self._summed, until)

    def weigh(self, created: Sequence[Transfer]) -> dict[int, tuple[int, int]]:
        """The most that the group has taken from accounts, as ``rules.net_peaks``, where the last
        act's transfers are ``created``.
        """
        *earlier, last = self.own
        for one in earlier[self._weighed :]:
            net_peaks(one.records_as_transfers(), one.ended, self._taken)
        self._weighed = len(self.own)
        return net_peaks(created, last.ended, self._taken)
