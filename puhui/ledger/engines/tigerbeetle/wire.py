"""What goes to a TigerBeetle cluster and what comes back, in bytes.

Accounts and transfers are the records of ``arrays.record`` as they stand. Filters, results and
balances are laid out here. Source: TigerBeetle, reference of requests, and its client 0.17.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Fault
from puhui.ledger.arrays.record import ACCOUNT, CODES, TRANSFER, Records
from puhui.ledger.engines import Results
from puhui.ledger.nouns import Status

LOOKUP_ACCOUNTS: Final = 140
LOOKUP_TRANSFERS: Final = 141
GET_ACCOUNT_TRANSFERS: Final = 142
GET_ACCOUNT_BALANCES: Final = 143
QUERY_ACCOUNTS: Final = 144
QUERY_TRANSFERS: Final = 145
CREATE_ACCOUNTS: Final = 146
CREATE_TRANSFERS: Final = 147

EVENTS_MAX = 8189
"""The most events of one request, and the most records of one reply: a message of 1 MiB less its
head and what tells batches apart. A cluster that was formatted for smaller messages takes fewer."""

RESULT = np.dtype([("time_ns", "<u8"), ("status", "<u4"), ("reserved", "<u4")])
"""What became of one event."""

BALANCE = np.dtype(
    [
        ("debits_pending_lo", "<u8"),
        ("debits_pending_hi", "<u8"),
        ("debits_posted_lo", "<u8"),
        ("debits_posted_hi", "<u8"),
        ("credits_pending_lo", "<u8"),
        ("credits_pending_hi", "<u8"),
        ("credits_posted_lo", "<u8"),
        ("credits_posted_hi", "<u8"),
        ("time_ns", "<u8"),
        ("reserved", "V56"),
    ]
)
"""The sums of an account with history after the transfer of that time."""

ACCOUNT_FILTER = np.dtype(
    [
        ("account_lo", "<u8"),
        ("account_hi", "<u8"),
        ("user_128_lo", "<u8"),
        ("user_128_hi", "<u8"),
        ("user_64", "<u8"),
        ("user_32", "<u4"),
        ("code", "<u2"),
        ("reserved", "V58"),
        ("from_ns", "<u8"),
        ("last_ns", "<u8"),
        ("count", "<u4"),
        ("flags", "<u4"),
    ]
)
"""Which transfers of one account; nought asks for nothing in particular."""

QUERY_FILTER = np.dtype(
    [
        ("user_128_lo", "<u8"),
        ("user_128_hi", "<u8"),
        ("user_64", "<u8"),
        ("user_32", "<u4"),
        ("ledger", "<u4"),
        ("code", "<u2"),
        ("reserved", "V6"),
        ("from_ns", "<u8"),
        ("last_ns", "<u8"),
        ("count", "<u4"),
        ("flags", "<u4"),
    ]
)
"""Which accounts or transfers of all; nought asks for nothing in particular."""

DEBITS_AND_CREDITS: Final = 3
"""In ``ACCOUNT_FILTER.flags``: transfers on either side of the account."""

assert RESULT.itemsize == 16, RESULT.itemsize
assert BALANCE.itemsize == 128, BALANCE.itemsize
assert ACCOUNT_FILTER.itemsize == 128, ACCOUNT_FILTER.itemsize
assert QUERY_FILTER.itemsize == 64, QUERY_FILTER.itemsize

REPLIES: Final = {
    LOOKUP_ACCOUNTS: ACCOUNT,
    LOOKUP_TRANSFERS: TRANSFER,
    GET_ACCOUNT_TRANSFERS: TRANSFER,
    GET_ACCOUNT_BALANCES: BALANCE,
    QUERY_ACCOUNTS: ACCOUNT,
    QUERY_TRANSFERS: TRANSFER,
    CREATE_ACCOUNTS: RESULT,
    CREATE_TRANSFERS: RESULT,
}
"""What the reply to a request is made of."""

CREATED: Final = 0xFFFF_FFFF
_S = Status

ACCOUNT_STATUSES: Final[Mapping[int, Status]] = {
    CREATED: _S.CREATED,
    1: _S.LINKED_EVENT_FAILED,
    2: _S.LINKED_EVENT_CHAIN_OPEN,
    3: _S.TIMESTAMP_MUST_BE_ZERO,
    4: _S.RESERVED_FIELD,
    5: _S.RESERVED_FLAG,
    6: _S.ID_MUST_NOT_BE_ZERO,
    7: _S.ID_MUST_NOT_BE_INT_MAX,
    8: _S.FLAGS_ARE_MUTUALLY_EXCLUSIVE,
    9: _S.DEBITS_PENDING_MUST_BE_ZERO,
    10: _S.DEBITS_POSTED_MUST_BE_ZERO,
    11: _S.CREDITS_PENDING_MUST_BE_ZERO,
    12: _S.CREDITS_POSTED_MUST_BE_ZERO,
    13: _S.LEDGER_MUST_NOT_BE_ZERO,
    14: _S.CODE_MUST_NOT_BE_ZERO,
    15: _S.EXISTS_WITH_DIFFERENT_FLAGS,
    16: _S.EXISTS_WITH_DIFFERENT_USER_DATA_128,
    17: _S.EXISTS_WITH_DIFFERENT_USER_DATA_64,
    18: _S.EXISTS_WITH_DIFFERENT_USER_DATA_32,
    19: _S.EXISTS_WITH_DIFFERENT_LEDGER,
    20: _S.EXISTS_WITH_DIFFERENT_CODE,
    21: _S.EXISTS,
    22: _S.IMPORTED_EVENT_EXPECTED,
    23: _S.IMPORTED_EVENT_NOT_EXPECTED,
    24: _S.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE,
    25: _S.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE,
    26: _S.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS,
}
"""Statuses of ``create_accounts`` by their numbers there."""

TRANSFER_STATUSES: Final[Mapping[int, Status]] = {
    CREATED: _S.CREATED,
    1: _S.LINKED_EVENT_FAILED,
    2: _S.LINKED_EVENT_CHAIN_OPEN,
    3: _S.TIMESTAMP_MUST_BE_ZERO,
    4: _S.RESERVED_FLAG,
    5: _S.ID_MUST_NOT_BE_ZERO,
    6: _S.ID_MUST_NOT_BE_INT_MAX,
    7: _S.FLAGS_ARE_MUTUALLY_EXCLUSIVE,
    8: _S.DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO,
    9: _S.DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX,
    10: _S.CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO,
    11: _S.CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX,
    12: _S.ACCOUNTS_MUST_BE_DIFFERENT,
    13: _S.PENDING_ID_MUST_BE_ZERO,
    14: _S.PENDING_ID_MUST_NOT_BE_ZERO,
    15: _S.PENDING_ID_MUST_NOT_BE_INT_MAX,
    16: _S.PENDING_ID_MUST_BE_DIFFERENT,
    17: _S.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER,
    19: _S.LEDGER_MUST_NOT_BE_ZERO,
    20: _S.CODE_MUST_NOT_BE_ZERO,
    21: _S.DEBIT_ACCOUNT_NOT_FOUND,
    22: _S.CREDIT_ACCOUNT_NOT_FOUND,
    23: _S.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER,
    24: _S.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS,
    25: _S.PENDING_TRANSFER_NOT_FOUND,
    26: _S.PENDING_TRANSFER_NOT_PENDING,
    27: _S.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID,
    28: _S.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID,
    29: _S.PENDING_TRANSFER_HAS_DIFFERENT_LEDGER,
    30: _S.PENDING_TRANSFER_HAS_DIFFERENT_CODE,
    31: _S.EXCEEDS_PENDING_TRANSFER_AMOUNT,
    32: _S.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT,
    33: _S.PENDING_TRANSFER_ALREADY_POSTED,
    34: _S.PENDING_TRANSFER_ALREADY_VOIDED,
    35: _S.PENDING_TRANSFER_EXPIRED,
    36: _S.EXISTS_WITH_DIFFERENT_FLAGS,
    37: _S.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID,
    38: _S.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID,
    39: _S.EXISTS_WITH_DIFFERENT_AMOUNT,
    40: _S.EXISTS_WITH_DIFFERENT_PENDING_ID,
    41: _S.EXISTS_WITH_DIFFERENT_USER_DATA_128,
    42: _S.EXISTS_WITH_DIFFERENT_USER_DATA_64,
    43: _S.EXISTS_WITH_DIFFERENT_USER_DATA_32,
    44: _S.EXISTS_WITH_DIFFERENT_TIMEOUT,
    45: _S.EXISTS_WITH_DIFFERENT_CODE,
    46: _S.EXISTS,
    47: _S.OVERFLOWS_DEBITS_PENDING,
    48: _S.OVERFLOWS_CREDITS_PENDING,
    49: _S.OVERFLOWS_DEBITS_POSTED,
    50: _S.OVERFLOWS_CREDITS_POSTED,
    51: _S.OVERFLOWS_DEBITS,
    52: _S.OVERFLOWS_CREDITS,
    53: _S.OVERFLOWS_TIMEOUT,
    54: _S.EXCEEDS_CREDITS,
    55: _S.EXCEEDS_DEBITS,
    56: _S.IMPORTED_EVENT_EXPECTED,
    57: _S.IMPORTED_EVENT_NOT_EXPECTED,
    58: _S.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE,
    59: _S.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE,
    60: _S.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS,
    61: _S.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT,
    62: _S.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT,
    63: _S.IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO,
    64: _S.CLOSING_TRANSFER_MUST_BE_PENDING,
    65: _S.DEBIT_ACCOUNT_ALREADY_CLOSED,
    66: _S.CREDIT_ACCOUNT_ALREADY_CLOSED,
    67: _S.EXISTS_WITH_DIFFERENT_LEDGER,
    68: _S.ID_ALREADY_FAILED,
}
"""Statuses of ``create_transfers`` by their numbers there; 18 was given up in an older release."""

_UNKNOWN = np.uint16(0xFFFF)


def _place_table(statuses: Mapping[int, Status]) -> NDArray[np.uint16]:
    table = np.full(256, _UNKNOWN, dtype=np.uint16)
    for number, status in statuses.items():
        table[number & 0xFF] = CODES[status]
    return table


_PLACES = {
    CREATE_ACCOUNTS: _place_table(ACCOUNT_STATUSES),
    CREATE_TRANSFERS: _place_table(TRANSFER_STATUSES),
}


def decode_reply(operation: int, reply: bytes) -> Records:
    """The records of a reply, as ``REPLIES`` says. Fault: ``ledger.cluster_reply_unknown``."""
    noun = REPLIES[operation]
    if len(reply) % noun.itemsize:
        raise unknown(f"{len(reply)} bytes are no whole number of records")
    return np.frombuffer(reply, dtype=noun)


def decode_results(operation: int, reply: bytes, count: int) -> Results:
    """What became of ``count`` events. Fault: ``ledger.cluster_reply_unknown``."""
    found = decode_reply(operation, reply)
    if len(found) != count:
        raise unknown(f"{len(found)} results came for {count} events")
    numbers = found["status"]
    places = _PLACES[operation][np.minimum(numbers, 0xFF)]
    is_odd = (places == _UNKNOWN) | ((numbers > 0xFE) & (numbers != CREATED))
    if is_odd.any():
        raise unknown(f"status {int(numbers[is_odd][0])} is none that is known here")
    is_created = places == CODES[Status.CREATED]
    return Results(places, np.where(is_created, found["time_ns"], np.uint64(0)))


def encode_account_filter(
    account_id: tuple[int, int], *, from_ns: int, until_ns: int, count: int
) -> Records:
    """Ask for at most ``count`` transfers of an account, oldest first, from ``from_ns`` up to
    before ``until_ns`` (1 for no end); ``account_id`` is the lower and the upper half.
    """
    made: Records = np.zeros(1, dtype=ACCOUNT_FILTER)
    made["account_lo"], made["account_hi"] = account_id
    made["from_ns"], made["last_ns"] = from_ns, until_ns - 1
    made["count"], made["flags"] = count, DEBITS_AND_CREDITS
    return made


def encode_query_filter(*, from_ns: int, count: int) -> Records:
    """Ask for at most ``count`` accounts or transfers of all, oldest first, from ``from_ns`` on."""
    made: Records = np.zeros(1, dtype=QUERY_FILTER)
    made["from_ns"], made["count"] = from_ns, count
    return made


def unknown(what: str) -> Fault:
    """Say that the cluster speaks otherwise than it is known to here."""
    return Fault(
        "ledger.cluster_reply_unknown",
        f"The TigerBeetle cluster answered what this version cannot read: {what}.",
    )
