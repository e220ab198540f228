"""Capacity 偿债能力: whether a person can carry one more debt; the one place where it is judged."""

from __future__ import annotations

from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, Rounding, round_minor
from puhui.lending.nouns.obligation import Capacity, Caps, Obligations, Standing

REASONS = (
    "debt_over_income",
    "instalments_over_income",
    "own_limit_reached",
    "credit_limit_reached",
    "income_unknown",
)
"""Every reason that capacity can give."""

MONTHS = 12


def check_capacity(
    standing: Standing,
    *,
    product: str,
    currency: str,
    yearly_income_minor: int | None,
    wanted_minor: int,
    wanted_monthly_minor: int,
    multiple: Decimal | None = None,
) -> Capacity:
    """Whether all debt and all instalments with the new ones stay within the caps.

    Debt of every kind is at most ``multiple`` (else the law's) x yearly income; instalments are at
    most the stated share of the income a month, where household income repays the product; what
    is owed to this lender is at most what the person set for itself, and what is owed by the
    product at most what the lender's review left. Debts in other currencies count at the dated
    figures of ``caps``. Without a known income only the last two are
    judged. Amounts in minor units. Reasons: ``debt_over_income``, ``instalments_over_income``,
    ``own_limit_reached``, ``credit_limit_reached``.
    """
    owed, caps = standing.obligations, standing.caps
    debt = debt_in(owed, currency, caps) + wanted_minor
    monthly = monthly_in(owed, currency, caps) + wanted_monthly_minor
    found = [("debt_minor", debt), ("monthly_minor", monthly)]
    found.append(("arrears_minor", arrears_in(owed, currency, caps)))
    own = _own_limit(owed, currency, caps)
    if own is not None:
        found.append(("own_limit_minor", own[0]))
        if wanted_minor > 0 and own[1] + wanted_minor > own[0]:
            return Capacity("own_limit_reached", tuple(found))
    granted = owed.credit_limit_minor(product)
    if granted is not None:
        found.append(("credit_limit_minor", granted))
        if wanted_minor > 0 and owed.owed_by_minor(product) + wanted_minor > granted:
            return Capacity("credit_limit_reached", tuple(found))
    if yearly_income_minor is None:
        return Capacity(None, tuple(found))
    carried = debt_max(caps, yearly_income_minor, multiple)
    bearable = instalment_max(caps, yearly_income_minor)
    found += [("debt_max_minor", carried), ("monthly_max_minor", bearable)]
    if debt > carried:
        return Capacity("debt_over_income", tuple(found))
    if product not in caps.turnover_products and monthly > bearable:
        return Capacity("instalments_over_income", tuple(found))
    return Capacity(None, tuple(found))


def in_currency(amount_minor: int, currency: str, *, to: str, caps: Caps) -> int:
    """An amount in minor units of another currency, rounded up; as it is in its own."""
    if currency == to:
        return amount_minor
    rates = dict(caps.yuan_per_unit)
    exact = Decimal(amount_minor).scaleb(DIGITS[to] - DIGITS[currency])
    return round_minor(exact * rates[currency] / rates[to], Rounding.UP)


def debt_in(owed: Obligations, currency: str, caps: Caps) -> int:
    """All that is owed, of every currency, as an amount of one."""
    return sum(
        in_currency(one.debt_minor, one.currency, to=currency, caps=caps) for one in owed.items
    )


def monthly_in(owed: Obligations, currency: str, caps: Caps) -> int:
    """All that is paid a month, of every currency, as an amount of one."""
    return sum(
        in_currency(one.monthly_minor, one.currency, to=currency, caps=caps) for one in owed.items
    )


def arrears_in(owed: Obligations, currency: str, caps: Caps) -> int:
    """All that is past due, of every currency, as an amount of one."""
    return sum(
        in_currency(one.arrears_minor, one.currency, to=currency, caps=caps) for one in owed.items
    )


def _own_limit(owed: Obligations, currency: str, caps: Caps) -> tuple[int, int] | None:
    """The most that a person lets itself owe here, and what counts towards it; None without one.

    Who set none in this currency meant those of the others: the least of them bounds all that is
    owed here.
    """
    own = owed.own_limit_minor(currency)
    if own is not None:
        return own, owed.owed_here_minor(currency)
    if not owed.own_limits:
        return None
    least = min(in_currency(own, code, to=currency, caps=caps) for code, own in owed.own_limits)
    codes = {one.currency for one in owed.items}
    return least, sum(
        in_currency(owed.owed_here_minor(code), code, to=currency, caps=caps) for code in codes
    )


def debt_max(caps: Caps, yearly_income_minor: int, multiple: Decimal | None = None) -> int:
    """The most debt of all kinds that an income carries, rounded down."""
    times = caps.income_multiple if multiple is None else min(multiple, caps.income_multiple)
    return max(0, round_minor(yearly_income_minor * times, Rounding.DOWN))


def instalment_max(caps: Caps, yearly_income_minor: int) -> int:
    """The most that may be paid a month, rounded down."""
    share = caps.instalment_share / MONTHS
    return max(0, round_minor(yearly_income_minor * share, Rounding.DOWN))


def monthly_of(owed_minor: int, months: int, annual_rate: Decimal) -> int:
    """A month's share of the principal and a month's interest on all of it, rounded up.

    An upper bound of a level instalment, counted the same way for every method of repayment.
    """
    assert months > 0, months
    exact = Decimal(owed_minor) / months + owed_minor * annual_rate / MONTHS
    return round_minor(exact, Rounding.UP)


def months_left(days: int) -> int:
    """The months in so many days to a loan's last due day; a part of one counts, one is the least.

    As in servicing's ``monthly_burden``: a year of 365 days has twelve.
    """
    return max(1, -(-days * MONTHS // 365))


def require_capacity(capacity: Capacity) -> None:
    """Stop where the debt could not be carried. Refused: ``lending.over_capacity``,
    ``lending.own_limit_reached``, ``lending.credit_limit_reached``, ``lending.income_unknown``.
    """
    if capacity.reason == "own_limit_reached":
        raise Refused("lending.own_limit_reached", "You set a lower limit for what you owe here.")
    if capacity.reason == "credit_limit_reached":
        raise Refused("lending.credit_limit_reached", "This is above your credit limit.")
    if capacity.reason == "income_unknown":
        raise Refused(
            "lending.income_unknown", "No income is known; an officer has to verify one first."
        )
    if capacity.reason is not None:
        raise Refused(
            "lending.over_capacity", "With this, debts or instalments would be too high for income."
        )


def nudge(
    caps: Caps, *, offers_before: int, declined_lately: int, wants_offers: bool
) -> str | None:
    """What stands against telling a person of credit at all, products and higher limits alike:
    ``no_offers``, ``offer_declined`` or ``too_many_offers``; None where nothing does.
    """
    if not wants_offers:
        return "no_offers"
    if declined_lately:
        return "offer_declined"
    return "too_many_offers" if offers_before >= caps.offers_max else None


def check_offer(
    *,
    amount_minor: int,
    need_minor: int | None,
    offers_before: int,
    declined_lately: int,
    wants_offers: bool,
    caps: Caps,
) -> None:
    """Stop an offer nobody asked for: beyond what is left of the need that was stated, one too
    many, soon after a no, or to somebody who wants none at all.

    Refused: ``lending.no_offers_wanted``, ``lending.offer_declined``, ``lending.no_stated_need``,
    ``lending.offer_over_need``, ``lending.too_many_offers``.
    """
    stands = nudge(
        caps,
        offers_before=offers_before,
        declined_lately=declined_lately,
        wants_offers=wants_offers,
    )
    if stands == "no_offers":
        raise Refused("lending.no_offers_wanted", "The person wants to be offered no credit.")
    if stands == "offer_declined":
        raise Refused(
            "lending.offer_declined",
            f"The person said no to an offer in the last {caps.declined_days} days.",
        )
    if need_minor is None:
        raise Refused("lending.no_stated_need", "The person stated no need for credit.")
    if amount_minor > need_minor:
        raise Refused(
            "lending.offer_over_need", "The offer is larger than what is left of the need stated."
        )
    if stands is not None:
        raise Refused(
            "lending.too_many_offers",
            f"The person was offered credit {offers_before} times in {caps.offers_days} days.",
        )
