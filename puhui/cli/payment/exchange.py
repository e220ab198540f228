"""``puhui exchange``: the nodes that this one pays with, and the deals that are on their way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator

exchange_app = typer.Typer(
    no_args_is_help=True, help="Other nodes to pay with: who they are, and what is on its way."
)

DEALS_MAX = 1_000
Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]


@exchange_app.command("peers")
def peers(
    as_json: Json = False,
) -> None:
    """Ask every node of the file of peers whether it answers, and what it lets us draw on.

    The file is named by PUHUI_PEERS; docs/guides/exchange.md shows one. A peer that is not
    registered here is not let in when it asks; one that does not know us answers without its
    signature. One of an older release says so: it is paid by banks, and not asked about payees.

    Example: PUHUI_PEERS=peers.toml puhui exchange peers
    """
    from puhui.exchange import KnownPeers
    from puhui.exchange.window import reach_peers

    with opened() as node:
        known = node.ports.get(KnownPeers)
        own_name = known.own_name if isinstance(known, KnownPeers) else "(no file of peers)"
        say.line(f"This node: {own_name}, public key {node.keys.public_key}")
        reached = reach_peers(node)
    heads = ("peer", "address", "registered here as", "answer", "ms", "clock ms", "we may draw on")
    say.table(
        heads,
        [
            (
                one.name,
                one.address,
                one.peer_id or "not registered",
                f"{one.answer}, speaks an older version" if one.is_older else one.answer,
                str(one.wait_ms),
                f"{one.ahead_ms:+d}",
                ", ".join(one.draws) or "nobody",
            )
            for one in reached
        ],
        right=(4, 5),
    )
    if as_json:
        is_there = [one for one in reached if one.answer == "reached"]
        older = sum(one.is_older for one in reached)
        say.figures({"peers": len(reached), "reached": len(is_there), "older": older})


@exchange_app.command("add-peer")
def add_peer(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="What the node is called, as in the file of peers."),
    ],
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Its public key, as its own 'peers' prints it.")
    ],
    as_json: Json = False,
) -> None:
    """Register another node, so that its signed requests and receipts are believed.

    Nothing may be paid for it yet: see 'allow-draw'.

    Example: puhui exchange add-peer bangkok 7qsBUpw8Vnfwmh9qL0nTr2pYZ0a1yGmZ5cK1QJcXv2k=
    """
    told = {"name": name, "kind": "peer", "public_key": key}
    with opened() as node:
        made = node.act(
            "exchange.register_participant", told, key=f"cli peer {name} {key}", actor=operator()
        )
    say.line(f"{name} is {made.participant_id}.")
    if as_json:
        say.figures({"peer": made.participant_id})


@exchange_app.command("allow-draw")
def allow_draw(
    peer_id: Annotated[str, typer.Argument(metavar="NODE", help="The node, by its id here.")],
    participant_id: Annotated[
        str, typer.Argument(metavar="PARTICIPANT", help="The bank or provider, by its id here.")
    ],
    as_json: Json = False,
) -> None:
    """Let a node have payments made from a participant's position, as far as its cap allows.

    Example: puhui exchange allow-draw participant-019c... participant-019d...
    """
    _change("allow_draw", peer_id, participant_id)
    say.line("It may draw from now on.")
    if as_json:
        say.figures({"may_draw": True})


@exchange_app.command("forbid-draw")
def forbid_draw(
    peer_id: Annotated[str, typer.Argument(metavar="NODE", help="The node, by its id here.")],
    participant_id: Annotated[
        str, typer.Argument(metavar="PARTICIPANT", help="The bank or provider, by its id here.")
    ],
    as_json: Json = False,
) -> None:
    """Let a node draw on a participant no more; what is held already is still ended.

    Example: puhui exchange forbid-draw participant-019c... participant-019d...
    """
    _change("forbid_draw", peer_id, participant_id)
    say.line("It may draw no more.")
    if as_json:
        say.figures({"may_draw": False})


def _change(verb: str, peer_id: str, participant_id: str) -> None:
    from puhui.channel import new_key

    told = {"peer_id": peer_id, "participant_id": participant_id}
    with opened() as node:
        node.act(f"exchange.{verb}", told, key=f"cli {verb} {new_key()}", actor=operator())


@exchange_app.command("deals")
def deals(as_json: Json = False) -> None:
    """Show the deals between nodes that have not ended yet, the oldest first, a thousand at most.

    A deal goes on by itself, as soon as the other node answers. Where a node is not in the file of
    peers any more, the deal is given up and closed once its time is over; only where that node may
    have paid already it waits for its signed receipt: see 'end-deal'.

    Example: puhui exchange deals
    """
    from puhui.exchange import KnownPeers
    from puhui.exchange.window import open_deals, strangers_of
    from puhui.kernel.money import Money

    with opened() as node, node.read() as tx:
        found = open_deals(tx, count=DEALS_MAX)
        known = node.ports.get(KnownPeers)
        named = tuple(known) if isinstance(known, KnownPeers) else ()
    strangers = [strangers_of(one, named) for one in found]
    say.table(
        ("deal", "state", "from", "pays", "to", "brings", "not in the file of peers"),
        [
            (
                one.id,
                one.state.value,
                one.source.peer,
                str(Money(one.source.amount_minor, one.source.currency)),
                one.target.peer,
                str(Money(one.target.amount_minor, one.target.currency)),
                ", ".join(missing),
            )
            for one, missing in zip(found, strangers, strict=True)
        ],
        right=(3, 5),
    )
    if as_json:
        say.figures({"open_deals": len(found), "stranded": sum(map(bool, strangers))})


@exchange_app.command("end-deal")
def end_deal(
    deal_id: Annotated[str, typer.Argument(metavar="DEAL", help="The deal, as 'deals' shows it.")],
    receipt: Annotated[
        Path,
        typer.Argument(
            metavar="RECEIPT.json",
            help="What the node that pays out has signed of its leg, as its API answers it under "
            "/api/exchange/receipts/DEAL-target.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """End a deal by the signed receipt of a node that is not in the file of peers any more.

    The payer's money is paid where that node has paid, and given back where it has not.

    Example: puhui exchange end-deal deal-019c... receipt.json
    """
    from puhui.exchange import KnownPeers, NodePeer, end_by_receipt
    from puhui.exchange.window import read_receipt

    try:
        word = read_receipt(receipt.read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"{receipt} cannot be read: {error.strerror}.") from None
    with opened() as node:
        peers = node.ports.get(KnownPeers)
        known = peers if isinstance(peers, KnownPeers) else KnownPeers()
        ended = end_by_receipt(NodePeer(node, operator()), known, deal_id, word)
    say.line(f"{deal_id} is {ended.state.value}.")
    if as_json:
        say.figures({"state": ended.state.value})
