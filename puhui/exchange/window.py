"""The window of exchange (窗口): positions, quotes, windows and payments, as pages show them."""

from puhui.exchange.desk.corridor import read_corridor
from puhui.exchange.desk.deal import deals, open_deals, read_deal
from puhui.exchange.desk.leg import receipt_for
from puhui.exchange.desk.lists import between
from puhui.exchange.desk.peer import peer_by_key, standing_of
from puhui.exchange.desk.read import (
    leg,
    open_legs,
    participants,
    position_of,
    positions,
    prices,
    quotes,
    remittance_of,
    remittances,
    settlements,
    windows,
)
from puhui.exchange.engines import payee as payees
from puhui.exchange.engines.peer import reach_peers
from puhui.exchange.formats import http_signature
from puhui.exchange.formats.signed import read_receipt
from puhui.exchange.nouns.participant import Participant, Position
from puhui.exchange.nouns.quote import AmountKind, Price, Remittance
from puhui.exchange.rules import corridor
from puhui.exchange.rules.deal import strangers_of

__all__ = [
    "Participant",
    "Position",
    "AmountKind",
    "Price",
    "Remittance",
    "between",
    "corridor",
    "deals",
    "http_signature",
    "leg",
    "open_deals",
    "open_legs",
    "participants",
    "payees",
    "peer_by_key",
    "position_of",
    "positions",
    "prices",
    "quotes",
    "reach_peers",
    "read_corridor",
    "read_deal",
    "read_receipt",
    "receipt_for",
    "remittance_of",
    "remittances",
    "settlements",
    "standing_of",
    "strangers_of",
    "windows",
]
