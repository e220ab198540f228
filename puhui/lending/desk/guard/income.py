"""Verified income 核实收入: what an officer saw proven, sealed under the person's key."""

from __future__ import annotations

from puhui.data import open_text, permit
from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX
from puhui.kernel.node import Node
from puhui.lending.desk.guard.debt import FIELDS, PURPOSE
from puhui.party import Party, sealing

FIELD = "verified_income"
"""What the sealed text is bound to."""


def seal_income(node: Node, party_id: str, told: str) -> str:
    """A year's income as whole minor units, checked and sealed before the act; "" stays empty.

    Refused: ``lending.bad_amount``, ``party.unknown``, ``party.erased``.
    """
    if not told:
        return ""
    if not (told.isascii() and told.isdigit() and 0 < int(told) < MINOR_MAX):
        raise Refused("lending.bad_amount", "An income is a whole amount above nought.")
    return sealing.seal_text(node, party_id, FIELD, told) or told


def open_income(act: Act, party: Party, sealed: str | None) -> int | None:
    """The income that was verified, minor units a year; None where none was.

    It is opened under the purpose ``debt_check``, which leaves a line in the log.
    """
    if not sealed:
        return None
    if party.subject is None:
        return int(sealed)
    made = permit(act, party, purpose=PURPOSE, fields=FIELDS)
    if act.recorded is not None:
        return None
    text = open_text(act.node, act.tx, made, field=FIELD, sealed=sealed)
    return None if text is None else int(text)
