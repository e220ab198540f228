"""Drift of a model: facts of decisions then and now, each look on record, figures alone kept."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest

from puhui.data.window import accesses_of
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.errors import Refused
from puhui.kernel.store.browse import browse_journal, read_act
from puhui.lending.nouns.drift import MeasuredDrift, MeasureDrift
from tests.lending.bank import Bank

ASKED = {
    "before_since": "2026-03-01",
    "before_until": "2026-03-31",
    "since": "2026-04-01",
    "until": "2026-04-30",
}


def decided(bank: Bank, clock: FixedClock) -> list[str]:
    """Four persons decided on in March and three in April, whose flows have fallen."""
    found = []
    for number in range(7):
        if number == 4:
            clock.set_us(time_us_of(datetime.fromisoformat("2026-04-02T09:00:00+08:00")))
        person = bank.person()
        row = {
            "id": f"d{number}", "age": "40", "income": "120000", "debt": "0", "late": "0",
            "flow": str(9000 + 1000 * number) if number < 4 else "1500",
        }  # fmt: skip
        bank.decide(bank.apply(person, f"d{number}", row=row))
        found.append(person)
    return found


def measure(bank: Bank, key: str, **more: Any) -> Any:
    told = {**ASKED, "model_digest": bank.model_digest, **more}
    return bank.act("lending.measure_drift", key, **told)


def code_of(bank: Bank, key: str, **more: Any) -> str:
    with pytest.raises(Refused) as refused:
        measure(bank, key, **more)
    return refused.value.code


def test_drift_is_measured_from_decisions_then_and_now(bank: Bank, clock: FixedClock) -> None:
    people = decided(bank, clock)
    made = measure(bank, "1")
    assert (made.rows_before, made.rows) == (4, 3)
    by_name = {one.signal: one for one in made.signals}
    assert len(by_name) >= 2
    assert any(one.psi > 0.25 for one in made.signals), "the flows have fallen"
    assert 0 < made.mean_pd < 1
    bank.node.store.settle_positions()
    with bank.node.read() as tx:
        for person in people:
            looks = [one for one in accesses_of(tx, person) if one.purpose == "model_monitoring"]
            assert len(looks) == 1
        (row,) = browse_journal(tx, name="lending.measure_drift")
        act = read_act(tx, row.position)
    assert act is not None
    kept = json.loads(act.outcome)
    assert kept["rows"] == 3
    assert not any(person in act.outcome for person in people)
    assert measure(bank, "1") == made, "the same request again is answered, not done again"


def test_what_measuring_drift_refuses(sqlite_bank: Bank, clock: FixedClock) -> None:
    bank = sqlite_bank
    assert code_of(bank, "1") == "lending.nothing_scored"
    assert code_of(bank, "2", since="2026-03-15") == "lending.bad_period"
    assert code_of(bank, "3", before_since="2006-03-01") == "lending.bad_period"
    assert code_of(bank, "4", model_digest="0" * 64) == "score.model_missing"
    day = date(2026, 3, 1)
    asked = MeasureDrift(bank.model_digest, day, day, day, day)
    made_up = MeasuredDrift(asked, "", 1, 1, 0.0, 0.0, (), ())
    with pytest.raises(Refused) as refused:
        bank.node.act("lending.measure_drift", made_up, key="5", actor=bank.operator)
    assert refused.value.code == "lending.measured_input"
