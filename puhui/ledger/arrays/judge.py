"""The state machine of transfers, compiled: what a batch does, decided record by record.

Codes of statuses are written out, so that the machine code that is kept beside this file is made
again when one of them changes; a test holds them against ``nouns.Status``.
"""

# ruff: noqa: SIM102  (nested conditions read as the rule does)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.record import Records

Record = np.void
Places = NDArray[np.int64]
Marks = NDArray[np.bool_]
Table = NDArray[np.int32]
Codes = NDArray[np.uint16]

BURNT = -2
"""Place of an event of the batch whose id is burnt."""

_CREATED = 0
_LINKED_EVENT_FAILED = 1
_LINKED_EVENT_CHAIN_OPEN = 2
_IMPORTED_EVENT_EXPECTED = 3
_IMPORTED_EVENT_NOT_EXPECTED = 4
_TIMESTAMP_MUST_BE_ZERO = 5
_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE = 6
_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE = 7
_RESERVED_FLAG = 9
_ID_MUST_NOT_BE_ZERO = 10
_ID_MUST_NOT_BE_INT_MAX = 11
_EXISTS_WITH_DIFFERENT_FLAGS = 12
_EXISTS_WITH_DIFFERENT_PENDING_ID = 13
_EXISTS_WITH_DIFFERENT_TIMEOUT = 14
_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID = 15
_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID = 16
_EXISTS_WITH_DIFFERENT_AMOUNT = 17
_EXISTS_WITH_DIFFERENT_USER_DATA_128 = 18
_EXISTS_WITH_DIFFERENT_USER_DATA_64 = 19
_EXISTS_WITH_DIFFERENT_USER_DATA_32 = 20
_EXISTS_WITH_DIFFERENT_LEDGER = 21
_EXISTS_WITH_DIFFERENT_CODE = 22
_EXISTS = 23
_ID_ALREADY_FAILED = 24
_FLAGS_ARE_MUTUALLY_EXCLUSIVE = 25
_DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO = 30
_DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX = 31
_CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO = 32
_CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX = 33
_ACCOUNTS_MUST_BE_DIFFERENT = 34
_PENDING_ID_MUST_BE_ZERO = 35
_PENDING_ID_MUST_NOT_BE_ZERO = 36
_PENDING_ID_MUST_NOT_BE_INT_MAX = 37
_PENDING_ID_MUST_BE_DIFFERENT = 38
_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER = 39
_CLOSING_TRANSFER_MUST_BE_PENDING = 40
_LEDGER_MUST_NOT_BE_ZERO = 41
_CODE_MUST_NOT_BE_ZERO = 42
_DEBIT_ACCOUNT_NOT_FOUND = 43
_CREDIT_ACCOUNT_NOT_FOUND = 44
_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER = 45
_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS = 46
_PENDING_TRANSFER_NOT_FOUND = 47
_PENDING_TRANSFER_NOT_PENDING = 48
_PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID = 49
_PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID = 50
_PENDING_TRANSFER_HAS_DIFFERENT_LEDGER = 51
_PENDING_TRANSFER_HAS_DIFFERENT_CODE = 52
_EXCEEDS_PENDING_TRANSFER_AMOUNT = 53
_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT = 54
_PENDING_TRANSFER_ALREADY_POSTED = 55
_PENDING_TRANSFER_ALREADY_VOIDED = 56
_PENDING_TRANSFER_EXPIRED = 57
_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS = 58
_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT = 59
_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT = 60
_IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO = 61
_DEBIT_ACCOUNT_ALREADY_CLOSED = 62
_CREDIT_ACCOUNT_ALREADY_CLOSED = 63
_AMOUNT_MUST_NOT_EXCEED_62_BITS = 64
_OVERFLOWS_DEBITS_PENDING = 65
_OVERFLOWS_CREDITS_PENDING = 66
_OVERFLOWS_DEBITS_POSTED = 67
_OVERFLOWS_CREDITS_POSTED = 68
_OVERFLOWS_DEBITS = 69
_OVERFLOWS_CREDITS = 70
_OVERFLOWS_TIMEOUT = 71
_EXCEEDS_CREDITS = 72
_EXCEEDS_DEBITS = 73

U0 = np.uint64(0)
U1 = np.uint64(1)
ALL_BITS = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
AMOUNT_TOP = np.uint64(2**62 - 1)
BALANCE_TOP = np.uint64(2**63 - 1)
TIME_TOP = np.uint64(2**63 - 1)
SECOND_NS = np.uint64(1_000_000_000)
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)

LINKED, PENDING_FLAG, POST, VOID = 1, 2, 4, 8
BALANCING_DEBIT, BALANCING_CREDIT = 16, 32
CLOSING_DEBIT, CLOSING_CREDIT, IMPORTED = 64, 128, 256
_BALANCING = BALANCING_DEBIT | BALANCING_CREDIT
_CLOSING = CLOSING_DEBIT | CLOSING_CREDIT
_SECOND = POST | VOID
_KNOWN = 511
_DEBITS_LIMITED, _CREDITS_LIMITED, CLOSED = 2, 4, 32
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


@njit
def mix(low: np.uint64, high: np.uint64) -> np.uint64:
    """A hash of a 128-bit id: every bit of the result depends on every bit of the id."""
    h = (low ^ (high * _MIX)) * np.uint64(0xBF58_476D_1CE4_E5B9)
    h ^= h >> np.uint64(32)
    h *= np.uint64(0x94D0_49BB_1331_11EB)
    return h ^ (h >> np.uint64(29))


@njit
def judge(  # numba: one loop over a batch; each branch is a call of a compiled function below
    pool: Records,
    count: int,
    found: Places,
    ended: Places,
    held_at: Places,
    is_burnt: Marks,
    debit_at: Places,
    credit_at: Places,
    slots: Records,
    held: Records,
    held_count: int,
    first_ns: int,
    step_ns: int,
    local: Table,
    status: Codes,
    place: Places,
) -> int:
    """Decide the first ``count`` records of ``pool``, each against what the ones before it left.

    ``pool`` ``(count + m,) TRANSFER``: the batch, changed in place where a transfer is created
    (amounts resolved, inherited fields filled in, time given), then ``m`` recorded transfers.
    ``found`` and ``ended`` ``(count,) int64`` are places in the pool of the recorded transfer
    with the id, and with the pending id, -1 where none is; ``held_at`` the place in ``held`` of a
    recorded pending that is named; ``is_burnt`` ``(count,) bool`` ids that failed for good;
    ``debit_at`` and ``credit_at`` places in ``slots`` of accounts, -1 where there is none.
    ``slots`` ``(k,) SLOT`` and ``held`` ``(>= held_count + count,) HELD`` are changed in place.
    Event i happens at ``first_ns + i * step_ns`` (nanoseconds UTC). ``local`` ``(power of two >=
    2 * count,) int32`` is scratch. ``status`` ``(count,) uint16`` takes the places in ``Status``,
    ``place`` ``(count,) int64`` those in ``held`` of the pendings that events made or ended.
    Returns how many pendings ``held`` has then; new ones stand in the order of their events.

    The same decisions, with the same precedence, as ``rules.judge_transfers``.
    Source: TigerBeetle, reference of create_transfers, 0.16.
    """
    local[:] = 0
    place[:count] = -1
    is_import = count > 0 and (pool[0].flags & IMPORTED) != 0
    chain, is_broken = -1, False
    latest = U0
    chain_latest = U0
    chain_held = held_count
    for i in range(count):
        is_linked = (pool[i].flags & LINKED) != 0
        if is_linked and chain < 0:
            chain, chain_latest, chain_held = i, latest, held_count
        if is_linked and i == count - 1:
            code = _LINKED_EVENT_CHAIN_OPEN
        elif is_broken:
            code = _LINKED_EVENT_FAILED
        else:
            now = np.uint64(first_ns + i * step_ns)
            code = _check(pool[i], is_import, now)
            if code == _CREATED:
                at = found[i]
                inside = _find(local, pool, pool[i].id_lo, pool[i].id_hi)
                if inside >= 0 and status[inside] != _CREATED:
                    code = _ID_ALREADY_FAILED
                elif inside >= 0 or at >= 0:
                    at = inside if inside >= 0 else at
                    code = _repeat(pool, i, at, ended[i], local)
                elif is_burnt[i]:
                    code = _ID_ALREADY_FAILED
                elif (pool[i].flags & _SECOND) != 0:
                    code = _second(
                        pool, i, ended[i], held_at[i], slots, held, place, local, now, latest,
                        is_import,
                    )
                else:
                    code = _first(
                        pool, i, debit_at[i], credit_at[i], slots, now, latest, is_import
                    )
                    if code == _CREATED and (pool[i].flags & PENDING_FLAG) != 0:
                        _hold(pool[i], held[held_count], debit_at[i], credit_at[i], slots, now)
                        place[i] = held_count
                        held_count += 1
                if code == _CREATED:
                    if not is_import:
                        pool[i].time_ns = now
                    latest = max(latest, pool[i].time_ns)
        status[i] = code
        if code == _CREATED:
            _insert(local, pool, i)
        else:
            if chain >= 0 and not is_broken:
                is_broken = True
                _undo(pool, chain, i, debit_at, credit_at, slots, held, place, local, status)
                latest, held_count = chain_latest, chain_held
            if _burns(code):
                place[i] = BURNT
                _insert(local, pool, i)
        if not is_linked:
            chain, is_broken = -1, False
    return held_count


@njit
def _burns(code: int) -> bool:
    """Whether a failure might not be one another day: it burns the id."""
    return (
        code == _DEBIT_ACCOUNT_NOT_FOUND
        or code == _CREDIT_ACCOUNT_NOT_FOUND
        or code == _PENDING_TRANSFER_NOT_FOUND
        or code == _EXCEEDS_CREDITS
        or code == _EXCEEDS_DEBITS
        or code == _DEBIT_ACCOUNT_ALREADY_CLOSED
        or code == _CREDIT_ACCOUNT_ALREADY_CLOSED
    )


@njit
def _find(local: Table, pool: Records, low: np.uint64, high: np.uint64) -> int:
    """The event of this batch that was created or burnt under an id; -1 where none was."""
    mask = local.shape[0] - 1
    at = np.int64(mix(low, high) & np.uint64(mask))
    while local[at] != 0:
        event = local[at] - 1
        if pool[event].id_lo == low and pool[event].id_hi == high:
            return event
        at = (at + 1) & mask
    return -1


@njit
def _insert(local: Table, pool: Records, event: int) -> None:
    mask = local.shape[0] - 1
    at = np.int64(mix(pool[event].id_lo, pool[event].id_hi) & np.uint64(mask))
    while local[at] != 0:
        at = (at + 1) & mask
    local[at] = event + 1


@njit
def _remove(local: Table, pool: Records, event: int) -> None:
    """Forget the event that was inserted last, so that the table is as it was before."""
    mask = local.shape[0] - 1
    at = np.int64(mix(pool[event].id_lo, pool[event].id_hi) & np.uint64(mask))
    while local[at] != event + 1:
        at = (at + 1) & mask
    local[at] = 0


@njit
def _check(t: Record, is_import: bool, now: np.uint64) -> int:
    """What can be said of a transfer by itself, before its id is looked up."""
    if ((t.flags & IMPORTED) != 0) != is_import:
        return _IMPORTED_EVENT_EXPECTED if is_import else _IMPORTED_EVENT_NOT_EXPECTED
    if is_import:
        if t.time_ns == U0 or t.time_ns > TIME_TOP:
            return _IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE
        if t.time_ns >= now:
            return _IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE
    elif t.time_ns != U0:
        return _TIMESTAMP_MUST_BE_ZERO
    if (t.flags & ~_KNOWN) != 0:
        return _RESERVED_FLAG
    if t.id_lo == U0 and t.id_hi == U0:
        return _ID_MUST_NOT_BE_ZERO
    if t.id_lo == ALL_BITS and t.id_hi == ALL_BITS:
        return _ID_MUST_NOT_BE_INT_MAX
    return _CREATED


@njit
def _first(
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
    if code != _CREATED:
        return code
    if debit < 0:
        return _DEBIT_ACCOUNT_NOT_FOUND
    if credit < 0:
        return _CREDIT_ACCOUNT_NOT_FOUND
    d, c = slots[debit], slots[credit]
    if d.ledger != c.ledger:
        return _ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
    if t.ledger != d.ledger:
        return _TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS
    if is_import:
        if t.time_ns < latest:
            return _IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
        if t.time_ns <= d.time_ns:
            return _IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT
        if t.time_ns <= c.time_ns:
            return _IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT
        if t.timeout_s != 0:
            return _IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO
    if (d.flags & CLOSED) != 0:
        return _DEBIT_ACCOUNT_ALREADY_CLOSED
    if (c.flags & CLOSED) != 0:
        return _CREDIT_ACCOUNT_ALREADY_CLOSED
    return _fit(t, d, c, now)


@njit
def _form(t: Record) -> int:
    """What can be said of the fields of a transfer that ends no pending one."""
    if t.debit_lo == U0 and t.debit_hi == U0:
        return _DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if t.debit_lo == ALL_BITS and t.debit_hi == ALL_BITS:
        return _DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if t.credit_lo == U0 and t.credit_hi == U0:
        return _CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if t.credit_lo == ALL_BITS and t.credit_hi == ALL_BITS:
        return _CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if t.debit_lo == t.credit_lo and t.debit_hi == t.credit_hi:
        return _ACCOUNTS_MUST_BE_DIFFERENT
    if t.pending_lo != U0 or t.pending_hi != U0:
        return _PENDING_ID_MUST_BE_ZERO
    if (t.flags & PENDING_FLAG) == 0:
        if t.timeout_s != 0:
            return _TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
        if (t.flags & _CLOSING) != 0:
            return _CLOSING_TRANSFER_MUST_BE_PENDING
    if t.ledger == 0:
        return _LEDGER_MUST_NOT_BE_ZERO
    if t.code == 0:
        return _CODE_MUST_NOT_BE_ZERO
    return _CREATED


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
        return _AMOUNT_MUST_NOT_EXCEED_62_BITS
    is_pending = (t.flags & PENDING_FLAG) != 0
    code = _overflow(low, d, c, is_pending)
    if code != _CREATED:
        return code
    if t.timeout_s != 0 and np.uint64(t.timeout_s) * SECOND_NS + now > TIME_TOP:
        return _OVERFLOWS_TIMEOUT
    if (d.flags & _DEBITS_LIMITED) != 0:
        if d.debits_pending + d.debits_posted + low > d.credits_posted:
            return _EXCEEDS_CREDITS
    if (c.flags & _CREDITS_LIMITED) != 0:
        if c.credits_pending + c.credits_posted + low > c.debits_posted:
            return _EXCEEDS_DEBITS
    t.amount_lo, t.amount_hi = low, high
    if is_pending:
        d.debits_pending += low
        c.credits_pending += low
    else:
        d.debits_posted += low
        c.credits_posted += low
    return _CREATED


@njit
def _overflow(amount: np.uint64, d: Record, c: Record, is_pending: bool) -> int:
    """Name the sum that would pass the largest balance; accounts without sums have none."""
    dp, dr = (U0, U0) if (d.flags & UNTRACKED) != 0 else (d.debits_pending, d.debits_posted)
    cp, cr = (U0, U0) if (c.flags & UNTRACKED) != 0 else (c.credits_pending, c.credits_posted)
    if dp + dr <= BALANCE_TOP - amount and cp + cr <= BALANCE_TOP - amount:
        return _CREATED
    if is_pending and dp > BALANCE_TOP - amount:
        return _OVERFLOWS_DEBITS_PENDING
    if is_pending and cp > BALANCE_TOP - amount:
        return _OVERFLOWS_CREDITS_PENDING
    if dr > BALANCE_TOP - amount:
        return _OVERFLOWS_DEBITS_POSTED
    if cr > BALANCE_TOP - amount:
        return _OVERFLOWS_CREDITS_POSTED
    return _OVERFLOWS_DEBITS if dp + dr > BALANCE_TOP - amount else _OVERFLOWS_CREDITS


@njit
def _hold(
    t: Record, h: Record, debit: int, credit: int, slots: Records, now: np.uint64
) -> None:
    """Keep what a new pending transfer holds, and close the accounts that it closes."""
    h.ended_ns = U0
    h.amount = t.amount_lo
    h.expires_ns = now + np.uint64(t.timeout_s) * SECOND_NS if t.timeout_s != 0 else U0
    h.debit = debit
    h.credit = credit
    h.state = OPEN
    h.closing = t.flags & _CLOSING
    if (t.flags & CLOSING_DEBIT) != 0:
        slots[debit].flags |= CLOSED
    if (t.flags & CLOSING_CREDIT) != 0:
        slots[credit].flags |= CLOSED


@njit
def _second(
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
    if (flags & _SECOND) == _SECOND or (flags & (PENDING_FLAG | _BALANCING | _CLOSING)) != 0:
        return _FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if t.pending_lo == U0 and t.pending_hi == U0:
        return _PENDING_ID_MUST_NOT_BE_ZERO
    if t.pending_lo == ALL_BITS and t.pending_hi == ALL_BITS:
        return _PENDING_ID_MUST_NOT_BE_INT_MAX
    if t.pending_lo == t.id_lo and t.pending_hi == t.id_hi:
        return _PENDING_ID_MUST_BE_DIFFERENT
    if t.timeout_s != 0:
        return _TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
    if ended < 0:
        ended = _find(local, pool, t.pending_lo, t.pending_hi)
        if ended >= 0:
            held_at = place[ended]
    if ended < 0 or held_at == BURNT:
        return _PENDING_TRANSFER_NOT_FOUND
    p = pool[ended]
    code = _differs(t, p)
    if code != _CREATED:
        return code
    low = t.amount_lo
    takes_all = t.amount_lo == ALL_BITS and t.amount_hi == ALL_BITS
    if ((flags & VOID) != 0 and low == U0 and t.amount_hi == U0) or (
        (flags & POST) != 0 and takes_all
    ):
        low = p.amount_lo
    elif t.amount_hi != U0 or low > p.amount_lo:
        return _EXCEEDS_PENDING_TRANSFER_AMOUNT
    if (flags & VOID) != 0 and low < p.amount_lo:
        return _PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
    h = held[held_at]
    if h.state == POSTED:
        return _PENDING_TRANSFER_ALREADY_POSTED
    if h.state == VOIDED:
        return _PENDING_TRANSFER_ALREADY_VOIDED
    if h.state == EXPIRED or (h.expires_ns != U0 and h.expires_ns <= now):
        return _PENDING_TRANSFER_EXPIRED
    if is_import and (t.time_ns < latest or t.time_ns < p.time_ns):
        return _IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
    d, c = slots[h.debit], slots[h.credit]
    if (flags & POST) != 0:
        if (d.flags & CLOSED) != 0:
            return _DEBIT_ACCOUNT_ALREADY_CLOSED
        if (c.flags & CLOSED) != 0:
            return _CREDIT_ACCOUNT_ALREADY_CLOSED
    _inherit(t, p, low)
    place[i] = held_at
    end_held(h, d, c, POSTED if (flags & POST) != 0 else VOIDED, t.time_ns if is_import else now)
    if (flags & POST) != 0:
        d.debits_posted += low
        c.credits_posted += low
    return _CREATED


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
        return _PENDING_TRANSFER_NOT_PENDING
    if (t.debit_lo != U0 or t.debit_hi != U0) and (
        t.debit_lo != p.debit_lo or t.debit_hi != p.debit_hi
    ):
        return _PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID
    if (t.credit_lo != U0 or t.credit_hi != U0) and (
        t.credit_lo != p.credit_lo or t.credit_hi != p.credit_hi
    ):
        return _PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID
    if t.ledger != 0 and t.ledger != p.ledger:
        return _PENDING_TRANSFER_HAS_DIFFERENT_LEDGER
    if t.code != 0 and t.code != p.code:
        return _PENDING_TRANSFER_HAS_DIFFERENT_CODE
    return _CREATED


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


@njit
def _repeat(pool: Records, i: int, at: int, ended: int, local: Table) -> int:
    """Say whether the event says the same as the transfer that has its id already."""
    t, e = pool[i], pool[at]
    if t.flags != e.flags:
        return _EXISTS_WITH_DIFFERENT_FLAGS
    if t.pending_lo != e.pending_lo or t.pending_hi != e.pending_hi:
        return _EXISTS_WITH_DIFFERENT_PENDING_ID
    if t.timeout_s != e.timeout_s:
        return _EXISTS_WITH_DIFFERENT_TIMEOUT
    if (t.flags & _SECOND) != 0:
        if ended < 0:
            ended = _find(local, pool, t.pending_lo, t.pending_hi)
        return _repeat_end(t, e, pool[ended])
    if t.debit_lo != e.debit_lo or t.debit_hi != e.debit_hi:
        return _EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if t.credit_lo != e.credit_lo or t.credit_hi != e.credit_hi:
        return _EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    is_more = t.amount_hi != U0 or t.amount_lo >= e.amount_lo
    is_same = t.amount_lo == e.amount_lo and t.amount_hi == e.amount_hi
    if not is_same and not ((t.flags & _BALANCING) != 0 and is_more):
        return _EXISTS_WITH_DIFFERENT_AMOUNT
    if t.user_128_lo != e.user_128_lo or t.user_128_hi != e.user_128_hi:
        return _EXISTS_WITH_DIFFERENT_USER_DATA_128
    if t.user_64 != e.user_64:
        return _EXISTS_WITH_DIFFERENT_USER_DATA_64
    if t.user_32 != e.user_32:
        return _EXISTS_WITH_DIFFERENT_USER_DATA_32
    if t.ledger != e.ledger:
        return _EXISTS_WITH_DIFFERENT_LEDGER
    return _EXISTS if t.code == e.code else _EXISTS_WITH_DIFFERENT_CODE


@njit
def _repeat_end(t: Record, e: Record, p: Record) -> int:
    """As ``_repeat`` for a post or a void: what it leaves open is its pending transfer's."""
    if (t.debit_lo != U0 or t.debit_hi != U0) and (
        t.debit_lo != e.debit_lo or t.debit_hi != e.debit_hi
    ):
        return _EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if (t.credit_lo != U0 or t.credit_hi != U0) and (
        t.credit_lo != e.credit_lo or t.credit_hi != e.credit_hi
    ):
        return _EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    low, high = t.amount_lo, t.amount_hi
    whole = ALL_BITS if (t.flags & POST) != 0 else U0
    if low == whole and high == whole:
        low, high = p.amount_lo, p.amount_hi
    if low != e.amount_lo or high != e.amount_hi:
        return _EXISTS_WITH_DIFFERENT_AMOUNT
    low, high = t.user_128_lo, t.user_128_hi
    if low == U0 and high == U0:
        low, high = p.user_128_lo, p.user_128_hi
    if low != e.user_128_lo or high != e.user_128_hi:
        return _EXISTS_WITH_DIFFERENT_USER_DATA_128
    if (t.user_64 if t.user_64 != U0 else p.user_64) != e.user_64:
        return _EXISTS_WITH_DIFFERENT_USER_DATA_64
    if (t.user_32 if t.user_32 != 0 else p.user_32) != e.user_32:
        return _EXISTS_WITH_DIFFERENT_USER_DATA_32
    if t.ledger != 0 and t.ledger != e.ledger:
        return _EXISTS_WITH_DIFFERENT_LEDGER
    return _EXISTS if t.code == 0 or t.code == e.code else _EXISTS_WITH_DIFFERENT_CODE


@njit
def _undo(
    pool: Records,
    chain: int,
    until: int,
    debit_at: Places,
    credit_at: Places,
    slots: Records,
    held: Records,
    place: Places,
    local: Table,
    status: Codes,
) -> None:
    """Take back the created events from ``chain`` up to before ``until``, the last one first."""
    for j in range(until - 1, chain - 1, -1):
        status[j] = _LINKED_EVENT_FAILED
        t = pool[j]
        _remove(local, pool, j)
        if (t.flags & _SECOND) != 0:
            h = held[place[j]]
            d, c = slots[h.debit], slots[h.credit]
            if (t.flags & POST) != 0:
                d.debits_posted -= t.amount_lo
                c.credits_posted -= t.amount_lo
            h.state = OPEN
            h.ended_ns = U0
            d.debits_pending += h.amount
            c.credits_pending += h.amount
            closing = h.closing if (t.flags & VOID) != 0 else 0
            if (closing & CLOSING_DEBIT) != 0:
                d.flags |= CLOSED
            if (closing & CLOSING_CREDIT) != 0:
                c.flags |= CLOSED
        elif (t.flags & PENDING_FLAG) != 0:
            h = held[place[j]]
            end_held(h, slots[h.debit], slots[h.credit], VOIDED, U0)
        else:
            slots[debit_at[j]].debits_posted -= t.amount_lo
            slots[credit_at[j]].credits_posted -= t.amount_lo
