"""Posts and voids of pending transfers, compiled."""

from __future__ import annotations

import numpy as np

from puhui.kernel.compiled import njit
from puhui.ledger.arrays import status as said
from puhui.ledger.arrays.layout import (
    ALL_BITS,
    BALANCING,
    BURNT,
    CLOSED,
    CLOSING,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    EXPIRED,
    PENDING_FLAG,
    POST,
    POSTED,
    SECOND,
    U0,
    VOID,
    VOIDED,
    Places,
    Record,
    Table,
)
from puhui.ledger.arrays.local import find_event
from puhui.ledger.arrays.record import Records


@njit
def book_second(
    pool: Records,
    i: int,
    ended: int,
    held_at: int,
    slots: Records,
    held: Records,
    place: Places,
    local: Table,
    now: np.uint64,
    latest: np.uint64,
    is_import: bool,
) -> int:
    """Judge the post or the void of a pending transfer, and book it if it happens."""
    t = pool[i]
    flags = t.flags
    if (flags & SECOND) == SECOND or (flags & (PENDING_FLAG | BALANCING | CLOSING)) != 0:
        return said.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if t.pending_lo == U0 and t.pending_hi == U0:
        return said.PENDING_ID_MUST_NOT_BE_ZERO
    if t.pending_lo == ALL_BITS and t.pending_hi == ALL_BITS:
        return said.PENDING_ID_MUST_NOT_BE_INT_MAX
    if t.pending_lo == t.id_lo and t.pending_hi == t.id_hi:
        return said.PENDING_ID_MUST_BE_DIFFERENT
    if t.timeout_s != 0:
        return said.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
    if ended < 0:
        ended = find_event(local, pool, t.pending_lo, t.pending_hi)
        if ended >= 0:
            held_at = place[ended]
    if ended < 0 or held_at == BURNT:
        return said.PENDING_TRANSFER_NOT_FOUND
    p = pool[ended]
    code = _differs(t, p)
    if code != said.CREATED:
        return code
    low = t.amount_lo
    takes_all = t.amount_lo == ALL_BITS and t.amount_hi == ALL_BITS
    if ((flags & VOID) != 0 and low == U0 and t.amount_hi == U0) or (
        (flags & POST) != 0 and takes_all
    ):
        low = p.amount_lo
    elif t.amount_hi != U0 or low > p.amount_lo:
        return said.EXCEEDS_PENDING_TRANSFER_AMOUNT
    if (flags & VOID) != 0 and low < p.amount_lo:
        return said.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
    h = held[held_at]
    if h.state == POSTED:
        return said.PENDING_TRANSFER_ALREADY_POSTED
    if h.state == VOIDED:
        return said.PENDING_TRANSFER_ALREADY_VOIDED
    if h.state == EXPIRED or (h.expires_ns != U0 and h.expires_ns <= now):
        return said.PENDING_TRANSFER_EXPIRED
    if is_import and (t.time_ns < latest or t.time_ns < p.time_ns):
        return said.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
    d, c = slots[h.debit], slots[h.credit]
    if (flags & POST) != 0:
        if (d.flags & CLOSED) != 0:
            return said.DEBIT_ACCOUNT_ALREADY_CLOSED
        if (c.flags & CLOSED) != 0:
            return said.CREDIT_ACCOUNT_ALREADY_CLOSED
    _inherit(t, p, low)
    place[i] = held_at
    end_held(h, d, c, POSTED if (flags & POST) != 0 else VOIDED, t.time_ns if is_import else now)
    if (flags & POST) != 0:
        d.debits_posted += low
        c.credits_posted += low
    return said.CREATED


@njit
def end_held(h: Record, d: Record, c: Record, state: int, ended_ns: np.uint64) -> None:
    """Let what a pending holds go; a void or an expiry opens again what it closed."""
    h.state = state
    h.ended_ns = ended_ns
    d.debits_pending -= h.amount
    c.credits_pending -= h.amount
    if state != POSTED:
        if (h.closing & CLOSING_DEBIT) != 0:
            d.flags &= ~CLOSED
        if (h.closing & CLOSING_CREDIT) != 0:
            c.flags &= ~CLOSED


@njit
def _differs(t: Record, p: Record) -> int:
    """Say what of a post or a void contradicts its pending transfer; nought contradicts nothing."""
    if (p.flags & PENDING_FLAG) == 0:
        return said.PENDING_TRANSFER_NOT_PENDING
    if (t.debit_lo != U0 or t.debit_hi != U0) and (
        t.debit_lo != p.debit_lo or t.debit_hi != p.debit_hi
    ):
        return said.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID
    if (t.credit_lo != U0 or t.credit_hi != U0) and (
        t.credit_lo != p.credit_lo or t.credit_hi != p.credit_hi
    ):
        return said.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID
    if t.ledger != 0 and t.ledger != p.ledger:
        return said.PENDING_TRANSFER_HAS_DIFFERENT_LEDGER
    if t.code != 0 and t.code != p.code:
        return said.PENDING_TRANSFER_HAS_DIFFERENT_CODE
    return said.CREATED


@njit
def _inherit(t: Record, p: Record, amount: np.uint64) -> None:
    """Fill what a post or a void leaves open from its pending transfer."""
    t.amount_lo, t.amount_hi = amount, U0
    t.debit_lo, t.debit_hi = p.debit_lo, p.debit_hi
    t.credit_lo, t.credit_hi = p.credit_lo, p.credit_hi
    t.ledger, t.code = p.ledger, p.code
    if t.user_128_lo == U0 and t.user_128_hi == U0:
        t.user_128_lo, t.user_128_hi = p.user_128_lo, p.user_128_hi
    if t.user_64 == U0:
        t.user_64 = p.user_64
    if t.user_32 == 0:
        t.user_32 = p.user_32
