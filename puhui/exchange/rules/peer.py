"""Rules of peers: what one may ask this node to hold."""

from __future__ import annotations

from collections.abc import Collection

from puhui.exchange.nouns.leg import PrepareLeg
from puhui.exchange.rules.leg import end_of
from puhui.kernel.errors import Refused


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
