"""A device at work: paying and taking payments without a node, a network or a store.

Pure but for signatures: secrets, nonces and the time are handed in by whoever keeps the device.
"""

from __future__ import annotations

from collections.abc import Iterable

from puhui.kernel.errors import Refused
from puhui.offline import rules
from puhui.offline.engines import signature
from puhui.offline.formats import message
from puhui.offline.nouns import OfflineVoucher, Payment, Purse, Request, RevocationList


def take_allowance(text: str, *, secret: bytes, operator_key: str) -> Purse:
    """The purse of an allowance that the operator has signed for this device's key.

    ``operator_key`` is the node's public key (base64), which the device keeps from the day it was
    set up. Refused: ``offline.bad_message``, ``offline.bad_signature``, ``offline.wrong_key``.
    """
    allowance = message.read_allowance(text)
    _check_operator(operator_key, message.allowance_body(allowance), allowance.signature)
    if allowance.wallet_key != signature.public_key_of(secret):
        raise Refused("offline.wrong_key", "This allowance was granted to another device.")
    return rules.open_purse(allowance)


def make_voucher(
    purse: Purse, request_text: str, *, secret: bytes, now_us: int
) -> tuple[Purse, str]:
    """Pay a request: the purse after it, and the text that the payee checks.

    The device keeps the new purse and the text durably *before* it shows the text: the counter
    is spent with the signature. Refused: ``offline.bad_message``, ``offline.wrong_key``, and those
    of ``rules.next_voucher``.
    """
    if purse.allowance.wallet_key != signature.public_key_of(secret):
        raise Refused("offline.wrong_key", "This allowance was granted to another device.")
    drawn = rules.next_voucher(purse, message.read_request(request_text), now_us=now_us)
    voucher = message.signed_voucher(drawn, signature.sign(secret, message.voucher_body(drawn)))
    text = message.write_payment(Payment(purse.allowance, voucher))
    return rules.spent_purse(purse, voucher), text


def check_voucher(
    payment_text: str,
    *,
    request: Request,
    operator_key: str,
    now_us: int,
    revoked: RevocationList | None = None,
    held: Iterable[OfflineVoucher] = (),
) -> OfflineVoucher:
    """Whether a payee takes a payment, without a network; the voucher to keep and synchronise.

    ``request`` is the payee's own, which is used up by this; ``held`` are vouchers taken earlier.
    Refused: ``offline.bad_message``, ``offline.bad_signature`` of operator or wallet, and those of
    ``rules.check_acceptance``.
    """
    payment = message.read_payment(payment_text)
    allowance, voucher = payment.allowance, payment.voucher
    _check_operator(operator_key, message.allowance_body(allowance), allowance.signature)
    body = message.voucher_body(voucher)
    if not signature.is_signed(allowance.wallet_key, body, voucher.signature):
        raise Refused("offline.bad_signature", "This payment was not signed by its wallet.")
    rules.check_acceptance(payment, request, now_us=now_us, revoked=revoked, held=held)
    return voucher


def take_list(text: str, *, operator_key: str, held: RevocationList | None) -> RevocationList:
    """The list of revocations that a device keeps from now on.

    Refused: ``offline.bad_message``, ``offline.bad_signature``, ``offline.old_list``.
    """
    revoked = message.read_list(text)
    _check_operator(operator_key, message.list_body(revoked), revoked.signature)
    rules.check_list(revoked, held)
    return revoked


def _check_operator(operator_key: str, body: bytes, signed: bytes) -> None:
    if not signature.is_signed(signature.raw_key(operator_key), body, signed):
        raise Refused("offline.bad_signature", "This was not signed by the operator.")
