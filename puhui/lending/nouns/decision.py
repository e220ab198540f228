"""Decision 审批结论 nouns: facts asked for, guards, price, credit limit, offer, reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from puhui.lending.nouns.loan import Method
from puhui.lending.nouns.obligation import Standing
from puhui.lending.nouns.schedule import Rhythm


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: amount in minor units, term and method; ``on`` is the day of decision.

    ``due_day`` is the day of the month on which instalments are to fall due; None for that of the
    money. ``rhythm`` is how often they are; None as the product has it.
    """

    wanted_minor: int
    term_months: int
    method: Method
    on: date
    due_day: int | None = None
    rhythm: Rhythm | None = None


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """What the guards look at; None means that nobody told us, and is never guessed.

    Amounts are minor units of the product's currency. ``other_debt_minor`` is all credit of the
    person everywhere, without the new loan; ``product_exposure_minor`` is what this product has
    lent or promised to the person already; ``applications_open`` counts the person's other
    applications for this product that were made before and are under way. ``is_registered``: a
    person or firm with a name, who can be asked for what is missing; rows of files cannot.
    ``standing`` is every debt of the person with the caps of the day, and ``term_months`` the term
    asked for: with them the capacity is judged beside what the product's guards say.
    """

    on: date
    wanted_minor: int
    is_firm: bool = False
    is_registered: bool = False
    is_identity_verified: bool | None = None
    born_on: date | None = None
    age_years: int | None = None
    is_consent_valid: bool | None = None
    overdue_minor: int | None = None
    overdue_days: int | None = None
    yearly_income_minor: int | None = None
    other_debt_minor: int | None = None
    product_exposure_minor: int | None = None
    owed_here_minor: int = 0
    applications_open: int | None = None
    standing: Standing | None = None
    term_months: int = 12


class Outcome(Enum):
    """What a guard found."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class GuardResult:
    """One guard's finding; ``reason`` is a code of reasons.toml when it failed, else None."""

    code: str
    outcome: Outcome
    reason: str | None = None
    asks_person: bool = False
    facts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreFacts:
    """What the score room says: 0..1000 points, pd 0..1 over the product's horizon, reasons."""

    score: int
    pd: float
    reasons: tuple[str, ...] = ()
    model_digest: str = ""


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One line of a price, a share per year."""

    code: str
    share: Decimal


@dataclass(frozen=True, slots=True)
class PriceBuild:
    """The annual rate built up step by step; ``needed_rate`` may stand above ``rate_cap``."""

    steps: tuple[PriceStep, ...]
    needed_rate: Decimal
    annual_rate: Decimal
    rate_cap: Decimal
    capped_by: str

    @property
    def is_within_cap(self) -> bool:
        """Whether the needed rate may be charged at all."""
        return self.needed_rate <= self.rate_cap


@dataclass(frozen=True, slots=True)
class CreditLimit:
    """The largest amount to offer (授信额度) and which bound made it, in minor units.

    ``steps`` holds every bound that could be worked out: (code, amount).
    """

    amount_minor: int
    bound_by: str
    steps: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What the lender is ready to do; amounts in minor units, ``due_day`` and ``rhythm`` as they
    were asked for.
    """

    principal_minor: int
    currency: str
    annual_rate: Decimal
    term_months: int
    method: Method
    upfront_fee_minor: int
    is_capped: bool
    due_day: int | None = None
    rhythm: Rhythm | None = None


class DecisionOutcome(Enum):
    """Approved, refused, or to be decided by a person."""

    APPROVED = "approved"
    REFUSED = "refused"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Earning:
    """What a loan brings and takes, expected or realised, in minor units; see ``rules.profit``.

    ``cost_minor`` is cost of funds and operating cost over the time the loan paid.
    """

    interest_minor: int
    cost_minor: int
    loss_minor: int

    @property
    def profit_minor(self) -> int:
        """Interest until default less what is charged off."""
        return self.interest_minor - self.loss_minor

    @property
    def net_minor(self) -> int:
        """The profit less cost of funds and operating cost."""
        return self.interest_minor - self.loss_minor - self.cost_minor


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision with all that led to it; ``reasons`` are codes of reasons.toml.

    ``score_reasons`` come from the model and are named by its mapping. ``offer`` is there for
    approved, and for review as what would be offered if the person says yes.
    ``expected`` is for the offer, None without one.
    """

    outcome: DecisionOutcome
    reasons: tuple[str, ...]
    score_reasons: tuple[str, ...]
    guards: tuple[GuardResult, ...]
    price: PriceBuild
    credit_limit: CreditLimit
    offer: Offer | None
    expected: Earning | None


@dataclass(frozen=True, slots=True)
class ReasonText:
    """A reason in plain words: a short title, what it is and what would change it, in zh and en."""

    code: str
    title_zh: str
    title_en: str
    reason_zh: str
    reason_en: str
    change_zh: str
    change_en: str


@dataclass(frozen=True, slots=True)
class ReasonBook:
    """All reason texts, and the offer of review by a person."""

    texts: tuple[ReasonText, ...]
    review_zh: str
    review_en: str

    def text(self, code: str) -> ReasonText:
        """The text of ``code``; every code used by a rule has one (held by a test)."""
        for text in self.texts:
            if text.code == code:
                return text
        raise AssertionError(code)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract text and the SHA-256 of its UTF-8 bytes, in lower-case hex."""

    language: str
    text: str
    digest: str


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """What a contract names: parties by pseudonymous id, never by name or identity number.

    ``number`` and ``wallet_number`` are digits in groups of four, as people read them aloud.
    """

    contract_id: str
    borrower_id: str
    lender_id: str
    signed_on: date
    wallet_id: str
    number: str
    wallet_number: str
