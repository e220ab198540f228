"""Automatic debit 自动扣款: money from a wallet shared out over what one loan owes."""

from __future__ import annotations

from collections.abc import Sequence

PARTS = ("penalty", "fee", "interest", "principal")


def parse_allocation(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """``horizontal|past_due.penalty,...`` as a direction and keys of timing and part."""
    direction, keys = text.split("|")
    pairs = [key.split(".") for key in keys.split(",")]
    return direction, tuple((timing, part) for timing, part in pairs)


def share_out(
    owed: Sequence[dict[str, int]], amount_minor: int, allocation: str, day: int
) -> list[dict[str, int]]:
    """What of ``amount_minor`` goes to each part of each instalment that is due on ``day``.

    ``owed`` has ``due_on`` and the four parts of each, the oldest first. The same order as a
    repayment's: by instalment or by part, as the loan's product says. Nothing is left while
    something of a named part is owed.
    """
    direction, keys = parse_allocation(allocation)
    timings = ["past_due" if one["due_on"] < day else "due" for one in owed]
    if direction == "vertical":
        order = [
            (n, part) for timing, part in keys for n in range(len(owed)) if timings[n] == timing
        ]
    else:
        order = [
            (n, part) for n in range(len(owed)) for timing, part in keys if timings[n] == timing
        ]
    paid = [dict.fromkeys(PARTS, 0) for _ in owed]
    rest = amount_minor
    for n, part in order:
        taken = min(rest, owed[n][part] - paid[n][part])
        if taken > 0:
            paid[n][part] += taken
            rest -= taken
    return paid
