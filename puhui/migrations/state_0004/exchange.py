"""The tables of exchange that are new in state 0004."""

from __future__ import annotations

from collections.abc import Callable

MAKERS: tuple[Callable[[], None], ...] = ()
"""In the order that references between tables ask for."""
