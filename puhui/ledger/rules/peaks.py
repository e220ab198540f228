"""What a series of transfers takes from each account at most, while one after another happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from puhui.ledger.nouns import Transfer


def net_peaks(
    transfers: Iterable[Transfer], pendings: Mapping[int, int]
) -> dict[int, tuple[int, int]]:
    """By account the most that is taken from its debit and from its credit side, in minor units.

    Taken from the debit side is what counts against ``debits_must_not_exceed_credits``: debits
    posted and held, less credits posted; from the credit side the same the other way round. A
    pending takes from its own side and gives the other nothing; its end gives back what it held.
    ``pendings`` are the amounts of those among the ended ones that are not in ``transfers``.
    """
    held = dict(pendings)
    now: dict[int, list[int]] = {}
    peaks: dict[int, tuple[int, int]] = {}
    for t in transfers:
        own = other = t.amount_minor
        if t.flags & Transfer.PENDING:
            held[t.id], other = own, 0
        elif t.flags & (Transfer.POST | Transfer.VOID):
            other = own if t.flags & Transfer.POST else 0
            own = other - held[t.pending_id]
        for account_id, place in ((t.debit_account_id, 0), (t.credit_account_id, 1)):
            taken = now.setdefault(account_id, [0, 0])
            taken[place] += own
            taken[1 - place] -= other
            debit, credit = peaks.get(account_id, (0, 0))
            peaks[account_id] = (max(debit, taken[0]), max(credit, taken[1]))
    return peaks
