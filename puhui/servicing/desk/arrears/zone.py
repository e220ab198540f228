"""In whose hours a person is spoken to 联系时区: set by the person, or an operator."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.event import Delivery, subscribe
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.party import check_actor, take_party
from puhui.servicing.engines.zone import local_time
from puhui.servicing.nouns.collect import SetContactZone
from puhui.servicing.tables import collect as tables


def check_zone(node: Node, input: SetContactZone) -> SetContactZone:
    """Whether the name is that of a zone, before the act. Refused: ``servicing.bad_zone``."""
    local_time(node.clock.now_us(), input.zone)
    return input


@use_case(
    "servicing.set_contact_zone", roles=("customer", "operator"), prepare=check_zone, api=True
)
def set_contact_zone(act: Act, input: SetContactZone) -> SetContactZone:
    """Say in whose hours and days a person may be spoken to about a debt, "" for the house's.

    Nobody who collects says so. Refused: ``servicing.bad_zone``, ``party.not_yours``,
    ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = take_party(act, input.party_id)
    if not input.zone:
        act.tx.put(tables.DROP_ZONE, party_id_=party.id)
        return input
    act.tx.put(
        tables.PUT_ZONE, party_id=party.id, zone=input.zone, set_by=act.actor, set_us=act.now_us
    )
    return input


def zone_of(tx: Transaction, party_id: str) -> str:
    """The zone that was set for a person; "" for the house's."""
    found = tx.one(tables.READ_ZONE, party_id=party_id)
    return "" if found is None else str(found.zone)


@use_case("servicing.forget_party", roles=("system",))
def forget_party(act: Act, input: Delivery) -> SetContactZone:
    """Forget in whose hours an erased person was spoken to."""
    act.tx.put(tables.DROP_ZONE, party_id_=input.event.subject)
    return SetContactZone(input.event.subject, "")


subscribe("servicing.forget_party", to=("party.erased",))
