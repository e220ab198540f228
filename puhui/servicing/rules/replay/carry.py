"""Rows laid out anew 承接: what stays on a row, and rows that nothing is asked for."""

from __future__ import annotations

from puhui.servicing.rules.replay.calendar import Slot
from puhui.servicing.rules.replay.layout import Row

PENALTY, FEE, INTEREST, PRINCIPAL = range(4)


def drop_empty(rows: list[Row]) -> list[Slot]:
    """Take the last rows away that ask for nothing; their periods."""
    spare: list[Slot] = []
    while len(rows) > 1 and not sum(rows[-1].due):
        slot = rows.pop().slot
        if slot is not None:
            spare.insert(0, slot)
    return spare


def carry(old: Row, new: Row, is_beside: bool) -> None:
    """Keep on a row laid out anew what was paid, waived and charged on the one it replaces."""
    for part in range(4):
        new.paid[part] += old.paid[part]
        new.waived[part] += old.waived[part]
    new.due[PENALTY] += old.due[PENALTY]
    new.due[FEE] += old.due[FEE]
    new.plan_fee += old.plan_fee
    if is_beside:
        new.due[PRINCIPAL] += old.paid[PRINCIPAL] + old.waived[PRINCIPAL]
        new.due[INTEREST] = max(new.due[INTEREST], new.paid[INTEREST] + new.waived[INTEREST])
    else:
        new.due[INTEREST] += old.back_interest
        new.due[PRINCIPAL] += old.back_principal
        new.back_interest += old.back_interest
        new.back_principal += old.back_principal
    new.charged += old.charged
    new.in_advance += old.in_advance
    new.late += old.late
    new.paid_on = old.paid_on or new.paid_on
