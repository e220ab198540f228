"""Joint lenders 联合贷: partners by name, what is passed on to them, and what is kept for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class RegisterPartner:
    """The party behind a name that products give a joint lender or a guarantor."""

    name: str
    party_id: str


@dataclass(frozen=True, slots=True)
class PartnerRegistered:
    """The name and its party."""

    name: str
    party_id: str


@dataclass(frozen=True, slots=True)
class Passed:
    """What a joint lender gets of events, minor units, below nought where it gives back.

    The first four are cash; ``lost_minor`` is principal, the last two interest with penalty and
    fees, that the lender bears and gets nothing of.
    """

    interest_minor: int = 0
    penalty_minor: int = 0
    fee_minor: int = 0
    recovered_minor: int = 0
    lost_minor: int = 0
    lost_interest_minor: int = 0
    lost_fee_minor: int = 0

    @property
    def cash_minor(self) -> int:
        """Income paid, all parts together."""
        return self.interest_minor + self.penalty_minor + self.fee_minor + self.recovered_minor

    @property
    def settled_minor(self) -> int:
        """Interest with penalty that was owed to the lender and is no more."""
        return self.interest_minor + self.penalty_minor + self.lost_interest_minor


@dataclass(frozen=True, slots=True)
class Purse:
    """Where a lender's money in one currency goes now: into its wallet, or aside while that takes
    nothing; ``wallet`` and ``aside`` are numbers of accounts.

    ``kept_minor`` stood aside before and ``left_minor`` does after it, minor units: what is kept
    goes into the wallet with the first money that it takes again.
    """

    lender_id: str
    wallet: int
    aside: int
    takes: bool
    kept_minor: int
    left_minor: int

    @property
    def account(self) -> int:
        """The account that is posted on."""
        return self.wallet if self.takes else self.aside


@dataclass(frozen=True, slots=True)
class PayLenders:
    """Pay lenders what is kept for them in a currency, at the close of a day."""

    day: date
    currency: str


@dataclass(frozen=True, slots=True)
class LendersPaid:
    """How many lenders were paid, what they got, and what is kept still, minor units."""

    lenders: int
    paid_minor: int
    kept_minor: int


@dataclass(frozen=True, slots=True)
class PayLenderOut:
    """Pay what is kept for a lender in a currency to its own bank account."""

    lender_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class LenderPaidOut:
    """What a lender got, minor units."""

    lender_id: str
    currency: str
    amount_minor: int
