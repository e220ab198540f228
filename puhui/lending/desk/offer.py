"""Offers of credit 营销授信: within the need a person stated, seldom, and never an inducement."""

from __future__ import annotations

from datetime import date

from puhui.data import permit
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables as lending_tables
from puhui.lending.desk.capacity import capacity_of
from puhui.lending.desk.debt import is_forgotten
from puhui.lending.formats.capacity import load_caps
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns.ask_capacity import CreditOffered, OfferCredit
from puhui.lending.nouns.obligation import Caps
from puhui.lending.rules.capacity import check_offer, monthly_of, require_capacity
from puhui.lending.tables import capacity as tables
from puhui.party import Party, take_party

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
    Refused: ``lending.no_stated_need``, ``lending.offer_over_need``, ``lending.too_many_offers``,
    ``lending.own_limit_reached``, ``lending.credit_limit_reached``, ``lending.over_capacity``,
    ``lending.income_unknown``, ``lending.bad_amount``, ``lending.no_product``,
    ``data.no_consent`` without a consent to marketing, ``party.unknown``.
    """
    product, caps = load_product(input.product), load_caps(act.today)
    if not 0 < input.amount_minor < MINOR_MAX or not 0 < len(input.channel) <= WORDS_MAX:
        raise Refused("lending.bad_amount", "An offer has an amount and a channel.")
    party: Party = act.kept["party"]
    permit(act, party, purpose="marketing", fields=("name",))
    act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=party.id, decisions=0)
    need = act.tx.one(tables.READ_NEED, party_id=party.id, product=product.name)
    since_us = act.now_us - caps.offers_days * DAY_US
    counted = act.tx.one(tables.COUNT_OFFERS, party_id=party.id, since_us=since_us)
    assert counted is not None, party.id
    check_offer(
        amount_minor=input.amount_minor,
        need_minor=None if need is None else int(need.wanted_minor),
        offers_before=int(counted.offers),
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
    )
    return CreditOffered(offer_id, int(counted.offers) + 1)


def offers_of(tx: Transaction, party_id: str) -> tuple[Row, ...]:
    """Credit that a person was told of, the newest first."""
    return tuple(tx.all(tables.READ_OFFERS, party_id=party_id))


def need_of(tx: Transaction, party_id: str, product: str) -> int | None:
    """The need that a person stated last for a product, minor units; None where it stated none."""
    row = tx.one(tables.READ_NEED, party_id=party_id, product=product)
    return None if row is None else int(row.wanted_minor)


def rules_of(on: date) -> Caps:
    """How often credit may be offered in how many days, as in force on a day."""
    return load_caps(on)
