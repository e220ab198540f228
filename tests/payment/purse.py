"""People with wallets, and short ways to pay."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from puhui.kernel import Actor, Node
from puhui.kernel.clock import business_date
from puhui.ledger import lookup_accounts
from puhui.party.nouns import VerifyIdentity
from puhui.payment import wallet_account
from puhui.payment.nouns.pay import PayBatch
from tests.party.people import register_person

STAFF = Actor("teller", frozenset({"operator", "system"}))
_KEYS = itertools.count(1)


def run(node: Node, name: str, actor: Actor = STAFF, /, **told: object) -> Any:
    """Run ``payment.<name>`` under a key of its own."""
    return node.act(f"payment.{name}", told, key=f"purse {next(_KEYS)}", actor=actor)


def self_of(party_id: str) -> Actor:
    """A party acting for itself."""
    return Actor(party_id, frozenset({"customer"}))


def open_books(node: Node, currency: str = "CNY") -> None:
    """Open the lender's own accounts."""
    told = {"currency": currency}
    node.act("lending.open_books", told, key=f"books {currency}", actor=STAFF)


def identify(node: Node, party_id: str, method: str = "in_person", *, is_passed: bool = True,
             valid_until: date | None = None) -> None:  # fmt: skip
    """Record an identity check."""
    told = VerifyIdentity(party_id, method, is_passed, "0" * 64, valid_until)
    node.act("party.verify_identity", told, key=f"check {next(_KEYS)}", actor=STAFF)


def person(node: Node, order: int, *, tier: int = 1, money: int = 0, currency: str = "CNY") -> str:
    """The ``order``-th person, identified in person, with a wallet of a tier and money in it."""
    party_id = register_person(node, order)
    identify(node, party_id)
    run(node, "open_wallet", party_id=party_id, currency=currency, tier=tier)
    if money:
        top_up(node, party_id, money, currency)
    return party_id


def top_up(node: Node, party_id: str, amount: int, currency: str = "CNY") -> Any:
    """Put money into a wallet."""
    return run(node, "top_up", party_id=party_id, amount_minor=amount, currency=currency)


def pay(node: Node, payer: str, payee: str, amount: int, **more: str) -> Any:
    """Pay in yuan, in the payer's own name."""
    told = {"payer_id": payer, "payee": payee, "amount_minor": amount, "currency": "CNY"}
    return run(node, "pay", self_of(payer), **(told | more))


def batch(*lines: tuple[str, str, str, int], **more: Any) -> PayBatch:
    """A batch of (payment id, payer, payee, amount in fen)."""
    ids, payers, payees, amounts = zip(*lines, strict=True) if lines else ((), (), (), ())
    return PayBatch(ids, payers, payees, amounts, "CNY", **more)


def pay_batch(node: Node, given: PayBatch, *, key: str = "") -> Any:
    """Post a batch."""
    key = key or f"purse {next(_KEYS)}"
    return node.act("payment.pay_batch", given, key=key, actor=STAFF)


def held_by(node: Node, party_id: str, currency: str = "CNY") -> int:
    """What is in a wallet, in minor units."""
    with node.read() as tx:
        (found,) = lookup_accounts(tx, [wallet_account(party_id, currency)])
    return 0 if found is None else found.available_minor


def today(node: Node) -> date:
    """The business day of the node."""
    return business_date(node.clock.now_us())
