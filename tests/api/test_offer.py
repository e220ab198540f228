"""Offers over the API: read by whom they were made to, with why, how dear, and how they ended."""

from __future__ import annotations

import pytest

from puhui.kernel.clock import FixedClock
from puhui.lending import shelf
from tests.api.things import offered_credit
from tests.api.town import Town

DAY_US = 86_400_000_000


def test_an_offer_is_read_answered_and_lapses(town: Town) -> None:
    who, other = town.fresh(), town.fresh()
    path = f"/api/lending/offers/of/{town.parties[who]}"
    assert town.get(who, path).json() == {"items": [], "is_wanted": True}
    town.application(who)
    offer_id = offered_credit(town, who)
    (one,) = town.get(who, path).json()["items"]
    assert (one["offer_id"], one["status"], one["answered_us"]) == (offer_id, "open", None)
    assert one["need_minor"] >= one["amount_minor"] == 100_000
    assert 0 < float(one["annual_rate_max"]) < 1
    assert one["until_us"] > one["made_us"]
    assert town.get(other, path).status_code == 404, "another's offers are not there"
    told = {"offer_id": offer_id, "is_wanted": False}
    assert town.post(who, "/api/lending/answer_offer", told).status_code == 200
    no = {"party_id": town.parties[who], "is_wanted": False}
    assert town.post(who, "/api/lending/choose_offers", no).status_code == 200
    after = town.get(who, path).json()
    assert (after["items"][0]["status"], after["is_wanted"]) == ("declined", False)


def test_what_nobody_answered_has_lapsed(town: Town) -> None:
    who = town.fresh()
    clock = town.bank.node.clock
    assert isinstance(clock, FixedClock)
    now_us = clock.now_us()
    clock.set_us(now_us - 60 * DAY_US)
    try:
        offered_credit(town, who)
    finally:
        clock.set_us(now_us)
    (late,) = town.get(who, f"/api/lending/offers/of/{town.parties[who]}").json()["items"]
    assert (late["status"], late["need_minor"]) == ("lapsed", None), "no need was stated"
    assert late["until_us"] < now_us


def test_a_product_that_left_the_shelf_hides_no_offer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = town.fresh()
    town.application(who)
    offer_id = offered_credit(town, who)
    monkeypatch.setattr(shelf, "product_names", tuple)
    (one,) = town.get(who, f"/api/lending/offers/of/{town.parties[who]}").json()["items"]
    assert (one["offer_id"], one["annual_rate_max"]) == (offer_id, None)
