"""What reads of payments are asked with and what they answer, in minor units and ids."""

from __future__ import annotations

from dataclasses import dataclass

from puhui.offline.window import AllowanceState
from puhui.payment.window import AskedPayment, Code, HeldMoney, Promise, StandingOrder


@dataclass(frozen=True, slots=True)
class TermsQuery:
    """One wallet."""

    party_id: str
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class TermsAnswer:
    """What a wallet is and may do. Limits are None where there is none.

    ``held_minor`` of the balance is kept back; ``is_recorded`` tells whether a kind was chosen.
    """

    party_id: str
    currency: str
    account_id: str
    tier: int
    status: str
    is_recorded: bool
    balance_minor: int
    held_minor: int
    single_minor_max: int | None
    daily_minor_max: int | None
    balance_minor_max: int | None


@dataclass(frozen=True, slots=True)
class PaymentQuery:
    """One payment by its id, 32 hexadecimal digits."""

    payment_id: str


@dataclass(frozen=True, slots=True)
class PaymentAnswer:
    """A payment as both of its ends see it; ``name`` is the payer's own name of it, ``receipt`` the
    number of sixteen digits that people read aloud.
    """

    payment_id: str
    name: str
    kind: str
    payer_id: str
    payee_id: str
    amount_minor: int
    currency: str
    purpose: str
    remark: str
    original_id: str
    refunded_minor: int
    made_us: int
    receipt: str


@dataclass(frozen=True, slots=True)
class PartyPageQuery:
    """The newest things of one party."""

    party_id: str
    count: int = 50


@dataclass(frozen=True, slots=True)
class RequestsAnswer:
    """What a party is asked for and asks for, the newest first."""

    party_id: str
    items: tuple[AskedPayment, ...]


@dataclass(frozen=True, slots=True)
class OrdersAnswer:
    """The standing orders of a party, the oldest first."""

    party_id: str
    items: tuple[StandingOrder, ...]


@dataclass(frozen=True, slots=True)
class CodesAnswer:
    """The open codes of a merchant, the newest first."""

    party_id: str
    items: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class MonthQuery:
    """One month of a wallet, as in 2026-11."""

    party_id: str
    month: str
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class MonthLine:
    """What came (positive) or left, from or to whom, and what was in the wallet afterwards; parts
    of one act on a loan share a receipt.
    """

    transfer_id: str
    time_us: int
    kind: str
    other: str
    purpose: str
    remark: str
    amount_minor: int
    balance_minor: int
    receipt: str


@dataclass(frozen=True, slots=True)
class MonthAnswer:
    """The statement of a month, the oldest line first."""

    party_id: str
    currency: str
    month: str
    items: tuple[MonthLine, ...]


@dataclass(frozen=True, slots=True)
class ReceiptQuery:
    """The number of a receipt: sixteen digits, in any grouping."""

    receipt: str


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """What a receipt is of. ``id`` is a payment's, of what happened to a loan its contract's, else
    that of a line of the statement; ``kind`` is as there.
    """

    kind: str
    id: str
    amount_minor: int
    currency: str
    time_us: int


@dataclass(frozen=True, slots=True)
class ReceiptsAnswer:
    """What has a receipt number: of one's own, or anybody's for staff. Two things may share one."""

    receipt: str
    items: tuple[ReceiptItem, ...]


@dataclass(frozen=True, slots=True)
class PromisesAnswer:
    """What a party promised and was promised, the newest first."""

    party_id: str
    items: tuple[Promise, ...]


@dataclass(frozen=True, slots=True)
class AllowancesAnswer:
    """What a party took out to pay without a network, the newest first: limit, what was claimed and
    paid of it, until when, and its signed text, which a device keeps.
    """

    party_id: str
    items: tuple[AllowanceState, ...]


@dataclass(frozen=True, slots=True)
class HoldsAnswer:
    """What is or was held of a party's money and for a party, the newest first."""

    party_id: str
    items: tuple[HeldMoney, ...]
