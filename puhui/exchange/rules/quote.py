"""Rules of quotes: what one may say, what a payment costs by it, and which one is the cheapest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from puhui.exchange.nouns.quote import AmountKind, Price, Quote, SchemeFee
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, MINOR_MAX, Rounding, round_minor

_RATE = re.compile(r"(0|[1-9]\d{0,8})(\.\d{1,10})?")
_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")


def rate_of(text: str) -> Decimal:
    """The rate that a text says: above nought, at most 9 digits and 10 decimals.

    Refused: ``exchange.bad_rate``.
    """
    if not _RATE.fullmatch(text) or Decimal(text) == 0:
        raise Refused("exchange.bad_rate", f"{text[:30]!r} is not a rate.")
    return Decimal(text)


def check_pair(source_currency: str, target_currency: str) -> None:
    """Whether two currencies can be changed. Refused: ``exchange.unknown_currency``,
    ``exchange.same_currency``.
    """
    for currency in (source_currency, target_currency):
        if currency not in DIGITS:
            raise Refused("exchange.unknown_currency", f"{currency[:10]!r} is not traded here.")
    if source_currency == target_currency:
        raise Refused("exchange.same_currency", "A currency is not changed into itself.")


def check_quote(quote: Quote, now_us: int) -> None:
    """Whether a quote can be taken in at ``now_us``.

    Refused: ``exchange.bad_quote``, ``exchange.bad_rate``, ``exchange.unknown_currency``,
    ``exchange.same_currency``, ``exchange.quote_expired``.
    """
    check_pair(quote.source_currency, quote.target_currency)
    rate_of(quote.rate)
    is_fit = _ID.fullmatch(quote.id) is not None
    is_fit = is_fit and 0 < quote.minimum_minor <= quote.maximum_minor < MINOR_MAX
    if not is_fit or not 0 <= quote.fee_minor < MINOR_MAX:
        raise Refused("exchange.bad_quote", "A quote has an id, a range and a fee.")
    check_alive(quote, now_us)


def check_alive(quote: Quote, now_us: int) -> None:
    """Whether a quote still holds at ``now_us``. Refused: ``exchange.quote_expired``."""
    if quote.expires_us <= now_us:
        raise Refused("exchange.quote_expired", "This quote holds no longer.")


def check_room(own: int, everybody: int, *, provider_max: int, pair_max: int) -> None:
    """Whether one more quote of a pair may be posted, beside so many open ones of the provider and
    of everybody: a price is always sought among all. Refused: ``exchange.too_many_quotes``.
    """
    if own >= provider_max or everybody >= pair_max:
        raise Refused("exchange.too_many_quotes", "This pair has as many open quotes as it may.")


def _scaled(rate: Decimal, source_currency: str, target_currency: str) -> Fraction:
    """Minor units of the target currency per minor unit of the source currency, exact."""
    return Fraction(rate) * Fraction(10) ** (DIGITS[target_currency] - DIGITS[source_currency])


def target_of(
    changed_minor: int, rate: Decimal, *, source_currency: str, target_currency: str
) -> int:
    """What ``changed_minor`` of the source currency comes to, in minor units of the target.

    To the nearest minor unit, halves up: 100.00 USD at 82.42135 are 8,242.14 INR, as in the
    worked case of the currency exchange recipe in TigerBeetle's documentation. The provider's
    liquidity bears at most half a minor unit, and its quote bounds that from below by a minimum.
    """
    exact = changed_minor * _scaled(rate, source_currency, target_currency)
    return round_minor(exact, Rounding.HALF_UP)


def changed_for(
    target_minor: int, rate: Decimal, *, source_currency: str, target_currency: str
) -> int:
    """The least of the source currency that pays for ``target_minor``, in its minor units.

    Rounded up, in favour of the provider's liquidity: it never gives more than the rate says.
    """
    return round_minor(target_minor / _scaled(rate, source_currency, target_currency), Rounding.UP)


def scheme_fee_of(changed_minor: int, fee: SchemeFee) -> int:
    """What the operator takes of ``changed_minor``, minor units: a share, rounded up, bounded."""
    share = round_minor(changed_minor * Fraction(fee.share), Rounding.UP)
    return min(max(share, fee.minimum_minor), fee.maximum_minor)


@lru_cache(maxsize=4096)
def _changed_within(total_minor: int, fee: SchemeFee) -> int:
    """The most that can be changed so that it and the operator's fee stay in ``total_minor``."""
    low, high = 0, total_minor
    while low < high:
        middle = (low + high + 1) // 2
        if middle + scheme_fee_of(middle, fee) <= total_minor:
            low = middle
        else:
            high = middle - 1
    return low


def price_of(quote: Quote, fee: SchemeFee, amount_minor: int, kind: AmountKind) -> Price | None:
    """What a payment costs by one quote; None where the quote does not cover it.

    ``amount_minor`` is all that the payer gives (send) or what arrives (receive).
    """
    rate = rate_of(quote.rate)
    pair = {
        "source_currency": quote.source_currency,
        "target_currency": quote.target_currency,
    }
    if kind is AmountKind.SEND:
        changed = _changed_within(amount_minor - quote.fee_minor, fee)
        target = target_of(max(changed, 0), rate, **pair)
    else:
        target = amount_minor
        changed = changed_for(target, rate, **pair)
    if target <= 0 or not quote.minimum_minor <= changed <= quote.maximum_minor:
        return None
    return Price(
        quote_id=quote.id,
        provider_id=quote.provider_id,
        changed_minor=changed,
        target_minor=target,
        provider_fee_minor=quote.fee_minor,
        scheme_fee_minor=scheme_fee_of(changed, fee),
        **pair,
    )


def ranked(
    quotes: Iterable[Quote], fee: SchemeFee, amount_minor: int, kind: AmountKind, now_us: int
) -> list[Price]:
    """The prices of every quote that covers a payment at ``now_us``, the payer's best one first.

    Best is the most that arrives (send), or the least that is paid in all (receive); then the
    least paid, then the smaller id. Refused: ``exchange.bad_amount``.
    """
    if not 0 < amount_minor < MINOR_MAX:
        raise Refused("exchange.bad_amount", "An amount is above nought.")
    prices = [
        price
        for quote in quotes
        if quote.expires_us > now_us
        and (price := price_of(quote, fee, amount_minor, kind)) is not None
    ]
    return sorted(prices, key=lambda one: (-one.target_minor, one.total_minor, one.quote_id))


def check_worst(price: Price, worst_minor: int, kind: AmountKind) -> None:
    """Whether a price is within what the payer allowed. Refused: ``exchange.worse_than_asked``."""
    if not worst_minor:
        return
    if kind is AmountKind.SEND:
        is_worse = price.target_minor < worst_minor
    else:
        is_worse = price.total_minor > worst_minor
    if is_worse:
        raise Refused("exchange.worse_than_asked", "The best price is worse than was allowed.")
