"""Deals that name a node which is not known here any more: closed where that is safe, told of else.

Nothing is voided before its time; what the other node may have paid waits for its signed word.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from puhui.exchange import KnownPeers, NodePeer, end_by_receipt, receipt_of
from puhui.exchange.nouns.deal import DealState
from puhui.exchange.window import deals, leg, read_receipt, strangers_of
from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.worker import keep_up
from tests.exchange.scheme import MINUTE_US, act
from tests.exchange.test_deal import OTHER_KEYS, Corridor, Silent, stopped


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


def know(corridor: Corridor, *names: str) -> None:
    """The nodes that the first one knows from now on, of "here" and "there"."""
    peers = corridor.peers()
    corridor.here.ports[KnownPeers] = KnownPeers({name: peers[name] for name in names})


def wait(corridor: Corridor, minutes: int) -> None:
    """Let time pass, and the worker work."""
    corridor.clock.set_us(corridor.clock.now_us() + minutes * MINUTE_US)
    assert keep_up(corridor.here) == ()


def state_of(corridor: Corridor) -> DealState:
    """How far the newest deal has come."""
    with corridor.here.read() as tx:
        return deals(tx, count=1)[0].state


def test_a_deal_that_nobody_saw_is_closed_after_its_time(corridor: Corridor) -> None:
    """The node is gone before it answered: held until t2, then given back, then closed."""
    before = corridor.money()
    deal = corridor.drive({"here": NodePeer(corridor.here), "there": Silent(corridor.there, "leg")})
    assert deal.state is DealState.STARTED
    know(corridor, "here")
    assert strangers_of(deal, ("here",)) == ("there",)
    wait(corridor, 0)
    assert state_of(corridor) is DealState.STARTED, "its time is not over"
    assert not corridor.nothing_is_held()
    wait(corridor, 1)
    assert state_of(corridor) is DealState.CLOSED_ABORTED
    assert corridor.nothing_is_held()
    assert corridor.moved(before, 0)


def test_a_payer_whose_node_is_not_known_is_left_to_its_own_time(corridor: Corridor) -> None:
    before = corridor.money()
    corridor.drive({"here": NodePeer(corridor.here), "there": Silent(corridor.there, "leg")})
    know(corridor, "there")
    wait(corridor, 1)
    assert state_of(corridor) is DealState.ABORTED, "the payer's node may hold it a minute longer"
    wait(corridor, 1)
    assert state_of(corridor) is DealState.CLOSED_ABORTED
    corridor.expire()
    assert corridor.nothing_is_held()
    assert corridor.moved(before, 0)


@pytest.mark.parametrize("is_after", [False, True])
def test_a_stop_at_any_step_then_the_node_is_gone(quick: Corridor, is_after: bool) -> None:
    """Both legs or neither, or the payer's money waits for the word of the one that may have paid;
    with that word it ends."""
    for at in range(1, 12):
        know(quick, "here", "there")
        before = quick.money()
        assert stopped(quick, at, is_after=is_after)
        know(quick, "here")
        wait(quick, 3)
        quick.expire()
        with quick.here.read() as tx:
            found = deals(tx, count=1)
        if found and found[0].state not in (
            DealState.CLOSED_COMMITTED, DealState.CLOSED_ABORTED,
        ):  # fmt: skip
            (deal,) = found
            assert deal.state is DealState.RELEASED, at
            with quick.here.read() as tx:
                assert leg(tx, deal.source_leg_id).state == "fulfilled", at
            word = receipt_of(quick.there, deal.target_leg_id)
            peers = {"here": NodePeer(quick.here)}
            ended = end_by_receipt(NodePeer(quick.here), peers, deal.id, word)
            assert ended.state in (DealState.CLOSED_COMMITTED, DealState.CLOSED_ABORTED)
        assert quick.moved(before, 1) or quick.moved(before, 0), at
        assert quick.nothing_is_held(), at


def test_only_the_word_of_the_other_node_ends_a_deal_by_hand(corridor: Corridor) -> None:
    before = corridor.money()
    peers = {"here": NodePeer(corridor.here), "there": Silent(corridor.there, "fulfil", "abort")}
    deal = corridor.drive(peers)
    assert deal.state is DealState.RELEASED
    know(corridor, "here")
    wait(corridor, 60)
    assert state_of(corridor) is DealState.RELEASED, "it may have paid: nobody here knows"
    own = NodePeer(corridor.here)
    alone = {"here": own}
    unheard = receipt_of(corridor.there, deal.target_leg_id)
    assert unheard.state == "prepared"
    act(corridor.there, "expire_legs", {})
    word = receipt_of(corridor.there, deal.target_leg_id)
    for wrong, code in (
        (unheard, "bad_receipt"),
        (replace(word, state="posted"), "bad_signature"),
        (receipt_of(corridor.here, deal.source_leg_id), "bad_receipt"),
        (replace(word, leg_id="none"), "bad_receipt"),
    ):
        with pytest.raises(Refused, match=code):
            end_by_receipt(own, alone, deal.id, wrong)
    with pytest.raises(Refused, match="unknown_deal"):
        end_by_receipt(own, alone, "none", word)
    assert read_receipt(json.dumps(asdict(word))) == word
    for text in ("", "{}", "[1]", "x" * 9_000):
        with pytest.raises(Refused, match="bad_receipt"):
            read_receipt(text)
    assert end_by_receipt(own, alone, deal.id, word).state is DealState.CLOSED_ABORTED
    assert end_by_receipt(own, alone, deal.id, word).state is DealState.CLOSED_ABORTED, "again"
    assert corridor.nothing_is_held()
    assert corridor.moved(before, 0)


def test_a_word_that_was_heard_is_kept_and_pays(corridor: Corridor) -> None:
    """The other node has paid and said so; then it is gone: its word is on record."""
    before = corridor.money()
    peers = {"here": Silent(corridor.here, "resolve"), "there": NodePeer(corridor.there)}
    deal = corridor.drive(peers)
    assert (deal.state, deal.target_state) == (DealState.COMMITTED, "posted")
    know(corridor)
    wait(corridor, 60)
    assert state_of(corridor) is DealState.COMMITTED
    know(corridor, "here")
    wait(corridor, 0)
    assert state_of(corridor) is DealState.CLOSED_COMMITTED
    assert corridor.moved(before, 1)


def test_a_deal_by_a_quote_is_what_the_quote_says(corridor: Corridor) -> None:
    """Taken once, not after its time, by its provider, and for no more than its rate brings."""
    asked = corridor.asked()
    quote = corridor.first.one.offer(corridor.here, "0.14")
    by = {"quote_id": quote.id}
    source, target = asked.source, asked.target
    for changes, code in (
        ({"target": replace(target, amount_minor=1_401)}, "bad_deal"),
        ({"target": replace(target, currency="THB")}, "other_currency"),
        ({"source": replace(source, payee=f"participant:{corridor.first.two.id}")}, "bad_deal"),
        ({"quote_id": "none"}, "unknown_quote"),
    ):
        with pytest.raises(Refused, match=code):
            act(corridor.here, "start_deal", replace(asked, **{**by, **changes}))
    small = corridor.first.one.offer(corridor.here, "0.14", maximum_minor=100)
    with pytest.raises(Refused, match="bad_deal"):
        act(corridor.here, "start_deal", replace(asked, quote_id=small.id))
    with corridor.here.read() as tx:
        assert deals(tx) == ()
    made = act(corridor.here, "start_deal", replace(asked, **by))
    with corridor.here.read() as tx:
        assert (deals(tx)[0].id, deals(tx)[0].quote_id) == (made.deal_id, quote.id)
    with pytest.raises(Refused, match="quote_taken"):
        act(corridor.here, "start_deal", replace(asked, **by))
    late = corridor.first.one.offer(corridor.here, "0.14")
    corridor.clock.set_us(late.expires_us)
    with pytest.raises(Refused, match="quote_expired"):
        act(corridor.here, "start_deal", replace(corridor.asked(), quote_id=late.id))
