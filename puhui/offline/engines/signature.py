"""Ed25519 signatures of devices and operators over offline papers (RFC 8032).

Keys are kept in software: whoever copies a device's key and its state can spend the same money
twice. The signatures find such a double spend and bound it; they cannot prevent it.
"""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

CONTEXT = b"puhui offline 1\x1f"
"""Before every signed paper, so that a signature made for something else is none here."""

KEY_BYTES = 32


def public_key_of(secret: bytes) -> bytes:
    """The public key (32 bytes) of a device's secret of 32 bytes that nobody can guess."""
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def sign(secret: bytes, body: bytes) -> bytes:
    """The signature (64 bytes) of a device over a paper."""
    return Ed25519PrivateKey.from_private_bytes(secret).sign(CONTEXT + body)


def is_signed(public_key: bytes, body: bytes, signature: bytes) -> bool:
    """Whether ``signature`` over a paper was made by the holder of ``public_key`` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, CONTEXT + body)
    except (InvalidSignature, ValueError):
        return False
    return True


def raw_key(public_key: str) -> bytes:
    """The 32 bytes of a node's public key, which the node gives in base64."""
    return base64.b64decode(public_key)
