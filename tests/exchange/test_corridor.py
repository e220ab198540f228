"""The corridor: banks' hours, draws that repeat, costs that add up, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.cli.app import main
from puhui.exchange.nouns.corridor import Corridor, Delay
from puhui.exchange.rules.corridor import DAY_S, HOUR_S, next_open, passage_of
from puhui.exchange.rules.quote import rate_of
from puhui.exchange.window import corridor as rules
from puhui.exchange.window import read_corridor
from tests.exchange.scheme import PATIENT


@pytest.mark.parametrize(
    "day, hour, hours, found_day, found_hour",
    [
        (0, 0, (9, 17), 0, 9),
        (0, 12, (9, 17), 0, 12),
        (0, 17, (9, 17), 1, 9),  # the cut-off has come
        (4, 18, (9, 17), 7, 9),  # a Friday evening
        (5, 10, (9, 17), 7, 9),  # a Saturday
        (6, 23, (0, 24), 7, 0),
        (8, 3, (0, 24), 8, 3),
    ],
)
def test_a_bank_works_in_its_hours(
    day: int, hour: int, hours: tuple[int, int], found_day: int, found_hour: int
) -> None:
    moment = day * DAY_S + hour * HOUR_S
    assert next_open(moment, hours) == found_day * DAY_S + found_hour * HOUR_S


@PATIENT
@given(st.integers(0, 10**8), st.integers(0, 23), st.integers(1, 24))
def test_no_bank_works_before_it_is_asked(moment: int, first: int, last: int) -> None:
    hours = (min(first, last - 1), last)
    found = next_open(moment, hours)
    assert found >= moment
    assert found // DAY_S % 7 < 5
    assert hours[0] * HOUR_S <= found % DAY_S < hours[1] * HOUR_S
    assert next_open(found, hours) == found


def test_draws_repeat_and_keep_to_what_is_stated() -> None:
    stated = read_corridor()
    drawn = rules.draw(stated, 400, 3)
    assert drawn == rules.draw(stated, 400, 3) != rules.draw(stated, 400, 4)
    low, high = stated.smallest_minor, stated.largest_minor
    for one in drawn:
        assert low <= one.amount_minor <= high
        assert one.passage.hops in stated.route.hops
        assert one.passage.cost_minor > 0
        assert one.passage.seconds >= 0
        assert len(one.offers) == stated.providers
        for offer in one.offers:
            kept = rate_of(offer.rate) / stated.mid_rate
            assert 1 - stated.provider_spread[2] - Decimal("0.001") <= kept < 1
    assert all(figure.source for figure in stated.figures)
    assert len(stated.figures) >= 25


def certain(stated: Corridor) -> Corridor:
    """The corridor with nothing left to chance: one hop, one fee each, no delay, no hold."""
    route = replace(
        stated.route,
        hops=(1,),
        hop_weights=(1,),
        sender_fee_minor=(100, 100, 100),
        hop_fee_minor=(10, 10, 10),
        receiver_fee_minor=(1, 1, 1),
        spread=(Decimal("0.01"),) * 3,
        desk_delay=Delay(Decimal(0), Decimal(0)),
        in_hours_share=Decimal(1),
        hold_share=Decimal(0),
        sender_hours=(0, 24),
        correspondent_hours=((0, 24),),
        receiver_hours=(0, 24),
    )
    return replace(stated, route=route)


def test_costs_add_up() -> None:
    stated = certain(read_corridor())
    passage = passage_of(np.random.default_rng(1), stated, 100_000)
    assert (passage.cost_minor, passage.seconds) == (111 + 1_000, 0)
    assert rules.waiting_cost(365_000_000, DAY_S, Decimal("0.06")) == 60_000
    assert rules.waiting_cost(0, DAY_S, Decimal("0.06")) == 0
    # At the middle rate of 4.55, 4,550.00 baht are worth 1,000.00 yuan.
    assert rules.cost_of(stated, 101_234, 455_000) == 1_234


def test_the_command_measures_and_states(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUHUI_CORE", "any")
    with pytest.raises(SystemExit) as ended:
        main(["corridor", "--payments", "10", "--seed", "5", "--json"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    told = json.loads(shown.splitlines()[-1])
    drawn = sorted(one.passage.cost_minor for one in rules.draw(read_corridor(), 10, 5))
    assert told["correspondent_cost_minor_p50"] == drawn[5]
    assert told["cost_ratio"] == pytest.approx(told["ours_cost_minor_p50"] / drawn[5])
    assert told["time_ratio"] == pytest.approx(told["ours_s_p50"] / told["correspondent_s_p50"])
    assert told["ours_s_p50"] > 0
    for figure in read_corridor().figures:
        assert figure.name in shown
