"""Receipt numbers (凭证号) as people read them aloud: sixteen digits, the last two a check.

Nine digits are the second (since the beginning of 2020, UTC; they begin anew every 10^9 seconds),
five are drawn from what is numbered, by arithmetic alone: nothing is kept. So two receipts of one
second share a number once in a hundred thousand; whoever looks is shown both. Check digits are
those of ISO/IEC 7064, MOD 97-10, as in wallet numbers; these have three digits less.
"""

from __future__ import annotations

import re
from hashlib import blake2b

LENGTH = 16
SECONDS = 10**9
BEGINS_S = 1_577_836_800
"""The first second of 2020, UTC, in seconds since 1970."""
AHEAD_S = 3600
"""By how much the clock that a number was made by may be ahead of the one it is read by."""
APART_US = 5_000_000
"""By how much the time of a line in the ledger may differ from that of the act that made it."""
_DRAWN = 10**5
_DIGITS = re.compile(r"[0-9]{16}", re.ASCII)
_ID = re.compile(r"[a-z]+-([0-9a-f]{11})([0-9a-f]{21})")


def receipt_of(number: int) -> str:
    """The receipt of a 128-bit number that begins with its time (48 bits, ms since 1970)."""
    second = ((number >> 80) // 1000 - BEGINS_S) % SECONDS
    drawn = int.from_bytes(blake2b(number.to_bytes(16, "big"), digest_size=8).digest(), "big")
    part = second * _DRAWN + drawn % _DRAWN
    return f"{part:014d}{98 - part * 100 % 97:02d}"


def number_at(time_us: int, id: int) -> int:
    """A number for what has none of its own: its time, and 80 bits of its id."""
    return (time_us // 1000 % 2**48 << 80) | (id & (1 << 80) - 1)


def number_for(time_us: int, account_id: int) -> int:
    """The number of what one act moved in a wallet where it names none: its time, and 80 bits drawn
    from the wallet's account. All lines of it have this one, and so has the loan it was paid on.
    """
    drawn = blake2b(account_id.to_bytes(16, "big"), digest_size=10).digest()
    return number_at(time_us, int.from_bytes(drawn, "big"))


def number_of_line(carried: int, id: int, time_us: int, account_id: int) -> int:
    """The number of a line in a wallet's statement: the one that its transfer carries, where that
    begins with the line's own time; where it carries none, one for its act, whose time the
    transfer's id begins with; else one of its own, the same for both ends. So the second that a
    receipt tells is always that of its line.
    """
    if _begins_at(carried, time_us):
        return carried
    if not carried and _begins_at(id, time_us):
        return number_for((id >> 80) * 1000, account_id)
    return number_at(time_us, id)


def _begins_at(number: int, time_us: int) -> bool:
    return abs((number >> 80) * 1000 - time_us) <= APART_US


def number_of_id(id: str) -> int | None:
    """The number of an id such as "deal-…", which begins with its time; None for another text."""
    found = _ID.fullmatch(id)
    if found is None:
        return None
    return number_at(int(found[1], 16) * 1000, int(found[2], 16))


def is_receipt(digits: str) -> bool:
    """Whether sixteen digits without blanks are a receipt number with its check right."""
    return _DIGITS.fullmatch(digits) is not None and int(digits) % 97 == 1


def second_of(digits: str, now_us: int) -> int:
    """When the second of a receipt number began, in microseconds UTC: the last one until an hour
    from now.
    """
    told = int(digits) // 10**7
    until_s = now_us // 1_000_000 + AHEAD_S
    return (until_s - (until_s - BEGINS_S - told) % SECONDS) * 1_000_000
