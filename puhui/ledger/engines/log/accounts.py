"""Accounts of the log: records judged by the rules, times in nanoseconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.layout import TIME_TOP
from puhui.ledger.arrays.record import CODES, Records, unpack_accounts
from puhui.ledger.nouns import TIME_US_MAX, Status
from puhui.ledger.rules import judge_accounts


def judge_account_records(
    batch: Records, known: Records, now_ns: int
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Statuses ``(n,) uint16`` of a batch of accounts, and the places of those created.

    ``known`` are the accounts that exist among them. A reserved field that is not nought is told
    by ``reserved_field``, after what is wrong with the batch itself.
    """
    times, now = _ranked(batch["time_ns"], now_ns)
    asked = [
        replace(a, time_us=time) for a, time in zip(unpack_accounts(batch), times, strict=True)
    ]
    there = {a.id: a for a in unpack_accounts(known)}
    reserved = batch["reserved"] != 0
    if not reserved.any():
        statuses, _ = judge_accounts(there, asked, now)
    else:
        # An account with a reserved field fails, so it is judged as one that must.
        spoilt = [
            replace(a, flags=a.flags | 1 << 15) if is_bad else a
            for a, is_bad in zip(asked, reserved, strict=True)
        ]
        statuses, _ = judge_accounts(there, spoilt, now)
        statuses = [
            Status.RESERVED_FIELD if is_bad and s is Status.RESERVED_FLAG else s
            for s, is_bad in zip(statuses, reserved, strict=True)
        ]
    codes = np.array([CODES[s] for s in statuses], dtype=np.uint16)
    return codes, np.flatnonzero(codes == CODES[Status.CREATED])


def _ranked(times_ns: NDArray[np.uint64], now_ns: int) -> tuple[list[int], int]:
    """Times and now as places in their order, which is all that the rules ask of them.

    Nanoseconds themselves would be past the latest microsecond; nought stays nought, and what is
    past the latest nanosecond is past the latest microsecond.
    """
    order, places = np.unique(np.append(times_ns, np.uint64(now_ns)), return_inverse=True)
    first = 0 if order[0] == 0 else 1
    ranks = places + first
    ranks[:-1][times_ns > TIME_TOP] = TIME_US_MAX + 1
    return ranks[:-1].tolist(), int(ranks[-1])
