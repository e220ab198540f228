"""Asking for money: requests, bills that are split, and standing orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class AskedPayment:
    """A request for money (收款请求): ``payee_id`` asks ``payer_id``.

    Status: open, paid, declined, cancelled, expired. ``bill_id`` names the bill that it is a share
    of, ``payment`` the payment that answered it; both may be empty.
    """

    id: str
    payer_id: str
    payee_id: str
    amount_minor: int
    currency: str
    remark: str
    bill_id: str
    status: str
    asked_us: int
    expires_us: int
    payment: str


@dataclass(frozen=True, slots=True)
class Request:
    """Whom to ask for how much, and what for."""

    payee_id: str
    payer_id: str
    amount_minor: int
    currency: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request by its id."""

    request_id: str


@dataclass(frozen=True, slots=True)
class RequestMoved:
    """Where a request stands now, and the payment where it was paid."""

    request_id: str
    status: str
    payment: str = ""


@dataclass(frozen=True, slots=True)
class ExpireRequests:
    """Requests whose time may be over on ``day``."""

    day: date
    request_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RequestsExpired:
    """How many requests ended unanswered."""

    expired: int


@dataclass(frozen=True, slots=True)
class SplitBill:
    """A bill that ``payee_id`` has paid, to be shared by ``party_ids``.

    Without ``shares_minor`` all bear the same; with them one for each party. Where the payee is
    among the parties, that share is the payee's own and nobody is asked for it.
    """

    payee_id: str
    total_minor: int
    currency: str
    party_ids: tuple[str, ...]
    shares_minor: tuple[int, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class BillSplit:
    """The shares, in the order of the parties, and the request of each ("" for the payee)."""

    bill_id: str
    shares_minor: tuple[int, ...]
    request_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StandingOrder:
    """A standing order (定期转账): the same payment every week or month.

    ``every`` is week or month; a month counts from ``anchor_day`` and takes the last day of a
    shorter month. ``next_on`` is the due day of the next payment, ``try_on`` when it is tried
    next. Status: active, ended, cancelled.
    """

    id: str
    payer_id: str
    payee_id: str
    amount_minor: int
    currency: str
    remark: str
    every: str
    anchor_day: int
    next_on: date
    try_on: date
    ends_on: date | None
    attempts: int
    status: str


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """A standing order: from ``starts_on`` every week or month, until ``ends_on`` where given."""

    payer_id: str
    payee_id: str
    amount_minor: int
    currency: str
    every: str
    starts_on: date
    ends_on: date | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class OrderKey:
    """A standing order by its id."""

    order_id: str


@dataclass(frozen=True, slots=True)
class OrderMoved:
    """Where a standing order stands now; ``next_on`` is None where nothing will be paid."""

    order_id: str
    status: str
    next_on: date | None


@dataclass(frozen=True, slots=True)
class RunOrders:
    """Standing orders that may be due on ``day``."""

    day: date
    order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrdersRun:
    """What became of them: paid, to be tried again, given up for this time."""

    paid: int
    postponed: int
    failed: int
