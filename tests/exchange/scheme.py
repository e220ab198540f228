"""A small scheme for tests: two currencies, two banks, two providers who sign quotes."""

from __future__ import annotations

import base64
import itertools
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, settings

from puhui import ledger
from puhui.exchange import Quote, quote_bytes
from puhui.exchange.desk.account import own_account, wallet
from puhui.exchange.formats.signed import recall_bytes
from puhui.exchange.nouns.participant import Position
from puhui.exchange.window import position_of
from puhui.kernel import Actor, Node
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import CreateTransfers

STAFF = Actor("exchange desk", frozenset({"operator", "system"}))
SECOND = Actor("exchange checker", frozenset({"operator", "system"}))
"""Who pays what the first one has reserved."""
MINUTE_US = 60_000_000
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""No time is measured by a test: the machine may be busy."""
_KEYS = itertools.count(1)


def act(node: Node, name: str, input: Any, *, key: str = "") -> Any:
    """Run a use case of exchange under a key of its own, or under ``key``."""
    key = key or f"exchange test {next(_KEYS)}"
    actor = SECOND if name == "settle" else STAFF
    return node.act(f"exchange.{name}", input, key=key, actor=actor)


class Provider:
    """A liquidity provider with its own key, which signs what it quotes."""

    def __init__(self, seed: int) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        public = self.key.public_key().public_bytes(*raw)
        self.public_key = base64.b64encode(public).decode()
        self.id = ""
        self._numbers = itertools.count(1)
        self.seed = seed

    def sign(self, quote: Quote) -> Quote:
        """The quote with this provider's signature."""
        signature = base64.b64encode(self.key.sign(quote_bytes(quote))).decode()
        return replace(quote, signature=signature)

    def quote(self, node: Node, rate: str = "0.14", **changes: Any) -> Quote:
        """A signed quote from CNY to USD that holds for a minute, not posted yet."""
        told: dict[str, Any] = {
            "id": f"q{self.seed}-{next(self._numbers)}",
            "provider_id": self.id,
            "source_currency": "CNY",
            "target_currency": "USD",
            "rate": rate,
            "minimum_minor": 1,
            "maximum_minor": 10**12,
            "fee_minor": 0,
            "expires_us": node.clock.now_us() + MINUTE_US,
            **changes,
        }
        return self.sign(Quote(**told))

    def recall(self, quote_id: str) -> dict[str, Any]:
        """What this provider sends to take a quote back."""
        signature = base64.b64encode(self.key.sign(recall_bytes(quote_id))).decode()
        return {"quote_id": quote_id, "signature": signature}

    def offer(self, node: Node, rate: str = "0.14", **changes: Any) -> Quote:
        """A quote, signed and posted."""
        quote = self.quote(node, rate, **changes)
        act(node, "post_quote", {"quote": quote})
        return quote


class Scheme:
    """CNY settled deferred, USD settled by ``usd_kind``; everybody prefunded and capped."""

    def __init__(
        self,
        node: Node,
        *,
        usd_kind: str = "net_deferred",
        funds_minor: int = 1_000_000,
        cap_minor: int = 400_000,
    ) -> None:
        self.node = node
        self.kinds = {"CNY": "net_deferred", "USD": usd_kind}
        self.windows: dict[str, str] = {}
        for currency, kind in self.kinds.items():
            told = {"currency": currency, "settlement_kind": kind}
            self.windows[currency] = act(node, "open_currency", told).window_id
        self.one, self.two = Provider(1), Provider(2)
        self.payer_bank = self.register("Payer Bank", "bank")
        self.payee_bank = self.register("Payee Bank", "bank")
        self.one.id = self.register("Provider One", "provider", self.one.public_key)
        self.two.id = self.register("Provider Two", "provider", self.two.public_key)
        for participant in (self.payer_bank, self.payee_bank, self.one.id, self.two.id):
            for currency in self.kinds:
                self.fund(participant, currency, funds_minor, cap_minor)

    def register(self, name: str, kind: str, public_key: str = "") -> str:
        """A participant's id."""
        told = {"name": name, "kind": kind, "public_key": public_key}
        return str(act(self.node, "register_participant", told).participant_id)

    def fund(self, participant: str, currency: str, funds_minor: int, cap_minor: int) -> None:
        """Open a position with funds, of which ``cap_minor`` become its cover."""
        told: dict[str, Any] = {"participant_id": participant, "currency": currency}
        kind = {"settlement_kind": self.kinds[currency]}
        act(self.node, "open_position", {**told, **kind})
        if funds_minor:
            funds = {"amount_minor": funds_minor, "reference": "first"}
            act(self.node, "put_funds_in", {**told, **funds})
        act(self.node, "set_cap", {**told, "cap_minor": cap_minor})

    def position(self, participant: str, currency: str = "CNY") -> Position:
        """A participant's position as the ledger says."""
        with self.node.read() as tx:
            return position_of(tx, participant, currency)

    def owed(self, *participants: str, currency: str = "CNY") -> list[int]:
        """What participants owe, minor units, without what is held."""
        return [self.position(one, currency).position_minor for one in participants]

    def leg(self, leg_id: str, condition: str, **changes: Any) -> dict[str, Any]:
        """The terms of a leg from the payer's bank to the payee's, for a minute."""
        return {
            "leg_id": leg_id,
            "deal_id": f"deal of {leg_id}".replace(" ", "-"),
            "payer": f"participant:{self.payer_bank}",
            "payee": f"participant:{self.payee_bank}",
            "currency": "CNY",
            "amount_minor": 10_000,
            "condition": condition,
            "expires_us": self.node.clock.now_us() + MINUTE_US,
            **changes,
        }


def top_up(node: Node, party_id: str, currency: str, amount_minor: int) -> None:
    """Put money into a party's wallet, as the ledger alone sees it."""
    actor = Actor("tester", frozenset({"system"}))
    accounts = (own_account("funding", currency), wallet(party_id, currency))
    key = f"top up {next(_KEYS)}"
    node.act("ledger.create_accounts", CreateAccounts(accounts), key=f"{key} a", actor=actor)
    transfer = Transfer(
        Transfer.id_of(key), accounts[0].id, accounts[1].id, amount_minor, currency, 2
    )
    made = node.act("ledger.create_transfers", CreateTransfers((transfer,)), key=key, actor=actor)
    assert made.statuses == ("created",)


def balance(node: Node, party_id: str, currency: str) -> int:
    """What a wallet holds, minor units; 0 without one."""
    with node.read() as tx:
        (found,) = ledger.lookup_accounts(tx, [wallet(party_id, currency).id])
    return 0 if found is None else found.credit_balance_minor


def own_balance(node: Node, account: Account) -> int:
    """The credit balance of one of the operator's accounts."""
    with node.read() as tx:
        (found,) = ledger.lookup_accounts(tx, [account.id])
    return 0 if found is None else found.credit_balance_minor
