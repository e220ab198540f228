"""What a series of transfers takes from each account at most, while one after another happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from puhui.ledger.nouns import Transfer


@dataclass(slots=True)
class Taken:
    """How far a series has come: amounts of its pendings by id, and by account what is taken from
    its debit and from its credit side now, and at most so far, minor units.
    """

    held: dict[int, int] = field(default_factory=dict)
    now: dict[int, list[int]] = field(default_factory=dict)
    peaks: dict[int, tuple[int, int]] = field(default_factory=dict)


def net_peaks(
    transfers: Iterable[Transfer], pendings: Mapping[int, int], taken: Taken | None = None
) -> dict[int, tuple[int, int]]:
    """By account the most that is taken from its debit and from its credit side, in minor units.

    Taken from the debit side is what counts against ``debits_must_not_exceed_credits``: debits
    posted and held, less credits posted; from the credit side the same the other way round. A
    pending takes from its own side and gives the other nothing; its end gives back what it held.
    ``pendings`` are the amounts of those among the ended ones that are not in ``transfers``.
    A series goes on where ``taken`` says that it has come to, which is moved on.
    """
    taken = taken or Taken()
    held, now, peaks = taken.held, taken.now, taken.peaks
    held.update(pendings)
    for t in transfers:
        own = other = t.amount_minor
        if t.flags & Transfer.PENDING:
            held[t.id], other = own, 0
        elif t.flags & (Transfer.POST | Transfer.VOID):
            other = own if t.flags & Transfer.POST else 0
            own = other - held[t.pending_id]
        for account_id, place in ((t.debit_account_id, 0), (t.credit_account_id, 1)):
            side = now.setdefault(account_id, [0, 0])
            side[place] += own
            side[1 - place] -= other
            debit, credit = peaks.get(account_id, (0, 0))
            peaks[account_id] = (max(debit, side[0]), max(credit, side[1]))
    return peaks
