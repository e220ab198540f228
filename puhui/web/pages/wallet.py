"""The wallet: what is in it, what its kind allows, how to raise it, and where to go from here."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.kernel.store import Transaction
from puhui.ledger import lookup_accounts
from puhui.party import read_party_file
from puhui.payment import numbers, wallet_account
from puhui.payment.window import Tier, Wallet, orders_of, read_wallet, requests_of, tiers
from puhui.web.ask import Ask, Waits
from puhui.web.pages.amount import amount_of
from puhui.web.pages.waiting import url_of

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Purse:
    """What one currency of somebody's comes to, in minor units; ``held_minor`` is kept back."""

    currency: str
    balance_minor: int
    held_minor: int

    @property
    def free_minor(self) -> int:
        """What may be spent."""
        return self.balance_minor - self.held_minor


def purses_of(tx: Transaction, party_id: str) -> tuple[Purse, ...]:
    """What a party has in each currency that it has a wallet in, yuan first."""
    names = sorted(DIGITS, key=lambda name: (name != CURRENCY, name))
    found = lookup_accounts(tx, [wallet_account(party_id, name) for name in names])
    return tuple(
        Purse(name, one.credit_balance_minor, one.debits_pending_minor)
        for name, one in zip(names, found, strict=True)
        if one is not None
    )


def purse_of(tx: Transaction, party_id: str, currency: str = CURRENCY) -> Purse:
    """What a party has in one currency; nothing where there is no wallet yet."""
    (one,) = lookup_accounts(tx, [wallet_account(party_id, currency)])
    if one is None:
        return Purse(currency, 0, 0)
    return Purse(currency, one.credit_balance_minor, one.debits_pending_minor)


def tier_of(tx: Transaction, party_id: str, currency: str = CURRENCY) -> tuple[Wallet, Tier]:
    """The wallet as it counts, and what its tier allows."""
    wallet = read_wallet(tx, party_id, currency)
    return wallet, tiers().by_number[wallet.tier]


def show(ask: Ask) -> Response:
    """Balance, limits in plain words, what waits, and every way on."""
    with ask.node.read() as tx:
        wallet, tier = tier_of(tx, ask.party_id)
        purses = purses_of(tx, ask.party_id)
        requests = requests_of(tx, ask.party_id)
        orders = orders_of(tx, ask.party_id)
    now_us = ask.node.clock.now_us()
    waiting = [
        one
        for one in requests
        if one.payer_id == ask.party_id and one.status == "open" and one.expires_us > now_us
    ]
    return ask.page(
        "wallet.html",
        wallet=wallet,
        tier=tier,
        purses=purses,
        waiting=waiting,
        orders=[one for one in orders if one.status == "active"],
        number=numbers.shown(wallet.account_id),
        done=ask.query.get("done", ""),
        back="/me",
    )


def tier(ask: Ask) -> Response:
    """Every kind of wallet with its limits, and what each asks for."""
    return _tier(ask)


def _tier(ask: Ask) -> Response:
    with ask.node.read() as tx:
        wallet, own = tier_of(tx, ask.party_id)
        file = read_party_file(tx, ask.party_id, ask.today)
    passed = {
        one.method
        for one in file.checks
        if one.is_passed and (one.valid_until is None or one.valid_until >= ask.today)
    }
    return ask.page(
        "wallet_tier.html",
        wallet=wallet,
        own=own,
        tiers=[found for _, found in sorted(tiers().by_number.items())],
        passed=passed if file.party.is_identified else set(),
        chosen=ask.text("tier"),
        back="/wallet",
    )


def set_tier(ask: Ask) -> Response:
    """Put the wallet on record with the kind that was chosen, or change its kind."""
    chosen = ask.text("tier")
    if chosen not in {str(number) for number in tiers().by_number}:
        ask.wrong("tier", ask.say("wallet.tier_missing"))
        return _tier(ask)
    with ask.node.read() as tx:
        wallet = read_wallet(tx, ask.party_id, CURRENCY)
    name = "payment.set_tier" if wallet.opened_us else "payment.open_wallet"
    told = {"party_id": ask.party_id, "currency": CURRENCY, "tier": int(chosen)}
    try:
        ask.act(name, told)
    except Refused as refused:
        if refused.code == "payment.not_entitled":
            ask.wrong("tier", ask.say(f"wallet.needs_{chosen}"))
        else:
            ask.wrong("tier", said(refused.code, ask.view.language))
        return _tier(ask)
    return ask.go("/wallet?done=tier")


def withdraw(ask: Ask) -> Response:
    """How much goes to the own bank account."""
    return _withdraw(ask)


def _withdraw(ask: Ask) -> Response:
    with ask.node.read() as tx:
        purse = purse_of(tx, ask.party_id)
    return ask.page("withdraw.html", purse=purse, amount=ask.text("amount"), back="/wallet")


def take_out(ask: Ask) -> Response:
    """Send money to the own bank account, once for the form."""
    amount_minor = amount_of(ask, CURRENCY)
    if amount_minor is None:
        return _withdraw(ask)
    told = {"party_id": ask.party_id, "amount_minor": amount_minor, "currency": CURRENCY}
    try:
        ask.act("payment.withdraw", told)
    except Waits as waits:
        return ask.go(url_of(ask, waits.answer, way="withdraw", amount_minor=amount_minor))
    except Refused as refused:
        ask.wrong("amount", said(refused.code, ask.view.language))
        return _withdraw(ask)
    return ask.go("/wallet?done=withdrawn")
