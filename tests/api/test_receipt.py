"""Receipt numbers in what the API answers: of loans, payments and statements, and found by them."""

from __future__ import annotations

from puhui.kernel.clock import FixedClock, business_date
from tests.api.town import Town


def test_what_a_receipt_is_of_is_found_by_its_owner_and_staff(town: Town) -> None:
    borrower, other = town.fresh(), town.fresh()
    contract_id = town.loan(borrower)
    repay = {"contract_id": contract_id, "amount_minor": 100_000}
    clock = town.node.clock
    assert isinstance(clock, FixedClock)
    clock.set_us(clock.now_us() + 1_000_000)
    assert town.post(borrower, "/api/lending/repay", repay).status_code == 200
    answer = town.get(borrower, f"/api/lending/loans/{contract_id}/events").json()
    drawn, repaid = answer["items"]
    assert (drawn["kind"], repaid["kind"], repaid["amount_minor"]) == ("drawn", "repaid", 100_000)
    month = f"{business_date(town.node.clock.now_us()):%Y-%m}"
    path = f"/api/payment/statements/{town.parties[borrower]}"
    lines = town.get(borrower, path, month=month).json()["items"]
    assert {drawn["receipt"], repaid["receipt"]} == {one["receipt"] for one in lines}
    town.node.store.settle_positions()
    for who in (borrower, "operator"):
        for event in (drawn, repaid):
            found = town.get(who, f"/api/payment/receipts/{event['receipt']}")
            assert found.status_code == 200, found.text
            of_loan = [one for one in found.json()["items"] if one["id"] == contract_id]
            assert [(one["kind"], one["amount_minor"]) for one in of_loan] == [
                (event["kind"], event["amount_minor"])
            ]
    for who, receipt, status in (
        (other, repaid["receipt"], 404),
        (borrower, repaid["receipt"][:-1], 400),
        (other, "x", 400),
    ):
        assert town.get(who, f"/api/payment/receipts/{receipt}").status_code == status
    assert town.get(other, f"/api/lending/loans/{contract_id}/events").status_code == 404
