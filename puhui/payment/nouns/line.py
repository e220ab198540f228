"""One payment as a file asks for it, whatever the file is written in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """One payment as a file asks for it; ``line`` is where it stands, counted from 1.

    ``payer`` and ``payee`` are what the file says: a party id, a reference of a source, or the
    number of an account (32 hexadecimal digits). ``amount_minor`` is in minor units of
    ``currency``; ``purpose`` is a code, ``remark`` free words.
    """

    line: int
    payment_id: str
    payer: str
    payee: str
    amount_minor: int
    currency: str
    purpose: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A payment of a file that was not taken: where it stands, its id, and why."""

    line: int
    payment_id: str
    code: str
    reason: str
