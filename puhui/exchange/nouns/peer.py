"""Peers: other nodes that pay with this one, where they answer, and what they may draw on."""

from __future__ import annotations

from dataclasses import dataclass

SPEAKS = 2
"""The version of what nodes say to one another that this release speaks, told with the standing.
Releases that did not tell it yet count as 0; some of them answer about payees, some do not."""

PAYEES_FROM = 2
"""From this version on a node answers about payees."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node (对端节点) as the file of peers names it.

    ``address`` is where it answers ("https://host:port"); ``public_key`` (Ed25519, base64) is what
    its requests, answers and receipts are checked with. ``trust`` is a file of certificates (PEM)
    that its own one is checked against, empty for those that the system trusts.
    """

    name: str
    address: str
    public_key: str
    trust: str = ""


@dataclass(frozen=True, slots=True)
class PeersFile:
    """What deals call this node, and the peers that it knows, by name."""

    name: str
    peers: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class ChangeDraw:
    """A peer, and the participant whose position it may draw on, or no longer may."""

    peer_id: str
    participant_id: str


@dataclass(frozen=True, slots=True)
class DrawChanged:
    """Whether a peer may draw on a participant now."""

    peer_id: str
    participant_id: str
    may_draw: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What a node tells a peer about itself: as whom it is known, and what it may draw on.

    ``now_us`` is the time of the node that answers. ``draw_keys`` are the public keys of those in
    ``draws``, in the same order, "" for a bank: a provider that has positions on two nodes is known
    by its key. ``speaks`` is the version that it speaks, 0 where it does not tell.
    """

    peer_id: str
    draws: tuple[str, ...]
    now_us: int
    draw_keys: tuple[str, ...] = ()
    speaks: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """How a peer was reached just now.

    ``answer`` is "reached", or in a word why not; ``wait_ms`` how long it took, and ``ahead_ms``
    by how much its clock is ahead of ours (below nought: behind); ``speaks`` the version it speaks.
    """

    name: str
    address: str
    peer_id: str
    answer: str
    wait_ms: int = 0
    ahead_ms: int = 0
    draws: tuple[str, ...] = ()
    draw_keys: tuple[str, ...] = ()
    speaks: int = 0

    @property
    def is_older(self) -> bool:
        """Whether it was reached, and speaks an older version than this node."""
        return self.answer == "reached" and self.speaks < SPEAKS

    def drawn_by_key(self) -> dict[str, str]:
        """The participants there that we may draw on, by their public keys."""
        return {key: one for one, key in zip(self.draws, self.draw_keys, strict=False) if key}
