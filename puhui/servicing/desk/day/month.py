"""The end of a month: expected losses, provisions, moves between buckets and classes."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.servicing.arrays.day import scale
from puhui.servicing.arrays.live import Rows
from puhui.servicing.desk.day.chunk import Chunk
from puhui.servicing.desk.day.lender import Others
from puhui.servicing.desk.day.vintage import keep_vintages
from puhui.servicing.desk.loan.post import post_own
from puhui.servicing.nouns.live import RiskFigures
from puhui.servicing.rules.expected import MILLION, SCALE, loss_share
from puhui.servicing.tables import live as tables

Groups = list[tuple[str, str, NDArray[np.int64]]]
"""Product, currency and the places of its loans in a chunk."""


def lost_if_impaired(live: Rows, others: Others, figures: RiskFigures) -> NDArray[np.int64]:
    """What would be lost of our part of each loan ``(n,) int64`` if it is impaired, millionths: the
    same as ``rules.expected.impaired_share`` says of one.
    """
    firsts = np.array([first for first, _ in figures.impaired])
    steps = np.array([0, *(int(share * MILLION) for _, share in figures.impaired)])
    by_days = steps[np.searchsorted(firsts, live["days_past_due"], side="right")]
    own = MILLION - others.millionths
    given = (2 * live["lgd_millionths"] * MILLION + own) // (2 * own)
    lost: NDArray[np.int64] = np.minimum(MILLION, np.maximum(given, by_days))
    return lost


def expect_losses(chunk: Chunk, others: Others, day: int, figures: RiskFigures) -> None:
    """Expected loss of every loan: its exposure by the share that loans like it lose.

    What loans lose leaves out the shares of joint lenders; of one that was charged off all is lost
    but what ``others`` have lent.
    What may still be drawn of a line counts by its conversion factor, but of impaired ones, on
    which nothing is drawn any more.
    """
    live = chunk.live
    months = np.clip(((live["matures_on"] - day) * 12 + 364) // 365, 1, figures.months_max)
    is_impaired = live["stage"] == 3
    percent = (live["rate_millionths"] + 5000) // 10_000
    keys = live["stage"]
    for column, size in (
        (live["grade"], 64), (np.where(is_impaired, 0, live["bucket"]), 64),
        (np.where(is_impaired, 0, months), 1024), (np.where(is_impaired, 0, percent), 256),
        (live["is_amortising"], 2), (live["lgd_millionths"], 2**20),
    ):  # fmt: skip
        keys = keys * size + column
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    shares = np.array(
        [
            loss_share(
                figures,
                stage=min(2, int(live["stage"][n])),
                grade=int(live["grade"][n]),
                bucket=int(live["bucket"][n]),
                days=0,
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
    undrawn = np.maximum(live["credit_minor"] - live["outstanding_minor"], 0)
    undrawn[is_impaired | (live["number"] == 0)] = 0
    exposure = exposure + scale(undrawn, np.full(len(live), figures.conversion), MILLION)
    of_impaired = lost_if_impaired(live, others, figures) * (MILLION - others.millionths)
    lost = np.where(is_impaired, of_impaired // (MILLION**2 // SCALE), shares[inverse])
    live["expected_loss_minor"] = scale(exposure, lost, SCALE)
    over = np.array([status == "charged_off" for status in chunk.status])
    live["expected_loss_minor"][over] = (exposure - others.lent_minor)[over]


def provide(
    act: Act, chunk: Chunk, groups: Groups, day: date, *, mark: str = ""
) -> tuple[dict[str, int], int]:
    """Post the change of provisions since the last time, and keep the sums of the month.

    Sums are kept by the act's key, with ``mark`` where one act keeps two of a month. Returns the
    change, minor units by currency, and how many transfers.
    """
    live, act_key = chunk.live, f"{act.key}{mark}"
    change = live["expected_loss_minor"] - live["booked_loss_minor"]
    parts: list[tuple[str, str, str, int, str]] = []
    rows, rolls = [], []
    classes: list[dict[str, Any]] = []
    period, changed = f"{day:%Y-%m}", Counter[str]()
    for product, currency, places in groups:
        up = int(change[places][change[places] > 0].sum())
        down = -int(change[places][change[places] < 0].sum())
        changed[currency] += up - down
        parts.append(("loan_loss", "loan_loss_allowance", currency, up, "provision"))
        parts.append(("loan_loss_allowance", "loan_loss", currency, down, "provision_release"))
        own = live[places]
        kinds = own["stage"] * 8 + own["risk_class"]
        for kind in np.unique(kinds).tolist():
            some = own[kinds == kind]
            rows.append({
                "period": period, "act_key": act_key, "product": product, "currency": currency,
                "stage": kind // 8, "risk_class": kind % 8, "loans": len(some),
                "exposure_minor": int(some["outstanding_minor"].sum()),
                "expected_loss_minor": int(some["expected_loss_minor"].sum()),
                "posted_minor": int(change[places][kinds == kind].sum()),
            })  # fmt: skip
        moves = own["month_bucket"] * 64 + own["bucket"]
        for move in np.unique(moves).tolist():
            some = own[moves == move]
            rolls.append({
                "period": period, "act_key": act_key, "product": product, "currency": currency,
                "bucket_before": move // 64, "bucket": move % 64, "loans": len(some),
                "outstanding_minor": int(some["outstanding_minor"].sum()),
            })  # fmt: skip
        told = {"period": period, "act_key": act_key, "product": product, "currency": currency}
        classes += _class_moves(own, **told)
    act.tx.run_many(tables.INSERT_PROVISION, rows)
    act.tx.run_many(tables.INSERT_ROLL, rolls)
    act.tx.run_many(tables.INSERT_CLASS_MOVE, classes)
    keep_vintages(act, chunk, [(product, places) for product, _, places in groups], period, act_key)
    live["booked_loss_minor"] = live["expected_loss_minor"]
    live["month_bucket"], live["month_class"] = live["bucket"], live["risk_class"]
    return changed, post_own(act, parts)


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
