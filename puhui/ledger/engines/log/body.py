"""What stands in the frames of the engine `log`, and pages put together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.record import ACCOUNT, TRANSFER, Records
from puhui.ledger.engines import Page
from puhui.ledger.engines.log.frame import ACCOUNTS, Frame

WIDTH = 128


def body_of(frame: Frame) -> tuple[Records, NDArray[np.uint16]]:
    """The records of a frame of accounts or transfers, and what became of each."""
    noun, size = ACCOUNT if frame.kind == ACCOUNTS else TRANSFER, frame.count * WIDTH
    records = np.frombuffer(frame.body[:size], dtype=noun)
    return records, np.frombuffer(frame.body[size : size + 2 * frame.count], dtype=np.uint16)


def joined(pages: list[Page]) -> Page:
    """Pages one behind another as one."""
    if not pages:
        nothing = np.empty(0, dtype=np.int64)
        return Page(nothing, np.empty(0, dtype=TRANSFER), nothing)
    return Page(
        np.concatenate([page.ordinals for page in pages]),
        np.concatenate([page.transfers for page in pages]),
        np.concatenate([page.balances for page in pages]),
    )
