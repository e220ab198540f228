"""What each joint lender 联合贷 has of a loan: parts of sums, and what is passed on of events."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from puhui.servicing.nouns.lender import Passed
from puhui.servicing.nouns.state import Share
from puhui.servicing.rules.expected import MILLION


def part_of(amount_minor: int, millionths: int) -> int:
    """A lender's part of a sum, minor units: cut to the minor unit, below nought as above.

    What is cut is ours, as the lender of record, so that all parts sum to the whole; what was
    taken back comes to what was given. ``millionths`` is 1..999,999. The rule is our own.
    """
    part = abs(amount_minor) * millionths // MILLION
    return part if amount_minor >= 0 else -part


def takes_all(room_minor: int | None, kept_minor: int, net_minor: int) -> bool:
    """Whether a lender's wallet is what money moves on, with what was kept for it: else it is kept
    aside.

    ``room_minor`` is how much more the wallet may hold, None without a limit, nought while it is
    closed; ``net_minor`` what comes, below nought where it is taken. Where more is taken than is
    kept, only the wallet can give it. The rule is our own.
    """
    whole = kept_minor + net_minor
    return room_minor is None or whole < 0 or 0 < whole <= room_minor


def passed_on(
    before: Sequence[Share], after: Sequence[Share], losses: Collection[str], millionths: int
) -> Passed:
    """What a lender gets, gives back or bears where events come to ``after`` instead of ``before``.

    Each part of each event is shared by itself, so that an event undone gives back exactly what it
    gave, and one replayed to other parts differs by what those come to. ``losses`` are ids of
    events that the lenders bear: of them nothing is paid, and each lender bears its part.
    """
    sums = [0] * 7
    old = {share.event_id: share for share in before}
    new = {share.event_id: share for share in after}
    for event_id in old.keys() | new.keys():
        was, now = old.get(event_id), new.get(event_id)
        if was == now:
            continue
        for share, sign in ((now, 1), (was, -1)):
            if share is not None:
                one = _of_event(share, event_id in losses, millionths)
                sums = [amount + sign * more for amount, more in zip(sums, one, strict=True)]
    return Passed(*sums)


def _of_event(share: Share, is_loss: bool, millionths: int) -> tuple[int, ...]:
    """A lender's parts of one event, in the order of ``Passed``."""
    principal, interest, penalty, fee, recovered = (
        part_of(amount, millionths)
        for amount in (
            share.principal_minor,
            share.interest_minor,
            share.penalty_minor,
            share.fee_minor,
            share.recovered_minor,
        )
    )
    if is_loss:
        return 0, 0, 0, recovered, principal, interest + penalty, fee
    return interest, penalty, fee, recovered, 0, 0, 0
