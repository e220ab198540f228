"""One typed wrapper for numba's njit, so that compiled functions keep their signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def njit(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile ``function`` at its first call without the interpreter lock.

    The machine code is cached beside the source where that folder can be written. Strict IEEE
    arithmetic is kept (no fastmath), so a compiled rule equals its Python twin to the last bit.
    """
    return cast(
        Callable[Parameters, Result],
        numba.njit(nogil=True, cache=True, fastmath=False, error_model="numpy")(function),
    )
