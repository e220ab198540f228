"""Guarantees over the API: whoever said no reads nothing of the borrower's loan."""

from __future__ import annotations

import pytest

from tests.api.things import show_to
from tests.api.town import Town


@pytest.mark.parametrize("answer", ["decline_guarantee", "withdraw_guarantee_ask"])
def test_a_no_ends_what_is_seen(town: Town, answer: str) -> None:
    borrower, asked = town.fresh(), town.fresh()
    given = {"contract_id": town.loan(borrower), "guarantor_id": town.parties[asked],
             "share_millionths": 200_000}  # fmt: skip
    ask_id = town.post(borrower, "/api/lending/ask_guarantee", given).json()["ask_id"]
    path = f"/api/lending/guarantees/{ask_id}"
    hidden = town.get(asked, path).json()
    assert not hidden["is_shown"] and not hidden["text"] and not hidden["outstanding_minor"]
    listed = town.get(asked, f"/api/lending/guarantees/of/{town.parties[asked]}").json()["items"]
    assert not listed[0]["contract_id"] and not listed[0]["borrower_id"]
    agreed = show_to(town, borrower, given["contract_id"], asked)
    before = town.get(asked, path).json()
    assert before["outstanding_minor"] > 0 and before["text"]
    who = asked if answer.startswith("decline") else borrower
    assert town.post(who, f"/api/lending/{answer}", {"ask_id": ask_id}).status_code == 200
    again = town.get(asked, path).json()
    assert town.post(borrower, "/api/data/revoke_consent", agreed).status_code == 200
    after = town.get(asked, path).json()
    assert after == again
    assert after["status"] in ("declined", "withdrawn")
    told = {name: value for name, value in after.items() if value}
    assert set(told) == {"ask_id", "status", "language", "currency"}


def test_taking_the_consent_back_closes_the_read(town: Town) -> None:
    borrower, asked = town.fresh(), town.fresh()
    given = {"contract_id": town.loan(borrower), "guarantor_id": town.parties[asked],
             "share_millionths": 200_000}  # fmt: skip
    ask_id = town.post(borrower, "/api/lending/ask_guarantee", given).json()["ask_id"]
    path = f"/api/lending/guarantees/{ask_id}"
    agreed = show_to(town, borrower, given["contract_id"], asked)
    digest = town.get(asked, path).json()["text_digest"]
    town.post(borrower, "/api/data/revoke_consent", agreed)
    told = {name: value for name, value in town.get(asked, path).json().items() if value}
    assert set(told) == {"ask_id", "status", "language", "currency"}
    sign = {"ask_id": ask_id, "text_digest": digest}
    refused = town.post(asked, "/api/lending/sign_guarantee", sign)
    assert refused.status_code == 422 and refused.json()["code"] == "data.consent_revoked"
