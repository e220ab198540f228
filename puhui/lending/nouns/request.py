"""Inputs and outcomes of the use cases of lending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Apply:
    """An application: who wants how much, and the row of facts it is scored by.

    ``mapping`` names the declaration by which ``row`` (column -> text) is read. ``fields`` are the
    data fields the row was made from; a decision needs a consent that covers them. ``source_id``
    is the applicant's own number for it. ``due_day`` is the day of the month, 1 to 28, on which
    instalments are to fall due, ``rhythm`` how often (week, fortnight or month), where the product
    lets one choose.
    ``sealed`` is filled in: the row as it is kept, encrypted
    under the person's key, or plain JSON for an anonymous party.
    """

    party_id: str
    product: str
    wanted_minor: int
    mapping: str
    row: Mapping[str, str]
    fields: tuple[str, ...]
    channel: str
    source_id: str
    term_months: int | None = None
    method: str | None = None
    champion: str = ""
    sealed: str = ""
    due_day: int | None = None
    rhythm: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """The application as it was taken in."""

    application_id: str


@dataclass(frozen=True, slots=True)
class Scored:
    """What the model in force says of an application, with what guards read off its row.

    Amounts in minor units of the product's currency; None where the row does not say.
    ``points`` and ``pd`` are None of a person who was erased.
    """

    points: int | None
    pd: float | None
    reasons: tuple[str, ...]
    model_digest: str
    age_years: int | None = None
    yearly_income_minor: int | None = None
    existing_debt_minor: int | None = None
    monthly_inflow_minor: int | None = None
    overdue_minor: int | None = None
    overdue_days: int | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """An application to decide.

    ``scored_digest`` is computed: a keyed digest of what the model and the facts say, empty where
    nothing may be read. The figures themselves never enter the journal.
    """

    application_id: str
    scored_digest: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision in short, without the score: ``read_case`` gives all of it.

    ``principal_minor`` and what follows it are the offer, nought or None without one.
    """

    application_id: str
    decision_id: str
    outcome: str
    reasons: tuple[str, ...]
    principal_minor: int
    annual_rate: Decimal | None
    upfront_fee_minor: int
    is_capped: bool


@dataclass(frozen=True, slots=True)
class Accept:
    """The borrower's yes to the contract whose text has this digest, in this language."""

    application_id: str
    contract_digest: str
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The signed contract."""

    contract_id: str
    contract_digest: str
    signature: str


@dataclass(frozen=True, slots=True)
class ContractKey:
    """Names a contract."""

    contract_id: str


@dataclass(frozen=True, slots=True)
class Disbursed:
    """Money in the borrower's wallet."""

    contract_id: str
    wallet_account_id: str
    amount_minor: int
    currency: str
    on: date


@dataclass(frozen=True, slots=True)
class Repay:
    """A repayment from a wallet: that of ``payer_id``, the borrower's where it is empty."""

    contract_id: str
    amount_minor: int
    payer_id: str = ""


@dataclass(frozen=True, slots=True)
class Repaid:
    """How a repayment was shared out; minor units."""

    contract_id: str
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_minor: int
    recovered_minor: int
    returned_minor: int
    outstanding_minor: int
    status: str


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """The principal that was written off and what the obligor still owes in all."""

    contract_id: str
    written_off_minor: int
    claim_minor: int


@dataclass(frozen=True, slots=True)
class OpenBooks:
    """Open the lender's own accounts in a currency."""

    currency: str


@dataclass(frozen=True, slots=True)
class BooksOpened:
    """The lender's own accounts, by name in the chart, as 32 hexadecimal digits."""

    accounts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SetCutOff:
    """The highest pd to approve for a product, chosen on the training rows of a model."""

    product: str
    model_digest: str
    pd_max: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class CutOffSet:
    """The cut-off in force."""

    product: str
    model_digest: str
    pd_max: Decimal


@dataclass(frozen=True, slots=True)
class RequestReview:
    """The applicant asks for a person to look at a refusal; ``statement`` is kept sealed."""

    application_id: str
    statement: str = ""


@dataclass(frozen=True, slots=True)
class ProposeReview:
    """What one officer proposes for an application in the queue; ``reason`` is kept sealed.

    ``verified_income`` is what the officer saw proven, whole minor units a year as digits, kept
    sealed too; empty where nothing was.
    """

    application_id: str
    approve: bool
    reason: str
    verified_income: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmReview:
    """Another officer's yes or no to what was proposed.

    ``scored_digest`` is computed anew, so that what guards look at is of that day. ``reason`` is
    kept sealed under the person's key.
    """

    application_id: str
    agree: bool
    reason: str
    scored_digest: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Where a review stands: open, proposed or closed."""

    application_id: str
    status: str
    outcome: str | None
    principal_minor: int = 0
    annual_rate: Decimal | None = None
    upfront_fee_minor: int = 0
    is_capped: bool = False


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Pay a signed loan out; of a loan drawn at will ``amount_minor``, where it is not all (0)."""

    contract_id: str
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class ApplicationKey:
    """Names an application."""

    application_id: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Applications that were withdrawn."""

    application_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgeLoans:
    """Loans that servicing changed on a day, with ids past ``after`` up to ``until``."""

    day: date
    after: str
    until: str


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Contracts paid out before loans were serviced by columns."""

    contract_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakenUp:
    """How many loans servicing took over."""

    loans: int


@dataclass(frozen=True, slots=True)
class LoansAged:
    """How many loans of a chunk are past due, with the arrears in minor units."""

    loans: int
    past_due: int
    arrears_minor: int


@dataclass(frozen=True, slots=True)
class VoidStale:
    """Contracts signed before a day and never paid out."""

    day: date
    contract_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Voided:
    """Contracts that were undone."""

    contract_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpireOffers:
    """Offers decided on or before a day that nobody accepted."""

    day: date
    application_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A person whose decisions were struck of personal figures."""

    party_id: str
    decisions: int


@dataclass(frozen=True, slots=True)
class CaseFile:
    """An application with its newest decision, for people: texts are looked up by reason code."""

    application_id: str
    party_id: str
    product: str
    status: str
    wanted_minor: int
    currency: str
    applied_on: date
    decision: str | None
    points: int | None
    pd: float | None


@dataclass(frozen=True, slots=True)
class LoanSummary:
    """A contract in a list."""

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
