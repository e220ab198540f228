"""Payment versus payment on one node: both currencies and all fees in one chain, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from puhui import payment
from puhui.exchange.desk.account import Place, admit_ends, check_parties, find_places, own_account
from puhui.exchange.desk.lists import tariff
from puhui.exchange.desk.post import Movement, chain_of, keep_for_settlement, paid_at_once
from puhui.exchange.desk.quote import lock_quote, quote_of
from puhui.exchange.nouns.quote import Convert, Price, Quote, Remit, Remittance
from puhui.exchange.rules import quote as rules
from puhui.exchange.rules.leg import End, end_of
from puhui.exchange.tables import quote as tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.ledger import Transfer, create_transfers
from puhui.party import check_actor

PAYERS = ("customer", "operator", "system")
_REMARK_LENGTH_MAX = 140
_SHORT = "exceeds_credits"


def _quotes(act: Act, asked: Remit) -> list[Quote]:
    """The quotes that a price is sought among: the one that is named, or all that are open."""
    if asked.quote_id:
        row = lock_quote(act, asked.quote_id)
        quote = quote_of(row)
        if row.state != "open":
            raise Refused("exchange.quote_taken", "This quote was taken already.")
        rules.check_alive(quote, act.now_us)
        pair = quote.source_currency, quote.target_currency
        if pair != (asked.source_currency, asked.target_currency):
            raise Refused("exchange.other_currency", "This quote is of other currencies.")
        return [quote]
    rows = act.tx.all(
        tables.READ_OPEN_QUOTES,
        source_currency=asked.source_currency,
        target_currency=asked.target_currency,
        now_us=act.now_us,
        count=tariff().quotes_pair_max,
    )
    return [quote_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Ends:
    """The places of a payment that do not depend on its price."""

    payer: Place
    payee: Place
    fee_income: Place


def _movements(
    name: str, price: Price, ends: _Ends, provider: tuple[Place, Place]
) -> list[Movement]:
    """What moves by a price: to the provider, from the provider, and both fees."""
    moves = [
        Movement(f"{name}:source", ends.payer, provider[0], price.changed_minor),
        Movement(f"{name}:target", provider[1], ends.payee, price.target_minor),
        Movement(f"{name}:fee", ends.payer, provider[0], price.provider_fee_minor, "fee"),
        Movement(f"{name}:scheme", ends.payer, ends.fee_income, price.scheme_fee_minor, "fee"),
    ]
    return [one for one in moves if one.amount_minor]


def _try(act: Act, name: str, price: Price, ends: _Ends) -> list[Movement] | None:
    """Pay by one price; None where its provider cannot deliver. Refused: what the payer lacks."""
    row = lock_quote(act, price.quote_id)
    if row.state != "open":  # another payment took it while this one waited for the lock
        return None
    provider = End("participant", price.provider_id)
    wanted = [(provider, price.source_currency), (provider, price.target_currency)]
    try:
        found = find_places(act, wanted)
    except Refused:  # a provider without a position cannot be paid
        return None
    places = found[wanted[0]], found[wanted[1]]
    if ends.payer.account.id == places[0].account.id or ends.payee == places[1]:
        raise Refused("exchange.same_end", "A provider does not change money with itself.")
    movements = _movements(name, price, ends, places)
    groups = [paid_at_once(one) for one in movements]
    shut = (ends.payer, ends.payee, ends.fee_income)
    opening = {one.account.id: one.account for one in shut if not one.position_id}
    transfers = chain_of([one for group in groups for one in group])
    statuses = create_transfers(act, transfers, opening=tuple(opening.values()))
    failed = [at for at, status in enumerate(statuses) if status == _SHORT]
    if not failed:
        wrong = [status for status in statuses if status != "created"]
        if wrong:
            raise Refused(f"ledger.{wrong[0]}", "The ledger does not make this chain.")
        return movements
    if _is_delivery(movements, groups, failed[0]):
        return None
    raise Refused("exchange.payer_short", "The payer has too little, or owes too much already.")


def _is_delivery(movements: list[Movement], groups: Sequence[Sequence[Transfer]], at: int) -> bool:
    """Whether the transfer at a place of the chain is one that the provider pays."""
    for movement, group in zip(movements, groups, strict=True):
        if at < len(group):
            return ":target" in movement.name
        at -= len(group)
    raise AssertionError(at)


def remit_and_tell(act: Act, asked: Remit) -> Remittance:
    """Pay by the cheapest quote whose provider can deliver, and put it on record."""
    rules.check_pair(asked.source_currency, asked.target_currency)
    payer, payee = end_of(asked.payer), end_of(asked.payee)
    check_parties(act, (payer, payee))
    if len(asked.remark) > _REMARK_LENGTH_MAX:
        raise Refused("exchange.bad_remark", f"A remark has at most {_REMARK_LENGTH_MAX} letters.")
    quotes = _quotes(act, asked)
    fee = tariff().fee(asked.source_currency)
    prices = rules.ranked(quotes, fee, asked.amount_minor, asked.amount_kind, act.now_us)
    if not prices:
        raise Refused("exchange.no_quote", "No provider offers this now.")
    keys = [(payer, asked.source_currency), (payee, asked.target_currency)]
    places = find_places(act, keys)
    ends = _Ends(
        places[keys[0]],
        places[keys[1]],
        Place(own_account("fee_income", asked.source_currency)),
    )
    remittance_id = act.new_id("remittance")
    for tried, price in enumerate(prices[: tariff().quotes_tried_max]):
        rules.check_worst(price, asked.worst_minor, asked.amount_kind)
        admit_ends(act, keys[0], keys[1], price.target_minor)
        movements = _try(act, f"{remittance_id}:{tried}", price, ends)
        if movements is not None:
            if payer.kind == "party" and payer != payee:
                payment.spend(act, payer.id, asked.source_currency, price.total_minor)
            keep_for_settlement(act, remittance_id, movements)
            return _recorded(act, remittance_id, asked, price)
    raise Refused("exchange.provider_short", "No provider has the liquidity for this now.")


def _recorded(act: Act, remittance_id: str, asked: Remit, price: Price) -> Remittance:
    made = Remittance(
        id=remittance_id,
        quote_id=price.quote_id,
        provider_id=price.provider_id,
        payer=asked.payer,
        payee=asked.payee,
        source_currency=price.source_currency,
        changed_minor=price.changed_minor,
        provider_fee_minor=price.provider_fee_minor,
        scheme_fee_minor=price.scheme_fee_minor,
        target_currency=price.target_currency,
        target_minor=price.target_minor,
        made_us=act.now_us,
        remark=asked.remark,
    )
    act.tx.put(tables.SET_STATE, id_=price.quote_id, state_="taken")
    act.tx.put(
        tables.INSERT_REMITTANCE,
        **{name: getattr(made, name) for name in Remittance.__slots__},
    )
    told = {"remittance": remittance_id, "payer": asked.payer, "payee": asked.payee}
    act.emit("exchange.remitted", end_of(asked.payer).id, told)
    return made


@use_case("exchange.remit", roles=PAYERS, api=True)
def remit(act: Act, input: Remit) -> Remittance:
    """Pay somebody in another currency: both sides at once, or neither.

    The cheapest open quote for the amount is taken, all fees counted; where its provider has no
    cover left the next one is. A customer pays from the own wallet alone.
    Refused: ``party.not_yours``, ``exchange.bad_end``, ``exchange.bad_amount``,
    ``exchange.bad_remark``, ``exchange.unknown_party``, ``exchange.unknown_currency``,
    ``exchange.same_currency``, ``exchange.other_currency``, ``exchange.same_end``,
    ``exchange.unknown_quote``, ``exchange.quote_taken``, ``exchange.quote_expired``,
    ``exchange.no_quote``, ``exchange.worse_than_asked``, ``exchange.no_position``,
    ``exchange.participant_suspended``, ``exchange.payer_short``, ``exchange.provider_short``,
    ``exchange.no_window``, ``payment.wallet_closed``, ``payment.tier_balance``,
    ``payment.single_limit``, ``payment.daily_limit``.
    """
    payer = end_of(input.payer)
    check_actor(act.tx, act.actor, acts_for=payer.id)
    return remit_and_tell(act, input)


@use_case("exchange.convert", roles=PAYERS, api=True)
def convert(act: Act, input: Convert) -> Remittance:
    """Change one's own money into another currency. Refused: what ``exchange.remit`` refuses."""
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    end = f"party:{input.party_id}"
    return remit_and_tell(
        act,
        Remit(
            payer=end,
            payee=end,
            source_currency=input.source_currency,
            target_currency=input.target_currency,
            amount_kind=input.amount_kind,
            amount_minor=input.amount_minor,
            worst_minor=input.worst_minor,
            quote_id=input.quote_id,
        ),
    )
