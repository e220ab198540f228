"""Past borrowers: the table a model is trained on, with the signals of the day of each decision.

Their signals come from the very function that applicants' signals come from, over raw flows drawn
by the same generator; how each loan ended is drawn afterwards, apart from them.
"""

from __future__ import annotations

from datetime import date, timedelta

from puhui.demo.draw.facts import Block, draw_block, invoices_of
from puhui.demo.draw.flow import flows_by_shop, movements_of
from puhui.demo.draw.outcome import draw_outcomes
from puhui.demo.draw.trade import history_days
from puhui.demo.figures import read_figures
from puhui.kernel.calendar import add_months
from puhui.merchant import Observed, row_of, signals_of, yuan_text

COHORT_BLOCK = 100
"""Blocks from here on are past borrowers; block 0 is the county itself."""

SEASONED_MONTHS = 13
"""The youngest of these loans is old enough to have ended well or badly within a year."""

OUTCOMES = ("good", "bad")


def observed_of(block: Block) -> tuple[Observed, ...]:
    """What a lender could see of each merchant of a block on its day."""
    first = history_days(block.day, len(block.trading.buyer[0]))[0]
    flows = flows_by_shop(movements_of(block.trading, first), block.trading.opening)
    return tuple(
        Observed(
            on=block.day,
            flows=flows[shop],
            invoices=invoices_of(block.trading, shop, first),
            past_instalments=block.past[shop],
            registered_on=block.day - timedelta(days=int(block.months[shop] * 30.4375)),
        )
        for shop in range(len(flows))
    )


def ended_badly(seed: int, block_number: int, count: int) -> tuple[bool, ...]:
    """How a loan to each merchant of a block ends within a year: for judging decisions only."""
    ended = draw_outcomes(seed, block_number, count, read_figures().history_days)
    return tuple(bool(bad) for bad in ended.is_bad)


def training_table(seed: int, day: date, *, size: int | None = None) -> dict[str, tuple[str, ...]]:
    """Past merchant loans as columns of texts, as the mapping ``merchant_310`` reads them.

    ``size`` past borrowers (default: county.toml), decided in monthly batches that end 13 months
    before ``day``. Columns: ``reference``, ``decided_on``, every signal, the guard columns,
    ``wanted``, then what became known afterwards: ``outcome``, ``principal``, ``charged_off``.
    """
    figures = read_figures()
    total, batches = size or figures.past_borrowers, figures.past_batches
    rows: list[dict[str, str]] = []
    for batch in range(batches):
        count = total // batches + (batch < total % batches)
        if count:
            decided_on = add_months(day, batch - batches + 1 - SEASONED_MONTHS)
            rows += _batch_rows(seed, COHORT_BLOCK + batch, count, decided_on)
    return {name: tuple(row[name] for row in rows) for name in rows[0]}


def _batch_rows(seed: int, block_number: int, count: int, day: date) -> list[dict[str, str]]:
    figures = read_figures()
    block = draw_block(seed, block_number, count, day, figures)
    signals = [signals_of(observed) for observed in observed_of(block)]
    ended = draw_outcomes(seed, block_number, count, figures.history_days)
    rows = []
    for shop, found in enumerate(signals):
        wanted_minor = int(block.wanted_yuan[shop]) * 100
        lost_minor = int(wanted_minor * float(ended.lost_share[shop])) // 100 * 100
        known = row_of(
            found,
            age_years=int(block.age_years[shop]),
            yearly_income_minor=int(block.income_yuan[shop]) * 100,
            existing_debt_minor=int(block.debt_yuan[shop]) * 100,
            overdue_minor=0,
            overdue_days=0,
        )
        rows.append(
            {
                "reference": f"past-{block_number}-{shop:04d}",
                "decided_on": day.isoformat(),
                **known,
                "wanted": yuan_text(wanted_minor),
                "outcome": OUTCOMES[int(ended.is_bad[shop])],
                "principal": yuan_text(wanted_minor),
                "charged_off": yuan_text(lost_minor),
            }
        )
    return rows
