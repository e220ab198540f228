"""What the demo county is made of: figures, people, shops, flows, facts and applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from puhui.merchant import Guarded, PastInstalment

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class GuardCase(StrEnum):
    """Why an applicant is in the county: most are ordinary, some show a guard at work."""

    ORDINARY = "ordinary"
    UNDER_AGE = "under_age"
    OVER_AGE = "over_age"
    UNVERIFIED = "unverified"
    OVERDUE = "overdue"
    OVER_INDEBTED = "over_indebted"
    WITHOUT_CONSENT = "without_consent"
    CONSENT_REVOKED = "consent_revoked"
    APPLIES_TWICE = "applies_twice"
    EXPOSED = "exposed"


@dataclass(frozen=True, slots=True)
class Trade:
    """A line of business. Sales and tickets are yuan, factors multiply sales, shares are 0..1."""

    name: str
    zh: str
    en: str
    share: float
    daily_sales_yuan: float
    ticket_yuan: float
    weekend: float
    market_day: float
    festival: float
    regular_share: float
    cost_share: float
    months: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """How synthetic data are told from real ones, in both languages."""

    zh: str
    en: str
    short_zh: str
    short_en: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What county.toml says; ``version`` changes whenever the same seed draws another county."""

    version: int
    label: Label
    county_zh: str
    county_en: str
    towns: tuple[str, ...]
    villages: tuple[str, ...]
    region: str
    phone_prefix: str
    merchants: int
    suppliers: int
    history_days: int
    past_borrowers: int
    past_batches: int
    firm_share: float
    staff: tuple[tuple[str, str], ...]
    guard_cases: Mapping[str, float]
    income_yuan: float
    wish_mean_yuan: float
    wish_largest_yuan: float
    wish_smallest_yuan: float
    festival_lead_days: int
    festivals: tuple[date, ...]
    spring_festivals: tuple[date, ...]
    trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic natural person; the identity number is of a region that does not exist."""

    name: str
    id_number: str
    phone: str
    address: str
    birth_date: date


@dataclass(frozen=True, slots=True)
class Firm:
    """A synthetic firm with the person behind it."""

    name: str
    uscc: str
    representative: Person


@dataclass(frozen=True, slots=True)
class Merchant:
    """A shop: who runs it, where, since when, what it owes elsewhere, what it wants.

    ``trade`` is an index into the figures, ``scale`` multiplies the trade's usual sales,
    ``pattern`` names the market days of its town. Amounts in fen.
    """

    number: int
    owner: Person
    firm: Firm | None
    case: GuardCase
    trade: int
    scale: float
    pattern: int
    registered_on: date
    yearly_income_minor: int
    existing_debt_minor: int
    lenders: int
    overdue_minor: int
    overdue_days: int
    wanted_minor: int
    past_instalments: tuple[PastInstalment, ...]


@dataclass(frozen=True, slots=True)
class SeededMerchant:
    """A merchant in the node: the party that applies, its wallet, and the drawn merchant."""

    party_id: str
    wallet_id: int
    merchant: Merchant


@dataclass(frozen=True, slots=True)
class SeededCounty:
    """The county as it stands in a node.

    ``day`` is its first day: the history ends the evening before. ``new_acts`` counts what this
    call added to the journal: 0 when everything was there already.
    """

    seed: int
    day: date
    merchants: tuple[SeededMerchant, ...]
    suppliers: tuple[str, ...]
    transfers: int
    new_acts: int


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A login of the demo, with the password that this node made up for it."""

    login: str
    password: str
    role: str


@dataclass(frozen=True, slots=True)
class MerchantApplication:
    """One application as the county sends it: who, the row it is scored by, and how much.

    ``row`` holds signals and guard columns as texts under the names that the mapping
    ``merchant_310`` reads; it is empty where no valid consent allows a look, and ``refusal`` says
    which code stood against it. ``fields`` are the data fields the row was made from. ``copy`` is
    1, and 2 for the second application of somebody who applies twice.
    """

    party_id: str
    source_id: str
    row: Mapping[str, str]
    guards: Guarded
    wanted_minor: int
    fields: tuple[str, ...]
    copy: int
    refusal: str | None
