"""How often one caller may call: a bucket of tokens for each, in this process."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

CALLERS_MAX = 10_000


class Rates:
    """Buckets that fill evenly and hold a minute's worth; the longest unused are forgotten.

    One server serves a store, so a count in its memory is the count.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, per_minute: int) -> int:
        """Take one call from the caller's bucket: 0, or how many seconds to wait for the next."""
        now = self._seconds()
        with self._lock:
            left, last = self._buckets.pop(caller, (float(per_minute), now))
            left = min(float(per_minute), left + (now - last) * per_minute / 60)
            wait_s = 0 if left >= 1 else math.ceil((1 - left) * 60 / per_minute)
            self._buckets[caller] = (left if wait_s else left - 1, now)
            if len(self._buckets) > CALLERS_MAX:
                self._buckets.popitem(last=False)
        return wait_s
