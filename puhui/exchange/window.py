"""The window of exchange (窗口): positions, quotes, windows and payments, as pages show them."""

from puhui.exchange.desk.corridor import read_corridor
from puhui.exchange.desk.deal import open_deals
from puhui.exchange.desk.read import (
    leg,
    open_legs,
    participants,
    position_of,
    positions,
    price,
    prices,
    quotes,
    remittance_of,
    remittances,
    settlements,
    windows,
)
from puhui.exchange.nouns.participant import Position
from puhui.exchange.nouns.quote import AmountKind, Price, Remittance
from puhui.exchange.rules.corridor import cost_of, draw, waiting_cost

__all__ = [
    "Position",
    "AmountKind",
    "Price",
    "Remittance",
    "cost_of",
    "draw",
    "leg",
    "open_deals",
    "open_legs",
    "participants",
    "position_of",
    "positions",
    "price",
    "prices",
    "quotes",
    "read_corridor",
    "remittance_of",
    "remittances",
    "settlements",
    "waiting_cost",
    "windows",
]
