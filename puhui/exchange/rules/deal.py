"""Rules of deals: their terms, and which decision may follow which."""

from __future__ import annotations

from collections.abc import Collection

from puhui.exchange.nouns.deal import Deal, DealState, Side, StartDeal
from puhui.exchange.nouns.quote import Quote
from puhui.exchange.rules.leg import End, end_of
from puhui.exchange.rules.quote import check_alive, rate_of, target_of
from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX

_NEXT = {
    DealState.STARTED: (DealState.RELEASED, DealState.ABORTED),
    DealState.RELEASED: (DealState.COMMITTED, DealState.ABORTED),
    DealState.COMMITTED: (DealState.CLOSED_COMMITTED,),
    DealState.ABORTED: (DealState.CLOSED_ABORTED,),
}

OPEN_STATES = tuple(state.value for state in _NEXT)
"""The states of deals that are not closed."""


def check_deal(asked: StartDeal, now_us: int) -> None:
    """Whether a deal can be started at ``now_us``: the target leg ends first, on another peer.

    Refused: ``exchange.bad_deal``, ``exchange.bad_end``, ``exchange.bad_amount``,
    ``exchange.leg_expired``.
    """
    source, target = asked.source, asked.target
    for side in (source, target):
        _check_side(side)
    if source.peer == target.peer or not source.peer or not target.peer:
        raise Refused("exchange.bad_deal", "A deal has its legs on two nodes.")
    if not 0 <= asked.fee_minor < source.amount_minor:
        raise Refused("exchange.bad_amount", "A fee is less than what is given.")
    if source.currency == target.currency:
        raise Refused("exchange.bad_deal", "A deal has two currencies.")
    if source.expires_us <= target.expires_us:
        raise Refused("exchange.bad_deal", "The target leg ends before the source leg does.")
    if target.expires_us <= now_us:
        raise Refused("exchange.leg_expired", "The time of this deal is over.")


def _check_side(side: Side) -> None:
    if end_of(side.payer) == end_of(side.payee):
        raise Refused("exchange.bad_deal", "A payment has two ends.")
    if not 0 < side.amount_minor < MINOR_MAX:
        raise Refused("exchange.bad_amount", "An amount is above nought.")


def check_terms(asked: StartDeal, quote: Quote, now_us: int) -> None:
    """Whether a deal is what a quote offers at ``now_us``: its provider, its pair, its range, and
    no more paid out than its rate says.

    The payer gives what is changed, the provider's fee and the operator's.
    Refused: ``exchange.quote_expired``, ``exchange.other_currency``, ``exchange.bad_deal``.
    """
    source, target = asked.source, asked.target
    check_alive(quote, now_us)
    pair = quote.source_currency, quote.target_currency
    if pair != (source.currency, target.currency):
        raise Refused("exchange.other_currency", "This quote is of other currencies.")
    if end_of(source.payee) != End("participant", quote.provider_id):
        raise Refused("exchange.bad_deal", "This quote is another provider's.")
    changed = source.amount_minor - quote.fee_minor - asked.fee_minor
    if not quote.minimum_minor <= changed <= quote.maximum_minor:
        raise Refused("exchange.bad_deal", "This quote is for other amounts.")
    most = target_of(changed, rate_of(quote.rate), source_currency=pair[0], target_currency=pair[1])
    if target.amount_minor > most:
        raise Refused("exchange.bad_deal", "This quote brings less than is asked for.")


def strangers_of(deal: Deal, named: Collection[str]) -> tuple[str, ...]:
    """The nodes of a deal that are not among those ``named``, the payer's one first."""
    return tuple(one for one in (deal.source.peer, deal.target.peer) if one not in named)


def judge_decision(found: DealState, asked_from: DealState, asked_to: DealState) -> bool:
    """Whether a decision is to be written; False where it was before.

    Refused: ``exchange.bad_decision`` for one that contradicts what is written.
    """
    if found is asked_to:
        return False
    if found is not asked_from or asked_to not in _NEXT.get(found, ()):
        raise Refused("exchange.bad_decision", f"A deal that is {found} is not {asked_to} next.")
    return True


def check_deals_begun(*, under_way: int, lapsed: int, open_max: int, lapsed_max: int) -> None:
    """Whether a customer may begin one more payment to another node, beside so many under way and
    so many that came back today: each takes an offer, whatever becomes of it.

    Refused: ``exchange.too_many_deals``, ``exchange.too_many_lapsed``.
    """
    if under_way >= open_max:
        raise Refused("exchange.too_many_deals", f"{under_way} payments are under way already.")
    if lapsed >= lapsed_max:
        raise Refused("exchange.too_many_lapsed", f"{lapsed} payments came back today.")
