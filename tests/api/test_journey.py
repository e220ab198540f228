"""The API as a partner's machine uses it: from a new person to money, repaid, and told again.

Goal: the whole main job works over HTTP, and a repeated request moves money once.
"""

from __future__ import annotations

from typing import Any

import pytest

from puhui.api.read.loan import today_of
from puhui.kernel.clock import FixedClock
from tests.api.town import Town

SCOPES = tuple(
    "party.register_person party.verify_identity data.grant_consent lending.apply lending.decide "
    "lending.read_contract lending.accept lending.disburse lending.read_wallet lending.read_loan "
    "lending.read_schedule lending.quote_pay_off lending.repay lending.list_loans "
    "lending.list_applications lending.read_application lending.read_decision "
    "lending.read_portfolio data.list_consents".split()
)


@pytest.fixture
def machine(town: Town) -> Town:
    """The town with a partner's machine in it."""
    town.machine("machine", "operator", *SCOPES)
    return town


def done(answer: Any) -> Any:
    """The content of a success."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_machine_lends_from_person_to_repayment(machine: Town) -> None:
    """Every step twice with its key: the second answer is the first, money moves once."""

    def post(path: str, given: dict[str, Any]) -> Any:
        key = machine.key()
        first = done(machine.post("machine", path, given, key))
        assert done(machine.post("machine", path, given, key)) == first
        return first

    person = {"name": "陈小梅", "id_number": "110000197001017007", "phone": "13800000021"}
    digits = "110000" + "19700101" + "700"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    person["id_number"] = digits + "10X98765432"[rest]
    party_id = post("/api/party/register_person", person)["party_id"]
    machine.parties["new"] = party_id
    post(
        "/api/party/verify_identity",
        {
            "party_id": party_id,
            "method": "synthetic",
            "is_passed": True,
            "evidence_digest": "0" * 64,
        },
    )
    post(
        "/api/data/grant_consent",
        {
            "party_id": party_id,
            "purpose": "credit_decision",
            "fields": ["wallet_flow", "past_repayment", "stated_income"],
            "until": "2026-12-31",
        },
    )
    consents = done(machine.get("machine", f"/api/data/consents/{party_id}"))["items"]
    assert [one["purpose"] for one in consents] == ["credit_decision"]
    application_id = post("/api/lending/apply", machine.apply_given("new"))["application_id"]
    base = f"/api/lending/applications/{application_id}"
    assert machine.get("machine", f"{base}/decision").status_code == 404
    decided = post("/api/lending/decide", {"application_id": application_id})
    assert decided["outcome"] == "approved"
    told = done(machine.get("machine", f"{base}/decision"))
    assert told["offer"]["principal_minor"] == decided["principal_minor"]
    assert told["guards"]
    assert done(machine.get("machine", base))["status"] == "offered"
    contract = done(machine.get("machine", f"{base}/contract", language="en"))
    accepted = post(
        "/api/lending/accept",
        {
            "application_id": application_id,
            "contract_digest": contract["contract_digest"],
            "language": "en",
        },
    )
    contract_id = accepted["contract_id"]
    paid = post("/api/lending/disburse", {"contract_id": contract_id})
    assert paid["amount_minor"] == contract["principal_minor"]
    wallet = done(machine.get("machine", f"/api/lending/wallets/{party_id}"))
    assert wallet["balance_minor"] == paid["amount_minor"]
    assert [line["is_in"] for line in wallet["lines"]] == [True]
    post("/api/lending/repay", {"contract_id": contract_id, "amount_minor": 100_000})
    loan = done(machine.get("machine", f"/api/lending/loans/{contract_id}"))
    assert loan["principal_paid_minor"] == 100_000
    pay_off = done(machine.get("machine", f"/api/lending/loans/{contract_id}/pay-off"))
    assert pay_off["on"] == today_of(machine.node).isoformat()
    assert pay_off["total_minor"] == paid["amount_minor"] - 100_000
    schedule = done(machine.get("machine", f"/api/lending/loans/{contract_id}/schedule"))
    assert sum(one["principal_due_minor"] for one in schedule["instalments"]) > 0
    rows = done(machine.get("machine", "/api/lending/portfolio"))["rows"]
    assert sum(row["contracts"] for row in rows) == 1


def test_lists_come_in_pages(machine: Town) -> None:
    """The next of each page leads to the one after, and nothing is left out or told twice."""
    for _ in range(3):
        machine.application("ann")
    machine.application("bob")
    machine.loan("bob")
    seen: list[str] = []
    after = ""
    while True:
        page = done(machine.get("machine", "/api/lending/applications", count=2, after=after))
        seen += [one["application_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5
    own = done(machine.get("bob", "/api/lending/applications"))["items"]
    assert {one["party_id"] for one in own} == {machine.parties["bob"]}
    assert len(own) == 2
    loans = done(machine.get("bob", "/api/lending/loans"))["items"]
    assert len(loans) == 1
    assert done(machine.get("ann", "/api/lending/loans")) == {"items": [], "next": None}
    lines = f"/api/lending/wallets/{machine.parties['bob']}"
    machine.bank.repay(loans[0]["contract_id"], 5_000, "first")
    machine.bank.repay(loans[0]["contract_id"], 5_000, "second")
    first = done(machine.get("bob", lines, count=2))
    second = done(machine.get("bob", lines, count=2, after=first["next"]))
    assert [line["amount_minor"] for line in first["lines"] + second["lines"]][1:] == [5000, 5000]
    assert second["next"] is None


def test_events_can_be_asked_for(town: Town, clock: FixedClock) -> None:
    """A program that polls sees every event of loans once, in the order of the journal."""
    town.machine("poller", "data_partner", "webhook.list_events")
    loan = town.loan("ann")
    town.node.store.settle_positions()
    seen = []
    after = 0
    for _ in range(50):
        page = done(town.get("poller", "/api/webhook/events", after=after, count=1))
        seen += [one["type"] for one in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == [
        "lending.applied",
        "lending.decided",
        "lending.accepted",
        "lending.disbursed",
    ]
    assert loan
