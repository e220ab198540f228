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
    """Money to take out for a device, a wallet to revoke afterwards, a text that is no voucher.

    All of the one who has money for journeys: so many people log in here already.
    """
    who = town.traveller
    wallet = {"party_id": town.parties[who], "currency": "CNY"}
    allowance = {"allowance_limit_minor": 1_000, "wallet_key": KEY}
    answer = town.post(who, "/api/offline/grant_allowance", {**wallet, **allowance})
    assert answer.status_code == 200, answer.text
    return {
        "offline.grant_allowance": (who, {**wallet, **allowance}),
        "offline.list_allowances": (who, {"party_id": town.parties[who]}),
        "offline.sync_vouchers": (who, {"texts": ["NO VOUCHER"]}),
        "offline.revoke_wallet": (who, wallet),
    }
