"""Records of 128 bytes: accounts and transfers as TigerBeetle lays them out, as NumPy arrays.

A 128-bit number stands as two unsigned 64-bit halves, the lower one first, so the bytes are those
of a little-endian 128-bit integer. Source: TigerBeetle, reference of Account and Transfer, 0.16.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.ledger.nouns import BATCH_MAX, ID_MAX, Account, Status, Transfer

Records = NDArray[np.void]
"""An array of records: ``TRANSFER``, ``ACCOUNT``, or what is kept of them in memory."""

TRANSFER = np.dtype(
    [
        ("id_lo", "<u8"),
        ("id_hi", "<u8"),
        ("debit_lo", "<u8"),
        ("debit_hi", "<u8"),
        ("credit_lo", "<u8"),
        ("credit_hi", "<u8"),
        ("amount_lo", "<u8"),
        ("amount_hi", "<u8"),
        ("pending_lo", "<u8"),
        ("pending_hi", "<u8"),
        ("user_128_lo", "<u8"),
        ("user_128_hi", "<u8"),
        ("user_64", "<u8"),
        ("user_32", "<u4"),
        ("timeout_s", "<u4"),
        ("ledger", "<u4"),
        ("code", "<u2"),
        ("flags", "<u2"),
        ("time_ns", "<u8"),
    ]
)
"""One transfer: 128 bytes. ``time_ns`` is nanoseconds since 1970 UTC; 0 in what is asked for,
unless it is imported."""

ACCOUNT = np.dtype(
    [
        ("id_lo", "<u8"),
        ("id_hi", "<u8"),
        ("debits_pending_lo", "<u8"),
        ("debits_pending_hi", "<u8"),
        ("debits_posted_lo", "<u8"),
        ("debits_posted_hi", "<u8"),
        ("credits_pending_lo", "<u8"),
        ("credits_pending_hi", "<u8"),
        ("credits_posted_lo", "<u8"),
        ("credits_posted_hi", "<u8"),
        ("user_128_lo", "<u8"),
        ("user_128_hi", "<u8"),
        ("user_64", "<u8"),
        ("user_32", "<u4"),
        ("reserved", "<u4"),
        ("ledger", "<u4"),
        ("code", "<u2"),
        ("flags", "<u2"),
        ("time_ns", "<u8"),
    ]
)
"""One account: 128 bytes, the four sums in minor units."""

assert TRANSFER.itemsize == ACCOUNT.itemsize == 128, (TRANSFER.itemsize, ACCOUNT.itemsize)

STATUSES: tuple[Status, ...] = tuple(Status)
"""A status in an array is its place here: 0 is ``created``."""

CODES: dict[Status, int] = {status: place for place, status in enumerate(STATUSES)}

LEDGERS = {
    "CNY": 156,
    "USD": 840,
    "EUR": 978,
    "HKD": 344,
    "THB": 764,
    "AED": 784,
    "INR": 356,
    "KES": 404,
    "JPY": 392,
}
"""Ledgers by currency: the numeric code of ISO 4217 (list of 2024-06-25)."""

_NAMES = {number: name for name, number in LEDGERS.items()}
_LOW = 2**64 - 1


def ledger_number(name: str) -> int:
    """The number of a ledger in a record: ISO 4217's of a currency, else the digits of the name.

    Nought is no ledger. Refused: ``ledger.no_ledger_number``.
    """
    known = LEDGERS.get(name)
    if known is not None:
        return known
    if name == "":
        return 0
    if name.isascii() and name.isdigit() and name == str(int(name)) and int(name) not in _NAMES:
        number = int(name)
        if 0 < number < 2**32:
            return number
    raise Refused(
        "ledger.no_ledger_number",
        f"The ledger {name[:16]!r} has no number: it is no currency known here.",
    )


def ledger_name(number: int) -> str:
    """The name of a ledger by its number; "" of nought."""
    return _NAMES.get(number) or (str(number) if number else "")


def id_halves(ids: Iterable[int]) -> NDArray[np.uint64]:
    """128-bit numbers as ``(n, 2) uint64``, lower half first. Refused: field_out_of_range."""
    try:
        packed = b"".join([number.to_bytes(16, "little") for number in ids])
    except OverflowError:
        raise Refused("ledger.field_out_of_range", "An id is no 128-bit number.") from None
    return np.frombuffer(packed, dtype="<u8").reshape(-1, 2)


def numbers_of(low: NDArray[np.uint64], high: NDArray[np.uint64]) -> list[int]:
    """128-bit numbers out of their halves."""
    return [(h << 64) | lo for lo, h in zip(low.tolist(), high.tolist(), strict=True)]


def pack_transfers(transfers: Sequence[Transfer]) -> Records:
    """Transfers as records ``(n,) TRANSFER``; times in microseconds become nanoseconds.

    Refused: ``ledger.field_out_of_range``, ``ledger.no_ledger_number``, ``ledger.batch_too_large``.
    """
    check_size(len(transfers), "transfers")
    made = np.zeros(len(transfers), dtype=TRANSFER)
    numbers: dict[str, int] = {}
    for place, t in enumerate(transfers):
        number = numbers.get(t.ledger)
        if number is None:
            number = numbers[t.ledger] = ledger_number(t.ledger)
        try:
            made[place] = (
                *_halves(t.id),
                *_halves(t.debit_account_id),
                *_halves(t.credit_account_id),
                *_halves(t.amount_minor),
                *_halves(t.pending_id),
                *_halves(t.user_data_128),
                t.user_data_64,
                t.user_data_32,
                t.timeout_s,
                number,
                t.code,
                t.flags,
                t.time_us * 1000,
            )
        except OverflowError:
            raise Refused(
                "ledger.field_out_of_range", f"Transfer {t.id} has a field too large."
            ) from None
    return made


def pack_columns(columns: Mapping[str, Any]) -> Records:
    """Plain transfers as records ``(n,) TRANSFER``, from columns named as in the table.

    ``id``, ``debit_account_id``, ``credit_account_id`` and ``user_data_128`` are lists of 16 bytes,
    highest first; ``amount_minor`` and ``user_data_64`` lists of numbers below 2**63; ``ledger``,
    ``code`` and whatever is the same in every row stand alone. ``user_data_*`` may be left out.
    Refused: ``ledger.no_ledger_number``, ``ledger.batch_too_large``.
    """
    count = len(columns["id"])
    check_size(count, "transfers")
    made = np.zeros(count, dtype=TRANSFER)
    for name, field in _WIDE.items():
        if name in columns:
            halves = np.frombuffer(b"".join(columns[name]), dtype=">u8").reshape(count, 2)
            made[f"{field}_hi"], made[f"{field}_lo"] = halves[:, 0], halves[:, 1]
    made["amount_lo"] = columns["amount_minor"]
    made["user_64"] = columns.get("user_data_64", 0)
    made["ledger"] = ledger_number(columns["ledger"])
    made["code"] = columns["code"]
    return made


_WIDE = {
    "id": "id",
    "debit_account_id": "debit",
    "credit_account_id": "credit",
    "user_data_128": "user_128",
}


def unpack_transfers(records: Records) -> tuple[Transfer, ...]:
    """Records ``(n,) TRANSFER`` as transfers."""
    return tuple(
        Transfer(
            id=row[0] | row[1] << 64,
            debit_account_id=row[2] | row[3] << 64,
            credit_account_id=row[4] | row[5] << 64,
            amount_minor=row[6] | row[7] << 64,
            ledger=ledger_name(row[15]),
            code=row[16],
            flags=row[17],
            pending_id=row[8] | row[9] << 64,
            timeout_s=row[14],
            user_data_128=row[10] | row[11] << 64,
            user_data_64=row[12],
            user_data_32=row[13],
            time_us=row[18] // 1000,
        )
        for row in records.tolist()
    )


def pack_accounts(accounts: Sequence[Account]) -> Records:
    """Accounts as records ``(n,) ACCOUNT``.

    Refused: ``ledger.field_out_of_range``, ``ledger.no_ledger_number``, ``ledger.batch_too_large``.
    """
    check_size(len(accounts), "accounts")
    made = np.zeros(len(accounts), dtype=ACCOUNT)
    for place, a in enumerate(accounts):
        try:
            made[place] = (
                *_halves(a.id),
                *_halves(a.debits_pending_minor),
                *_halves(a.debits_posted_minor),
                *_halves(a.credits_pending_minor),
                *_halves(a.credits_posted_minor),
                *_halves(a.user_data_128),
                a.user_data_64,
                a.user_data_32,
                0,
                ledger_number(a.ledger),
                a.code,
                a.flags,
                a.time_us * 1000,
            )
        except OverflowError:
            raise Refused(
                "ledger.field_out_of_range", f"Account {a.id} has a field too large."
            ) from None
    return made


def unpack_accounts(records: Records) -> tuple[Account, ...]:
    """Records ``(n,) ACCOUNT`` as accounts with their sums."""
    return tuple(
        Account(
            id=row[0] | row[1] << 64,
            ledger=ledger_name(row[15]),
            code=row[16],
            flags=row[17],
            user_data_128=row[10] | row[11] << 64,
            user_data_64=row[12],
            user_data_32=row[13],
            debits_pending_minor=row[2] | row[3] << 64,
            debits_posted_minor=row[4] | row[5] << 64,
            credits_pending_minor=row[6] | row[7] << 64,
            credits_posted_minor=row[8] | row[9] << 64,
            time_us=row[18] // 1000,
        )
        for row in records.tolist()
    )


def check_size(count: int, what: str) -> None:
    """Refused: ``ledger.batch_too_large``."""
    if count > BATCH_MAX:
        raise Refused("ledger.batch_too_large", f"A batch has at most {BATCH_MAX:,} {what}.")


def _halves(number: int) -> tuple[int, int]:
    if not 0 <= number <= ID_MAX:
        raise OverflowError
    return number & _LOW, number >> 64
