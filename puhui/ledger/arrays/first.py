"""Transfers that end no pending one, compiled."""

# ruff: noqa: SIM102  (nested conditions read as the rule does)

from __future__ import annotations

import numpy as np

from puhui.kernel.compiled import njit
from puhui.ledger.arrays import status as said
from puhui.ledger.arrays.layout import (
    ALL_BITS,
    AMOUNT_TOP,
    BALANCE_TOP,
    BALANCING_CREDIT,
    BALANCING_DEBIT,
    CLOSED,
    CLOSING,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    CREDITS_LIMITED,
    DEBITS_LIMITED,
    OPEN,
    PENDING_FLAG,
    SECOND_NS,
    TIME_TOP,
    U0,
    UNTRACKED,
    Record,
)
from puhui.ledger.arrays.record import Records


@njit
def book_first(
    pool: Records,
    i: int,
    debit: int,
    credit: int,
    slots: Records,
    now: np.uint64,
    latest: np.uint64,
    is_import: bool,
) -> int:
    """Judge a transfer that is not the end of a pending one, and book it if it happens."""
    t = pool[i]
    code = _form(t)
    if code != said.CREATED:
        return code
    if debit < 0:
        return said.DEBIT_ACCOUNT_NOT_FOUND
    if credit < 0:
        return said.CREDIT_ACCOUNT_NOT_FOUND
    d, c = slots[debit], slots[credit]
    if d.ledger != c.ledger:
        return said.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
    if t.ledger != d.ledger:
        return said.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS
    if is_import:
        if t.time_ns < latest:
            return said.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
        if t.time_ns <= d.time_ns:
            return said.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT
        if t.time_ns <= c.time_ns:
            return said.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT
        if t.timeout_s != 0:
            return said.IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO
    if (d.flags & CLOSED) != 0:
        return said.DEBIT_ACCOUNT_ALREADY_CLOSED
    if (c.flags & CLOSED) != 0:
        return said.CREDIT_ACCOUNT_ALREADY_CLOSED
    return _fit(t, d, c, now)


@njit
def _form(t: Record) -> int:
    """What can be said of the fields of a transfer that ends no pending one."""
    if t.debit_lo == U0 and t.debit_hi == U0:
        return said.DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if t.debit_lo == ALL_BITS and t.debit_hi == ALL_BITS:
        return said.DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if t.credit_lo == U0 and t.credit_hi == U0:
        return said.CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if t.credit_lo == ALL_BITS and t.credit_hi == ALL_BITS:
        return said.CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if t.debit_lo == t.credit_lo and t.debit_hi == t.credit_hi:
        return said.ACCOUNTS_MUST_BE_DIFFERENT
    if t.pending_lo != U0 or t.pending_hi != U0:
        return said.PENDING_ID_MUST_BE_ZERO
    if (t.flags & PENDING_FLAG) == 0:
        if t.timeout_s != 0:
            return said.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
        if (t.flags & CLOSING) != 0:
            return said.CLOSING_TRANSFER_MUST_BE_PENDING
    if t.ledger == 0:
        return said.LEDGER_MUST_NOT_BE_ZERO
    if t.code == 0:
        return said.CODE_MUST_NOT_BE_ZERO
    return said.CREATED


@njit
def _fit(t: Record, d: Record, c: Record, now: np.uint64) -> int:
    """Judge whether the amount fits, and book it if it does."""
    low, high = t.amount_lo, t.amount_hi
    if (t.flags & BALANCING_DEBIT) != 0:
        used = d.debits_posted + d.debits_pending
        room = d.credits_posted - used if d.credits_posted > used else U0
        if high != U0 or low > room:
            low, high = room, U0
    if (t.flags & BALANCING_CREDIT) != 0:
        used = c.credits_posted + c.credits_pending
        room = c.debits_posted - used if c.debits_posted > used else U0
        if high != U0 or low > room:
            low, high = room, U0
    if high != U0 or low > AMOUNT_TOP:
        return said.AMOUNT_MUST_NOT_EXCEED_62_BITS
    is_pending = (t.flags & PENDING_FLAG) != 0
    code = _overflow(low, d, c, is_pending)
    if code != said.CREATED:
        return code
    if t.timeout_s != 0 and np.uint64(t.timeout_s) * SECOND_NS + now > TIME_TOP:
        return said.OVERFLOWS_TIMEOUT
    if (d.flags & DEBITS_LIMITED) != 0:
        if d.debits_pending + d.debits_posted + low > d.credits_posted:
            return said.EXCEEDS_CREDITS
    if (c.flags & CREDITS_LIMITED) != 0:
        if c.credits_pending + c.credits_posted + low > c.debits_posted:
            return said.EXCEEDS_DEBITS
    t.amount_lo, t.amount_hi = low, high
    if is_pending:
        d.debits_pending += low
        c.credits_pending += low
    else:
        d.debits_posted += low
        c.credits_posted += low
    return said.CREATED


@njit
def _overflow(amount: np.uint64, d: Record, c: Record, is_pending: bool) -> int:
    """Name the sum that would pass the largest balance; accounts without sums have none."""
    dp, dr = (U0, U0) if (d.flags & UNTRACKED) != 0 else (d.debits_pending, d.debits_posted)
    cp, cr = (U0, U0) if (c.flags & UNTRACKED) != 0 else (c.credits_pending, c.credits_posted)
    if dp + dr <= BALANCE_TOP - amount and cp + cr <= BALANCE_TOP - amount:
        return said.CREATED
    if is_pending and dp > BALANCE_TOP - amount:
        return said.OVERFLOWS_DEBITS_PENDING
    if is_pending and cp > BALANCE_TOP - amount:
        return said.OVERFLOWS_CREDITS_PENDING
    if dr > BALANCE_TOP - amount:
        return said.OVERFLOWS_DEBITS_POSTED
    if cr > BALANCE_TOP - amount:
        return said.OVERFLOWS_CREDITS_POSTED
    return said.OVERFLOWS_DEBITS if dp + dr > BALANCE_TOP - amount else said.OVERFLOWS_CREDITS


@njit
def hold(t: Record, h: Record, debit: int, credit: int, slots: Records, now: np.uint64) -> None:
    """Keep what a new pending transfer holds, and close the accounts that it closes."""
    h.ended_ns = U0
    h.amount = t.amount_lo
    h.expires_ns = now + np.uint64(t.timeout_s) * SECOND_NS if t.timeout_s != 0 else U0
    h.debit = debit
    h.credit = credit
    h.state = OPEN
    h.closing = t.flags & CLOSING
    if (t.flags & CLOSING_DEBIT) != 0:
        slots[debit].flags |= CLOSED
    if (t.flags & CLOSING_CREDIT) != 0:
        slots[credit].flags |= CLOSED
