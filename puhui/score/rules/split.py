"""On which side of a fixed split a row falls, for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from puhui.score.nouns import Value
from puhui.score.rules.value import read_text


def hash_share(salt: str, values: Sequence[Value]) -> float:
    """A number in 0..1 that depends only on ``salt`` and the row's values (SHA-256).

    It is spread evenly, so the rows below 0.5 are about half, whatever their order.
    """
    written = "\x1f".join((salt, *(read_text(value) for value in values)))
    head = hashlib.sha256(written.encode()).digest()[:8]
    return int.from_bytes(head, "big") / 2**64
