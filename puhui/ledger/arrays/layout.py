"""What the compiled ledger works on: numbers, flags, and records of what is kept in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Record = Any
"""One record of an array, with its fields by name: typed when it is compiled."""

Places = NDArray[np.int64]
Marks = NDArray[np.bool_]
Table = NDArray[np.int32]
Codes = NDArray[np.uint16]
Words = NDArray[np.uint64]

BURNT = -2
"""Place of an event of the batch whose id is burnt."""

U0 = np.uint64(0)
U1 = np.uint64(1)
ALL_BITS = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
AMOUNT_TOP = np.uint64(2**62 - 1)
BALANCE_TOP = np.uint64(2**63 - 1)
TIME_TOP = np.uint64(2**63 - 1)
SECOND_NS = np.uint64(1_000_000_000)
MIX = np.uint64(0x9E37_79B9_7F4A_7C15)

LINKED, PENDING_FLAG, POST, VOID = 1, 2, 4, 8
BALANCING_DEBIT, BALANCING_CREDIT = 16, 32
CLOSING_DEBIT, CLOSING_CREDIT, IMPORTED = 64, 128, 256
BALANCING = BALANCING_DEBIT | BALANCING_CREDIT
CLOSING = CLOSING_DEBIT | CLOSING_CREDIT
SECOND = POST | VOID
KNOWN = 511
DEBITS_LIMITED, CREDITS_LIMITED, CLOSED = 2, 4, 32
UNTRACKED = 0x8000
"""A mark in ``SLOT.flags``: the sums of this account are not kept, so they limit nothing."""

OPEN, POSTED, VOIDED, EXPIRED = 0, 1, 2, 3

SLOT = np.dtype(
    [
        ("id_lo", "<u8"),
        ("id_hi", "<u8"),
        ("debits_pending", "<u8"),
        ("debits_posted", "<u8"),
        ("credits_pending", "<u8"),
        ("credits_posted", "<u8"),
        ("time_ns", "<u8"),
        ("ledger", "<u4"),
        ("code", "<u2"),
        ("flags", "<u2"),
    ]
)
"""What is kept of an account while transfers are judged: one line of the processor's cache."""

HELD = np.dtype(
    [
        ("amount", "<u8"),
        ("expires_ns", "<u8"),
        ("ended_ns", "<u8"),
        ("debit", "<u4"),
        ("credit", "<u4"),
        ("state", "<u1"),
        ("closing", "<u1"),
        ("spare", "<u2"),
        ("spare_", "<u4"),
    ]
)
"""What is kept of a pending transfer: its accounts by slot, its state (open, posted, voided,
expired), when it ended (nanoseconds UTC), which of its accounts it closed (its flags)."""

assert SLOT.itemsize == 64, SLOT.itemsize
assert HELD.itemsize == 40, HELD.itemsize
