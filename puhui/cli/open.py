"""The node that a command works on, and the operator in whose name it acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from puhui.kernel import Actor, Node, Transaction

OPERATOR = "cli"


@contextmanager
def opened(
    home: Path | None = None, *, store_url: str | None = None, writers: int = 4
) -> Iterator[Node]:
    """The node under ``PUHUI_HOME``, closed when the block ends."""
    from puhui.node import home_folder, open_node, take_core

    take_core(home or home_folder())
    node = open_node(home, store_url=store_url, writers=writers)
    try:
        yield node
    finally:
        node.close()


@contextmanager
def opened_or_apart() -> Iterator[Node]:
    """The node; where its store is not there and ``PUHUI_QUEUE`` is set, one that queues alone."""
    from puhui.channel import queues
    from puhui.kernel import Fault
    from puhui.kernel.forward import PASSING
    from puhui.node import home_folder, open_apart, open_node, take_core

    take_core(home_folder())
    try:
        node = open_node()
    except Fault as fault:
        if fault.code not in PASSING or queues.queue_folder(home_folder()) is None:
            raise
        node = open_apart(None, fault)
    try:
        yield node
    finally:
        node.close()


def known_party(node: Node, tx: Transaction, party_id: str) -> None:
    """Check that there is such a party. Refused: ``party.unknown``."""
    from puhui.kernel import Refused
    from puhui.party import find_parties

    if not find_parties(node, tx, party_ids=[party_id]):
        raise Refused("party.unknown", f"There is no party {party_id[:40]}.")


def operator() -> Actor:
    """Whoever can read the node's files: the operator, with every role a use case asks for."""
    from puhui.kernel import Actor
    from puhui.kernel.act import USE_CASES
    from puhui.node import load_rooms

    load_rooms()
    return Actor(OPERATOR, frozenset().union(*(case.roles for case in USE_CASES.values())))
