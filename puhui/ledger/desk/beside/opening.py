"""Opening a node with a ledger beside its store: what was cut off is finished or let go."""

from __future__ import annotations

import json

import numpy as np

from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import change
from puhui.ledger.arrays.layout import VOID
from puhui.ledger.arrays.record import TRANSFER, numbers_of
from puhui.ledger.desk.beside.held import MARK, OnHold
from puhui.ledger.desk.beside.outside import OutsideLedger
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.tables import intent


def settle_outside(node: Node, ledger: OutsideLedger) -> tuple[int, int]:
    """Finish every intent, and let every other provisional pending go, before the node serves.

    Returns how many intents were finished and how many pendings let go.
    """
    with change(node.store) as tx:
        tx.all(intent.AWAIT_COMMITS)
        rows = tx.all(intent.ALL_INTENTS)
        settled = tx.one(intent.SETTLED_TO)
    for row in rows:
        records = np.frombuffer(row.records, dtype=TRANSFER)
        held = {int(i): amounts for i, amounts in json.loads(row.holds).items()}
        ledger.finish(OnHold(ledger, row.token, records.copy(), held=held))
    last, open_ids = _open_holds(ledger.engine, settled.ordinal if settled is not None else -1)
    ledger.void(open_ids)
    with change(node.store) as tx:
        for row in rows:
            tx.put(intent.DROP_INTENT, settled=row.token)
        tx.put(intent.PUT_SETTLED, id=1, ordinal=last)
    return len(rows), len(open_ids)


def _open_holds(engine: LedgerEngine, after: int) -> tuple[int, list[int]]:
    """Provisional pendings past an ordinal that nothing has ended; and the last ordinal."""
    found: dict[int, None] = {}
    while True:
        page = engine.tail(after=after, count=100_000)
        if not len(page.ordinals):
            return after, list(found)
        after = int(page.ordinals[-1])
        marked = page.transfers[page.transfers["user_32"] == MARK]
        is_void = marked["flags"] & VOID != 0
        for hold_id in numbers_of(marked["id_lo"][~is_void], marked["id_hi"][~is_void]):
            found[hold_id] = None
        for ended in numbers_of(marked["pending_lo"][is_void], marked["pending_hi"][is_void]):
            found.pop(ended, None)


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
