"""Granting allowances: money of a wallet, and the operator's cover, go into one escrow account."""

from __future__ import annotations

import base64

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.kernel.store import Row
from puhui.ledger import Account, Transfer, chart, create_transfers
from puhui.offline import rules, tables
from puhui.offline.desk.books import escrow_account, own_account, wallet_account
from puhui.offline.desk.lists import find_tier
from puhui.offline.engines.signature import CONTEXT, KEY_BYTES
from puhui.offline.formats import message
from puhui.offline.nouns import (
    AllowanceGranted,
    CoverFunded,
    FundCover,
    GrantAllowance,
    OfflineTier,
)
from puhui.party import check_actor, place_hold, take_party

HOLD = "wallet_balance"
"""Why a party with an open allowance is not erased: money of theirs is set aside."""


def hold_reference(allowance_id: str) -> str:
    """What the hold of an allowance is called."""
    return f"offline:{allowance_id}"


@use_case("offline.grant_allowance", roles=("customer", "operator", "system"), api=True)
def grant_allowance(act: Act, input: GrantAllowance) -> AllowanceGranted:
    """Set money of a wallet aside, and sign what its device may spend without a network.

    Refused: ``offline.bad_key``, ``offline.unknown_tier``, ``offline.wallet_revoked``,
    ``offline.wallet_short``, ``offline.bad_currency``, those of ``rules.draft_allowance``
    (``offline.bad_amount``, ``offline.over_tier``, ``offline.tier_identity``,
    ``offline.too_many_open``), ``party.not_yours``,
    ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = take_party(act, input.party_id)
    tier = find_tier(input.tier)
    wallet_key = _key_of(input.wallet_key)
    if input.currency not in DIGITS:
        raise Refused("offline.bad_currency", f"{input.currency[:10]!r} is no currency kept here.")
    wallet = _take_wallet(act, party.id, input.currency)
    opened = act.tx.one(tables.COUNT_OPEN, party_id=party.id, currency=input.currency)
    draft = rules.draft_allowance(
        tier,
        allowance_id=act.new_number().to_bytes(16, "big"),
        wallet_key=wallet_key,
        pseudonym=bytes.fromhex(wallet.pseudonym),
        epoch=wallet.epoch,
        currency=input.currency,
        allowance_limit_minor=input.allowance_limit_minor,
        open_count=0 if opened is None else opened.allowances,
        is_identified=party.is_identified,
        now_us=act.now_us,
    )
    signed = act.node.keys.sign(CONTEXT + message.allowance_body(draft))
    allowance = message.signed_allowance(draft, base64.b64decode(signed))
    allowance_id = allowance.id.hex()
    cover_minor = rules.cover_of(tier, allowance.allowance_limit_minor)
    _set_aside(act, party.id, allowance_id, input, cover_minor)
    text = message.write_allowance(allowance)
    _record(act, tier, input, cover_minor=cover_minor, epoch=wallet.epoch, text=text)
    if not party.is_anonymous:
        place_hold(act, party, reason=HOLD, reference=hold_reference(allowance_id))
    act.emit(
        "offline.allowance_granted",
        party.id,
        {
            "allowance": allowance_id,
            "amount_minor": allowance.allowance_limit_minor,
            "currency": input.currency,
        },
    )
    return AllowanceGranted(
        allowance_id,
        text,
        allowance.allowance_limit_minor,
        cover_minor,
        allowance.expires_us,
        allowance.sync_until_us,
    )


def _key_of(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise Refused("offline.bad_key", "A wallet's key is 64 hex digits.")
    return key


def _take_wallet(act: Act, party_id: str, currency: str) -> Row:
    """The offline wallet of a party, made with the first allowance, locked."""
    pseudonym = act.node.keys.index("offline wallet", f"{party_id}:{currency}")[:32]
    act.tx.put(
        tables.ADD_WALLET,
        party_id=party_id,
        currency=currency,
        pseudonym=pseudonym,
        epoch=1,
        is_revoked=0,
    )
    wallet = act.tx.one(tables.LOCK_WALLET, party_id=party_id, currency=currency)
    assert wallet is not None, party_id
    if wallet.is_revoked:
        raise Refused("offline.wallet_revoked", "This wallet may have no allowance: see its case.")
    return wallet


def _set_aside(
    act: Act, party_id: str, allowance_id: str, input: GrantAllowance, cover_minor: int
) -> None:
    """Move limit and cover into the allowance's own account, which nobody can overdraw."""
    codes, currency = chart(), input.currency
    escrow, cover = escrow_account(allowance_id), own_account("offline_cover", currency)
    parts = [
        (wallet_account(party_id, currency), input.allowance_limit_minor, "offline_load"),
        (cover, cover_minor, "offline_cover"),
    ]
    if not cover_minor:
        parts.pop()
    transfers = [
        Transfer(
            act.new_number(),
            source,
            escrow,
            amount_minor,
            currency,
            codes.transfer(reason),
            flags=0 if place == len(parts) - 1 else Transfer.LINKED,
            user_data_128=int(allowance_id, 16),
        )
        for place, (source, amount_minor, reason) in enumerate(parts)
    ]
    opening = [
        Account(
            escrow,
            currency,
            codes.account("offline_escrow"),
            flags=Account.DEBITS_MUST_NOT_EXCEED_CREDITS,
        ),
        Account(cover, currency, codes.account("offline_cover")),
    ]
    try:
        create_transfers(act, transfers, strict=True, opening=opening, are_new=True)
    except Refused as refused:
        if refused.code in ("ledger.exceeds_credits", "ledger.debit_account_not_found"):
            raise Refused("offline.wallet_short", "There is too little in the wallet.") from None
        raise


def _record(
    act: Act, tier: OfflineTier, input: GrantAllowance, *, cover_minor: int, epoch: int, text: str
) -> None:
    allowance = message.read_allowance(text)
    act.tx.put(
        tables.INSERT_ALLOWANCE,
        id=allowance.id.hex(),
        party_id=input.party_id,
        currency=input.currency,
        tier=tier.name,
        epoch=epoch,
        allowance_limit_minor=allowance.allowance_limit_minor,
        cover_minor=cover_minor,
        pays_at_sync=int(tier.pays_at_sync),
        claimed_minor=0,
        paid_minor=0,
        cover_used_minor=0,
        issued_us=allowance.issued_us,
        expires_us=allowance.expires_us,
        sync_until_us=allowance.sync_until_us,
        closed_us=None,
        text=text,
    )


@use_case("offline.fund_cover", roles=("operator", "system"))
def fund_cover(act: Act, input: FundCover) -> CoverFunded:
    """Book an expected loss from double spends into the cover fund.

    Without it the fund's account shows what was set aside ahead of any provision. Refused:
    ``offline.bad_currency``, ``offline.bad_amount``.
    """
    if input.currency not in DIGITS:
        raise Refused("offline.bad_currency", f"{input.currency[:10]!r} is no currency kept here.")
    if not 0 < input.amount_minor < 2**62:
        raise Refused("offline.bad_amount", "The fund takes at least one minor unit.")
    codes, currency = chart(), input.currency
    accounts = [
        Account(own_account(name, currency), currency, codes.account(name))
        for name in ("offline_loss", "offline_cover")
    ]
    transfer = Transfer(
        act.new_number(),
        accounts[0].id,
        accounts[1].id,
        input.amount_minor,
        currency,
        codes.transfer("offline_cover"),
    )
    create_transfers(act, [transfer], strict=True, opening=accounts, are_new=True)
    return CoverFunded(currency, input.amount_minor)
