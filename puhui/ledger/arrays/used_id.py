"""What a used id answers, compiled: the same again, or what differs first."""

from __future__ import annotations

from puhui.kernel.compiled import njit
from puhui.ledger.arrays import status as said
from puhui.ledger.arrays.layout import ALL_BITS, BALANCING, POST, SECOND, U0, Record, Table
from puhui.ledger.arrays.local import find_event
from puhui.ledger.arrays.record import Records


@njit
def repeat(pool: Records, i: int, at: int, ended: int, local: Table) -> int:
    """Say whether the event says the same as the transfer that has its id already."""
    t, e = pool[i], pool[at]
    if t.flags != e.flags:
        return said.EXISTS_WITH_DIFFERENT_FLAGS
    if t.pending_lo != e.pending_lo or t.pending_hi != e.pending_hi:
        return said.EXISTS_WITH_DIFFERENT_PENDING_ID
    if t.timeout_s != e.timeout_s:
        return said.EXISTS_WITH_DIFFERENT_TIMEOUT
    if (t.flags & SECOND) != 0:
        if ended < 0:
            ended = find_event(local, pool, t.pending_lo, t.pending_hi)
        return _repeat_end(t, e, pool[ended])
    if t.debit_lo != e.debit_lo or t.debit_hi != e.debit_hi:
        return said.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if t.credit_lo != e.credit_lo or t.credit_hi != e.credit_hi:
        return said.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    is_more = t.amount_hi != U0 or t.amount_lo >= e.amount_lo
    is_same = t.amount_lo == e.amount_lo and t.amount_hi == e.amount_hi
    if not is_same and not ((t.flags & BALANCING) != 0 and is_more):
        return said.EXISTS_WITH_DIFFERENT_AMOUNT
    if t.user_128_lo != e.user_128_lo or t.user_128_hi != e.user_128_hi:
        return said.EXISTS_WITH_DIFFERENT_USER_DATA_128
    if t.user_64 != e.user_64:
        return said.EXISTS_WITH_DIFFERENT_USER_DATA_64
    if t.user_32 != e.user_32:
        return said.EXISTS_WITH_DIFFERENT_USER_DATA_32
    if t.ledger != e.ledger:
        return said.EXISTS_WITH_DIFFERENT_LEDGER
    return said.EXISTS if t.code == e.code else said.EXISTS_WITH_DIFFERENT_CODE


@njit
def _repeat_end(t: Record, e: Record, p: Record) -> int:
    """As ``_repeat`` for a post or a void: what it leaves open is its pending transfer's."""
    if (t.debit_lo != U0 or t.debit_hi != U0) and (
        t.debit_lo != e.debit_lo or t.debit_hi != e.debit_hi
    ):
        return said.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if (t.credit_lo != U0 or t.credit_hi != U0) and (
        t.credit_lo != e.credit_lo or t.credit_hi != e.credit_hi
    ):
        return said.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    low, high = t.amount_lo, t.amount_hi
    whole = ALL_BITS if (t.flags & POST) != 0 else U0
    if low == whole and high == whole:
        low, high = p.amount_lo, p.amount_hi
    if low != e.amount_lo or high != e.amount_hi:
        return said.EXISTS_WITH_DIFFERENT_AMOUNT
    low, high = t.user_128_lo, t.user_128_hi
    if low == U0 and high == U0:
        low, high = p.user_128_lo, p.user_128_hi
    if low != e.user_128_lo or high != e.user_128_hi:
        return said.EXISTS_WITH_DIFFERENT_USER_DATA_128
    if (t.user_64 if t.user_64 != U0 else p.user_64) != e.user_64:
        return said.EXISTS_WITH_DIFFERENT_USER_DATA_64
    if (t.user_32 if t.user_32 != 0 else p.user_32) != e.user_32:
        return said.EXISTS_WITH_DIFFERENT_USER_DATA_32
    if t.ledger != 0 and t.ledger != e.ledger:
        return said.EXISTS_WITH_DIFFERENT_LEDGER
    return said.EXISTS if t.code == 0 or t.code == e.code else said.EXISTS_WITH_DIFFERENT_CODE
