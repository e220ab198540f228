"""Signals: worked cases by hand, and what must not change them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.merchant import Flows, Invoice, Observed, PastInstalment, row_of, signals_of, yuan_text
from puhui.merchant.rules.row import number_text
from puhui.merchant.rules.signal import SIGNALS, day_number
from puhui.score.engines.files import read_mapping

ON = date(2026, 3, 2)
"""A Monday, so the evening before is a Sunday."""

SHARES = ("active_days_share", "weekend_share", "top_payer_share", "empty_days_share")


def flows_of(entries: list[tuple[int, int, int, int, int]], opening: int = 0) -> Flows:
    """Flows from (days before ``ON``, amount, payer, tickets, payers), oldest first."""
    columns = np.array(entries, dtype=np.int64).reshape(len(entries), 5).T
    return Flows(
        day=day_number(ON) - columns[0],
        amount_minor=columns[1],
        payer=columns[2],
        tickets=columns[3],
        payers=columns[4],
        balance_minor=opening + np.cumsum(columns[1]),
    )


def observed(flows: Flows, **told: object) -> Observed:
    """An observation with little beside the flows."""
    made = Observed(ON, flows, (), (), None)
    return replace(made, **told)  # type: ignore[arg-type]


def test_a_worked_case() -> None:
    """90 days: 100 yuan every day, ten of it from one buyer; on the last day all is taken out."""
    entries: list[tuple[int, int, int, int, int]] = []
    for back in range(90, 0, -1):
        entries += [(back, 9_000, 0, 3, 2), (back, 1_000, 5, 1, 1)]
    entries.append((1, -900_000, 0, 0, 0))
    found = signals_of(observed(flows_of(entries)))
    assert found["daily_inflow"] == 100
    assert found["inflow_variation"] == 0
    assert found["inflow_trend"] == 1
    assert found["weekly_low"] == 1
    assert found["active_days_share"] == 1
    assert found["longest_pause_days"] == 0
    assert found["weekend_share"] == pytest.approx(26 / 90)
    assert found["tickets_per_day"] == 4
    assert found["payers_per_day"] == 3
    assert found["top_payer_share"] == pytest.approx(0.1)
    assert found["outflow_share"] == 1
    assert found["balance_low"] == 0
    assert found["balance_days"] == pytest.approx(44.5)
    assert found["empty_days_share"] == pytest.approx(1 / 90)
    assert isnan(found["invoices_on_time_share"])
    assert isnan(found["past_late_share"])
    assert isnan(found["months_in_trade"])


def test_pauses_and_trend() -> None:
    """60 days at 10 yuan, a pause of 10 days, then 20 days at 15 yuan."""
    entries = [(back, 1_000, 0, 1, 1) for back in range(90, 30, -1)]
    entries += [(back, 1_500, 0, 1, 1) for back in range(20, 0, -1)]
    found = signals_of(observed(flows_of(entries)))
    assert found["longest_pause_days"] == 10
    assert found["inflow_trend"] == pytest.approx(1.0)
    assert found["active_days_share"] == pytest.approx(80 / 90)
    assert found["weekly_low"] == 0


def test_bills_and_past_repayments() -> None:
    """Open invoices count to today, those not due not at all; early is not late."""

    def bill(due: int, paid: int | None) -> Invoice:
        due_on = ON - timedelta(days=due)
        return Invoice(
            supplier=0,
            issued_on=due_on - timedelta(days=7),
            due_on=due_on,
            paid_on=None if paid is None else ON - timedelta(days=paid),
            amount_minor=100,
        )

    def instalment(late: int) -> PastInstalment:
        return PastInstalment(ON - timedelta(days=200), ON - timedelta(days=200 - late), 100)

    found = signals_of(
        observed(
            flows_of([(90, 1_000, 0, 1, 1)]),
            invoices=(bill(40, 42), bill(30, 29), bill(20, 14), bill(10, None), bill(-5, None)),
            past_instalments=(instalment(0), instalment(-3), instalment(12), instalment(2)),
            registered_on=date(2024, 3, 2),
        )
    )
    assert found["invoices_on_time_share"] == 0.5
    assert found["invoice_delay_days"] == (0 + 1 + 6 + 10) / 4
    assert found["past_late_share"] == 0.5
    assert found["past_late_days_max"] == 12
    assert found["months_in_trade"] == pytest.approx(730 / 30.4375)


def test_an_empty_wallet_says_nothing() -> None:
    """Without flows nothing is made up."""
    found = signals_of(observed(flows_of([])))
    assert set(found) == set(SIGNALS)
    assert isnan(found["daily_inflow"])
    assert isnan(found["balance_low"])
    assert found["top_payer_share"] == 0


ENTRIES = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.integers(-50_000, 50_000).filter(bool),
        st.integers(0, 3),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=60,
)


@given(ENTRIES)
def test_what_lies_before_the_window_changes_nothing(
    entries: list[tuple[int, int, int, int, int]],
) -> None:
    """Older flows matter only through the balance they left; shares stay within 0..1."""
    start = [(90, 100, 0, 1, 1)]
    recent = start + sorted(entries, reverse=True)
    older = [(120, 70_000, 2, 5, 5), (100, -70_000, 0, 0, 0), *recent]
    found, again = signals_of(observed(flows_of(recent))), signals_of(observed(flows_of(older)))
    assert repr(found) == repr(again)
    assert all(0 <= found[name] <= 1 for name in SHARES)


def test_the_mapping_declares_every_signal() -> None:
    """The mapping's signals are these, read from columns of the same names; guards are kept out."""
    mapping = read_mapping("merchant_310")
    assert [signal.name for signal in mapping.signals] == list(SIGNALS)
    assert all(signal.columns == (signal.name,) for signal in mapping.signals)
    assert {guard.role for guard in mapping.guards} == {
        "age",
        "yearly_income",
        "existing_debt",
        "overdue",
        "overdue_days",
        "monthly_inflow",
    }
    assert all(signal.title_zh and signal.title_en for signal in mapping.signals)


def test_rows_are_texts() -> None:
    """Numbers with nine digits, amounts in yuan, nothing for what is not known."""
    signals = dict.fromkeys(SIGNALS, float("nan")) | {"daily_inflow": 100 / 3}
    row = row_of(
        signals,
        age_years=None,
        yearly_income_minor=5,
        existing_debt_minor=123_456,
        overdue_minor=None,
        overdue_days=0,
    )
    assert row["daily_inflow"] == "33.3333333"
    assert row["monthly_inflow"] == "1000.00"
    assert (row["age"], row["yearly_income"], row["existing_debt"]) == ("", "0.05", "1234.56")
    assert (row["overdue_amount"], row["overdue_days"], row["weekly_low"]) == ("", "0", "")
    assert number_text(0.1) == "0.1"
    assert yuan_text(-150) == "-1.50"
