"""Guarantees over the API: whoever said no reads nothing of the borrower's loan."""

from __future__ import annotations

import pytest

from tests.api.town import Town


@pytest.mark.parametrize("answer", ["decline_guarantee", "withdraw_guarantee_ask"])
def test_a_no_ends_what_is_seen(town: Town, answer: str) -> None:
    borrower, asked = town.fresh(), town.fresh()
    given = {"contract_id": town.loan(borrower), "guarantor_id": town.parties[asked],
             "share_millionths": 200_000}  # fmt: skip
    ask_id = town.post(borrower, "/api/lending/ask_guarantee", given).json()["ask_id"]
    path = f"/api/lending/guarantees/{ask_id}"
    before = town.get(asked, path).json()
    assert before["outstanding_minor"] > 0 and before["text"]
    who = asked if answer.startswith("decline") else borrower
    assert town.post(who, f"/api/lending/{answer}", {"ask_id": ask_id}).status_code == 200
    after = town.get(asked, path).json()
    assert after["status"] in ("declined", "withdrawn")
    told = {name: value for name, value in after.items() if value}
    assert set(told) == {"ask_id", "status", "language", "currency"}
