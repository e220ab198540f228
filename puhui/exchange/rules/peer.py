"""Rules of peers: what one may ask this node to hold."""

from __future__ import annotations

import re
from collections.abc import Collection

from puhui.exchange.nouns.leg import PrepareLeg
from puhui.exchange.nouns.payee import NO_CURRENCY
from puhui.exchange.rules.leg import end_of
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, MINOR_MAX

_PAYEE = re.compile(r"party:[0-9A-Za-z-]{1,80}")


def check_asked_by_peer(
    asked: PrepareLeg, draws: Collection[str], *, now_us: int, hold_s_max: int
) -> None:
    """Whether a peer may have this leg held: the one that is paid first, and from a participant
    that lets it draw. No peer can ask for money out of a wallet.

    Refused: ``exchange.not_drawn``, ``exchange.bad_leg``, ``exchange.bad_end``.
    """
    payer = end_of(asked.payer)
    if payer.kind != "participant" or payer.id not in draws:
        raise Refused("exchange.not_drawn", "This node may not draw on that payer.")
    if asked.awaits or asked.fee_minor:
        raise Refused(
            "exchange.bad_leg", "A peer asks for the leg that waits for no other, and for no fee."
        )
    if asked.expires_us - now_us > hold_s_max * 1_000_000:
        raise Refused("exchange.bad_leg", f"For a peer a leg is held {hold_s_max} seconds at most.")


def check_payee_asked(payee: str, currency: str, amount_minor: int) -> None:
    """Whether a payee can be asked about: a customer of a node, in a currency that is traded or
    none, and up to an amount in its minor units, which may be nought.

    Refused: ``exchange.bad_end``, ``exchange.unknown_currency``, ``exchange.bad_amount``.
    """
    if not _PAYEE.fullmatch(payee):
        raise Refused("exchange.bad_end", "The payee is a customer of the other node.")
    if currency != NO_CURRENCY and currency not in DIGITS:
        raise Refused("exchange.unknown_currency", f"{currency[:10]!r} is not traded here.")
    if not 0 <= amount_minor < MINOR_MAX:
        raise Refused("exchange.bad_amount", "An amount is not below nought.")


def check_asks(asks: int, asks_max: int) -> None:
    """Whether a customer may ask about payees the ``asks``-th time in a day.

    Refused: ``exchange.too_many_asks``.
    """
    if asks > asks_max:
        raise Refused("exchange.too_many_asks", f"{asks_max} asks a day are allowed.")
