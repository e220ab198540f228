"""What transfers moved, by day, ledger, account code and reason: from the store, or an engine.

Positions count the transfers of the ledger. In the store they are those of its rows; of a ledger
beside the store the first transfer that is not provisional is number 1, so that a journal that is
run again into another engine counts alike, whatever lies between.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.clock import EPOCH
from puhui.kernel.store import Row, Transaction
from puhui.ledger.arrays.layout import PENDING_FLAG, VOID
from puhui.ledger.arrays.record import Records, ledger_name
from puhui.ledger.desk.beside.held import MARK
from puhui.ledger.desk.beside.outside import OutsideLedger, outside_of
from puhui.ledger.desk.chart import chart
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.nouns.general import Movement, Sums
from puhui.ledger.tables import general, intent
from puhui.ledger.tables.schema import SHIFT, whole

EVENTS = 65_536
"""About how many events of an engine are looked at in one piece."""
LOOK_UP_MAX = 8190
_EPOCH_DAY = EPOCH.date()


@dataclass(frozen=True, slots=True)
class Summed:
    """What the next transfers moved: how many they are, where they end, rows of movements."""

    transfers: int
    position: int
    rows: list[dict[str, object]]


def number_of_day(day: date) -> int:
    """Days since 1970-01-01 in China."""
    return (day - _EPOCH_DAY).days


def day_of(number: int) -> date:
    """The day with that number."""
    return _EPOCH_DAY + timedelta(days=number)


def movements_of(rows: Sequence[Row]) -> list[Movement]:
    """Movements as they are kept in the table."""
    return [
        Movement(
            day=day_of(row.day_number),
            ledger=row.ledger,
            code=row.code,
            is_carried=bool(row.is_carried),
            sums=Sums(
                whole(row.debits_high, row.debits_low), whole(row.credits_high, row.credits_low)
            ),
            postings=row.postings,
        )
        for row in rows
    ]


def sum_next(tx: Transaction, after: int, *, until: int, at_most: int) -> Summed:
    """Sum the next transfers past ``after``, at most so many, none beyond ``until``; of a ledger
    beside the store note how far that is.
    """
    outside = outside_of(tx)
    if outside is not None:
        return _sum_beside(tx, outside, after, min(at_most, until - after))
    end = tx.one(general.CHUNK_END, after=after, until=until, count=at_most)
    assert end is not None
    rows: Sequence[Row] = ()
    if end.transfers:
        code = chart().transfer("year_end")
        rows = tx.all(general.MOVED_BETWEEN, after=after, until=end.position, year_end_code=code)
    position = end.position if end.transfers == at_most else until
    return Summed(end.transfers, position, _added(rows))


def _added(rows: Sequence[Any]) -> list[dict[str, object]]:
    """One movement for each day, ledger, code and reason, of the two sides' rows."""
    found: dict[tuple[int, str, int, int], dict[str, Any]] = {}
    for row in rows:
        key = (row.day_number, row.ledger, row.code, row.is_carried)
        names = ("day_number", "ledger", "code", "is_carried")
        one = found.setdefault(
            key,
            dict(zip(names, key, strict=True)) | dict.fromkeys(general.PARTS, 0) | {"postings": 0},
        )
        one[f"{row.side}s_high"] += row.high
        one[f"{row.side}s_low"] += row.low
        one["postings"] += row.postings
    return [found[key] for key in sorted(found)]


def movements_between(tx: Transaction, after: int, *, until: int, last: date) -> list[Movement]:
    """What transfers past a position moved to the end of ``last``, straight from them."""
    outside = outside_of(tx)
    rows: Sequence[Any]
    if outside is not None:
        pieces = _pieces(tx, outside, after)
        rows = [row for _, records in pieces for row in _moved(outside.engine, records)]
    else:
        code = chart().transfer("year_end")
        rows = tx.all(general.MOVED_BETWEEN, after=after, until=until, year_end_code=code)
    return [
        Movement(
            day=day_of(row.day_number),
            ledger=row.ledger,
            code=row.code,
            is_carried=bool(row.is_carried),
            sums=Sums(whole(row.high, row.low), 0)
            if row.side == "debit"
            else Sums(0, whole(row.high, row.low)),
            postings=row.postings,
        )
        for row in rows
        if day_of(row.day_number) <= last
    ]


# Of an engine beside the store.


@dataclass(frozen=True, slots=True)
class _Moved:
    """One side of what some transfers moved, as a row of ``MOVED_BETWEEN`` says it."""

    side: str
    day_number: int
    ledger: str
    code: int
    is_carried: int
    high: int
    low: int
    postings: int


def _pieces(tx: Transaction, outside: OutsideLedger, after: int) -> Iterator[tuple[int, Records]]:
    """The acts' own transfers past a position, piece by piece, each with the ordinal of its last;
    at the end those that the transaction's group moves, which have none yet: -1.
    """
    skipped = yield from _settled_pieces(tx, outside, after)
    for one in outside.own(tx):
        records = one.records[skipped:]
        skipped -= min(skipped, len(one.records))
        if len(records):
            yield -1, records


def _settled_pieces(
    tx: Transaction, outside: OutsideLedger, after: int, *, count: int = EVENTS
) -> Generator[tuple[int, Records], None, int]:
    """The same of those that the engine holds, read ``count`` events at a time; returns how many
    were not passed over yet.
    """
    ordinal, passed = _noted(tx)
    if after < passed:
        ordinal, passed = -1, 0
    skipped = after - passed
    while len((page := outside.engine.tail(after=ordinal, count=count)).ordinals):
        ordinal = int(page.ordinals[-1])
        own = np.flatnonzero(page.transfers["user_32"] != MARK)
        left = own[skipped:]
        skipped -= min(skipped, len(own))
        if len(left):
            yield int(page.ordinals[left[-1]]), page.transfers[left]
    return skipped


def _noted(tx: Transaction) -> tuple[int, int]:
    """An ordinal up to which transfers are summed, and how many those are."""
    found = tx.all(intent.SUMMED_TO)
    return (int(found[0].ordinal), int(found[1].ordinal)) if found else (-1, 0)


def count_beside(tx: Transaction, outside: OutsideLedger, after: int) -> int:
    """How many own transfers there are past a position, those of the act's group too."""
    return sum(len(records) for _, records in _pieces(tx, outside, after))


def has_beside(tx: Transaction, outside: OutsideLedger, after: int, wanted: int) -> bool:
    """Whether the engine holds so many own transfers past a position."""
    found = 0
    for _, records in _settled_pieces(tx, outside, after, count=wanted):
        found += len(records)
        if found >= wanted:
            return True
    return False


def sum_ahead_beside(tx: Transaction, outside: OutsideLedger, after: int, wanted: int) -> Summed:
    """Sum transfers that the engine holds, past a position; notes a place to go on from."""
    pieces = _settled_pieces(tx, outside, after, count=wanted)
    return _sum(tx, outside, pieces, after, wanted)


def _sum_beside(tx: Transaction, outside: OutsideLedger, after: int, wanted: int) -> Summed:
    """As ``sum_next``, of a ledger beside the store; notes a place to go on from."""
    return _sum(tx, outside, _pieces(tx, outside, after), after, wanted)


def _sum(
    tx: Transaction,
    outside: OutsideLedger,
    pieces: Iterator[tuple[int, Records]],
    after: int,
    wanted: int,
) -> Summed:
    found: list[_Moved] = []
    transfers = 0
    for ordinal, records in pieces:
        taken = min(len(records), wanted - transfers)
        found += _moved(outside.engine, records[:taken])
        transfers += taken
        if taken == len(records) and ordinal >= 0:
            tx.put(intent.PUT_SETTLED, id=intent.SUMMED, ordinal=ordinal)
            tx.put(intent.PUT_SETTLED, id=intent.SUMMED_COUNT, ordinal=after + transfers)
        if transfers == wanted:
            break
    return Summed(transfers, after + transfers, _added(found))


def _moved(engine: LedgerEngine, transfers: Records) -> list[_Moved]:
    """What transfers posted, each side by day, ledger, account code and reason."""
    posting = transfers[transfers["flags"] & (PENDING_FLAG | VOID) == 0]
    if not len(posting):
        return []
    sides = [(posting[f"{name}_lo"], posting[f"{name}_hi"]) for name in ("debit", "credit")]
    codes = _codes_of(
        engine,
        np.concatenate([low for low, _ in sides]),
        np.concatenate([high for _, high in sides]),
    )
    days = (posting["time_ns"].astype(np.int64) // 1000 + general.ZONE_US) // general.DAY_US
    is_carried = (posting["code"] == chart().transfer("year_end")).astype(np.int64)
    keys = [days, posting["ledger"].astype(np.int64), is_carried]
    found = []
    for place, side in enumerate(("debit", "credit")):
        own = codes[place * len(posting) : (place + 1) * len(posting)]
        found += _grouped(side, [*keys, own], posting["amount_lo"].astype(np.int64))
    return found


def _grouped(
    side: str, keys: Sequence[NDArray[np.int64]], amounts: NDArray[np.int64]
) -> list[_Moved]:
    """Sums of ``amounts`` ``(n,) int64`` by day, ledger, reason and code, each ``(n,) int64``."""
    order = np.lexsort(tuple(keys))
    sorted_keys = np.stack([key[order] for key in keys])
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (sorted_keys[:, 1:] != sorted_keys[:, :-1]).any(axis=0)
    starts = np.flatnonzero(is_first)
    amounts = amounts[order]
    highs = np.add.reduceat(amounts >> SHIFT, starts)
    lows = np.add.reduceat(amounts & (2**SHIFT - 1), starts)
    counts = np.diff(np.append(starts, len(order)))
    return [
        _Moved(side, day, ledger_name(ledger), code, is_carried, high, low, count)
        for (day, ledger, is_carried, code), high, low, count in zip(
            sorted_keys[:, starts].T.tolist(),
            highs.tolist(),
            lows.tolist(),
            counts.tolist(),
            strict=True,
        )
    ]


def _codes_of(
    engine: LedgerEngine, low: NDArray[np.uint64], high: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """The codes of accounts by the halves of their ids, ``(n,) int64``."""
    order = np.lexsort((low, high))
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    distinct = order[is_first]
    ids = np.stack([low[distinct], high[distinct]], axis=1)
    found = [
        engine.lookup_accounts(ids[at : at + LOOK_UP_MAX], 0)
        for at in range(0, len(ids), LOOK_UP_MAX)
    ]
    codes = np.concatenate([page["code"] for page in found]).astype(np.int64)
    assert len(codes) == len(ids), (len(codes), len(ids))
    made = np.empty(len(order), dtype=np.int64)
    made[order] = codes[np.cumsum(is_first) - 1]
    return made
