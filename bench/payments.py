"""Payments per second and how long one takes: files, codes to scan, promises, offline vouchers.

One node on SQLite, durable commits; what is compiled on the first use of a machine is compiled
before anything is measured. Batches go through `payment.pay_batch`, the use case behind `puhui
pay`; a CSV file goes through the whole of `puhui pay`, read while the batch before is posted. Wall
time beyond processor time is the disk, or other work on the machine. Single payments by code are
asked for one after another by one caller; a promise is kept once its reading is in; offline
vouchers are made and checked without a node, then brought in. A bare `fdatasync` of 4 KiB on the
same disk is measured beside them: no durable payment by itself can be faster. Afterwards the ledger
is verified.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from puhui.kernel import Node  # noqa: E402
from puhui.kernel.clock import FixedClock  # noqa: E402
from puhui.ledger import verify  # noqa: E402
from puhui.node import open_node, take_core  # noqa: E402
from puhui.payment.window import pay_file  # noqa: E402
from tests.offline.fair import Device, grant, people, sync  # noqa: E402
from tests.payment.purse import (  # noqa: E402
    STAFF,
    batch,
    open_books,
    pay_batch,
    person,
    run,
    self_of,
    today,
)

START_US = 1_795_000_000_000_000
BATCH = 8_190


def fsync_ms(folder: Path, times: int = 200) -> float:
    """The median of a bare write and `fdatasync` of 4 KiB."""
    waits = []
    with (folder / "bare").open("wb", buffering=0) as file:
        for _ in range(times):
            start = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            waits.append(time.perf_counter() - start)
    return statistics.median(waits) * 1000


def timed(times: int, once: Callable[[int], Any]) -> tuple[float, float]:
    """Milliseconds of `once`: the median and the 99th percentile."""
    waits = []
    for number in range(times):
        start = time.perf_counter()
        once(number)
        waits.append((time.perf_counter() - start) * 1000)
    cuts = statistics.quantiles(waits, n=100)
    return cuts[49], cuts[98]


def file_figures(
    node: Node, payers: list[str], payees: list[str], payments: int
) -> dict[str, float]:
    """Batches of a file: payments a second, by the clock and of processor time."""
    lines = [
        (f"p{n:09d}", payers[n % len(payers)], payees[(n * 7) % len(payees)], 1 + n % 90)
        for n in range(payments)
    ]
    given = [batch(*lines[start : start + BATCH]) for start in range(0, payments, BATCH)]
    wall, cpu = time.perf_counter(), time.process_time()
    posted = sum(pay_batch(node, one).posted for one in given)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert posted == payments, (posted, payments)
    assert pay_batch(node, given[0]).posted == 0, "a file that comes again posts nothing"
    return {"payments_per_s_file": payments / wall, "payments_per_cpu_s_file": payments / cpu}


def csv_figures(
    node: Node, folder: Path, payers: list[str], payees: list[str], payments: int
) -> dict[str, float]:
    """The same as a CSV file paid by what `puhui pay` does."""
    path = folder / "wages.csv"
    with path.open("w") as file:
        file.write("payment_id,payer,payee,amount,remark\n")
        file.writelines(
            f"c{n:09d},{payers[n % len(payers)]},{payees[(n * 7) % len(payees)]},0.{10 + n % 90},\n"
            for n in range(payments)
        )
    wall, cpu = time.perf_counter(), time.process_time()
    paid = pay_file(node, STAFF, path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert (paid.posted, paid.refused_rows) == (payments, 0), paid
    return {"payments_per_s_csv": payments / wall, "payments_per_cpu_s_csv": payments / cpu}


def code_figures(node: Node, payer: str, shop: str, times: int) -> dict[str, float]:
    """A shop's dynamic code, made, scanned and paid: three reads and two acts of a till."""

    printed = {"category": "5411", "name": "BENCH GROCERY", "city": "LANKAO"}
    run(node, "create_code", STAFF, party_id=shop, kind="static", **printed)

    def once(number: int) -> None:
        told = {"party_id": shop, "kind": "dynamic", "amount_minor": 10 + number % 9}
        made = run(node, "create_code", self_of(shop), **told)
        run(node, "pay_by_code", self_of(payer), payer_id=payer, code=made.payload, amount_minor=0)

    p50, p99 = timed(times, once)
    return {"code_p50_ms": p50, "code_p99_ms": p99}


def promise_figures(node: Node, payer: str, shop: str, times: int) -> dict[str, float]:
    """Money promised for a reading, the reading recorded, the promise kept: three acts."""
    until = today(node) + timedelta(days=30)

    def once(number: int) -> None:
        reading = {
            "kind": "reading", "source": "bench", "name": f"rain-{number}",
            "comparison": "ge", "threshold": "10",
        }  # fmt: skip
        made = run(
            node, "promise", self_of(payer), payer_id=payer, payee_id=shop, amount_minor=100,
            currency="CNY", condition=reading, lapses_on=until.isoformat(),
        )  # fmt: skip
        run(
            node, "record_reading", source="bench", name=f"rain-{number}", value="12",
            observed_on=today(node).isoformat(), revision=0,
        )  # fmt: skip
        done = run(node, "fulfil", self_of(shop), promise_id=made.promise_id, payee_id=shop)
        assert done.status == "kept", done

    p50, _ = timed(times, once)
    return {"promise_p50_ms": p50}


def offline_figures(node: Node, times: int) -> dict[str, float]:
    """Vouchers made, checked by the payee without a node, and brought in."""
    payer, shop = people(node, "payer", "shop")
    grant(node, payer, 20_000)
    now_us = node.clock.now_us()
    requests = [shop.ask(10 + n % 5, now_us) for n in range(times)]
    start = time.process_time()
    texts = [payer.pay(request, now_us) for request in requests]
    made = time.process_time() - start
    start = time.process_time()
    for text, request in zip(texts, requests, strict=True):
        Device.take(shop, text, request, now_us)
    checked = time.process_time() - start
    start = time.perf_counter()
    sync(node, texts)
    brought = time.perf_counter() - start
    return {
        "voucher_make_ms": made * 1000 / times,
        "voucher_check_ms": checked * 1000 / times,
        "voucher_characters": statistics.mean(map(len, texts)),
        "vouchers_per_s_sync": times / brought,
    }


def main() -> None:
    """Run everything, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--quick", action="store_true", help="a shorter run (under 20 s)")
    chosen = parser.parse_args()
    scale = 1 if chosen.quick else 10
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        take_core(home)
        node = open_node(home, clock=FixedClock(START_US))
        open_books(node)
        folk = [person(node, order, money=50_000_000) for order in range(1, 41)]
        figures = {"fdatasync_p50_ms": fsync_ms(home)}
        warm = [(f"w{n}", folk[n % 20], folk[20 + n % 20], 1) for n in range(BATCH)]
        assert pay_batch(node, batch(*warm)).posted == BATCH
        figures |= file_figures(node, folk[:20], folk[20:], 4 * BATCH * scale)
        figures |= csv_figures(node, home, folk[:20], folk[20:], 4 * BATCH * scale)
        figures |= code_figures(node, folk[0], folk[1], 100 * scale)
        figures |= promise_figures(node, folk[2], folk[3], 50 * scale)
        figures |= offline_figures(node, 40)
        with node.read() as tx:
            report = verify(tx)
        assert report.is_sound, report.findings[:3]
        assert report.trial_balance.difference_minor == 0
        node.close()
    for label, value in figures.items():
        print(f"{label:28} {value:,.3f}")
    print(
        f"single payment by code : bare fdatasync = "
        f"{figures['code_p50_ms'] / figures['fdatasync_p50_ms']:.0f} : 1"
    )
    if chosen.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
