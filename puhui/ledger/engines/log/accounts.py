"""Accounts of the log: records judged by the rules, times in nanoseconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.record import CODES, Records, unpack_accounts
from puhui.ledger.nouns import Account, Status
from puhui.ledger.rules import judge_accounts


def judge_account_records(
    batch: Records, known: Records, now_ns: int
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Statuses ``(n,) uint16`` of a batch of accounts, and the places of those created.

    ``known`` are the accounts that exist among them. A reserved field that is not nought is told
    by ``reserved_field``, after what is wrong with the batch itself.
    """
    asked = [
        _in_ns(a, int(ns)) for a, ns in zip(unpack_accounts(batch), batch["time_ns"], strict=True)
    ]
    there = {a.id: a for a in unpack_accounts(known)}
    reserved = batch["reserved"] != 0
    if not reserved.any():
        statuses, _ = judge_accounts(there, asked, now_ns)
    else:
        # An account with a reserved field fails, so it is judged as one that must.
        spoilt = [
            replace(a, flags=a.flags | 1 << 15) if is_bad else a
            for a, is_bad in zip(asked, reserved, strict=True)
        ]
        statuses, _ = judge_accounts(there, spoilt, now_ns)
        statuses = [
            Status.RESERVED_FIELD if is_bad and s is Status.RESERVED_FLAG else s
            for s, is_bad in zip(statuses, reserved, strict=True)
        ]
    codes = np.array([CODES[s] for s in statuses], dtype=np.uint16)
    return codes, np.flatnonzero(codes == CODES[Status.CREATED])


def _in_ns(account: Account, time_ns: int) -> Account:
    """The account with its time in nanoseconds: the rules only compare times."""
    return replace(account, time_us=time_ns)
