"""What a merchant's row is made of: flows, invoices, past instalments, and what guards look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Invoice:
    """A supplier's invoice; ``paid_on`` is None while it is open. Amount in fen."""

    supplier: int
    issued_on: date
    due_on: date
    paid_on: date | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PastInstalment:
    """One instalment of an earlier small credit elsewhere; amount in fen."""

    due_on: date
    paid_on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Flows:
    """What went through a wallet, in order of time, one entry a transfer; arrays are ``(k,)``.

    ``day`` counts days since 1970 in China (int64); ``amount_minor`` is fen, in positive, out
    negative (int64); ``payer`` is the pseudonym of a named buyer, 0 for walk-in customers and for
    money going out; ``tickets`` and ``payers`` count what a transfer bundles (int64);
    ``balance_minor`` is the wallet's balance after it, in fen.
    """

    day: Ints
    amount_minor: Ints
    payer: Ints
    tickets: Ints
    payers: Ints
    balance_minor: Ints


@dataclass(frozen=True, slots=True)
class Observed:
    """All that the signals of one merchant are made of, as known on the day ``on``.

    ``invoices`` and ``past_instalments`` may be empty; ``registered_on`` is the day on which the
    business was registered, None where nobody said.
    """

    on: date
    flows: Flows
    invoices: tuple[Invoice, ...]
    past_instalments: tuple[PastInstalment, ...]
    registered_on: date | None


@dataclass(frozen=True, slots=True)
class Guarded:
    """What guards look at; None where nobody told. Amounts in fen.

    ``existing_debt_minor`` and the overdue figures are what a credit bureau reports of other
    lenders. ``monthly_inflow_minor`` sizes the credit limit.
    """

    is_firm: bool
    is_identity_verified: bool
    is_consent_valid: bool
    age_years: int | None = None
    yearly_income_minor: int | None = None
    existing_debt_minor: int | None = None
    overdue_minor: int | None = None
    overdue_days: int | None = None
    monthly_inflow_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """What applicants say of themselves; None where they say nothing. Amounts in minor units."""

    yearly_income_minor: int | None = None
    existing_debt_minor: int | None = None
    overdue_minor: int | None = None
