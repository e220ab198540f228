"""A corridor: what a payment from one country to another costs, and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Figure:
    """One stated figure, as it is printed: its name, what it is, its unit and where from."""

    name: str
    value: str
    unit: str
    dated: str
    source: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Delay:
    """A lognormal delay: its median in hours, and the deviation of its logarithm."""

    median_h: Decimal
    log_deviation: Decimal


@dataclass(frozen=True, slots=True)
class Route:
    """The correspondent route: banks, fees in minor units of the source, spreads as shares.

    Three numbers are the lowest, the most likely and the highest. Hours are UTC, of working days.
    """

    hops: tuple[int, ...]
    hop_weights: tuple[int, ...]
    sender_fee_minor: tuple[int, int, int]
    hop_fee_minor: tuple[int, int, int]
    receiver_fee_minor: tuple[int, int, int]
    spread: tuple[Decimal, Decimal, Decimal]
    desk_delay: Delay
    in_hours_share: Decimal
    hold_share: Decimal
    hold_delay: Delay
    sender_hours: tuple[int, int]
    correspondent_hours: tuple[tuple[int, int], ...]
    receiver_hours: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Corridor:
    """All that a simulation of a corridor (汇款走廊) draws from; ``figures`` are to be printed."""

    source_currency: str
    target_currency: str
    mid_rate: Decimal
    median_minor: int
    log_deviation: Decimal
    smallest_minor: int
    largest_minor: int
    cost_of_waiting: Decimal
    route: Route
    providers: int
    provider_spread: tuple[Decimal, Decimal, Decimal]
    provider_fee_minor: tuple[int, int, int]
    prefunding_days: Decimal
    prefunding_rate: Decimal
    domestic_leg_fee_minor: int
    domestic_leg_s: Decimal
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """One payment by the correspondent route: cost in minor units of the source, time in s."""

    hops: int
    cost_minor: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What one provider asks for one payment: a rate as decimal text, and a fee in minor units."""

    rate: str
    fee_minor: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """One payment to be simulated: its amount, the correspondent route, and what providers ask."""

    amount_minor: int
    passage: Passage
    offers: Sequence[Offer]
