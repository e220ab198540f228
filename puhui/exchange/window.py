"""The window of exchange (窗口): positions, quotes, windows and payments, as pages show them."""

from puhui.exchange.desk.deal import open_deals
from puhui.exchange.desk.read import (
    leg,
    open_legs,
    participants,
    position_of,
    positions,
    price,
    quotes,
    remittance_of,
    remittances,
    settlements,
    windows,
)

__all__ = [
    "leg",
    "open_deals",
    "open_legs",
    "participants",
    "position_of",
    "positions",
    "price",
    "quotes",
    "remittance_of",
    "remittances",
    "settlements",
    "windows",
]
