"""Base45 (RFC 9285): bytes as the 45 characters that codes to scan hold most tightly.

Two bytes are three characters, so a code of the alphanumeric mode (5.5 bits each) loses 3 %.
"""

from __future__ import annotations

from puhui.kernel.errors import Refused

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
"""Source: RFC 9285, table 1."""

_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """The text of ``data``; the lowest digit first."""
    out: list[str] = []
    for at in range(0, len(data) - 1, 2):
        rest, first = divmod(data[at] << 8 | data[at + 1], 45)
        third, second = divmod(rest, 45)
        out += (ALPHABET[first], ALPHABET[second], ALPHABET[third])
    if len(data) % 2:
        second, first = divmod(data[-1], 45)
        out += (ALPHABET[first], ALPHABET[second])
    return "".join(out)


def decode(text: str) -> bytes:
    """The bytes of ``text``. Refused: ``offline.bad_message`` for what no bytes encode to."""
    values = [_VALUES.get(character, -1) for character in text]
    if -1 in values or len(values) % 3 == 1:
        raise Refused("offline.bad_message", "This code has characters or a length it cannot have.")
    out = bytearray()
    for at in range(0, len(values) - 2, 3):
        number = values[at] + 45 * values[at + 1] + 2025 * values[at + 2]
        if number > 0xFFFF:
            raise Refused("offline.bad_message", "This code was damaged on its way.")
        out += number.to_bytes(2, "big")
    if len(values) % 3 == 2:
        number = values[-2] + 45 * values[-1]
        if number > 0xFF:
            raise Refused("offline.bad_message", "This code was damaged on its way.")
        out.append(number)
    return bytes(out)
