"""Product 产品 nouns: what a TOML file says of a kind of credit, and what the law says of price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from puhui.lending.nouns.loan import DayCount, Method, Servicing
from puhui.lending.nouns.schedule import PLAIN, FeeKind, FeeTerms, ScheduleTerms


class OnFail(Enum):
    """What a failed guard asks for."""

    REFUSE = "refuse"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Sourced:
    """One outside figure with its unit, the day it counts from and where it is written."""

    path: str
    value: str
    unit: str
    from_on: date
    source: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Pricing:
    """Parts of the annual rate; every share is 0..1 per year unless its name says otherwise.

    ``pd_horizon_months`` is the time over which the score's pd is meant. ``upfront_fee_share`` is
    a share of the amount, kept back at disbursement, counted in the apr and earned as part of the
    interest. ``apr_max`` is the most that everything together may cost where the lender keeps
    below the law; None where not.
    ``default_time_share``: the share of the term after which a defaulting loan stops paying.
    """

    cost_of_funds: Decimal
    operating_cost: Decimal
    margin: Decimal
    lgd: Decimal
    pd_horizon_months: int
    rate_step: Decimal
    rate_min: Decimal
    rate_max: Decimal
    upfront_fee_share: Decimal
    default_time_share: Decimal
    apr_max: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CutOff:
    """The highest pd that is approved; within ``review_share`` of it a person decides.

    ``is_trained`` says that the figure was chosen on training rows and replaces the product's.
    """

    pd_max: Decimal
    review_share: Decimal
    is_trained: bool = False


@dataclass(frozen=True, slots=True)
class Sizing:
    """How much credit a person can carry, whatever is asked for.

    ``income_multiple``: total credit to yearly income. ``inflow_multiple``: this credit to the
    average monthly inflow. ``score_shares``: (lowest score, share of the product's largest amount),
    highest score first; empty means the score does not size.
    """

    income_multiple: Decimal | None
    inflow_multiple: Decimal | None
    score_shares: tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True)
class GuardSetting:
    """A guard that is switched on, with its values."""

    code: str
    on_fail: OnFail
    values: tuple[tuple[str, Decimal], ...]

    def value(self, name: str) -> Decimal:
        """The value called ``name``; the schema has checked that it is there."""
        for key, figure in self.values:
            if key == name:
                return figure
        raise AssertionError(name)


@dataclass(frozen=True, slots=True)
class JointShare:
    """A lender who takes part in every loan (联合贷), by its registered name; a share 0..1."""

    partner: str
    share: Decimal


@dataclass(frozen=True, slots=True)
class GuaranteeTerms:
    """A guarantor of every loan (助贷担保), by its registered name.

    ``share`` of what is owed, for ``premium_share`` of the amount, kept from the money paid out;
    called once the loan is ``call_after_days`` past due.
    """

    partner: str
    share: Decimal
    premium_share: Decimal
    call_after_days: int


@dataclass(frozen=True, slots=True)
class Product:
    """One kind of credit, as its TOML file states it; ``digest`` is over the canonical text."""

    name: str
    version: str
    title_zh: str
    title_en: str
    currency: str
    lender_zh: str
    lender_en: str
    complaints_zh: str
    complaints_en: str
    legal_regime: str
    smallest_minor: int
    largest_minor: int
    step_minor: int
    stated_amount_minor: int | None
    terms_months: tuple[int, ...]
    default_term_months: int
    default_method: Method
    day_counts: tuple[tuple[Method, DayCount], ...]
    pricing: Pricing
    cut_off: CutOff
    sizing: Sizing
    servicing: Servicing
    guards: tuple[GuardSetting, ...]
    sources: tuple[Sourced, ...]
    digest: str
    joint: tuple[JointShare, ...] = ()
    guarantees: tuple[GuaranteeTerms, ...] = ()
    schedule: ScheduleTerms = PLAIN
    fees: tuple[FeeTerms, ...] = ()

    def fee(self, kind: FeeKind) -> tuple[int, Decimal]:
        """All fees of a kind: an amount in minor units, and a share of the amount lent."""
        found = [fee for fee in self.fees if fee.kind is kind]
        shares = (fee.share for fee in found)
        return sum(fee.amount_minor for fee in found), sum(shares, Decimal(0))

    def day_count(self, method: Method) -> DayCount | None:
        """The day count for ``method``, or None where the product does not offer it."""
        for offered, day_count in self.day_counts:
            if offered is method:
                return day_count
        return None


@dataclass(frozen=True, slots=True)
class LegalCap:
    """The highest annual rate under one legal regime from a day on."""

    regime: str
    rate_max: Decimal
    from_on: date
    source: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Law:
    """Dated figures that bind every product; ``digest`` is over the canonical text."""

    caps: tuple[LegalCap, ...]
    digest: str
