"""Obligations 全部债务: everything one person owes or stands for, and what can be carried."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class ObligationKind(Enum):
    """Where a debt comes from; of a guarantee the share that was signed counts, as the guarantor
    may have to pay it.
    """

    LOAN = "loan"
    OFFER = "offer"
    WALLET_CREDIT = "wallet_credit"
    DECLARED = "declared"
    BUREAU = "bureau"
    GUARANTEE = "guarantee"


ELSEWHERE = (
    ObligationKind.WALLET_CREDIT,
    ObligationKind.DECLARED,
    ObligationKind.BUREAU,
    ObligationKind.GUARANTEE,
)
"""What is recorded by hand or by a report; loans and offers are known from their own tables."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """One debt, in minor units of ``currency``: all that is owed, and what is paid a month.

    ``reference`` is a contract, an application or the record of a debt elsewhere; ``product`` is
    ours or empty. ``source`` names the report that a debt elsewhere was read from. Where
    ``is_sealed`` whoever asked has no right to amounts and source: they are nought and empty.
    """

    kind: ObligationKind
    reference: str
    product: str
    currency: str
    debt_minor: int
    monthly_minor: int
    arrears_minor: int = 0
    days_past_due: int = 0
    source: str = ""
    is_sealed: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Amounts (minor units) and source of a debt elsewhere, opened."""

    debt_minor: int
    monthly_minor: int
    source: str


@dataclass(frozen=True, slots=True)
class Obligations:
    """All that a person owes. ``own_limits`` by currency are what the person set for itself,
    ``credit_limits`` by product what the lender's reviews set.
    """

    party_id: str
    items: tuple[Obligation, ...]
    own_limits: tuple[tuple[str, int], ...] = ()
    credit_limits: tuple[tuple[str, int], ...] = ()

    def debt_minor(self, currency: str) -> int:
        """All that is owed in a currency."""
        return sum(one.debt_minor for one in self.items if one.currency == currency)

    def monthly_minor(self, currency: str) -> int:
        """All that is paid a month in a currency."""
        return sum(one.monthly_minor for one in self.items if one.currency == currency)

    def own_limit_minor(self, currency: str) -> int | None:
        """The most that the person lets itself owe here, or None."""
        return dict(self.own_limits).get(currency)

    def credit_limit_minor(self, product: str) -> int | None:
        """The most that the lender lets the person owe by a product; None before any review."""
        return dict(self.credit_limits).get(product)

    def owed_by_minor(self, product: str) -> int:
        """What is owed or promised by one product of this lender."""
        return sum(one.debt_minor for one in self.items if one.product == product)

    def owed_here_minor(self, currency: str) -> int:
        """What is owed or promised by this lender alone: what a person's own limit counts."""
        here = (ObligationKind.LOAN, ObligationKind.OFFER)
        return sum(
            one.debt_minor for one in self.items if one.kind in here and one.currency == currency
        )


@dataclass(frozen=True, slots=True)
class Caps:
    """How much debt an income carries; see ``data/capacity.toml``.

    ``income_multiple`` x yearly income bounds all debt; ``instalment_share`` (0..1) x income a
    month bounds all instalments, but of ``turnover_products``, which turnover repays. A
    debt whose instalments nobody tells is counted over ``declared_months``. Nobody younger than
    ``guarantor_years_min`` stands for another's debt. At most ``offers_max`` offers are made in
    ``offers_days``, for as long an offer stands, and none for ``declined_days`` after a no; what a
    person said it needs counts for ``need_days``. Debts of several currencies are held against one
    income at ``yuan_per_unit``.
    """

    income_multiple: Decimal
    instalment_share: Decimal
    turnover_products: tuple[str, ...]
    offers_max: int
    offers_days: int
    declined_days: int
    declared_months: int
    guarantor_years_min: int
    need_days: int
    yuan_per_unit: tuple[tuple[str, Decimal], ...]


class Leaves(Enum):
    """Which limit capacity leaves aside, as it is about to be raised."""

    NOTHING = "nothing"
    OWN_LIMIT = "own_limit"
    CREDIT_LIMIT = "credit_limit"


@dataclass(frozen=True, slots=True)
class Capacity:
    """Whether a person can carry one more debt: the reason that stands against it, or None."""

    reason: str | None
    facts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What ``check_capacity`` looks at beside the new debt and the income."""

    obligations: Obligations
    caps: Caps
