"""Signed requests between nodes, and signed answers: a profile of HTTP message signatures.

Source: RFC 9421 (HTTP Message Signatures), sections 2.2, 2.4, 2.5 and 3.3.6 (Ed25519); RFC 9530
(``Content-Digest``). Of both the one form below is written and read, and nothing else: a message
in another order, with another algorithm or without one of the parts is not signed for us.

A request covers method, path, digest of the body, the key that makes it happen once, and the key
of the node that it is meant for. An answer covers its status, the digest of its body, and the
signature of the request that it answers: no answer can be moved to another question.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from puhui.kernel.crypto import Keys, verify_signature

LABEL = "puhui"
TO, ONCE = "puhui-peer-to", "idempotency-key"
_TAG = "puhui-peer"
_PARAMS = re.compile(
    r'puhui=\("[a-z@;="-]+(?: "[a-z@;="-]+)*\);created=(?P<created>[0-9]{1,11})'
    r';nonce="(?P<nonce>[A-Za-z0-9_-]{16,64})";keyid="(?P<keyid>[A-Za-z0-9+/]{43}=)"'
    r';alg="ed25519";tag="puhui-peer"'
)
_SIGNATURE = re.compile(r"puhui=:(?P<signature>[A-Za-z0-9+/]{86}==):")


@dataclass(frozen=True, slots=True)
class Message:
    """What is signed of a request: ``path`` has no query, ``once`` is empty for one that reads."""

    method: str
    path: str
    body: bytes
    to: str
    once: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed a message, when (seconds since 1970), under which number, and the signature."""

    key: str
    created_s: int
    nonce: str
    signature: str


def digest_of(body: bytes) -> str:
    """The ``Content-Digest`` of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signature_text(parts: Sequence[tuple[str, str]], params: str) -> bytes:
    """The signature base (RFC 9421 section 2.5): one line a component, its parameters last."""
    lines = [f"{name}: {value}" for name, value in parts]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()


def _params(parts: Sequence[tuple[str, str]], created_s: int, nonce: str, key: str) -> str:
    names = " ".join(name for name, _ in parts)
    return f'({names});created={created_s};nonce="{nonce}";keyid="{key}";alg="ed25519";tag="{_TAG}"'


def _asked(message: Message) -> list[tuple[str, str]]:
    parts = [
        ('"@method"', message.method),
        ('"@path"', message.path),
        ('"content-digest"', digest_of(message.body)),
        (f'"{TO}"', message.to),
    ]
    return [*parts, (f'"{ONCE}"', message.once)] if message.once else parts


def _answered(status: int, body: bytes, asked_signature: str) -> list[tuple[str, str]]:
    return [
        ('"@status"', str(status)),
        ('"content-digest"', digest_of(body)),
        (f'"signature";req;key="{LABEL}"', f":{asked_signature}:"),
    ]


def _sign(
    keys: Keys, parts: Sequence[tuple[str, str]], body: bytes, created_s: int, nonce: str
) -> tuple[dict[str, str], str]:
    params = _params(parts, created_s, nonce, keys.public_key)
    signature = keys.sign(signature_text(parts, params))
    headers = {
        "content-digest": digest_of(body),
        "signature-input": f"{LABEL}={params}",
        "signature": f"{LABEL}=:{signature}:",
    }
    return headers, signature


def sign_request(
    keys: Keys, message: Message, *, created_s: int, nonce: str
) -> tuple[dict[str, str], str]:
    """The headers that sign a request, and the signature that its answer must name."""
    headers, signature = _sign(keys, _asked(message), message.body, created_s, nonce)
    headers[TO] = message.to
    if message.once:
        headers[ONCE] = message.once
    return headers, signature


def sign_answer(
    keys: Keys, *, status: int, body: bytes, asked: Signed, created_s: int
) -> dict[str, str]:
    """The headers that sign the answer to a request."""
    parts = _answered(status, body, asked.signature)
    return _sign(keys, parts, body, created_s, asked.nonce)[0]


def signed_of(headers: Mapping[str, str]) -> Signed | None:
    """What a message says of its signature, nothing checked; None where it has none of ours."""
    found = _PARAMS.fullmatch(headers.get("signature-input", ""))
    signature = _SIGNATURE.fullmatch(headers.get("signature", ""))
    if found is None or signature is None:
        return None
    return Signed(found["keyid"], int(found["created"]), found["nonce"], signature["signature"])


def _holds(parts: Sequence[tuple[str, str]], body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether the signature covers just these parts, and they are what arrived."""
    signed = signed_of(headers)
    if signed is None or headers.get("content-digest", "") != digest_of(body):
        return False
    params = _params(parts, signed.created_s, signed.nonce, signed.key)
    if headers["signature-input"] != f"{LABEL}={params}":
        return False
    return verify_signature(signed.key, signature_text(parts, params), signed.signature)


def is_request_signed(message: Message, headers: Mapping[str, str]) -> bool:
    """Whether a request is signed by the key that it names, and meant for ``message.to``."""
    is_ours = headers.get(TO, "") == message.to and headers.get(ONCE, "") == message.once
    return is_ours and _holds(_asked(message), message.body, headers)


def is_answer_signed(
    headers: Mapping[str, str], *, status: int, body: bytes, key: str, asked_signature: str
) -> bool:
    """Whether an answer to the request of ``asked_signature`` is signed by ``key``."""
    signed = signed_of(headers)
    if signed is None or signed.key != key:
        return False
    return _holds(_answered(status, body, asked_signature), body, headers)
