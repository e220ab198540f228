"""The day of loans that live: due, debited, counted, classed, provided for; one act a chunk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.servicing.arrays.day import judge, scale
from puhui.servicing.arrays.live import Rows, Whole
from puhui.servicing.desk.day.chunk import Chunk, count, drop_paid, fetch_chunk, roll, write_chunk
from puhui.servicing.desk.day.debit import debit
from puhui.servicing.desk.day.vintage import keep_vintages
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.joint import Moved, share_changes, shared_within
from puhui.servicing.desk.loan.post import post_own
from puhui.servicing.nouns.live import DayRun, RiskFigures, RunDay
from puhui.servicing.rules.expected import SCALE, days_step, loss_share
from puhui.servicing.tables import live as tables

CHUNK = 8190
OWN = ("interest_receivable", "interest_income", "fee_income", "loan_loss_allowance", "loan_loss")
Groups = list[tuple[str, str, NDArray[np.int64]]]


@use_case("servicing.run_day", roles=("system", "operator"))
def run_day(act: Act, input: RunDay) -> DayRun:
    """Bring a chunk of live loans to the end of a day, once; loans that are there stay as are.

    Instalments fall due and are taken from wallets; interest and penalty are counted to the day;
    age, class, stage and expected loss follow. Interest goes to the books as one transfer for each
    product and currency; on the last day of a month so does the change of provisions.
    Refused: ``servicing.day_ahead``, and those of the ledger where books are not open.
    """
    if input.day > act.today:
        raise Refused("servicing.day_ahead", f"{input.day} has not come yet.")
    day, figures = input.day.toordinal(), risk_figures()
    chunk = fetch_chunk(act.tx, after=input.after, until=input.until, day=day)
    if not chunk.rows:
        return DayRun(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "")
    due = roll(act.tx, chunk, day)
    count(chunk, day)
    debited = debit(act, chunk, day, figures)
    if debited.parts:
        shared = shared_within(act, input.after, input.until)
        for n, interest, fee in debited.parts if shared else ():
            if chunk.rows[n].id in shared:
                left = int(chunk.live[n]["outstanding_minor"])
                share_changes(
                    act, chunk.rows[n], Moved(left, interest_minor=interest, fee_minor=fee)
                )
    drop_paid(chunk)
    count(chunk, day)
    live = chunk.live
    bounds = np.array(figures.bounds, dtype=np.int64)
    judge(live, day, np.array(figures.buckets), bounds, figures.suspended_from)
    live["is_suspended"][[s == "charged_off" for s in chunk.status]] = 1
    groups = list(_groups(chunk))
    earned, suspended, postings = _book_interest(act, chunk, groups)
    _expect_losses(chunk, day, figures)
    is_month_end = (input.day + timedelta(days=1)).day == 1
    provided = 0
    if is_month_end:
        provided, posted = _provide(act, chunk, groups, input.day)
        postings += posted
    else:
        postings += _release_over(act, chunk, groups)
    live["counted_on"], live["awaits_day"] = day, 0
    if debited.events:
        ids, numbers, amounts = zip(*debited.events, strict=True)
        columns = {"loan_id": ids, "number": numbers, "amount_minor": amounts}
        act.tx.load(
            tables.EVENT,
            {**columns, "kind": "repaid", "day": input.day.isoformat(), "act_key": act.key,
             "undoes": "", "payer_id": "", "details": ""},
        )  # fmt: skip
    digest = write_chunk(act, chunk, is_month_end=is_month_end)
    return DayRun(
        len(live), due, debited.loans, debited.minor, debited.short, earned, suspended,
        int((live["days_past_due"] > 0).sum()), int((live["stage"] == 3).sum()), provided,
        postings + debited.postings, digest,
    )  # fmt: skip


def _groups(chunk: Chunk) -> Iterator[tuple[str, str, Whole]]:
    """The places of each product and currency among the loans of a chunk."""
    names = [f"{row.product}\x1f{row.currency}" for row in chunk.rows]
    found, inverse = np.unique(np.array(names), return_inverse=True)
    for number, name in enumerate(found.tolist()):
        product, currency = name.split("\x1f")
        yield product, currency, np.flatnonzero(inverse == number)


def _book_interest(act: Act, chunk: Chunk, groups: Groups) -> tuple[int, int, int]:
    """Bring the receivable to what was earned and not paid; of suspended loans it is nought.

    Returns what was earned and what was taken back, minor units, and how many transfers.
    """
    live = chunk.live
    live["accrued_minor"] = (
        live["owing_interest_minor"] + live["owing_penalty_minor"] + chunk.running
    )
    target = np.where(live["is_suspended"] == 1, 0, live["accrued_minor"])
    change = target - live["booked_minor"]
    live["booked_minor"] = target
    earned = suspended = 0
    parts: list[tuple[str, str, str, int, str]] = []
    for _, currency, places in groups:
        own = change[places]
        up, down = int(own[own > 0].sum()), -int(own[own < 0].sum())
        earned, suspended = earned + up, suspended + down
        parts.append(("interest_receivable", "interest_income", currency, up, "interest_accrual"))
        parts.append(
            ("interest_income", "interest_receivable", currency, down, "interest_suspension")
        )
    return earned, suspended, post_own(act, parts)


def _expect_losses(chunk: Chunk, day: int, figures: RiskFigures) -> None:
    """Expected loss of every loan: its exposure by the share that loans like it lose."""
    live = chunk.live
    months = np.clip(((live["matures_on"] - day) * 12 + 364) // 365, 1, figures.months_max)
    is_impaired = live["stage"] == 3
    days = np.where(is_impaired, live["days_past_due"], 0)
    firsts = np.array([0, *(first for first, _ in figures.impaired)])
    step = np.searchsorted(firsts, days, side="right") - 1
    percent = (live["rate_millionths"] + 5000) // 10_000
    keys = live["stage"]
    for column, size in (
        (live["grade"], 64), (np.where(is_impaired, 0, live["bucket"]), 64), (step, 64),
        (np.where(is_impaired, 0, months), 1024), (np.where(is_impaired, 0, percent), 256),
        (live["is_amortising"], 2), (live["lgd_millionths"], 2**20),
    ):  # fmt: skip
        keys = keys * size + column
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    shares = np.array(
        [
            loss_share(
                figures,
                stage=int(live["stage"][n]),
                grade=int(live["grade"][n]),
                bucket=int(live["bucket"][n]),
                days=days_step(figures, int(days[n])),
                months=int(months[n]),
                rate_percent=int(percent[n]),
                is_amortising=bool(live["is_amortising"][n]),
                lgd_millionths=int(live["lgd_millionths"][n]),
            )
            for n in first.tolist()
        ],
        dtype=np.int64,
    )
    exposure = live["outstanding_minor"] + np.maximum(live["booked_minor"], 0)
    live["expected_loss_minor"] = scale(exposure, shares[inverse], SCALE)
    over = np.array([status == "charged_off" for status in chunk.status])
    live["expected_loss_minor"][over] = exposure[over]


def _provide(act: Act, chunk: Chunk, groups: Groups, day: date) -> tuple[int, int]:
    """Post the change of provisions since the last time, and keep the sums of the month."""
    live = chunk.live
    change = live["expected_loss_minor"] - live["booked_loss_minor"]
    parts: list[tuple[str, str, str, int, str]] = []
    rows, rolls = [], []
    classes: list[dict[str, Any]] = []
    period = f"{day:%Y-%m}"
    for product, currency, places in groups:
        up = int(change[places][change[places] > 0].sum())
        down = -int(change[places][change[places] < 0].sum())
        parts.append(("loan_loss", "loan_loss_allowance", currency, up, "provision"))
        parts.append(("loan_loss_allowance", "loan_loss", currency, down, "provision_release"))
        own = live[places]
        kinds = own["stage"] * 8 + own["risk_class"]
        for kind in np.unique(kinds).tolist():
            some = own[kinds == kind]
            rows.append({
                "period": period, "act_key": act.key, "product": product, "currency": currency,
                "stage": kind // 8, "risk_class": kind % 8, "loans": len(some),
                "exposure_minor": int(some["outstanding_minor"].sum()),
                "expected_loss_minor": int(some["expected_loss_minor"].sum()),
                "posted_minor": int(change[places][kinds == kind].sum()),
            })  # fmt: skip
        moves = own["month_bucket"] * 64 + own["bucket"]
        for move in np.unique(moves).tolist():
            some = own[moves == move]
            rolls.append({
                "period": period, "act_key": act.key, "product": f"{product}",
                "bucket_before": move // 64, "bucket": move % 64, "loans": len(some),
                "outstanding_minor": int(some["outstanding_minor"].sum()),
            })  # fmt: skip
        classes += _class_moves(own, period=period, act_key=act.key, product=product)
    act.tx.run_many(tables.INSERT_PROVISION, rows)
    act.tx.run_many(tables.INSERT_ROLL, rolls)
    act.tx.run_many(tables.INSERT_CLASS_MOVE, classes)
    keep_vintages(act, chunk, [(product, places) for product, _, places in groups], period)
    live["booked_loss_minor"] = live["expected_loss_minor"]
    live["month_bucket"], live["month_class"] = live["bucket"], live["risk_class"]
    return int(change.sum()), post_own(act, parts)


def _class_moves(own: Rows, **told: str) -> list[dict[str, Any]]:
    """How the loans of one product moved between the five classes since the last month's end."""
    moves = own["month_class"] * 8 + own["risk_class"]
    found = []
    for move in np.unique(moves).tolist():
        some = own[moves == move]
        found.append({
            **told, "class_before": move // 8, "risk_class": move % 8, "loans": len(some),
            "outstanding_minor": int(some["outstanding_minor"].sum()),
        })  # fmt: skip
    return found


def _release_over(act: Act, chunk: Chunk, groups: Groups) -> int:
    """Release what was provided for loans that the day's debits have paid off; how many postings.

    On the last day of a month they are in the change that is posted then.
    """
    over = np.array([status == "paid_off" for status in chunk.status])
    held = np.where(over, chunk.live["booked_loss_minor"], 0)
    if not held.any():
        return 0
    chunk.live["booked_loss_minor"][over] = 0
    return post_own(
        act,
        [
            ("loan_loss_allowance", "loan_loss", currency, int(held[places].sum()),
             "provision_release")
            for _, currency, places in groups
        ],
    )  # fmt: skip


def day_chunks(node: Node, day: date) -> list[RunDay]:
    """All loans by chunks of ids."""
    chunks: list[RunDay] = []
    with node.read() as tx:
        last = tx.one(tables.LAST_ID)
        after = ""
        while last is not None and last.id is not None and after < last.id:
            end = tx.one(tables.NEXT_END, after=after, skip=CHUNK - 1)
            until = last.id if end is None else end.id
            chunks.append(RunDay(day, after, until))
            after = until
    return chunks


day_step(300, "servicing.run_day", day_chunks)
