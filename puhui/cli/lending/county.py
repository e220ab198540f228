"""The demo county from the command line: settle it, play its first day, report the day."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from puhui.cli.say import Step
    from puhui.demo import FirstDay, SeededCounty
    from puhui.intake import LendRun
    from puhui.kernel import Node

SEED = 1
PRODUCT = MAPPING = "merchant_310"
DAY_BEGINS = "books"
"""The step before the first application: what comes after it is what applications take."""


class _Meter:
    """Passes steps on, and notes time, CPU and size of the store when the day begins."""

    def __init__(self, node: Node, step: Step) -> None:
        self.node = node
        self.step = step
        self.mark()

    def mark(self) -> None:
        self.seconds, self.cpu_seconds = time.perf_counter(), time.process_time()
        self.bytes = self.node.store.size_bytes()

    def __call__(self, name: str, done: int, total: int) -> None:
        if name == DAY_BEGINS:
            self.mark()
        self.step(name, done, total)


@dataclass(frozen=True, slots=True)
class CountyRun:
    """The report of a first day, and figures that only a county with known debts can give."""

    ran: LendRun
    extra: dict[str, object]
    customers: tuple[Any, ...]
    shops: tuple[Any, ...]


def lend_county(
    node: Node,
    *,
    size: int | None = None,
    past_borrowers: int | None = None,
    reports: Path | None = None,
    step: Step = None,
) -> CountyRun:
    """Settle the county and play its first day where that is not done yet, and report the day.

    ``size`` merchants and ``past_borrowers`` in the training table, as county.toml has them unless
    given. Merchants are scored from the flows, invoices and repayments they consented to show. A
    second run finds everything done. Refused: ``demo.other_county``, ``demo.bad_size``.
    """
    from puhui import demo
    from puhui.demo.window import lend_secured, open_market
    from puhui.intake import PlayedDay, report_played
    from puhui.score import Table

    started = time.perf_counter()
    step = step or (lambda name, done, total: None)
    county = demo.seed_county(node, size=size, seed=SEED, progress=step)
    meter = _Meter(node, step)
    day = demo.play_first_day(node, county, past_borrowers=past_borrowers, progress=meter)
    seconds = time.perf_counter() - meter.seconds
    cpu_seconds = time.process_time() - meter.cpu_seconds
    size_bytes = node.store.size_bytes() - meter.bytes
    step("past", 0, 1)
    columns = demo.training_table(county.seed, county.day, size=past_borrowers)
    ends = demo.draw_county(county.seed, len(county.merchants), county.day).ended_badly
    step("past", 1, 1)
    played = PlayedDay(
        mapping=MAPPING,
        product=PRODUCT,
        model_digest=day.model_digest,
        past=Table(columns, len(columns["reference"])),
        cases=tuple((id_, ends[number]) for id_, number in day.decided),
        day_acts=_acts_of(county, day),
        day_new_acts=day.new_acts,
        new_acts=county.new_acts + day.new_acts,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        stored_bytes=max(size_bytes, 0),
        total_seconds=time.perf_counter() - started,
    )
    ran = report_played(node, played, reports=reports)
    lend_secured(node, county, day)
    customers = demo.open_customers(node, county, day)
    shops = open_market(node, county, progress=step)
    return CountyRun(ran, _extra(node, county, day, ran), customers, shops)


def _acts_of(county: SeededCounty, day: FirstDay) -> int:
    """All acts of a first day: model, books, looks, applications, decisions, contracts, money."""
    return 2 + len(county.merchants) + 2 * day.applications + 2 * day.disbursed


INCOME_MULTIPLE = 3
"""The survey's warning line: debt of more than three times the yearly income."""


def _extra(node: Node, county: SeededCounty, day: FirstDay, ran: LendRun) -> dict[str, object]:
    """Prices of the contracts, and who would owe over three incomes, counted from outside.

    The count takes what each merchant truly owes elsewhere and earns, not what the guard saw.
    """
    from puhui import lending

    lent: Counter[int] = Counter()
    rates = []
    with node.read() as tx:
        for application_id, number in day.decided:
            loan = lending.contract_of(tx, application_id)
            if loan is not None:
                lent[number] += loan.principal_minor
                rates.append(float(loan.annual_rate))
    over = [
        number
        for number, principal_minor in lent.items()
        if county.merchants[number].merchant.existing_debt_minor + principal_minor
        > INCOME_MULTIPLE * county.merchants[number].merchant.yearly_income_minor
    ]
    return {
        "annual_rate_mean": sum(rates) / len(rates) if rates else None,
        "annual_rate_max": max(rates, default=None),
        "refused_for_debt": sum(
            one.rows for one in ran.report.reasons if one.code == "debt_over_income"
        ),
        "lent_over_three_incomes": len(over),
    }
