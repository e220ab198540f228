"""People with wallets and devices, and short ways to grant, pay, take and synchronise."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from puhui import ledger
from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from puhui.offline import (
    OfflineVoucher,
    Purse,
    Request,
    RevocationList,
    check_voucher,
    make_voucher,
    take_allowance,
)
from puhui.offline.desk.books import wallet_account
from puhui.offline.engines import signature
from puhui.offline.formats import message
from puhui.offline.nouns import AllowanceGranted, Payment, VouchersSynced
from puhui.party.nouns import RegisterParties
from tests.party.people import register_person

STAFF = Actor("offline tester", frozenset({"operator", "system", "compliance_officer"}))
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
OPENED_MINOR = 500_000
"""What each wallet begins with."""

_KEYS = itertools.count(1)


def fresh_bytes(count: int, label: str) -> bytes:
    """Bytes that belong to ``label``: tests draw no chance."""
    return hashlib.shake_256(label.encode()).digest(count)


def act(node: Node, name: str, input: object, *, key: str = "", actor: Actor = STAFF) -> Any:
    """Run a use case, under a key of its own unless one is given."""
    return node.act(name, input, key=key or f"offline test {next(_KEYS)}", actor=actor)


@dataclass(slots=True)
class Device:
    """A phone: a secret, a wallet's ledger account, a purse, and what was taken with it."""

    name: str
    party_id: str
    currency: str = "CNY"
    operator_key: str = ""
    purse: Purse | None = None
    revoked: RevocationList | None = None
    taken: list[OfflineVoucher] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    asked: int = 0

    @property
    def secret(self) -> bytes:
        """The device's secret key."""
        return fresh_bytes(32, f"secret {self.name}")

    @property
    def public_key(self) -> str:
        """Its public key in hex."""
        return signature.public_key_of(self.secret).hex()

    @property
    def account_id(self) -> int:
        """The ledger account of its owner's wallet."""
        return wallet_account(self.party_id, self.currency)

    def ask(self, amount_minor: int, now_us: int) -> Request:
        """A request for money, with a nonce of its own."""
        self.asked += 1
        nonce = fresh_bytes(16, f"nonce {self.name} {self.asked}")
        return Request(self.account_id, self.currency, amount_minor, nonce, now_us)

    def pay(self, request: Request, now_us: int) -> str:
        """Pay a request; the purse moves on."""
        assert self.purse is not None
        self.purse, text = make_voucher(
            self.purse, message.write_request(request), secret=self.secret, now_us=now_us
        )
        return text

    def take(self, text: str, request: Request, now_us: int) -> OfflineVoucher:
        """Check a payment and keep it."""
        voucher = check_voucher(
            text,
            request=request,
            operator_key=self.operator_key,
            now_us=now_us,
            revoked=self.revoked,
            held=self.taken,
        )
        self.taken.append(voucher)
        self.texts.append(text)
        return voucher


def people(node: Node, *names: str, label: str = "") -> list[Device]:
    """Anonymous parties with a wallet that holds 5,000 yuan, each with a device."""
    given = RegisterParties("fair", names)
    party_ids = act(node, "party.register_parties", given, key=_key(label, "people")).party_ids
    return _with_money(node, names, party_ids)


def identified(node: Node, *names: str, label: str = "") -> list[Device]:
    """Persons whose identity was checked, with a wallet and a device like others."""
    party_ids = [register_person(node, order) for order in range(1, len(names) + 1)]
    for party_id in party_ids:
        told = {
            "party_id": party_id,
            "method": "id_card_chip",
            "is_passed": True,
            "evidence_digest": "e" * 64,
        }
        act(node, "party.verify_identity", told)
    return _with_money(node, names, party_ids)


def _key(label: str, step: str) -> str:
    """A key that is the same on every node where a ``label`` is given."""
    return f"{label} {step}" if label else ""


def _with_money(node: Node, names: Sequence[str], party_ids: Sequence[str]) -> list[Device]:
    deposit = ledger.chart().account("customer_deposit")
    devices = [
        Device(name, party_id, operator_key=node.keys.public_key)
        for name, party_id in zip(names, party_ids, strict=True)
    ]
    funding = Account.id_of("bank:funding:CNY")
    accounts = [Account(funding, "CNY", ledger.chart().account("funding"))]
    accounts += [
        Account(device.account_id, "CNY", deposit, Account.DEBITS_MUST_NOT_EXCEED_CREDITS)
        for device in devices
    ]
    act(node, "ledger.create_accounts", {"accounts": tuple(accounts)})
    code = ledger.chart().transfer("deposit")
    deposits = tuple(
        Transfer(
            Account.id_of(f"open {d.party_id}"), funding, d.account_id, OPENED_MINOR, "CNY", code
        )
        for d in devices
    )
    made = act(node, "ledger.create_transfers", {"transfers": deposits})
    assert set(made.statuses) == {"created"}
    return devices


def grant(
    node: Node, device: Device, amount_minor: int = 10_000, *, key: str = "", **more: str
) -> AllowanceGranted:
    """Grant an allowance, and put it on the device."""
    told = {
        "party_id": device.party_id,
        "currency": device.currency,
        "allowance_limit_minor": amount_minor,
        "wallet_key": device.public_key,
        **more,
    }
    granted = act(node, "offline.grant_allowance", told, key=key)
    assert isinstance(granted, AllowanceGranted)
    device.purse = take_allowance(
        granted.text, secret=device.secret, operator_key=node.keys.public_key
    )
    return granted


def sync(node: Node, texts: Sequence[str], **more: Any) -> VouchersSynced:
    """Synchronise texts in one act."""
    done = act(node, "offline.sync_vouchers", {"texts": tuple(texts)}, **more)
    assert isinstance(done, VouchersSynced)
    return done


def balance_of(node: Node, account_id: int) -> int:
    """What an account holds, in minor units; nought where there is none."""
    with node.read() as tx:
        (found,) = ledger.lookup_accounts(tx, [account_id])
    return 0 if found is None else found.credit_balance_minor


def resigned(secret: bytes, voucher: OfflineVoucher, **changes: object) -> OfflineVoucher:
    """The voucher with changes, signed again: what only the wallet itself can make."""
    changed = replace(voucher, **changes)  # type: ignore[arg-type]
    body = message.voucher_body(changed)
    return message.signed_voucher(changed, signature.sign(secret, body))


def payment_text(device: Device, voucher: OfflineVoucher) -> str:
    """A payment of a device with any voucher."""
    assert device.purse is not None
    return message.write_payment(Payment(device.purse.allowance, voucher))


def branches(
    device: Device, payees: Iterable[Device], amounts: Iterable[int], now_us: int
) -> list[OfflineVoucher]:
    """A chain of vouchers from the device's purse on, without moving the purse: one branch."""
    kept, made = device.purse, []
    for payee, amount_minor in zip(payees, amounts, strict=True):
        made.append(message.read_voucher(device.pay(payee.ask(amount_minor, now_us), now_us)))
    device.purse = kept
    return made


def moved(clock: FixedClock, more_us: int) -> int:
    """Move the clock on; the time then."""
    clock.set_us(clock.now_us() + more_us)
    return clock.now_us()


def branches_texts(
    payer: Device, payees: list[Device], amounts: list[int], now_us: int
) -> list[str]:
    """The texts of a branch."""
    return [message.write_voucher(one) for one in branches(payer, payees, amounts, now_us)]
