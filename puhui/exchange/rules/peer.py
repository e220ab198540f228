"""Rules of peers: where one may answer, and what it may ask this node to hold."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from puhui.exchange.nouns.leg import PrepareLeg
from puhui.exchange.nouns.peer import Peer
from puhui.exchange.rules.leg import end_of
from puhui.kernel.errors import Refused

LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))
_NAME = re.compile(r"[^\s/\"\\]{1,80}")
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")


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


def check_asked_by_peer(
    asked: PrepareLeg, draws: Collection[str], *, now_us: int, hold_s_max: int
) -> None:
    """Whether a peer may have this leg held: the one that is paid first, and from a participant
    that lets it draw. No peer can ask for money out of a wallet.

    Refused: ``exchange.not_drawn``, ``exchange.bad_leg``, ``exchange.bad_end``.
    """
    payer = end_of(asked.payer)
    if payer.kind != "participant" or payer.id not in draws:
        raise Refused("exchange.not_drawn", "This node may not draw on that payer.")
    if asked.awaits:
        raise Refused("exchange.bad_leg", "A peer asks for the leg that waits for no other.")
    if asked.expires_us - now_us > hold_s_max * 1_000_000:
        raise Refused("exchange.bad_leg", f"For a peer a leg is held {hold_s_max} seconds at most.")
