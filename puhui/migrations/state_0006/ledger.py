"""The tables of ledger that are new or changed in state 0006."""

from __future__ import annotations

from collections.abc import Callable

MAKERS: tuple[Callable[[], None], ...] = ()
"""In the order that references between tables ask for."""
