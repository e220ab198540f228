"""Payment versus payment between two nodes: whatever stops where, both legs or neither.

Two nodes with two stores and two keys; the coordinator keeps its decisions in the first one's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from puhui.exchange import (
    KnownPeers,
    NodePeer,
    drive_deal,
    receipt_of,
    start_and_drive,
)
from puhui.exchange.engines.coordinator import recover_deals
from puhui.exchange.nouns.deal import Deal, DealState, Side, StartDeal
from puhui.exchange.nouns.leg import LegReceipt
from puhui.exchange.window import leg, open_deals, open_legs
from puhui.kernel import Fault, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys
from puhui.worker import keep_up
from tests.exchange.scheme import MINUTE_US, Scheme, act, balance, top_up
from tests.party.people import register_person

CNY, USD = 10_000, 1_400
OTHER_KEYS = Keys(b"2" * 32)
ENDED = (DealState.CLOSED_COMMITTED, DealState.CLOSED_ABORTED)


class Stop(Exception):
    """What a test stops the coordinator with."""


class Stopping(NodePeer):
    """A peer that stops the coordinator before or after its ``at``-th call of anything."""

    def __init__(self, node: Node, count: list[int], at: int, *, is_after: bool) -> None:
        super().__init__(node)
        self.count = count
        self.at = at
        self.is_after = is_after

    def act(self, name: str, input: Any, *, key: str) -> Any:
        """As asked, unless it is time to stop."""
        return self._counted(lambda: NodePeer.act(self, name, input, key=key))

    def receipt(self, leg_id: str) -> LegReceipt:
        """As asked, unless it is time to stop."""
        return self._counted(lambda: receipt_of(self.node, leg_id))  # type: ignore[no-any-return]

    def _counted(self, call: Callable[[], Any]) -> Any:
        self.count[0] += 1
        is_now = self.count[0] == self.at
        if is_now and not self.is_after:
            raise Stop
        made = call()
        if is_now:
            raise Stop
        return made


class Silent(NodePeer):
    """A peer that does not answer use cases whose name ends with one of ``verbs``."""

    def __init__(self, node: Node, *verbs: str) -> None:
        super().__init__(node)
        self.verbs = verbs

    def act(self, name: str, input: Any, *, key: str) -> Any:
        """As asked, or silence."""
        if any(verb in name for verb in self.verbs):
            raise Fault("kernel.no_answer", "Nobody answers.")
        return super().act(name, input, key=key)


class Corridor:
    """A payer's wallet on the first node, a payee's on the second, a provider on both."""

    def __init__(self, here: Node, there: Node, clock: FixedClock) -> None:
        self.here, self.there, self.clock = here, there, clock
        self.first, self.second = Scheme(here), Scheme(there)
        self.payer, self.payee = register_person(here, 1), register_person(there, 2)
        top_up(here, self.payer, "CNY", 100 * CNY)
        self.peer_id = self.first.register("There", "peer", there.keys.public_key)
        self.count = 0

    def peers(self) -> dict[str, NodePeer]:
        """Both nodes as they answer when all is well."""
        return {"here": NodePeer(self.here), "there": NodePeer(self.there)}

    def asked(self, **changes: Any) -> StartDeal:
        """The terms of a deal: the target leg ends after one minute, the source leg after two."""
        now_us = self.clock.now_us()
        source = Side(
            "here", f"party:{self.payer}", f"participant:{self.first.one.id}", "CNY", CNY,
            now_us + 2 * MINUTE_US,
        )  # fmt: skip
        target = Side(
            "there", f"participant:{self.second.one.id}", f"party:{self.payee}", "USD", USD,
            now_us + MINUTE_US,
        )  # fmt: skip
        return replace(StartDeal(source, target, self.peer_id), **changes)

    def drive(self, peers: dict[str, NodePeer], **changes: Any) -> Deal:
        """Start a deal and drive it with these peers."""
        self.count += 1
        own = NodePeer(self.here)
        return start_and_drive(own, peers, self.asked(**changes), key=f"deal {self.count}")

    def recover(self) -> tuple[Deal, ...]:
        """Drive all that is open, with every peer well."""
        return recover_deals(NodePeer(self.here), self.peers())

    def money(self) -> tuple[int, int, int, int]:
        """What payer and payee have, and what the provider is owed and owes."""
        return (
            balance(self.here, self.payer, "CNY"),
            balance(self.there, self.payee, "USD"),
            self.first.position(self.first.one.id, "CNY").position_minor,
            self.second.position(self.second.one.id, "USD").position_minor,
        )

    def open_deals(self) -> tuple[Deal, ...]:
        """Deals that are not closed."""
        with self.here.read() as tx:
            return open_deals(tx)

    def nothing_is_held(self) -> bool:
        """Whether no leg is open on either node."""
        with self.here.read() as one, self.there.read() as two:
            return not open_legs(one) and not open_legs(two)

    def moved(self, before: tuple[int, ...], deals: int) -> bool:
        """Whether exactly ``deals`` payments moved on all four sides since ``before``."""
        by = (-CNY, USD, -CNY, USD)
        after = self.money()
        return all(a - b == deals * step for a, b, step in zip(after, before, by, strict=True))

    def expire(self) -> None:
        """End what is past its time on both nodes."""
        for node in (self.here, self.there):
            act(node, "expire_legs", {})


@pytest.fixture
def corridor(
    node: Node, open_at: Callable[..., Node], tmp_path: Path, clock: FixedClock
) -> Corridor:
    """A corridor whose first node is on each kind of store in turn."""
    there = open_at(f"sqlite:///{tmp_path / 'there.sqlite'}", keys=OTHER_KEYS)
    return Corridor(node, there, clock)


@pytest.fixture
def quick(
    sqlite_node: Node, open_at: Callable[..., Node], tmp_path: Path, clock: FixedClock
) -> Corridor:
    """A corridor between two SQLite files."""
    there = open_at(f"sqlite:///{tmp_path / 'there.sqlite'}", keys=OTHER_KEYS)
    return Corridor(sqlite_node, there, clock)


def test_both_legs_are_paid(corridor: Corridor) -> None:
    before = corridor.money()
    deal = corridor.drive(corridor.peers())
    assert deal.state is DealState.CLOSED_COMMITTED
    assert corridor.moved(before, 1)
    assert corridor.nothing_is_held()
    assert corridor.open_deals() == () == corridor.recover()
    again = drive_deal(NodePeer(corridor.here), corridor.peers(), deal.id)
    assert again == deal, "a closed deal stays as it is"
    assert corridor.moved(before, 1)


STEPS = 11
"""Calls of a deal that goes well: start, 2 prepares, decide, 2 fulfilments, receipt, decide,
receipt, resolve, decide."""


def stopped(corridor: Corridor, at: int, *, is_after: bool) -> bool:
    """Drive one deal and stop it at a call; whether it was stopped."""
    count = [0]
    corridor.count += 1
    own = Stopping(corridor.here, count, at, is_after=is_after)
    peers: dict[str, NodePeer] = {
        "here": Stopping(corridor.here, count, at, is_after=is_after),
        "there": Stopping(corridor.there, count, at, is_after=is_after),
    }
    for peer in peers.values():
        peer.__dict__["count"] = count
    try:
        start_and_drive(own, peers, corridor.asked(), key=f"deal {corridor.count}")
    except Stop:
        return True
    return False


@pytest.mark.parametrize("wait_minutes", [0, 1, 3])
@pytest.mark.parametrize("is_after", [False, True])
def test_a_stop_at_any_step_ends_with_both_or_neither(
    quick: Corridor, wait_minutes: int, is_after: bool
) -> None:
    """Stopped before or after each call, recovered at once, past t2, or past t1."""
    paid = []
    for at in range(1, STEPS + 1):
        before = quick.money()
        assert stopped(quick, at, is_after=is_after)
        waiting = quick.open_deals()
        quick.clock.set_us(quick.clock.now_us() + wait_minutes * MINUTE_US)
        quick.expire()
        recovered = quick.recover()
        assert [one.id for one in recovered] == [one.id for one in waiting]
        assert all(one.state in ENDED for one in recovered)
        quick.expire()
        assert quick.nothing_is_held(), at
        is_paid = quick.moved(before, 1)
        assert is_paid or quick.moved(before, 0), "money on one leg"
        paid.append(is_paid)
    assert not stopped(quick, STEPS + 1, is_after=is_after)
    first = paid.index(True)
    assert all(paid[first:]), "once it could be paid, it always was"
    assert paid[0] is (wait_minutes == 0 and is_after)


def test_a_stop_at_any_step_on_both_stores(corridor: Corridor) -> None:
    """As above on each kind of store, past t2, after every second call."""
    for at in range(2, STEPS + 1, 2):
        before = corridor.money()
        assert stopped(corridor, at, is_after=True)
        corridor.clock.set_us(corridor.clock.now_us() + MINUTE_US)
        corridor.expire()
        corridor.recover()
        assert corridor.moved(before, 1) or corridor.moved(before, 0)
        assert corridor.nothing_is_held()


def test_a_target_that_never_answers_is_given_up_in_time(quick: Corridor) -> None:
    before = quick.money()
    peers = {"here": NodePeer(quick.here), "there": Silent(quick.there, "_leg")}
    deal = quick.drive(peers)
    assert deal.state is DealState.STARTED
    quick.clock.set_us(quick.clock.now_us() + MINUTE_US)
    (waiting,) = recover_deals(NodePeer(quick.here), peers)
    assert waiting.state is DealState.ABORTED
    assert quick.nothing_is_held(), "the payer has the money back without the other node"
    assert quick.recover()[0].state is DealState.CLOSED_ABORTED
    assert quick.moved(before, 0)


def test_a_source_that_falls_silent_pays_when_it_comes_back(quick: Corridor) -> None:
    before = quick.money()
    deal = quick.drive({"here": Silent(quick.here, "resolve"), "there": NodePeer(quick.there)})
    assert deal.state is DealState.COMMITTED
    quick.clock.set_us(quick.clock.now_us() + 60 * MINUTE_US)
    quick.expire()
    with quick.here.read() as tx:
        assert leg(tx, deal.source_leg_id).state == "fulfilled", "it does not expire meanwhile"
    assert quick.recover()[0].state is DealState.CLOSED_COMMITTED
    assert quick.moved(before, 1)


def test_a_target_that_falls_silent_before_it_pays_is_asked_again(quick: Corridor) -> None:
    before = quick.money()
    peers = {"here": NodePeer(quick.here), "there": Silent(quick.there, "fulfil", "abort")}
    deal = quick.drive(peers)
    assert deal.state is DealState.RELEASED
    quick.clock.set_us(quick.clock.now_us() + 60 * MINUTE_US)
    quick.expire()
    assert recover_deals(NodePeer(quick.here), peers)[0].state is DealState.RELEASED
    assert not quick.nothing_is_held(), "nobody knows yet, so the source leg is held"
    assert quick.recover()[0].state is DealState.CLOSED_ABORTED
    assert quick.nothing_is_held()
    assert quick.moved(before, 0)


def test_a_leg_that_cannot_be_held_gives_the_deal_up(quick: Corridor) -> None:
    before = quick.money()
    asked = quick.asked()
    for changes in (
        {"source": replace(asked.source, amount_minor=10**9)},
        {"target": replace(asked.target, amount_minor=10**9)},
        {"target": replace(asked.target, payee="party:nobody")},
    ):
        assert quick.drive(quick.peers(), **changes).state is DealState.CLOSED_ABORTED
    assert quick.moved(before, 0)
    assert quick.nothing_is_held()


def test_a_source_leg_ends_only_by_a_receipt_that_is_true(quick: Corridor) -> None:
    before = quick.money()
    peers = {"here": Silent(quick.here, "resolve"), "there": NodePeer(quick.there)}
    deal, other = quick.drive(peers), quick.drive(peers)
    true = receipt_of(quick.there, deal.target_leg_id)
    own = receipt_of(quick.here, deal.source_leg_id)
    for receipt, code in (
        (replace(true, state="aborted"), "bad_signature"),
        (replace(true, signature=own.signature), "bad_signature"),
        (own, "bad_signature"),
        (receipt_of(quick.there, other.target_leg_id), "bad_receipt"),
    ):
        told = {"leg_id": deal.source_leg_id, "receipt": receipt}
        with pytest.raises(Refused, match=code):
            act(quick.here, "resolve_leg", told)
    with pytest.raises(Refused, match="unknown_leg"):
        act(quick.here, "resolve_leg", {"leg_id": "none", "receipt": true})
    with pytest.raises(Refused, match="unknown_peer"):
        act(quick.there, "resolve_leg", {"leg_id": deal.target_leg_id, "receipt": own})
    with pytest.raises(Refused, match="unknown_leg"):
        receipt_of(quick.here, "none")
    told = {"leg_id": deal.source_leg_id, "receipt": true}
    assert act(quick.here, "resolve_leg", told).state == "posted"
    assert act(quick.here, "resolve_leg", told).state == "posted"
    quick.recover()
    assert quick.moved(before, 2)


def test_a_deal_that_is_none_is_refused(quick: Corridor) -> None:
    asked = quick.asked()
    source, target = asked.source, asked.target
    for changes, code in (
        ({"source": replace(source, peer="there")}, "bad_deal"),
        ({"source": replace(source, peer="")}, "bad_deal"),
        ({"source": replace(source, currency="USD")}, "bad_deal"),
        ({"source": replace(source, expires_us=target.expires_us)}, "bad_deal"),
        ({"source": replace(source, payee=source.payer)}, "bad_deal"),
        ({"source": replace(source, payee="x")}, "bad_end"),
        ({"source": replace(source, amount_minor=0)}, "bad_amount"),
        ({"target": replace(target, expires_us=quick.clock.now_us())}, "leg_expired"),
    ):
        with pytest.raises(Refused, match=code):
            act(quick.here, "start_deal", replace(asked, **changes))


def test_decisions_go_one_way(quick: Corridor) -> None:
    deal_id = act(quick.here, "start_deal", quick.asked()).deal_id

    def decide(from_state: str, to_state: str) -> str:
        told = {"deal_id": deal_id, "from_state": from_state, "to_state": to_state}
        return str(act(quick.here, "decide_deal", told).state)

    for steps in (("started", "committed"), ("released", "committed"), ("started", "started2")):
        with pytest.raises(Refused):
            decide(*steps)
    assert decide("started", "released") == decide("started", "released") == "released"
    with pytest.raises(Refused, match="bad_decision"):
        decide("started", "aborted")
    assert decide("released", "committed") == "committed"
    with pytest.raises(Refused, match="bad_decision"):
        decide("committed", "aborted")
    told = {"deal_id": "none", "from_state": "started", "to_state": "aborted"}
    with pytest.raises(Refused, match="unknown_deal"):
        act(quick.here, "decide_deal", told)
    with pytest.raises(Refused, match="unknown_deal"):
        drive_deal(NodePeer(quick.here), quick.peers(), "none")


def test_the_worker_recovers_deals_with_the_peers_that_it_knows(quick: Corridor) -> None:
    before = quick.money()
    quick.drive({"here": Silent(quick.here, "resolve"), "there": NodePeer(quick.there)})
    assert keep_up(quick.here) == ()
    assert len(quick.open_deals()) == 1, "it knows no peer: the deal waits"
    quick.here.ports[KnownPeers] = KnownPeers(there=NodePeer(quick.there))
    assert keep_up(quick.here) == ()
    assert len(quick.open_deals()) == 1, "it knows not whose payer pays"
    quick.here.ports[KnownPeers] = KnownPeers(quick.peers())
    assert keep_up(quick.here) == ()
    assert quick.open_deals() == ()
    assert quick.moved(before, 1)


def test_the_worker_ends_legs_whose_time_is_over(quick: Corridor) -> None:
    before = quick.money()
    quick.drive({"here": NodePeer(quick.here), "there": Silent(quick.there, "_leg")})
    quick.clock.set_us(quick.clock.now_us() + 3 * MINUTE_US)
    assert keep_up(quick.here) == ()
    assert quick.nothing_is_held()
    assert quick.moved(before, 0)
