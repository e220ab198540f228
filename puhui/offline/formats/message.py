"""Canonical bytes of the papers, and their texts: one content has one form.

All numbers are unsigned and big-endian, amounts are minor units in 8 bytes, times microseconds
since 1970 UTC in 8 bytes. Each paper begins with ``PH``, a letter for its kind and the version 1,
so that a signature for one kind is none for another; a signature is Ed25519 (RFC 8032), 64 bytes,
over the bytes before it (see ``engines.signature``). A text is a mark such as ``PHP1:`` and the
bytes in base45.

=========  ======  ==============================================================================
kind       bytes   fields in order (bytes)
=========  ======  ==============================================================================
allowance  184     head 4, id 16, wallet key 32, pseudonym 16, epoch 4, currency 3, tier 1,
                   allowance limit 8, single cap 8, count 2, clock tolerance in s 2, issued 8,
                   expires 8, sync until 8; signature 64
request    59      head 4, payee account 16, currency 3, amount 8, nonce 16, time 8; CRC-32 4
voucher    176     head 4, allowance id 16, payee account 16, amount 8, counter 4, spent before 8,
                   previous digest 32, nonce 16, time 8; signature 64
payment    360     an allowance and a voucher, one after the other
list       14+20n  head 4, issued 8, count 2, and for each: pseudonym 16, epoch valid 4;
                   signature 64
=========  ======  ==============================================================================
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import replace

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.offline.formats import rfc9285
from puhui.offline.nouns import (
    Allowance,
    OfflineVoucher,
    Payment,
    Request,
    Revocation,
    RevocationList,
)

ALLOWANCE, REQUEST, VOUCHER, LIST = b"PHA\x01", b"PHR\x01", b"PHV\x01", b"PHX\x01"
ALLOWANCE_MARK, REQUEST_MARK, VOUCHER_MARK = "PHA1:", "PHR1:", "PHV1:"
PAYMENT_MARK, LIST_MARK = "PHP1:", "PHX1:"
SIGNATURE_BYTES = 64
LIST_MAX = 10_000
"""The most wallets of one list of revocations: 200 kB, for the devices' sake."""

TEXT_LENGTH_MAX = 400_000

_ALLOWANCE = struct.Struct(">4s16s32s16sI3sBQQHHQQQ")
_REQUEST = struct.Struct(">4s16s3sQ16sQ")
_VOUCHER = struct.Struct(">4s16s16sQIQ32s16sQ")
_LIST = struct.Struct(">4sQH")
_ENTRY = struct.Struct(">16sI")
_CRC = struct.Struct(">I")


def digest_of(body: bytes) -> bytes:
    """What names a paper for ever: SHA-256 of its canonical bytes without the signature."""
    return hashlib.sha256(body).digest()


def allowance_body(allowance: Allowance) -> bytes:
    """The canonical bytes of an allowance that the operator signs."""
    return _ALLOWANCE.pack(
        ALLOWANCE,
        allowance.id,
        allowance.wallet_key,
        allowance.pseudonym,
        allowance.epoch,
        allowance.currency.encode("ascii"),
        allowance.tier,
        allowance.allowance_limit_minor,
        allowance.single_cap_minor,
        allowance.count_max,
        allowance.clock_tolerance_s,
        allowance.issued_us,
        allowance.expires_us,
        allowance.sync_until_us,
    )


def voucher_body(voucher: OfflineVoucher) -> bytes:
    """The canonical bytes of a voucher that the payer's wallet signs."""
    return _VOUCHER.pack(
        VOUCHER,
        voucher.allowance_id,
        voucher.payee_account_id.to_bytes(16, "big"),
        voucher.amount_minor,
        voucher.counter,
        voucher.spent_before_minor,
        voucher.previous,
        voucher.nonce,
        voucher.time_us,
    )


def list_body(revoked: RevocationList) -> bytes:
    """The canonical bytes of a list of revocations that the operator signs."""
    assert len(revoked.entries) <= LIST_MAX, len(revoked.entries)
    entries = [_ENTRY.pack(entry.pseudonym, entry.epoch_valid) for entry in revoked.entries]
    return _LIST.pack(LIST, revoked.issued_us, len(entries)) + b"".join(entries)


def signed_allowance(allowance: Allowance, signature: bytes) -> Allowance:
    """The allowance with its signature and its digest."""
    return replace(allowance, digest=digest_of(allowance_body(allowance)), signature=signature)


def signed_voucher(voucher: OfflineVoucher, signature: bytes) -> OfflineVoucher:
    """The voucher with its signature and its digest."""
    return replace(voucher, digest=digest_of(voucher_body(voucher)), signature=signature)


def write_allowance(allowance: Allowance) -> str:
    """The text of a signed allowance."""
    return ALLOWANCE_MARK + rfc9285.encode(allowance_body(allowance) + allowance.signature)


def write_voucher(voucher: OfflineVoucher) -> str:
    """The text of a signed voucher."""
    return VOUCHER_MARK + rfc9285.encode(voucher_body(voucher) + voucher.signature)


def write_payment(payment: Payment) -> str:
    """The text that a payer shows: 545 characters, for one code to scan."""
    papers = allowance_body(payment.allowance) + payment.allowance.signature
    papers += voucher_body(payment.voucher) + payment.voucher.signature
    return PAYMENT_MARK + rfc9285.encode(papers)


def write_request(request: Request) -> str:
    """The text that a payee shows; a CRC-32 finds what was mistyped."""
    body = _REQUEST.pack(
        REQUEST,
        request.payee_account_id.to_bytes(16, "big"),
        request.currency.encode("ascii"),
        request.amount_minor,
        request.nonce,
        request.time_us,
    )
    return REQUEST_MARK + rfc9285.encode(body + _CRC.pack(zlib.crc32(body)))


def write_list(revoked: RevocationList) -> str:
    """The text of a signed list of revocations."""
    return LIST_MARK + rfc9285.encode(list_body(revoked) + revoked.signature)


def read_allowance(text: str) -> Allowance:
    """A signed allowance, its signature unchecked. Refused: ``offline.bad_message``."""
    return _allowance_of(_bytes_of(text, ALLOWANCE_MARK))


def read_payment(text: str) -> Payment:
    """A payment, its signatures unchecked. Refused: ``offline.bad_message``."""
    data = _bytes_of(text, PAYMENT_MARK)
    split = _ALLOWANCE.size + SIGNATURE_BYTES
    return Payment(_allowance_of(data[:split]), _voucher_of(data[split:]))


def read_voucher(text: str) -> OfflineVoucher:
    """The voucher of a voucher's or a payment's text, its signature unchecked.

    Refused: ``offline.bad_message``.
    """
    if text[: len(PAYMENT_MARK)] == PAYMENT_MARK:
        return read_payment(text).voucher
    return _voucher_of(_bytes_of(text, VOUCHER_MARK))


def read_request(text: str) -> Request:
    """A payee's request. Refused: ``offline.bad_message`` also where its CRC-32 is another."""
    data = _bytes_of(text, REQUEST_MARK)
    body, crc = data[: _REQUEST.size], data[_REQUEST.size :]
    if len(data) != _REQUEST.size + _CRC.size or _CRC.unpack(crc)[0] != zlib.crc32(body):
        raise Refused("offline.bad_message", "This request was damaged on its way.")
    head, account_id, currency, amount_minor, nonce, time_us = _REQUEST.unpack(body)
    _check_head(head, REQUEST)
    return Request(
        int.from_bytes(account_id, "big"), _currency(currency), amount_minor, nonce, time_us
    )


def read_list(text: str) -> RevocationList:
    """A list of revocations, its signature unchecked. Refused: ``offline.bad_message``."""
    data = _bytes_of(text, LIST_MARK)
    if len(data) < _LIST.size:
        raise Refused("offline.bad_message", "This list has another length than it should.")
    head, issued_us, count = _LIST.unpack_from(data)
    _check_head(head, LIST)
    end = _LIST.size + count * _ENTRY.size
    if count > LIST_MAX or len(data) != end + SIGNATURE_BYTES:
        raise Refused("offline.bad_message", "This list has another length than it should.")
    entries = tuple(Revocation(*found) for found in _ENTRY.iter_unpack(data[_LIST.size : end]))
    return RevocationList(issued_us, entries, data[end:])


def _bytes_of(text: str, mark: str) -> bytes:
    if len(text) > TEXT_LENGTH_MAX or not text.startswith(mark):
        raise Refused("offline.bad_message", f"This is no text that begins with {mark}")
    return rfc9285.decode(text[len(mark) :])


def _check_head(head: bytes, wanted: bytes) -> None:
    if head != wanted:
        raise Refused("offline.bad_message", "This is a paper of another kind or version.")


def _currency(code: bytes) -> str:
    currency = code.decode("ascii", "replace")
    if currency not in DIGITS:
        raise Refused("offline.bad_message", "This names a currency that is not known here.")
    return currency


def _allowance_of(data: bytes) -> Allowance:
    if len(data) != _ALLOWANCE.size + SIGNATURE_BYTES:
        raise Refused("offline.bad_message", "This allowance has another length than it should.")
    body = data[: _ALLOWANCE.size]
    head, *fields = _ALLOWANCE.unpack(body)
    _check_head(head, ALLOWANCE)
    fields[4] = _currency(fields[4])
    return signed_allowance(Allowance(*fields), data[_ALLOWANCE.size :])


def _voucher_of(data: bytes) -> OfflineVoucher:
    if len(data) != _VOUCHER.size + SIGNATURE_BYTES:
        raise Refused("offline.bad_message", "This voucher has another length than it should.")
    body = data[: _VOUCHER.size]
    head, allowance_id, account_id, *fields = _VOUCHER.unpack(body)
    _check_head(head, VOUCHER)
    voucher = OfflineVoucher(allowance_id, int.from_bytes(account_id, "big"), *fields)
    return signed_voucher(voucher, data[_VOUCHER.size :])
