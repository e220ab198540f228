"""Exchange (跨境兑换): currencies, quotes, payment versus payment, settlement of participants."""

from puhui.exchange.desk import funds as _funds  # noqa: F401  registers its use cases
from puhui.exchange.desk import participant as _participant  # noqa: F401  registers its use cases
from puhui.exchange.desk import settlement as _settlement  # noqa: F401  registers its use cases
from puhui.exchange.desk.leg import receipt_of
from puhui.exchange.desk.remit import remit_and_tell
from puhui.exchange.engines import between as _between  # noqa: F401  registers its use cases
from puhui.exchange.engines.coordinator import (
    KnownPeers,
    NodePeer,
    drive_deal,
    end_by_receipt,
    start_and_drive,
)
from puhui.exchange.engines.peer import open_peers
from puhui.exchange.formats.signed import quote_bytes
from puhui.exchange.nouns.quote import Quote

__all__ = [
    "Quote",
    "quote_bytes",
    "remit_and_tell",
    "receipt_of",
    "KnownPeers",
    "NodePeer",
    "start_and_drive",
    "drive_deal",
    "end_by_receipt",
    "open_peers",
]
