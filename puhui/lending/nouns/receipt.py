"""What happened to a loan as pages and machines show it, with the number of its receipt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoanEvent:
    """One event of a loan: its number in the loan's book, kind, day (YYYY-MM-DD), minor units.

    ``receipt`` is the number of sixteen digits that the wallet's statement has for it, "" where no
    money of a wallet moved.
    """

    contract_id: str
    party_id: str
    number: int
    kind: str
    day: str
    amount_minor: int
    currency: str
    receipt: str
    made_us: int
