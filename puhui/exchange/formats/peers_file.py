"""The file of peers (TOML): what this node is called, and the nodes that it pays with."""

from __future__ import annotations

import tomllib
from typing import Any

from puhui.exchange.nouns.peer import Peer, PeersFile
from puhui.exchange.rules.peer import check_peer
from puhui.kernel.errors import Refused

PEERS_MAX = 1000
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
