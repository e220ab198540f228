"""Opening the ledger beside the store that a setting names."""

from __future__ import annotations

from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.ledger.desk.outside import OutsideLedger, settle_outside


def open_beside(node: Node, name: str) -> None:
    """Open the ledger beside the store where the setting names one, and settle what is left.

    ``sql`` is the ledger in the store; ``log`` or ``log:FOLDER`` a log in that folder of the home;
    ``tigerbeetle:CLUSTER@ADDRESSES`` a cluster that runs. Refused: ``kernel.bad_ledger``.
    """
    kind, _, rest = name.partition(":")
    if kind == "sql" and not rest:
        return
    if kind == "log":
        from puhui.ledger.engines.log.engine import LogEngine

        outside = OutsideLedger(LogEngine(node.home / (rest or "ledger")))
    elif kind == "tigerbeetle":
        from puhui.ledger.engines.tigerbeetle.engine import TigerBeetleEngine

        outside = OutsideLedger(TigerBeetleEngine.connected(rest))
    else:
        raise Refused(
            "kernel.bad_ledger",
            f"PUHUI_LEDGER is {name[:60]!r}: give sql, log, log:FOLDER or "
            "tigerbeetle:CLUSTER@ADDRESSES.",
        )
    node.ports[OutsideLedger] = outside
    node.at_close.append(outside.engine.close)
    node.at_repeat.append(outside.repeat)
    settle_outside(node, outside)
