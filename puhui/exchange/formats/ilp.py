"""Packets of the Interledger Protocol, version 4 (ILPv4): prepare, fulfil and reject.

A packet is a type octet and a length-prefixed body (OER, ITU-T X.696: one octet below 128,
otherwise 128 plus the number of octets that follow). Source: Interledger RFC 0027 (ILPv4) and
RFC 0030 (notes on OER encoding); type octets 12, 13, 14. Known from memory and from the test
vectors, which are read and written byte by byte.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from puhui.kernel.errors import Refused

PREPARE, FULFIL, REJECT = 12, 13, 14
DATA_BYTES_MAX = 32_768
ADDRESS_LENGTH_MAX = 1023
_TIME = re.compile(r"\d{17}")
_ADDRESS = re.compile(r"[A-Za-z0-9_~-]+(\.[A-Za-z0-9_~-]+)*")
_CODE = re.compile(r"[FTR]\d\d")


@dataclass(frozen=True, slots=True)
class Prepare:
    """A conditional payment on its way.

    ``amount`` is in the units of the two who speak (64 bits); ``expires_at`` is UTC as
    YYYYMMDDHHMMSSmmm; ``condition`` is the SHA-256 of the fulfilment (32 bytes).
    """

    amount: int
    expires_at: str
    condition: bytes
    destination: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Fulfil:
    """The 32 bytes whose SHA-256 is the condition of a prepare."""

    fulfilment: bytes
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a prepare was not paid: a code such as F01, who says so, and words."""

    code: str
    triggered_by: str
    message: str
    data: bytes = b""


Packet = Prepare | Fulfil | Reject


def _bad(words: str) -> Refused:
    return Refused("exchange.bad_packet", words)


def _with_length(body: bytes) -> bytes:
    size = len(body)
    if size < 128:
        return bytes([size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([128 + len(digits)]) + digits + body


def _check_address(address: str, *, may_be_empty: bool = False) -> bytes:
    is_fit = len(address) <= ADDRESS_LENGTH_MAX and _ADDRESS.fullmatch(address.rstrip("."))
    if not is_fit and not (may_be_empty and not address):
        raise _bad("An address is words with points between them.")
    return address.encode("ascii")


def _check_data(data: bytes) -> bytes:
    if len(data) > DATA_BYTES_MAX:
        raise _bad(f"Data has at most {DATA_BYTES_MAX:,} bytes.")
    return data


def encode(packet: Packet) -> bytes:
    """The bytes of a packet. Refused: ``exchange.bad_packet``."""
    match packet:
        case Prepare(amount, expires_at, condition, destination, data):
            if not 0 <= amount < 2**64 or not _TIME.fullmatch(expires_at) or len(condition) != 32:
                raise _bad("A prepare has an amount of 64 bits, a time and a condition.")
            head = amount.to_bytes(8, "big") + expires_at.encode("ascii") + condition
            body = head + _with_length(_check_address(destination))
            kind = PREPARE
        case Fulfil(fulfilment, data):
            if len(fulfilment) != 32:
                raise _bad("A fulfilment has 32 bytes.")
            body, kind = fulfilment, FULFIL
        case Reject(code, triggered_by, message, data):
            if not _CODE.fullmatch(code):
                raise _bad("A code of rejection is F, T or R with two digits.")
            who = _with_length(_check_address(triggered_by, may_be_empty=True))
            body = code.encode("ascii") + who + _with_length(message.encode())
            kind = REJECT
    return bytes([kind]) + _with_length(body + _with_length(_check_data(data)))


class _Reader:
    """Takes bytes from the front; past the end it refuses."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes. Refused: ``exchange.bad_packet``."""
        end = self.at + count
        if end > len(self.data):
            raise _bad("The packet ends too early.")
        found, self.at = self.data[self.at : end], end
        return found

    def take_prefixed(self) -> bytes:
        """The next bytes with their length before them, in its shortest form alone."""
        size = self.take(1)[0]
        if size >= 128:
            digits = self.take(size - 128)
            size = int.from_bytes(digits, "big")
            if not digits or digits[0] == 0 or size < 128:
                raise _bad("A length is written in its shortest form.")
        return self.take(size)

    def end(self) -> None:
        """Nothing may be left. Refused: ``exchange.bad_packet``."""
        if self.at != len(self.data):
            raise _bad("Bytes follow the end of the packet.")


def _text(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise _bad("A text of the packet cannot be read.") from None


def decode(data: bytes) -> Packet:
    """The packet of bytes; written again it is the same. Refused: ``exchange.bad_packet``."""
    outer = _Reader(data)
    kind = outer.take(1)[0]
    inner = _Reader(outer.take_prefixed())
    outer.end()
    packet: Packet
    if kind == PREPARE:
        amount = int.from_bytes(inner.take(8), "big")
        expires_at = _text(inner.take(17), "ascii")
        condition = inner.take(32)
        destination = _text(inner.take_prefixed(), "ascii")
        packet = Prepare(amount, expires_at, condition, destination, inner.take_prefixed())
    elif kind == FULFIL:
        packet = Fulfil(inner.take(32), inner.take_prefixed())
    elif kind == REJECT:
        code = _text(inner.take(3), "ascii")
        who = _text(inner.take_prefixed(), "ascii")
        packet = Reject(code, who, _text(inner.take_prefixed(), "utf-8"), inner.take_prefixed())
    else:
        raise _bad("A packet is a prepare, a fulfil or a reject.")
    inner.end()
    encode(packet)  # what cannot be written is not taken in either
    return packet


def fulfils(fulfil: Fulfil, prepare: Prepare) -> bool:
    """Whether the SHA-256 of the fulfilment is the condition; nobody else is believed."""
    return hashlib.sha256(fulfil.fulfilment).digest() == prepare.condition
