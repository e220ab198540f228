"""For each operation of offline something that is really there, for one call that succeeds."""

from __future__ import annotations

from typing import Any

from tests.api.town import Town

KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def loaded(town: Town, who: str) -> dict[str, Any]:
    """Whose wallet it is, with money in it."""
    wallet = {"party_id": town.parties[who], "currency": "CNY"}
    given = {**wallet, "amount_minor": 100_000}
    assert town.post("operator", "/api/payment/open_wallet", wallet).status_code == 200
    assert town.post("operator", "/api/payment/top_up", given).status_code == 200
    return wallet


def own_offline_things(town: Town) -> dict[str, tuple[str, dict[str, Any]]]:
    """Money to take out for a device, a wallet to revoke, and a text that is no voucher."""
    payer, loser = town.fresh(), town.fresh()
    allowance = {"allowance_limit_minor": 5_000, "wallet_key": KEY}
    taken, lost = loaded(town, payer), loaded(town, loser)
    path = "/api/offline/grant_allowance"
    assert town.post(loser, path, {**lost, **allowance}).status_code == 200
    return {
        "offline.grant_allowance": (payer, {**taken, **allowance}),
        "offline.sync_vouchers": (payer, {"texts": ["NO VOUCHER"]}),
        "offline.revoke_wallet": (loser, lost),
    }
