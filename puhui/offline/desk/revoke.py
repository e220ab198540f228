"""Revoking wallets, by whoever lost a phone or for a double spend, and letting them back in."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.offline import tables
from puhui.offline.nouns import ReinstateWallet, RevokeWallet, WalletMoved
from puhui.party import check_actor, place_hold, release_hold, take_parties

CASE_HOLD = "investigation"


def _take(act: Act, party_id: str, currency: str) -> Row:
    wallet = act.tx.one(tables.LOCK_WALLET, party_id=party_id, currency=currency)
    if wallet is None:
        raise Refused("offline.no_wallet", "This party never had an offline allowance.")
    return wallet


def revoke_up_to(act: Act, party_id: str, currency: str, epoch: int, why: str) -> None:
    """Revoke a wallet with all allowances up to ``epoch``; one that is past it stays as it is.

    So the epoch after several cases is the same in whatever order they were found.
    """
    wallet = _take(act, party_id, currency)
    if wallet.epoch > epoch:
        return
    _set(act, wallet, epoch=epoch + 1, is_revoked=True)
    payload = {"currency": currency, "epoch": epoch + 1, "why": why}
    act.emit("offline.wallet_revoked", party_id, payload)


def hold_for_case(act: Act, party_id: str, currency: str) -> None:
    """Keep a double spender from being erased until the wallet is reinstated."""
    party = take_parties(act, [party_id]).get(party_id)
    if party is not None and not party.is_anonymous and not party.is_erased:
        place_hold(act, party, reason=CASE_HOLD, reference=f"offline:{currency}")


def _set(act: Act, wallet: Row, *, epoch: int, is_revoked: bool) -> None:
    act.tx.put(
        tables.SET_WALLET,
        party_id_=wallet.party_id,
        currency_=wallet.currency,
        epoch_=epoch,
        is_revoked_=int(is_revoked),
    )


@use_case(
    "offline.revoke_wallet",
    roles=("customer", "operator", "compliance_officer", "system"),
    api=True,
)
def revoke_wallet(act: Act, input: RevokeWallet) -> WalletMoved:
    """Take every allowance of a wallet back; vouchers made before are still paid.

    Payees learn of it with the next list of revocations they fetch. A second time changes
    nothing. Refused: ``offline.no_wallet``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    wallet = _take(act, input.party_id, input.currency)
    if wallet.is_revoked:
        return WalletMoved(wallet.party_id, wallet.epoch, is_revoked=True)
    revoke_up_to(act, wallet.party_id, wallet.currency, wallet.epoch, "asked for")
    return WalletMoved(wallet.party_id, wallet.epoch + 1, is_revoked=True)


@use_case("offline.reinstate_wallet", roles=("operator", "compliance_officer"))
def reinstate_wallet(act: Act, input: ReinstateWallet) -> WalletMoved:
    """Let a revoked wallet have allowances again; those of older epochs stay revoked.

    Refused: ``offline.no_wallet``, ``offline.not_revoked``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    wallet = _take(act, input.party_id, input.currency)
    if not wallet.is_revoked:
        raise Refused("offline.not_revoked", "This wallet is not revoked.")
    _set(act, wallet, epoch=wallet.epoch, is_revoked=False)
    release_hold(act, wallet.party_id, reason=CASE_HOLD, reference=f"offline:{wallet.currency}")
    act.emit("offline.wallet_reinstated", wallet.party_id, {"epoch": wallet.epoch})
    return WalletMoved(wallet.party_id, wallet.epoch, is_revoked=False)
