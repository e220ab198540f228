"""Strategy nouns 信贷策略: what each cut-off would bring, and how a credit limit is reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PastApplication:
    """A scored application: whose, what was wanted, and up to which amount it was decided.

    ``pd`` 0..1 to six decimals, by the model ``model_digest``; ``pd_max`` is the cut-off then.
    ``credit_minor`` is the largest amount that was on offer, whatever the pd. ``is_bad`` is None
    while the loan runs and where there was none. Amounts in minor units of the product.
    """

    party_id: str
    wanted_minor: int
    credit_minor: int
    pd: float
    pd_max: Decimal
    model_digest: str
    is_bad: bool | None


@dataclass(frozen=True, slots=True)
class StrategyStep:
    """One cut-off: everybody with a pd of at most ``pd_max`` is approved.

    ``bads`` counts the approved that turned out bad, or are expected to; ``profit_minor`` is in
    minor units; ``approved_by_group`` pairs a group with its approvals. Of the approved ``ended``
    have an outcome by now, ``ended_bad`` a bad one.
    """

    pd_max: Decimal
    approved: int
    bads: float
    profit_minor: int
    approved_by_group: tuple[tuple[str, int], ...]
    ended: int = 0
    ended_bad: int = 0

    def bad_rate(self) -> float | None:
        """Bads among the approved, 0..1; None where nobody is approved."""
        return self.bads / self.approved if self.approved else None


@dataclass(frozen=True, slots=True)
class Strategy:
    """All cut-offs from nobody to everybody who may be approved, over ``rows`` applications."""

    rows: int
    group_rows: tuple[tuple[str, int], ...]
    steps: tuple[StrategyStep, ...]

    def best(self) -> StrategyStep:
        """The cut-off that earns most; the lowest of equals."""
        return max(self.steps, key=lambda step: (step.profit_minor, -step.approved))


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a borrower behaved lately; amounts in minor units.

    ``days_past_due_now`` with the product, ``days_past_due_max`` with any over the last six
    months; ``share_used`` of the credit limit on average over three, 0..1;
    ``monthly_inflow_minor`` over the last three months and ``..._before`` over the three before,
    None where no consent lets us know. ``months_since_decision`` is the age of the score that the
    cap stands on. ``is_fall_counted``: a fall of inflow cut the limit already, and what came in
    then is still part of what is compared.
    """

    months_on_book: int
    months_since_change: int
    days_past_due_now: int
    days_past_due_max: int
    share_used: Decimal
    monthly_inflow_minor: int | None
    monthly_inflow_before_minor: int | None
    months_since_decision: int = 0
    is_fall_counted: bool = False


@dataclass(frozen=True, slots=True)
class CreditLimitRules:
    """The figures of the monthly review of credit limits, from data/dynamic_limit.toml."""

    months_on_book_min: int
    months_between_rises: int
    rise_share: Decimal
    share_used_min: Decimal
    inflow_fall_share: Decimal
    cut_share: Decimal
    days_past_due_cut: int
    notice_days_rise: int
    notice_days_cut: int
    rise_offer_days: int
    months_since_decision_max: int


@dataclass(frozen=True, slots=True)
class CreditLimitReview:
    """The outcome of a review: the new credit limit, why, and after how many days it counts.

    ``reason`` is "kept", "rise", "late", "inflow_fell", "over_cap" or the reason of capacity.
    """

    before_minor: int
    after_minor: int
    reason: str
    notice_days: int
    needs_consent: bool

    @property
    def is_change(self) -> bool:
        """Whether the person must be told."""
        return self.after_minor != self.before_minor
