"""Payments, refunds, money held, and what a statement says of them."""

from __future__ import annotations

from dataclasses import dataclass

from puhui.payment.nouns.line import RefusedLine


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment (支付) on record; ``id`` is its transfer in the ledger, 32 hexadecimal digits.

    ``payment_id`` is the payer's own name of it, ``kind`` what the chart calls the transfer.
    ``payer_id`` and ``payee_id`` are party ids, or the number of an account where only that was
    given; empty is the lender's own funding account. ``original_id`` is set on a refund.
    ``receipt`` is the number that people read aloud, sixteen digits.
    """

    id: str
    payment_id: str
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
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class TopUp:
    """Money that came in from outside for a wallet; ``reference`` names where it came from."""

    party_id: str
    amount_minor: int
    currency: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Money that leaves a wallet for its holder's bank account."""

    party_id: str
    amount_minor: int
    currency: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Pay:
    """A payment from a party's wallet to a party, or to an account by its number.

    ``payee`` is a party id or 32 hexadecimal digits; ``payment_id`` the payer's own name of the
    payment: the same name twice is one payment. Without it each act is a payment of its own.
    """

    payer_id: str
    payee: str
    amount_minor: int
    currency: str
    purpose: str = ""
    remark: str = ""
    payment_id: str = ""


@dataclass(frozen=True, slots=True)
class Paid:
    """What became of a payment; ``is_repeat`` where it was posted before under this id."""

    id: str
    amount_minor: int
    currency: str
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Refund:
    """How much of a payment goes back to its payer; amount 0 is all that is left of it."""

    id: str
    amount_minor: int = 0
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Money kept back in a payer's wallet for a payee, for ``timeout_s`` seconds at most."""

    payer_id: str
    payee: str
    amount_minor: int
    currency: str
    timeout_s: int
    purpose: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class HeldMoney:
    """Money that is held, or was; ``id`` is its pending transfer, 32 hexadecimal digits.

    Status: held, taken, released, or ended after its time. ``expires_us`` is when it is free again
    by itself, 0 where the ledger does not tell. The payee alone takes it or lets it go.
    """

    id: str
    payer_id: str
    payee_id: str
    amount_minor: int
    taken_minor: int
    currency: str
    status: str
    made_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class Capture:
    """How much of what is held is taken; amount 0 is all of it, the rest is free again."""

    id: str
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Release:
    """What is held and is to be free again."""

    id: str


@dataclass(frozen=True, slots=True)
class PayBatch:
    """Up to 8,190 payments of one currency as columns of equal length, in the order of posting.

    ``payers`` and ``payees`` are party ids or numbers of accounts (32 hexadecimal digits);
    ``purposes`` and ``remarks`` may be empty where no payment has any. Columns keep the batch
    cheap: one object instead of one for each payment.
    """

    payment_ids: tuple[str, ...]
    payers: tuple[str, ...]
    payees: tuple[str, ...]
    amounts_minor: tuple[int, ...]
    currency: str
    purposes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchPaid:
    """What became of a batch: how many were posted now, which were posted before, which refused.

    ``repeated`` are places in the columns, from 0; ``refused`` pairs of a place and a code.
    """

    posted: int
    posted_minor: int
    repeated: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a statement (对账单); ``amount_minor`` is negative for money that left.

    ``kind`` is what the chart calls the transfer; ``other`` the counterparty's pseudonym (party
    id, or account number where no party is known); ``balance_minor`` what was in the wallet after;
    ``receipt`` the number that people read aloud, sixteen digits.
    """

    id: str
    time_us: int
    kind: str
    other: str
    purpose: str
    remark: str
    amount_minor: int
    balance_minor: int
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class FilePaid:
    """What became of a file of payments.

    ``payments`` are the payments that stand in it, ``posted`` those that this run posted,
    ``repeated`` those that had been posted before, ``refused_rows`` the rest; together they are
    ``payments``. ``posted_minor`` are sums by currency; ``refused`` the first refusals in order.
    ``queued`` are those accepted and not posted yet, as no store took them.
    """

    payments: int
    posted: int
    repeated: int
    refused_rows: int
    posted_minor: tuple[tuple[str, int], ...]
    refused: tuple[RefusedLine, ...]
    queued: int = 0
