"""Offers of credit 营销授信: within the need a person stated, seldom, and never an inducement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from puhui.data import permit
from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables as lending_tables
from puhui.lending.desk.guard.capacity import capacity_of
from puhui.lending.desk.guard.debt import is_forgotten
from puhui.lending.formats.capacity import load_caps
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns.ask_capacity import (
    AnswerOffer,
    ChooseOffers,
    CreditOffered,
    OfferAnswered,
    OfferCredit,
    OffersChosen,
)
from puhui.lending.nouns.obligation import Caps
from puhui.lending.rules.capacity import check_offer, monthly_of, nudge, require_capacity
from puhui.lending.tables import capacity as tables
from puhui.lending.tables import credit_limit as credit_limits
from puhui.party import Party, check_actor, take_party

WORDS_MAX = 200
DAY_US = 86_400_000_000


def take_offered_party(act: Act, input: OfferCredit) -> OfferCredit | None:
    """The party, kept; None where what was looked at then is gone.

    Refused: ``party.unknown``, ``party.erased``.
    """
    party = act.kept["party"] = take_party(act, input.party_id)
    return None if is_forgotten(act, party) else input


@use_case("lending.offer_credit", roles=("operator", "system"), purpose="marketing",
          recompute=take_offered_party)  # fmt: skip
def offer_credit(act: Act, input: OfferCredit) -> CreditOffered:
    """Tell a person of credit, only within the need it stated and only so often.

    What is refused stands in the journal as refused: an inspector sees who was to be induced.
    The person sees it on a page of their own and answers there. What was lent or promised since
    the need was stated meets it; a newer offer of a product takes the older one's place; higher
    limits that were offered, and a no to one, count too. Refused:
    ``lending.no_offers_wanted``, ``lending.offer_declined``, ``lending.no_stated_need``,
    ``lending.offer_over_need``, ``lending.too_many_offers``, ``lending.own_limit_reached``,
    ``lending.credit_limit_reached``, ``lending.over_capacity``, ``lending.income_unknown``,
    ``lending.bad_amount``, ``lending.no_product``, ``data.no_consent`` without a consent to
    marketing, ``party.unknown``.
    """
    product, caps = load_product(input.product), load_caps(act.today)
    if not 0 < input.amount_minor < MINOR_MAX or not 0 < len(input.channel) <= WORDS_MAX:
        raise Refused("lending.bad_amount", "An offer has an amount and a channel.")
    party: Party = act.kept["party"]
    permit(act, party, purpose="marketing", fields=("name",))
    act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=party.id, decisions=0)
    told = told_lately(act.tx, party.id, caps, now_us=act.now_us)
    check_offer(
        amount_minor=input.amount_minor,
        need_minor=need_of(act.tx, party.id, product.name, now_us=act.now_us),
        offers_before=told.offers,
        declined_lately=told.declined,
        wants_offers=told.is_wanted,
        caps=caps,
    )
    decided = act.tx.one(tables.READ_LAST_DECISION, party_id=party.id, currency=product.currency)
    months = product.default_term_months
    capacity = capacity_of(
        act,
        party,
        product=product.name,
        currency=product.currency,
        wanted_minor=input.amount_minor,
        wanted_monthly_minor=monthly_of(input.amount_minor, months, product.pricing.rate_max),
        known=None if decided is None else decided.decision,
    )
    require_capacity(capacity)
    act.tx.put(tables.REPLACE_OFFERS, party_id_=party.id, product_=product.name)
    offer_id = act.new_id("credit_offer")
    act.tx.put(
        tables.INSERT_CREDIT_OFFER,
        id=offer_id,
        party_id=party.id,
        product=product.name,
        currency=product.currency,
        amount_minor=input.amount_minor,
        channel=input.channel,
        made_us=act.now_us,
        status="open",
        answered_us=None,
    )
    payload = {"offer": offer_id, "product": product.name, "amount_minor": input.amount_minor}
    act.emit("lending.credit_offered", party.id, payload)
    return CreditOffered(offer_id, told.offers + 1)


@use_case("lending.answer_offer", roles=("customer",), api=True)
def answer_offer(act: Act, input: AnswerOffer) -> OfferAnswered:
    """Say yes or no to credit that was offered; a yes binds to nothing, it leads to an application.

    After a no nothing is offered for some time. Nobody but the person answers. Refused:
    ``lending.no_offer``, ``lending.offer_over``, ``party.not_yours``.
    """
    row = act.tx.one(tables.LOCK_OFFER, id=input.offer_id)
    if row is None:
        raise Refused("lending.no_offer", "No such credit was offered to you.")
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    days = load_caps(act.today).offers_days
    if row.status != "open" or act.now_us > row.made_us + days * DAY_US:
        raise Refused("lending.offer_over", "This offer was answered already, or has ended.")
    status = "taken" if input.is_wanted else "declined"
    act.tx.put(tables.ANSWER_OFFER, id_=row.id, status_=status, answered_us_=act.now_us)
    act.emit(f"lending.credit_offer_{status}", row.party_id, {"offer": row.id})
    return OfferAnswered(row.id, row.product, status)


@use_case("lending.choose_offers", roles=("customer",), api=True)
def choose_offers(act: Act, input: ChooseOffers) -> OffersChosen:
    """Want to be offered no credit from now on, neither products nor higher limits; or again.

    Nobody else lifts it, whatever consent there is. Source: PIPL art. 24 (an easy way to refuse).
    Refused: ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    take_party(act, input.party_id)
    act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=input.party_id, decisions=0)
    if input.is_wanted:
        act.tx.put(tables.DELETE_NO_OFFERS, party_id=input.party_id)
    else:
        act.tx.put(tables.PUT_NO_OFFERS, party_id=input.party_id, said_us=act.now_us)
    act.emit("lending.offers_chosen", input.party_id, {"is_wanted": input.is_wanted})
    return OffersChosen(input.party_id, input.is_wanted)


def wants_offers(tx: Transaction, party_id: str) -> bool:
    """Whether a person may be offered credit at all."""
    return tx.one(tables.READ_NO_OFFERS, party_id=party_id) is None


def open_offers(tx: Transaction, party_id: str, *, now_us: int) -> tuple[Row, ...]:
    """Offers that wait for a person's answer, the newest first."""
    since_us = now_us - load_caps(business_date(now_us)).offers_days * DAY_US
    rows = offers_of(tx, party_id)
    return tuple(one for one in rows if one.status == "open" and one.made_us >= since_us)


def offers_of(tx: Transaction, party_id: str) -> tuple[Row, ...]:
    """Credit that a person was told of, the newest first."""
    return tuple(tx.all(tables.READ_OFFERS, party_id=party_id))


def need_of(tx: Transaction, party_id: str, product: str, *, now_us: int) -> int | None:
    """What is left of the need that a person stated last for a product, minor units.

    None where it stated none for as long as a need counts.
    """
    since_us = now_us - load_caps(business_date(now_us)).need_days * DAY_US
    told = {"party_id": party_id, "product": product}
    row = tx.one(tables.READ_NEED, **told, since_us=since_us)
    if row is None:
        return None
    met = tx.all(tables.READ_MET, **told, since_us=row.applied_us)
    return max(0, int(row.wanted_minor) - sum(int(one.met_minor) for one in met))


@dataclass(frozen=True, slots=True)
class Told:
    """How often a person was told of credit lately, how often it said no, whether it wants any."""

    offers: int
    declined: int
    is_wanted: bool


def told_lately(tx: Transaction, party_id: str, caps: Caps, *, now_us: int) -> Told:
    """Offers of products and of higher limits, together, whatever channel they came by."""

    def count(statements: tuple[Any, ...], days: int) -> int:
        since_us = now_us - days * DAY_US
        rows = [tx.one(one, party_id=party_id, since_us=since_us) for one in statements]
        return sum(0 if row is None else int(row.offers) for row in rows)

    return Told(
        count((tables.COUNT_OFFERS, credit_limits.COUNT_RISES), caps.offers_days),
        count((tables.COUNT_DECLINED, credit_limits.COUNT_RISES_DECLINED), caps.declined_days),
        wants_offers(tx, party_id),
    )


def nudge_of(act: Act, party_id: str) -> str | None:
    """What stands against offering a higher limit: an offer is an offer, of whatever it is."""
    caps = load_caps(act.today)
    told = told_lately(act.tx, party_id, caps, now_us=act.now_us)
    return nudge(
        caps,
        offers_before=told.offers,
        declined_lately=told.declined,
        wants_offers=told.is_wanted,
    )


def rules_of(on: date) -> Caps:
    """How often credit may be offered in how many days, as in force on a day."""
    return load_caps(on)
