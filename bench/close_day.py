"""Closing a day of a million live loans, with debits from wallets and a digest for every chunk.

A synthetic book is loaded by columns (not timed): six products, 24 ages, one loan in ten in
arrears, one in thirty due that day, one in twenty lent jointly with two others. Then every step
of `puhui close-day` is run for the day, and for the last day of its month. Loans drawn by lot are
held against the single-loan path, which replays terms and events: they must agree to the fen in
what is owed, due and accrued, in bucket, class, stage, expected loss and what was booked, joint
ones in what each lender has too. What was debited is reckoned from what was due and what the
wallet held, not read from what the day recorded.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402
from sqlalchemy import select  # noqa: E402

from puhui.kernel.clock import FixedClock, time_us_of  # noqa: E402
from puhui.kernel.crypto import Keys  # noqa: E402
from puhui.kernel.store import change  # noqa: E402
from puhui.ledger import verify  # noqa: E402
from puhui.node import open_node  # noqa: E402
from puhui.servicing import live  # noqa: E402
from puhui.servicing.arrays.spread import KNOT, pack  # noqa: E402
from puhui.servicing.nouns.live import DayRun  # noqa: E402
from puhui.servicing.rules.day import PARTS, add_sums  # noqa: E402
from puhui.servicing.rules.spread import left_on  # noqa: E402
from puhui.servicing.tables.live import LOAN  # noqa: E402
from puhui.servicing.tables.spread import DEFERRAL  # noqa: E402
from puhui.worker import close_day  # noqa: E402
from tests.servicing.book import Book, loan_id  # noqa: E402
from tests.servicing.lent import ill_booked  # noqa: E402
from tests.servicing.templates import make_templates  # noqa: E402

FEE_PARTS = 12
"""Days of which what is not earned of a fee is kept, as those of a loan of a year by months."""
DAY, MONTH_END = date(2026, 6, 29), date(2026, 6, 30)
CHECKED, CHECKED_JOINT = 1000, 200


def close(book: Book, day: date) -> dict[str, Any]:
    """Close one day: seconds by step, and what the loans' step did."""
    node = book.node
    node.clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T23:00:00+08:00")))
    steps: dict[str, float] = {}
    marks = [time.perf_counter()]
    runs: list[DayRun] = []
    act = node.act

    def watched(name: str, *args: Any, **more: Any) -> Any:
        outcome = act(name, *args, **more)
        if isinstance(outcome, DayRun):
            runs.append(outcome)
        return outcome

    def progress(name: str, done: int, count: int) -> None:
        now = time.perf_counter()
        steps[name] = steps.get(name, 0.0) + now - marks[0]
        marks[0] = now

    node.act = watched
    start, cpu = time.perf_counter(), time.process_time()
    close_day(node, day, progress=progress)
    seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    node.act = act
    sums = {
        name: sum(getattr(one, name) for one in runs)
        for name in ("loans", "due", "debited", "short", "past_due", "impaired", "postings")
    }
    (money,) = add_sums(one for run in runs for one in run.money)
    sums |= {name: getattr(money, name) for name in PARTS}
    return {
        "day": day.isoformat(), "seconds": round(seconds, 2), "cpu_s": round(cpu_s, 2),
        "us_per_loan": round(seconds / max(1, sums["loans"]) * 1e6, 2), **sums,
        "steps": {name: round(took, 2) for name, took in steps.items() if took > 0.005},
    }  # fmt: skip


def with_fees(book: Book) -> None:
    """Let every loan have one per cent of its principal as a fee to be earned over its life."""
    with book.node.read() as tx:
        loans = tx.all(select(LOAN.c.id, LOAN.c.principal_minor, LOAN.c.opened_on,
                              LOAN.c.matures_on))  # fmt: skip
    fees = [max(FEE_PARTS, row.principal_minor // 100) for row in loans]
    knots = [
        pack(tuple((row.opened_on + (row.matures_on - row.opened_on) * n // FEE_PARTS,
                    fee - fee * n // FEE_PARTS) for n in range(FEE_PARTS + 1)))
        for row, fee in zip(loans, fees, strict=True)
    ]  # fmt: skip
    columns = {"loan_id": [row.id for row in loans], "fee_minor": fees, "charged_minor": fees,
               "knots": knots}  # fmt: skip
    rest = {"income_minor": 0, "lost_minor": 0, "contract_rate": "", "effective_rate": ""}
    with change(book.node.store) as tx:
        tx.load(DEFERRAL, columns | rest)


def ill_earned(book: Book, drawn: Sequence[int]) -> list[str]:
    """Loans whose fee is not earned as the rule of one loan says."""
    found = []
    with book.node.read() as tx:
        for n in drawn:
            row, fee = live.take_loan(tx, loan_id(n)), live.deferral_of(tx, loan_id(n))
            assert fee is not None, n
            told = np.frombuffer(fee.knots, dtype=KNOT).tolist()
            wanted = fee.fee_minor - left_on(tuple(told), MONTH_END.toordinal())
            if row.status == "paid_off":
                wanted = fee.fee_minor
            elif row.is_suspended:
                wanted = 0
            if fee.income_minor != wanted:
                found.append(f"fee of {n}: {fee.income_minor} earned, {wanted} expected")
    return found


def measure(
    folder: Path, loans: int, *, ages: int, offsets: int, has_lenders: bool, has_fees: bool
) -> dict[str, Any]:
    """Load a book, close a day and a month, and compare loans drawn by lot."""
    before = datetime.fromisoformat("2026-06-28T10:00:00+08:00")
    node = open_node(
        folder, store_url=str(folder / "puhui.sqlite"), clock=FixedClock(time_us_of(before)),
        keys=Keys(b"k" * 32),
    )  # fmt: skip
    try:
        start = time.perf_counter()
        templates = make_templates(DAY, ages=ages, offsets=offsets)
        book = Book(node, DAY, templates, has_lenders=has_lenders)
        book.load(loans)
        if has_fees:
            with_fees(book)
        warm_up(book)
        loaded = time.perf_counter() - start
        days = [close(book, DAY), close(book, MONTH_END)]
        dice = random.Random(7)
        drawn = [dice.randrange(loans) for _ in range(min(CHECKED, loans))]
        joint = [n for n in range(loans) if book.is_joint(n)]
        drawn += dice.sample(joint, min(CHECKED_JOINT, len(joint)))
        differences = [line for n in drawn for line in book.differences(n, MONTH_END)]
        differences += [line for n in drawn for line in book.misjudged(n, (DAY, MONTH_END))]
        differences += ill_booked(node, book.lent) if joint else []
        differences += ill_earned(book, drawn) if has_fees else []
        with node.read() as tx:
            broken = verify(tx)
        size = node.store.size_bytes()
    finally:
        node.close()
    return {
        "loans": loans, "joint": len(joint), "seconds": max(day["seconds"] for day in days),
        "cpu_s": max(day["cpu_s"] for day in days),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "load_seconds": round(loaded, 1), "store_mib": size // 2**20, "days": days,
        "compared": len(drawn), "different": len(differences), "differences": differences[:5],
        "ledger_findings": len(getattr(broken, "findings", ()) or ()),
    }  # fmt: skip


def warm_up(book: Book) -> None:
    """Compile what a day is counted with, on a book of its own; kept beside the source."""
    with tempfile.TemporaryDirectory() as folder:
        clock = FixedClock(time_us_of(datetime.fromisoformat("2026-06-28T10:00:00+08:00")))
        url = str(Path(folder) / "warm.sqlite")
        node = open_node(Path(folder), store_url=url, clock=clock, keys=Keys(b"k" * 32))
        small = Book(node, DAY, book.templates, has_lenders=book.has_lenders)
        small.load(300)
        close(small, DAY)
        node.close()


def main() -> None:
    """Read the options, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="30,000 loans, under 20 seconds")
    parser.add_argument("--loans", type=int, default=0, help="how many loans; 1,000,000 by default")
    parser.add_argument("--alone", action="store_true", help="a book without joint lenders")
    parser.add_argument("--fees", action="store_true", help="every loan has a fee to be earned")
    asked = parser.parse_args()
    loans = asked.loans or (30_000 if asked.quick else 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"ages": 24, "offsets": 6} if asked.quick else {"ages": 24, "offsets": 30}
        found = measure(Path(folder), loans, has_lenders=not asked.alone,
                        has_fees=asked.fees, **sizes)  # fmt: skip
    found["is_quick"] = asked.quick
    found["book"] = "synthetic"
    if asked.json:
        print(json.dumps(found))
        return
    if asked.quick:
        print("A quick run: fewer loans than the claim is about.")
    for name, value in found.items():
        if name != "days":
            print(f"{name}: {value}")
    for day in found["days"]:
        print(", ".join(f"{name} {value}" for name, value in day.items()))


if __name__ == "__main__":
    main()
