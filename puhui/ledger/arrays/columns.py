"""Records taken apart into the columns of a table, compiled: one pass over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.layout import Marks, Places, Words
from puhui.ledger.arrays.record import Records

NUMBERS = (
    "amount_minor",
    "code",
    "flags",
    "timeout_s",
    "user_data_64",
    "user_data_32",
    "time_us",
)
BLOBS = ("id", "debit_account_id", "credit_account_id", "pending_id", "user_data_128")

_BYTES = np.uint64(0x00FF_00FF_00FF_00FF)
_PAIRS = np.uint64(0x0000_FFFF_0000_FFFF)
_EIGHT, _SIXTEEN, _HALF = np.uint64(8), np.uint64(16), np.uint64(32)
_US = np.uint64(1000)


@njit
def _turned(word: np.uint64) -> np.uint64:
    """A number whose bytes stand the other way round."""
    word = ((word & _BYTES) << _EIGHT) | ((word >> _EIGHT) & _BYTES)
    word = ((word & _PAIRS) << _SIXTEEN) | ((word >> _SIXTEEN) & _PAIRS)
    return (word << _HALF) | (word >> _HALF)


@njit
def _take(pool: Records, chosen: Places, numbers: Places, blobs: Words, absent: Marks) -> None:
    for j in range(len(chosen)):
        t = pool[chosen[j]]
        numbers[0, j] = np.int64(t.amount_lo)
        numbers[1, j] = t.code
        numbers[2, j] = t.flags
        numbers[3, j] = t.timeout_s
        numbers[4, j] = np.int64(t.user_64)
        numbers[5, j] = t.user_32
        numbers[6, j] = np.int64(t.time_ns // _US)
        blobs[0, j, 0], blobs[0, j, 1] = _turned(t.id_hi), _turned(t.id_lo)
        blobs[1, j, 0], blobs[1, j, 1] = _turned(t.debit_hi), _turned(t.debit_lo)
        blobs[2, j, 0], blobs[2, j, 1] = _turned(t.credit_hi), _turned(t.credit_lo)
        blobs[3, j, 0], blobs[3, j, 1] = _turned(t.pending_hi), _turned(t.pending_lo)
        blobs[4, j, 0], blobs[4, j, 1] = _turned(t.user_128_hi), _turned(t.user_128_lo)
        for k in range(5):
            absent[k, j] = blobs[k, j, 0] == np.uint64(0) and blobs[k, j, 1] == np.uint64(0)


def take_columns(
    pool: Records, chosen: Places
) -> tuple[dict[str, NDArray[np.int64]], dict[str, tuple[NDArray[np.void], Marks]]]:
    """The columns of the chosen records, by name: numbers ``(n,) int64``, and 128-bit numbers
    ``(n,) V16``, highest byte first, with marks where they are nought.
    """
    count = len(chosen)
    numbers = np.empty((len(NUMBERS), count), dtype=np.int64)
    blobs = np.empty((len(BLOBS), count, 2), dtype=np.uint64)
    absent = np.empty((len(BLOBS), count), dtype=np.bool_)
    _take(pool, chosen, numbers, blobs, absent)
    return dict(zip(NUMBERS, numbers, strict=True)), {
        name: (blobs[k].view("V16").ravel(), absent[k]) for k, name in enumerate(BLOBS)
    }
