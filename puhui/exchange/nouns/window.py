"""Windows and settlements: what deferred net positions come to, and how they are paid."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettlementWindow:
    """The payments of one currency between two closings (清算窗口).

    State: open, closed, settling, settled.
    """

    id: str
    currency: str
    state: str
    opened_us: int
    closed_us: int | None = None
    settlement_id: str | None = None


@dataclass(frozen=True, slots=True)
class Net:
    """What a participant owes (positive) or is owed (negative) over windows, minor units."""

    position_id: str
    net_minor: int


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """One participant in a settlement, minor units.

    ``net_minor`` is what it owes, negative what it is owed. ``paid_minor`` came from its free
    funds or went to them; the rest moved its cover, down where funds were short, up where what
    came in is spent already.
    """

    position_id: str
    net_minor: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """The settling of closed windows of one currency (净额结算).

    State: reserved, settled, aborted.
    """

    id: str
    currency: str
    state: str
    window_ids: tuple[str, ...]
    lines: tuple[SettlementLine, ...]


@dataclass(frozen=True, slots=True)
class CloseWindow:
    """A window to close; the next one of its currency opens in the same moment."""

    window_id: str


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """The window that was closed, and the one that is open now."""

    window_id: str
    next_window_id: str


@dataclass(frozen=True, slots=True)
class ReserveSettlement:
    """Closed windows to settle together; all are of ``currency``."""

    currency: str
    window_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndSettlement:
    """A reserved settlement to be paid, or to be given up."""

    settlement_id: str


@dataclass(frozen=True, slots=True)
class SettlementMoved:
    """Where a settlement stands, with its lines."""

    settlement_id: str
    state: str
    lines: tuple[SettlementLine, ...]
