"""Wallets: opening, raising, lowering and closing them, and asking what may still come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import Delivery, ask_first, day_step, subscribe
from puhui.kernel.money import DIGITS
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, chart, create_accounts, lookup_accounts
from puhui.party import (
    check_actor,
    place_hold,
    read_party_file,
    release_hold,
    sealing,
    take_party,
)
from puhui.payment.desk.lists import figures, tiers
from puhui.payment.nouns.wallet import (
    CloseWallet,
    ForgetUsage,
    OpenWallet,
    PartyForgotten,
    SetTier,
    Tier,
    UsageForgotten,
    Wallet,
    WalletState,
)
from puhui.payment.rules import wallet as rules
from puhui.payment.tables import ask, payment
from puhui.payment.tables import wallet as tables

STAFF = ("operator", "system")
HOLD_REASON = "wallet_balance"


@lru_cache(maxsize=65_536)
def wallet_account(party_id: str, currency: str) -> int:
    """The number of a party's wallet in the ledger, where it is a customer's deposit."""
    return Account.id_of(f"wallet:{party_id}:{currency}")


@lru_cache(maxsize=256)
def own_account(name: str, currency: str) -> int:
    """The number of one of the lender's own accounts, such as ``funding``."""
    return Account.id_of(f"bank:{name}:{currency}")


def deposit(account_id: int, currency: str) -> Account:
    """A wallet as the ledger opens it: nobody can take more out than is in."""
    return Account(
        account_id,
        currency,
        chart().account("customer_deposit"),
        flags=Account.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )


def wallet_of(row: Row | None, party_id: str, currency: str) -> Wallet:
    """The wallet of a row; without a row one of the tier that unrecorded ones count as."""
    if row is None:
        account_id = wallet_account(party_id, currency)
        return Wallet(account_id, party_id, currency, tiers().unrecorded, "open", 0)
    number = int.from_bytes(row.account_id, "big")
    return Wallet(number, row.party_id, row.currency, row.tier, row.status, row.opened_us)


def take_wallet(tx: Transaction, party_id: str, currency: str) -> Wallet:
    """The wallet as it is on record, locked in an act. One statement."""
    row = tx.one(tables.LOCK_WALLET, id=tables.blob(wallet_account(party_id, currency)))
    return wallet_of(row, party_id, currency)


def balance_of(tx: Transaction, wallet: Wallet) -> int:
    """What a wallet holds with what is on its way to it, in minor units; 0 without an account."""
    (found,) = lookup_accounts(tx, [wallet.account_id])
    return 0 if found is None else found.credit_balance_minor + found.credits_pending_minor


def admit(
    tx: Transaction,
    party_id: str,
    currency: str,
    amount_minor: int,
    *,
    is_for_stranger: bool = False,
) -> None:
    """Whether a party's wallet may take in ``amount_minor`` more (minor units), before it comes.

    ``is_for_stranger``: as if nothing were in the wallet. Whoever may ask for any amount, moving
    none, would else find what is in it by halves, in some thirty asks.

    In an act the wallet stays locked until the act ends, so what was admitted stays true. One
    statement where the wallet is not on record or its tier has no balance limit; more otherwise.
    Refused: ``payment.tier_balance``, ``payment.wallet_closed``.
    """
    wallet = take_wallet(tx, party_id, currency)
    rules.check_open(wallet)
    tier = tiers().by_number[wallet.tier]
    if tier.balance_minor_max is not None:
        held_minor = 0 if is_for_stranger else balance_of(tx, wallet)
        rules.check_balance(tier, held_minor, amount_minor)


def owners_of(tx: Transaction, account_ids: Sequence[int]) -> dict[int, str]:
    """The parties that wallets on record belong to, by the numbers of their accounts.

    One statement; in an act the wallets stay locked until it ends.
    """
    if not account_ids:
        return {}
    rows = tx.all(tables.LOCK_WALLETS, ids=[tables.blob(one) for one in sorted(account_ids)])
    return {int.from_bytes(row.account_id, "big"): row.party_id for row in rows}


def room_in(tx: Transaction, account_ids: Sequence[int]) -> dict[int, int | None]:
    """How much more each wallet may take in, minor units, by the numbers of their accounts; None
    where there is no limit, nought for a closed one.

    In an act the wallets stay locked until it ends. Two statements at most.
    """
    if not account_ids:
        return {}
    ids = [tables.blob(one) for one in sorted(account_ids)]
    found = {
        wallet.account_id: wallet
        for row in tx.all(tables.LOCK_WALLETS, ids=ids)
        for wallet in [wallet_of(row, row.party_id, row.currency)]
    }
    unrecorded = tiers().unrecorded
    tier_of = {
        i: tiers().by_number[found[i].tier if i in found else unrecorded] for i in account_ids
    }
    limited = [i for i in account_ids if tier_of[i].balance_minor_max is not None]
    accounts = dict(zip(limited, lookup_accounts(tx, limited), strict=True))
    rooms: dict[int, int | None] = {}
    for account_id in account_ids:
        wallet, account = found.get(account_id), accounts.get(account_id)
        held_minor = 0
        if account is not None:
            held_minor = account.credit_balance_minor + account.credits_pending_minor
        is_open = wallet is None or wallet.status == "open"
        rooms[account_id] = rules.room(tier_of[account_id], held_minor) if is_open else 0
    return rooms


def _best_tier(act: Act, party_id: str) -> int:
    """The best tier that the identity checks of a party entitle to on the day of the act."""
    file = read_party_file(act.tx, party_id, act.today)
    methods = {
        check.method
        for check in file.checks
        if check.is_passed and (check.valid_until is None or check.valid_until >= act.today)
    }
    has_bank_card = bool(sealing.sealed_fields(act.tx, party_id, ["bank_card"]))
    trusted = methods if file.party.is_identified else frozenset[str]()
    return rules.best_tier(tiers(), trusted, has_bank_card=has_bank_card)


def _tier_for(act: Act, party_id: str, wanted: int) -> Tier:
    best = _best_tier(act, party_id)
    return rules.check_entitled(tiers(), wanted or best, best)


def _state(wallet: Wallet, *, tier: int, status: str = "open") -> WalletState:
    return WalletState(f"{wallet.account_id:032x}", tier, status)


def _insert(act: Act, wallet: Wallet, *, tier: int, status: str = "open") -> None:
    act.tx.put(
        tables.INSERT_WALLET,
        account_id=tables.blob(wallet.account_id),
        party_id=wallet.party_id,
        currency=wallet.currency,
        tier=tier,
        status=status,
        opened_us=act.now_us,
    )


@use_case("payment.open_wallet", roles=("customer", *STAFF), api=True)
def open_wallet(act: Act, input: OpenWallet) -> WalletState:
    """Put a party's wallet on record with a tier, and open its account where there is none.

    Refused: ``payment.no_currency``, ``payment.wallet_exists``, ``payment.no_tier``,
    ``payment.not_entitled``, ``payment.tier_balance`` where lending's wallet holds more already,
    ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    rules.check_currency(input.currency)
    party = take_party(act, input.party_id)
    wallet = take_wallet(act.tx, party.id, input.currency)
    if wallet.opened_us:
        raise Refused("payment.wallet_exists", "This wallet is on record already.")
    tier = _tier_for(act, party.id, input.tier)
    rules.check_balance(tier, balance_of(act.tx, wallet))
    create_accounts(act, [deposit(wallet.account_id, input.currency)])
    _insert(act, wallet, tier=tier.number)
    if not party.is_anonymous:
        place_hold(act, party, reason=HOLD_REASON, reference=f"{wallet.account_id:032x}")
    payload = {"currency": input.currency, "tier": tier.number}
    act.emit("payment.wallet_opened", party.id, payload)
    return _state(wallet, tier=tier.number)


@use_case("payment.set_tier", roles=("customer", *STAFF), api=True)
def set_tier(act: Act, input: SetTier) -> WalletState:
    """Raise a wallet's tier as far as identity checks allow, or lower it.

    Refused: ``payment.no_wallet``, ``payment.wallet_closed``, ``payment.no_tier``,
    ``payment.not_entitled``, ``payment.tier_balance`` where it holds more than the lower tier
    allows, ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = take_party(act, input.party_id)
    wallet = _recorded(act, party.id, input.currency)
    tier = _tier_for(act, party.id, input.tier)
    rules.check_balance(tier, balance_of(act.tx, wallet))
    account_id = tables.blob(wallet.account_id)
    act.tx.put(tables.SET_WALLET, id_=account_id, tier_=tier.number, status_="open")
    payload = {"currency": input.currency, "tier": tier.number}
    act.emit("payment.tier_set", party.id, payload)
    return _state(wallet, tier=tier.number)


def _recorded(act: Act, party_id: str, currency: str) -> Wallet:
    """The open wallet with a row. Refused: ``payment.no_wallet``, ``payment.wallet_closed``."""
    wallet = take_wallet(act.tx, party_id, currency)
    if not wallet.opened_us:
        raise Refused("payment.no_wallet", "This wallet is not on record; open it first.")
    rules.check_open(wallet)
    return wallet


@use_case("payment.close_wallet", roles=("customer", *STAFF), api=True)
def close_wallet(act: Act, input: CloseWallet) -> WalletState:
    """Close an empty wallet: it takes and pays nothing any more.

    Refused: ``payment.no_wallet``, ``payment.wallet_closed``, ``payment.wallet_not_empty``,
    ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    wallet = _recorded(act, input.party_id, input.currency)
    (found,) = lookup_accounts(act.tx, [wallet.account_id])
    assert found is not None, wallet
    if found.credit_balance_minor or found.credits_pending_minor or found.debits_pending_minor:
        raise Refused("payment.wallet_not_empty", "Empty the wallet before it is closed.")
    account_id = tables.blob(wallet.account_id)
    act.tx.put(tables.SET_WALLET, id_=account_id, tier_=wallet.tier, status_="closed")
    reference = f"{wallet.account_id:032x}"
    release_hold(act, input.party_id, reason=HOLD_REASON, reference=reference)
    act.emit("payment.wallet_closed", input.party_id, {"currency": input.currency})
    return _state(wallet, tier=wallet.tier, status="closed")


@use_case("payment.forget_usage", roles=("system",))
def forget_usage(act: Act, input: ForgetUsage) -> UsageForgotten:
    """Delete what wallets paid on days long past; limits count today, and the ledger keeps all."""
    return UsageForgotten(act.tx.run(tables.FORGET_USAGE, before=input.before.isoformat()))


def _old_usage(node: Node, day: date) -> list[ForgetUsage]:
    return [ForgetUsage(day - timedelta(days=figures("usage").forget_days))]


day_step(91, "payment.forget_usage", _old_usage)


def check_empty(act: Act, party_id: str) -> None:
    """Whether nothing is in any of a party's wallets, those included that came with a loan or an
    exchange and that nobody put on record. Refused: ``payment.wallet_not_empty``.
    """
    numbers = [wallet_account(party_id, currency) for currency in sorted(DIGITS)]
    for found in lookup_accounts(act.tx, numbers):
        if found is not None and (
            found.credit_balance_minor or found.credits_pending_minor or found.debits_pending_minor
        ):
            raise Refused("payment.wallet_not_empty", "Empty every wallet first.")


ask_first("party.erase_person", "payment.check_empty", check_empty)


@use_case("payment.forget_party", roles=("system",))
def forget_party(act: Act, input: Delivery) -> PartyForgotten:
    """Close the wallets of an erased person and blank the words of payments, requests and orders.

    Sums stay: they are the books. Source: PIPL art. 47.
    """
    party_id = input.event.subject
    recorded = {row.account_id for row in act.tx.all(tables.READ_WALLETS_OF, party_id=party_id)}
    act.tx.put(tables.CLOSE_WALLETS_OF, party_id_=party_id)
    wallets = [wallet_of(None, party_id, currency) for currency in sorted(DIGITS)]
    there = lookup_accounts(act.tx, [wallet.account_id for wallet in wallets])
    unrecorded = [
        wallet
        for wallet, found in zip(wallets, there, strict=True)
        if found is not None and tables.blob(wallet.account_id) not in recorded
    ]
    for wallet in unrecorded:
        _insert(act, wallet, tier=wallet.tier, status="closed")
    act.tx.put(payment.BLANK_REMARKS, party_id_=party_id)
    act.tx.put(ask.BLANK_REQUESTS, party_id_=party_id)
    act.tx.put(ask.CANCEL_ORDERS_OF, party_id_=party_id)
    return PartyForgotten(party_id, len(recorded) + len(unrecorded))


subscribe("payment.forget_party", to=("party.erased",))
