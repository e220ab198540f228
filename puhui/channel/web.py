"""What pages and the API answer alike: headers, cookies, keys of forms, who is calling."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

KEY_BYTES = 18

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; media-src 'self'; manifest-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every answer: nothing inline, nothing from elsewhere, nothing guessed, no frame."""

TLS_HEADERS: Mapping[str, str] = {"strict-transport-security": "max-age=31536000"}
"""On every answer that left through TLS."""


def new_key() -> str:
    """A key for one act that a form or a program asks for, from the machine's chance."""
    return secrets.token_urlsafe(KEY_BYTES)


def cookie_name(is_tls: bool) -> str:
    """The name of the session's cookie; under TLS browsers bind it to this host alone."""
    return "__Host-puhui" if is_tls else "puhui"


def proxies() -> frozenset[str]:
    """The addresses of proxies that are believed: ``PUHUI_PROXIES``, with commas between."""
    named = os.environ.get("PUHUI_PROXIES", "").split(",")
    return frozenset(name.strip() for name in named if name.strip())


def address_of(scope: Mapping[str, Any], trusted: Iterable[str] | None = None) -> str:
    """The network address that a request comes from.

    A proxy among ``trusted``, by default those of the settings, is believed in what it forwards,
    from the right to the left; nobody else can claim another address.
    """
    client = scope.get("client")
    address = str(client[0]) if client else "unknown"
    known = proxies() if trusted is None else frozenset(trusted)
    if address not in known:
        return _place_of(address)
    for name, value in reversed(scope.get("headers", ())):
        if name == b"x-forwarded-for":
            for part in reversed(str(value, "latin-1").split(",")):
                address = part.strip()[:64]
                if address not in known:
                    return _place_of(address)
    return _place_of(address)


def _place_of(address: str) -> str:
    """An address as tries are counted by it: of IPv6 the network of one connection (/64)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
