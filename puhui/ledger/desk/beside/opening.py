"""Opening a node with a ledger beside its store: what was cut off is finished or let go."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import change
from puhui.ledger.arrays.layout import VOID
from puhui.ledger.arrays.record import TRANSFER, numbers_of
from puhui.ledger.desk.beside.held import MARK, OnHold
from puhui.ledger.desk.beside.outside import OutsideLedger
from puhui.ledger.desk.beside.shipping import OPENED, begin_shipping, open_again
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
        noted = tx.all(intent.SUMMED_TO)
    after = settled.ordinal if settled is not None else -1
    known = max([after, *(int(row.ordinal) for row in noted[:1])])
    is_behind = known >= 0 and not len(ledger.engine.tail(after=known - 1, count=1).ordinals)
    if rows:
        ledger.tokens.begun = int.from_bytes(rows[-1].token[:8], "big")
    for row in rows:
        if row.holds == OPENED:
            open_again(ledger.engine, row.records)
            continue
        records = np.frombuffer(row.records, dtype=TRANSFER)
        held = {int(i): amounts for i, amounts in json.loads(row.holds).items()}
        ledger.finish(OnHold(ledger, row.token, records.copy(), held=held))
    last, open_ids = _open_holds(ledger.engine, -1 if is_behind else after)
    ledger.void(open_ids)
    with change(node.store) as tx:
        if is_behind:  # a log that was restored: what was summed of it is counted again
            tx.put(intent.FORGET_SUMMED)
        for row in rows:
            if ledger.tokens.is_shipped:
                ledger.tokens.finish(row.token)
            else:
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


def open_beside(node: Node, name: str, *, ship: str = "") -> None:
    """Open the ledger beside the store where the setting names one, and settle what is left.

    ``sql`` is the ledger in the store; ``log`` or ``log:FOLDER`` a log in that folder of the home;
    ``tigerbeetle:CLUSTER@ADDRESSES`` a cluster that runs. A log is shipped to the folder ``ship``,
    under the home unless it is absolute. Refused: ``kernel.bad_ledger``, ``kernel.bad_ship``.
    """
    kind, _, rest = name.partition(":")
    if ship:
        check_ship(node.home, name, ship)
    if kind == "sql" and not rest:
        return
    if kind == "log":
        from puhui.ledger.engines.log.engine import LogEngine

        outside = OutsideLedger(LogEngine(node.home / (rest or "ledger")))
    elif kind == "tigerbeetle":
        from puhui.ledger.engines.tigerbeetle.engine import TigerBeetleEngine

        outside = OutsideLedger(TigerBeetleEngine.connected(rest), takes_history=False)
    else:
        raise Refused(
            "kernel.bad_ledger",
            f"PUHUI_LEDGER is {name[:60]!r}: give sql, log, log:FOLDER or "
            "tigerbeetle:CLUSTER@ADDRESSES.",
        )
    node.ports[OutsideLedger] = outside
    node.at_close.append(outside.engine.close)
    node.at_repeat.append(outside.repeat)
    outside.tokens.is_shipped = bool(ship)
    settle_outside(node, outside)
    if ship:
        begin_shipping(node, outside, node.home / (rest or "ledger"), node.home / ship)


def check_ship(home: Path, name: str, ship: str) -> None:
    """Whether a ledger can be shipped there. Refused: ``kernel.bad_ship``."""
    kind, _, rest = name.partition(":")
    if kind != "log":
        raise Refused(
            "kernel.bad_ship",
            "PUHUI_LEDGER_SHIP copies the ledger log; the ledger here is another. A ledger in the "
            "store is copied with the store, a cluster keeps its own copies.",
        )
    log, to = (home / (rest or "ledger")).resolve(), (home / ship).resolve()
    if to == log or log in to.parents or to in log.parents:
        raise Refused("kernel.bad_ship", f"PUHUI_LEDGER_SHIP is {to}: keep it apart from {log}.")
