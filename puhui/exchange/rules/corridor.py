"""Rules of the corridor: payments drawn by a seed, by correspondents and by providers' offers."""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

import numpy as np

from puhui.exchange.nouns.corridor import Corridor, Delay, Drawn, Offer, Passage, Route
from puhui.exchange.rules.quote import changed_for
from puhui.kernel.money import Rounding, round_minor

HOUR_S = 3600
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S
YEAR_DAYS = 365
WORKDAYS = 5
MILLION = 1_000_000


def next_open(moment_s: int, hours: tuple[int, int]) -> int:
    """The first moment, not before ``moment_s``, at which a bank works on payments.

    Seconds since a Monday 00:00 UTC; ``hours`` are its first hour and the one at which it stops.
    """
    day, within = divmod(moment_s, DAY_S)
    if day % 7 < WORKDAYS and within < hours[1] * HOUR_S:
        return max(moment_s, day * DAY_S + hours[0] * HOUR_S)
    day += 1
    while day % 7 >= WORKDAYS:
        day += 1
    return day * DAY_S + hours[0] * HOUR_S


def _delay_s(dice: np.random.Generator, delay: Delay) -> int:
    hours = math.exp(float(delay.log_deviation) * dice.standard_normal())
    return round(float(delay.median_h) * hours * HOUR_S)


def _between(dice: np.random.Generator, three: tuple[int, int, int]) -> int:
    """A whole number of a triangular distribution: lowest, most likely, highest."""
    low, mode, high = three
    return low if low == high else round(dice.triangular(low, mode, high))


def _share(dice: np.random.Generator, three: tuple[Decimal, Decimal, Decimal]) -> Fraction:
    """A share of a triangular distribution, in whole millionths."""
    low, mode, high = (int(one * MILLION) for one in three)
    return Fraction(_between(dice, (low, mode, high)), MILLION)


def _amount_minor(dice: np.random.Generator, corridor: Corridor) -> int:
    drawn = corridor.median_minor * math.exp(float(corridor.log_deviation) * dice.standard_normal())
    return min(max(round(drawn), corridor.smallest_minor), corridor.largest_minor)


def waiting_cost(amount_minor: int, seconds: int, annual_rate: Decimal) -> int:
    """What it costs to go without an amount for so long, minor units, rounded up."""
    share = Fraction(annual_rate) * Fraction(seconds, YEAR_DAYS * DAY_S)
    return round_minor(amount_minor * share, Rounding.UP)


def _handed_in_s(dice: np.random.Generator, route: Route) -> int:
    """When a payment is handed in: mostly while the sender's bank works, else at any time."""
    if dice.random() >= float(route.in_hours_share):
        return int(dice.integers(0, WEEK_S))
    first, last = route.sender_hours
    within = int(dice.integers(first * HOUR_S, last * HOUR_S))
    return int(dice.integers(0, WORKDAYS)) * DAY_S + within


def passage_of(dice: np.random.Generator, corridor: Corridor, amount_minor: int) -> Passage:
    """One payment by correspondent banks, in seconds from a moment of one week on.

    The sender's bank, each correspondent and the receiver's real-time gross system work in their
    own hours alone; each bank takes its time, and now and then stops a payment to look at it.
    Cost: fees of all banks, the spread, and the cost of waiting.
    """
    route = corridor.route
    weights = np.array(route.hop_weights, dtype=np.float64)
    hops = int(dice.choice(route.hops, p=weights / weights.sum()))
    places = dice.integers(0, len(route.correspondent_hours), size=hops)
    desks = [route.sender_hours, *(route.correspondent_hours[int(one)] for one in places)]
    begun_s = moment_s = _handed_in_s(dice, route)
    for hours in desks:
        moment_s = next_open(moment_s, hours) + _delay_s(dice, route.desk_delay)
        if dice.random() < float(route.hold_share):
            moment_s += _delay_s(dice, route.hold_delay)
    seconds = next_open(moment_s, route.receiver_hours) - begun_s
    fees = _between(dice, route.sender_fee_minor) + _between(dice, route.receiver_fee_minor)
    fees += sum(_between(dice, route.hop_fee_minor) for _ in range(hops))
    spread = round_minor(amount_minor * _share(dice, route.spread), Rounding.UP)
    waiting = waiting_cost(amount_minor, seconds, corridor.cost_of_waiting)
    return Passage(hops, fees + spread + waiting, seconds)


def _offer_of(dice: np.random.Generator, corridor: Corridor) -> Offer:
    """What a provider asks: its spread and the cost of liquidity that lies ready, and a fee."""
    prefunding = corridor.prefunding_rate * corridor.prefunding_days / YEAR_DAYS
    kept = 1 - _share(dice, corridor.provider_spread) - Fraction(prefunding)
    exact = Fraction(corridor.mid_rate) * kept
    rate = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(
        Decimal("1e-8"), ROUND_DOWN
    )
    return Offer(format(rate, "f"), _between(dice, corridor.provider_fee_minor))


def draw(corridor: Corridor, count: int, seed: int) -> list[Drawn]:
    """``count`` payments, the same ones for the same seed: amounts, passages and offers."""
    dice = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        amount = _amount_minor(dice, corridor)
        passage = passage_of(dice, corridor, amount)
        offers = [_offer_of(dice, corridor) for _ in range(corridor.providers)]
        drawn.append(Drawn(amount, passage, offers))
    return drawn


def cost_of(corridor: Corridor, total_minor: int, target_minor: int) -> int:
    """What a payment cost its payer, minor units of the source: all that was given, less what
    the middle rate asks for what arrived.
    """
    return total_minor - changed_for(
        target_minor,
        corridor.mid_rate,
        source_currency=corridor.source_currency,
        target_currency=corridor.target_currency,
    )
