"""The file of peers (TOML): what this node is called, and the nodes that it pays with."""

from __future__ import annotations

import re
import tomllib
from typing import Any
from urllib.parse import urlsplit

from puhui.exchange.nouns.peer import Peer, PeersFile
from puhui.kernel.errors import Refused

PEERS_MAX = 1000
LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))
_NAME = re.compile(r"[^\s/\"\\]{1,80}")
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
_FIELDS = frozenset(("address", "public_key", "trust"))


def read_peers(text: str) -> PeersFile:
    """The peers that a file names. Refused: ``exchange.bad_peers``, saying where.

    ``name = "kunming"`` is what deals call this node; each table ``[peer.NAME]`` has ``address``
    and ``public_key``, and ``trust`` where its certificate is not one that the system trusts.
    """
    try:
        told: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused("exchange.bad_peers", f"The file of peers is no TOML: {error}.") from None
    name, named = told.get("name", ""), told.get("peer", {})
    if set(told) - {"name", "peer"} or not isinstance(named, dict) or len(named) > PEERS_MAX:
        raise Refused("exchange.bad_peers", "The file of peers has a name and tables [peer.NAME].")
    peers = []
    for one, fields in named.items():
        is_table = isinstance(fields, dict) and not set(fields) - _FIELDS
        if not is_table or not all(isinstance(value, str) for value in fields.values()):
            raise Refused(
                "exchange.bad_peers", f"[peer.{one[:40]}] has address, public_key and trust, texts."
            )
        peer = Peer(one, fields.get("address", ""), fields.get("public_key", ""))
        check_peer(peer)
        peers.append(Peer(one, peer.address.rstrip("/"), peer.public_key, fields.get("trust", "")))
    if not isinstance(name, str) or not name.strip() or name in named:
        raise Refused("exchange.bad_peers", "The file of peers begins with this node's own name.")
    if len({peer.public_key for peer in peers}) < len(peers):
        raise Refused("exchange.bad_peers", "Two peers have one key.")
    return PeersFile(name, tuple(peers))


def check_peer(peer: Peer) -> None:
    """Whether a peer can be asked: https, but for this machine itself, and a key of 32 bytes.

    Refused: ``exchange.bad_peers``.
    """
    where = f"The peer {peer.name[:40]!r}"
    try:
        parts = urlsplit(peer.address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    has_more = parts.path not in ("", "/") or parts.query or parts.fragment or parts.username
    if not _NAME.fullmatch(peer.name) or not host or port == 0 or has_more:
        raise Refused("exchange.bad_peers", f"{where} needs an address like https://host:port.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise Refused("exchange.bad_peers", f"{where} is asked by https alone.")
    if not _KEY.fullmatch(peer.public_key):
        raise Refused("exchange.bad_peers", f"{where} needs its public_key: 32 bytes in base64.")
