"""Rules of settlement: which windows go together, what each participant owes, what it pays."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.exchange.nouns.window import Net, SettlementLine, SettlementWindow
from puhui.kernel.errors import Refused

WINDOWS_MAX = 100


def check_windows(windows: Sequence[SettlementWindow], asked: Sequence[str], currency: str) -> None:
    """Whether windows can be settled together in ``currency``.

    Refused: ``exchange.no_windows``, ``exchange.unknown_window``, ``exchange.other_currency``,
    ``exchange.window_not_closed``.
    """
    if not 0 < len(asked) <= WINDOWS_MAX or len(set(asked)) != len(asked):
        raise Refused("exchange.no_windows", f"A settlement takes 1 to {WINDOWS_MAX} windows.")
    if len(windows) != len(asked):
        raise Refused("exchange.unknown_window", "There is no such window.")
    if any(window.currency != currency for window in windows):
        raise Refused("exchange.other_currency", "A window is settled in its own currency.")
    if any(window.state != "closed" for window in windows):
        raise Refused("exchange.window_not_closed", "Only a closed window is settled, and once.")


def netted(nets: Sequence[Net]) -> tuple[Net, ...]:
    """What is left to be settled, by position; who owes nothing is left out."""
    return tuple(sorted((n for n in nets if n.net_minor), key=lambda n: n.position_id))


def cover_change(line: SettlementLine) -> int:
    """By how much a settlement moves the cover of a position, minor units.

    Down by what was owed and not paid, up by what was owed to it and not paid out: the position
    itself always moves by the whole net.
    """
    short_minor = abs(line.net_minor) - line.paid_minor
    assert short_minor >= 0, line
    return -short_minor if line.net_minor > 0 else short_minor
