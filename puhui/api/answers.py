"""What reads are asked with and what they answer: the nouns of the API, in minor units and ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PageQuery:
    """A page of a list: ``after`` is the ``next`` of the page before."""

    after: str = ""
    count: int = 50


@dataclass(frozen=True, slots=True)
class ApplicationsQuery:
    """A page of applications, all or of one status or product."""

    after: str = ""
    count: int = 50
    status: str = ""
    product: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationQuery:
    """One application."""

    application_id: str


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """The contract of an application, in a language."""

    application_id: str
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class LoanQuery:
    """One loan."""

    contract_id: str


@dataclass(frozen=True, slots=True)
class PayOffQuery:
    """What ends a loan on a day, today if none is named."""

    contract_id: str
    on: date | None = None


@dataclass(frozen=True, slots=True)
class WalletQuery:
    """A page of a wallet's statement: ``after`` is the position of the last line seen."""

    party_id: str
    currency: str = "CNY"
    after: int = 0
    count: int = 100


@dataclass(frozen=True, slots=True)
class PartyQuery:
    """One party."""

    party_id: str


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """Events past a position of the journal, for programs that ask rather than be told."""

    after: int = 0
    count: int = 100


@dataclass(frozen=True, slots=True)
class NothingQuery:
    """Nothing is asked beside the address."""


@dataclass(frozen=True, slots=True)
class ApplicationItem:
    """An application in a list."""

    application_id: str
    party_id: str
    product: str
    status: str
    wanted_minor: int
    currency: str
    applied_us: int
    decision: str | None


@dataclass(frozen=True, slots=True)
class ApplicationPage:
    """A page of applications; ``next`` is None on the last one."""

    items: tuple[ApplicationItem, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ReasonAnswer:
    """Why, and what would change it, in both languages."""

    code: str
    reason_zh: str
    reason_en: str
    change_zh: str
    change_en: str


@dataclass(frozen=True, slots=True)
class OfferAnswer:
    """What the lender is ready to do."""

    principal_minor: int
    currency: str
    annual_rate: Decimal
    term_months: int
    method: str
    upfront_fee_minor: int


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """One step of a price (a share per year) or of a credit limit (minor units)."""

    code: str
    share: Decimal | None
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class GuardAnswer:
    """One guard and what it found."""

    code: str
    outcome: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class DecisionAnswer:
    """The newest decision on an application; guards and steps are for staff alone."""

    application_id: str
    outcome: str
    reasons: tuple[ReasonAnswer, ...]
    offer: OfferAnswer | None
    points: int | None = None
    guards: tuple[GuardAnswer, ...] = ()
    price: tuple[StepAnswer, ...] = ()
    credit_limit: tuple[StepAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractAnswer:
    """The contract as it would be signed today, to be accepted by its digest."""

    application_id: str
    language: str
    text: str
    contract_digest: str
    principal_minor: int
    interest_minor: int
    fee_minor: int
    total_minor: int
    currency: str
    annual_rate: Decimal
    apr: Decimal


@dataclass(frozen=True, slots=True)
class LoanItem:
    """A loan in a list."""

    contract_id: str
    application_id: str
    party_id: str
    product: str
    currency: str
    principal_minor: int
    outstanding_minor: int
    annual_rate: Decimal
    status: str
    signed_on: date
    started_on: date | None
    days_past_due: int
    arrears_minor: int


@dataclass(frozen=True, slots=True)
class LoanPage:
    """A page of loans; ``next`` is None on the last one."""

    items: tuple[LoanItem, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class LoanAnswer:
    """A loan as it stands today."""

    loan: LoanItem
    on: date
    owed_today_minor: int
    principal_paid_minor: int
    written_off_minor: int


@dataclass(frozen=True, slots=True)
class LoanEventItem:
    """What happened to a loan on a day; ``receipt`` is the number that people read aloud, "" where
    no money of a wallet moved.
    """

    number: int
    kind: str
    day: date
    amount_minor: int
    receipt: str


@dataclass(frozen=True, slots=True)
class LoanEventsAnswer:
    """What happened to a loan, the oldest first."""

    contract_id: str
    currency: str
    items: tuple[LoanEventItem, ...]


@dataclass(frozen=True, slots=True)
class InstalmentAnswer:
    """One instalment: what is due, what was paid."""

    number: int
    due_on: date
    principal_due_minor: int
    interest_due_minor: int
    fee_due_minor: int
    penalty_due_minor: int
    owed_minor: int


@dataclass(frozen=True, slots=True)
class ScheduleAnswer:
    """The plan of a loan."""

    contract_id: str
    currency: str
    instalments: tuple[InstalmentAnswer, ...]


@dataclass(frozen=True, slots=True)
class PayOffAnswer:
    """The one amount that ends a loan on a day."""

    contract_id: str
    currency: str
    on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """Contracts of one product, currency and status with their sums."""

    product: str
    currency: str
    status: str
    contracts: int
    principal_minor: int
    disbursed_minor: int
    repaid_minor: int
    written_off_minor: int
    outstanding_minor: int


@dataclass(frozen=True, slots=True)
class PortfolioAnswer:
    """The whole book."""

    rows: tuple[PortfolioRow, ...]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a wallet: what came or went, and what was there afterwards."""

    position: int
    time_us: int
    is_in: bool
    amount_minor: int
    balance_minor: int
    transfer_id: str


@dataclass(frozen=True, slots=True)
class WalletAnswer:
    """A page of a wallet's statement; ``next`` is None on the last one."""

    party_id: str
    currency: str
    balance_minor: int
    lines: tuple[StatementLine, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class ConsentItem:
    """A consent: to what, of which fields, until when, and whether it was taken back."""

    consent_id: str
    purpose: str
    fields: tuple[str, ...]
    granted_us: int
    until_us: int
    revoked_us: int | None


@dataclass(frozen=True, slots=True)
class ConsentsAnswer:
    """The consents of a party, newest first."""

    party_id: str
    items: tuple[ConsentItem, ...]


@dataclass(frozen=True, slots=True)
class EndpointItem:
    """An address that is told of events."""

    endpoint_id: str
    url: str
    events: tuple[str, ...]
    after_position: int
    generation: int


@dataclass(frozen=True, slots=True)
class EndpointsAnswer:
    """The caller's own endpoints."""

    items: tuple[EndpointItem, ...]


@dataclass(frozen=True, slots=True)
class EventItem:
    """An event as endpoints are told it; ``data`` is JSON."""

    position: int
    type: str
    time_us: int
    subject: str
    data: str


@dataclass(frozen=True, slots=True)
class EventsAnswer:
    """A page of events; ``next`` is None where there is no more yet."""

    items: tuple[EventItem, ...]
    next: int | None
