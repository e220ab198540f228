"""What state 0009 adds to the tables of servicing."""

from __future__ import annotations

from collections.abc import Callable

MAKERS: tuple[Callable[[], None], ...] = ()
"""In any order."""
