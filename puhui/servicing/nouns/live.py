"""Loans that live: what a day decides by, a loan as its columns, and inputs of the day's acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum


class RiskClass(IntEnum):
    """The five classes of loans (五级分类)."""

    NORMAL = 0
    SPECIAL_MENTION = 1
    SUBSTANDARD = 2
    DOUBTFUL = 3
    LOSS = 4


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way the economy may go: its weight, and how chances and losses change."""

    name: str
    weight: Decimal
    default_multiple: Decimal
    loss_multiple: Decimal


@dataclass(frozen=True, slots=True)
class RiskFigures:
    """Dated figures by which a day judges loans; days past due unless said otherwise.

    ``bounds`` are first days of special mention, substandard, doubtful, loss, stage two and stage
    three, then the probation; ``lost_bounds`` the millionths lost of an impaired loan from which on
    it is doubtful, and a loss. ``grades`` and ``past_due`` are chances of default within a year;
    ``rise`` times the first chance is a significant increase; ``conversion`` millionths of what
    may still be drawn are exposure.
    """

    buckets: tuple[int, ...]
    bounds: tuple[int, ...]
    lost_bounds: tuple[int, int]
    watch_days: int
    suspended_from: int
    grades: tuple[Decimal, ...]
    past_due: tuple[Decimal, ...]
    lgd: Decimal
    impaired: tuple[tuple[int, Decimal], ...]
    months_max: int
    scenarios: tuple[Scenario, ...]
    takes_part: bool
    debit_daily_days: int
    debit_later_days: int
    haircuts: tuple[tuple[str, Decimal], ...]
    guarantee_paid: Decimal
    lgd_floor: Decimal
    rise: Decimal
    conversion: int

    @property
    def impaired_from(self) -> int:
        """The first day past due on which a loan is impaired."""
        return self.bounds[5]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a day says of one loan: bucket, class, stage, whether interest is suspended."""

    bucket: int
    risk_class: RiskClass
    stage: int
    is_suspended: bool
    cleared_on: int


@dataclass(frozen=True, slots=True)
class LiveLoan:
    """A loan as its columns, as ``lending`` hands it over after an event.

    ``columns`` by name of ``arrays.live.LIVE_FIELDS`` (what is left out stays, or is nought);
    ``owing`` and ``plan`` are records packed; ``allocation`` the order of parts.
    """

    id: str
    party_id: str
    product: str
    currency: str
    status: str
    columns: tuple[tuple[str, int], ...]
    owing: bytes
    plan: bytes
    allocation: str


@dataclass(frozen=True, slots=True)
class RunDay:
    """One chunk of the day ``day``: loans with ids past ``after`` up to ``until``."""

    day: date
    after: str
    until: str


@dataclass(frozen=True, slots=True)
class DaySums:
    """What a day came to in one currency, minor units: taken from wallets, interest booked and
    taken back, the change of what is provided for, and what of deferred fees became interest.
    """

    currency: str
    debited_minor: int = 0
    accrued_minor: int = 0
    suspended_minor: int = 0
    provided_minor: int = 0
    fees_minor: int = 0


@dataclass(frozen=True, slots=True)
class DayRun:
    """What a chunk did: counts of loans, instalments, wallets and postings, and ``money`` for each
    currency by itself.

    ``digest`` is over the columns of every loan as the day leaves them.
    """

    loans: int
    due: int
    debited: int
    short: int
    past_due: int
    impaired: int
    postings: int
    digest: str
    money: tuple[DaySums, ...] = ()
