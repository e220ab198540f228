"""Probes: is the process alive, can it work, and what has it done (Prometheus)."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from puhui.kernel import Fault, Node
from puhui.kernel.store.journal import count_since

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class JournalFigures:
    """Acts by name and refusal, counted from the journal on from where it was read before."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._position = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """The figures, as the client library asks for them."""
        with self._lock, self._node.store.read() as tx:
            until, rows = count_since(tx, self._position)
            for row in rows:
                self._counts[row.name, row.refusal or ""] += row.acts
            self._position = max(self._position, until)
            counts = sorted(self._counts.items())
        acts = CounterMetricFamily(
            "puhui_acts", "Acts in the journal, refused ones too.", labels=("name", "refusal")
        )
        for (name, refusal), count in counts:
            acts.add_metric((name, refusal), count)
        yield acts
        yield GaugeMetricFamily(
            "puhui_journal_position", "The last settled position of the journal.", self._position
        )
        yield GaugeMetricFamily(
            "puhui_store_bytes", "How much room the store takes.", self._node.store.size_bytes()
        )


class ActTimes(logging.Handler):
    """Times of acts, from the call to the durable answer, as the kernel tells them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(logging.INFO)
        self._seconds = Histogram(
            "puhui_act_seconds",
            "From the call of an act to its durable answer.",
            ("name",),
            buckets=SECONDS,
            registry=registry,
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Take one act's time."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            self._seconds.labels(str(record.args[0])).observe(float(str(record.args[4])) / 1000)


class Probes:
    """What a supervisor of processes asks: /healthz, /readyz and /metrics."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Collector(JournalFigures(node)))
        self.times = ActTimes(self._registry)
        self.is_stopping = False
        self.worker: threading.Thread | None = None
        logging.getLogger("puhui.act").addHandler(self.times)

    def close(self) -> None:
        """Count no more."""
        logging.getLogger("puhui.act").removeHandler(self.times)

    def ready(self) -> tuple[int, str]:
        """Whether requests may be sent here: the store answers, the worker runs, no stop."""
        if self.is_stopping:
            return 503, "stopping\n"
        if self.worker is not None and not self.worker.is_alive():
            return 503, "the worker has ended\n"
        try:
            with self._node.store.read() as tx:
                count_since(tx, 2**62)
        except Fault as fault:
            return 503, f"{fault.code}\n"
        return 200, "ready\n"

    def metrics(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self._registry)


class _Collector:
    """The library's own kind of collector over ours."""

    def __init__(self, figures: JournalFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        return self._figures.collect()

    def describe(self) -> Iterable[Metric]:
        return ()
