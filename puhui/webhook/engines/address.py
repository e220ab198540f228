"""Which addresses may be told of events: https, outside this machine and its private networks."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from puhui.kernel.errors import Refused

URL_LENGTH_MAX = 500
LOOPBACK_HOSTS = frozenset(("127.0.0.1", "::1", "localhost"))


def check_url(url: str, *, may_be_loopback: bool) -> SplitResult:
    """Read the URL of an endpoint.

    Only https; on a node under development also http to this machine. No user, no fragment, and
    no address of a private network. Refused: ``webhook.bad_url``.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, SplitResult("", "", "", "", "")
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not host or not is_plain or len(url) > URL_LENGTH_MAX or port == 0:
        raise Refused("webhook.bad_url", "An endpoint is a URL like https://example.com/hook.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused("webhook.bad_url", "The URL names no user, no password and no fragment.")
    if host in LOOPBACK_HOSTS:
        if not may_be_loopback or parts.scheme not in ("http", "https"):
            raise Refused("webhook.bad_url", "This machine itself is not told.")
        return parts
    if parts.scheme != "https":
        raise Refused("webhook.bad_url", "Endpoints are told by https alone.")
    if _is_private(host):
        raise Refused("webhook.bad_url", "Addresses of private networks are not told.")
    return parts


def _is_private(host: str) -> bool:
    """Whether ``host`` is written as an address that does not belong to the open network."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def open_address(host: str, port: int, *, may_be_loopback: bool) -> str:
    """The network address to connect to now: looked up once, and checked, so that a name cannot
    lead into a private network. OSError where there is none.
    """
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        found = ipaddress.ip_address(str(address[0]))
        if found.is_global or (may_be_loopback and found.is_loopback):
            return str(found)
    raise OSError(f"{host} has no address in the open network")
