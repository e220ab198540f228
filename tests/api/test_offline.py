"""Paying without a network, over the API: taken out, spent, brought in, revoked."""

from __future__ import annotations

from tests.api.offline_things import loaded
from tests.api.town import Town
from tests.offline.fair import Device, take_allowance

HOUR_US = 3_600_000_000


def test_an_allowance_is_granted_spent_and_synchronised(town: Town) -> None:
    """The device's own papers go over the API as texts; a voucher brought twice pays once."""
    now_us = town.node.clock.now_us()
    payer = Device("api payer", town.parties["ann"])
    payee = Device("api payee", town.parties["bob"], operator_key=town.node.keys.public_key)
    wallet = loaded(town, "ann")
    loaded(town, "bob")
    given = {**wallet, "allowance_limit_minor": 5_000, "wallet_key": payer.public_key}
    granted = town.post("ann", "/api/offline/grant_allowance", given)
    assert granted.status_code == 200, granted.text
    payer.purse = take_allowance(
        granted.json()["text"],
        secret=payer.secret,
        operator_key=town.node.keys.public_key,
    )
    text = payer.pay(payee.ask(1_200, now_us), now_us)
    brought = town.post("bob", "/api/offline/sync_vouchers", {"texts": [text, "x"]}).json()
    assert (brought["new_count"], brought["paid_minor"]) == (1, 1_200)
    assert [one["status"] for one in brought["vouchers"]] == ["paid", "refused"]
    assert brought["vouchers"][1]["refusal"] == "offline.bad_message"
    path = f"/api/offline/allowances/{town.parties['ann']}"
    (found,) = town.get("ann", path).json()["items"]
    assert (found["allowance_limit_minor"], found["paid_minor"]) == (5_000, 1_200)
    assert found["text"] == granted.json()["text"]
    assert town.get("bob", path).status_code == 404, "nobody else's"
    again = town.post("ann", "/api/offline/sync_vouchers", {"texts": [text]}).json()
    assert (again["new_count"], again["paid_minor"]) == (0, 0)


def test_a_lost_phone_is_revoked_by_its_owner_alone(town: Town) -> None:
    wallet = loaded(town, "ann")
    given = {**wallet, "allowance_limit_minor": 5_000, "wallet_key": "00" * 32}
    path = "/api/offline/revoke_wallet"
    none = town.post("ann", path, wallet)
    assert (none.status_code, none.json()["code"]) == (422, "offline.no_wallet")
    assert town.post("ann", "/api/offline/grant_allowance", given).status_code == 200
    assert town.post("bob", path, wallet).status_code == 404
    for _ in range(2):
        assert town.post("ann", path, wallet).json()["is_revoked"]
    over = town.post("ann", "/api/offline/grant_allowance", given)
    assert (over.status_code, over.json()["code"]) == (422, "offline.wallet_revoked")
    bad = town.post("ann", "/api/offline/grant_allowance", {**given, "wallet_key": "x"})
    assert bad.json()["code"] == "offline.bad_key"
