"""Payees whose wallets have no room: what they took in good faith is kept aside, never lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui import payment
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.replay import replay
from puhui.offline import exposure, rules
from puhui.offline.desk.books import excess_account, own_account
from puhui.offline.window import Aside, asides, excess_of
from puhui.worker import close_day, deliver
from tests.conftest import check_books
from tests.exchange.scheme import PATIENT
from tests.offline.fair import (
    DAY_US,
    OPENED_MINOR,
    Device,
    act,
    balance_of,
    grant,
    identified,
    moved,
    people,
    sync,
)
from tests.offline.test_sync import paid_texts

TIER_4_MINOR = 1_000_000
"""What a wallet of tier 4 may hold."""


def full(node: Node, payee: Device, room_minor: int) -> None:
    """Put a payee's wallet on record with tier 4 and leave it so much room."""
    told = {"party_id": payee.party_id, "currency": "CNY", "tier": 4}
    act(node, "payment.open_wallet", told)
    top_up = {"amount_minor": TIER_4_MINOR - OPENED_MINOR - room_minor, "currency": "CNY"}
    act(node, "payment.top_up", {"party_id": payee.party_id, **top_up})


def fair(node: Node, room_minor: int) -> tuple[Device, Device, list[str]]:
    """A payer, a payee with little room, and vouchers of 40, 15 and 1 yuan between them."""
    payer, payee = people(node, "A", "B")
    act(node, "offline.fund_cover", {"currency": "CNY", "amount_minor": 100_000})
    full(node, payee, room_minor)
    grant(node, payer)
    texts = paid_texts(payer, payee, [4_000, 1_500, 100], node.clock.now_us())
    return payer, payee, texts


def aside(node: Node, payee: Device) -> int:
    """What is kept aside for a payee; the exposure of all says the same."""
    with node.read() as tx:
        found = excess_of(tx, payee.party_id, "CNY")
        told = exposure(tx, "CNY")
    assert told.difference_minor == 0
    assert told.aside_minor == found
    return found


def own(payee: Device) -> dict[str, str]:
    """The wallet of a payee."""
    return {"party_id": payee.party_id, "currency": "CNY"}


@pytest.mark.parametrize("room_minor, inside", [(0, 0), (4_500, 4_500), (10_000, 5_600)])
def test_what_has_no_room_is_kept_aside(node: Node, room_minor: int, inside: int) -> None:
    """In one synchronisation or one by one, and again: the same is inside and aside."""
    _, payee, texts = fair(node, room_minor)
    before = balance_of(node, payee.account_id)
    done = sync(node, texts[::-1])
    assert [one.status for one in done.vouchers] == ["paid"] * 3
    assert done.paid_minor == 5_600
    assert sum(one.aside_minor for one in done.vouchers) == 5_600 - inside
    assert balance_of(node, payee.account_id) - before == inside
    assert aside(node, payee) == 5_600 - inside
    again = sync(node, texts)
    assert (again.new_count, again.paid_minor) == (0, 0)
    assert sorted(one.aside_minor for one in again.vouchers) == sorted(
        one.aside_minor for one in done.vouchers
    )
    assert aside(node, payee) == 5_600 - inside
    check_books(node)


def test_a_raised_tier_lets_it_in(node: Node) -> None:
    """Asked for without room it is refused; a better tier lets it in by itself."""
    (payee,) = identified(node, "B")
    (payer,) = people(node, "A")
    act(node, "offline.fund_cover", {"currency": "CNY", "amount_minor": 100_000})
    full(node, payee, 0)
    grant(node, payer)
    sync(node, paid_texts(payer, payee, [4_000], node.clock.now_us()))
    with pytest.raises(Refused, match=r"payment\.tier_balance"):
        act(node, "offline.let_in", own(payee))
    assert aside(node, payee) == 4_000
    act(node, "payment.set_tier", {**own(payee), "tier": 3})
    deliver(node)
    assert aside(node, payee) == 0
    assert balance_of(node, payee.account_id) == TIER_4_MINOR + 4_000
    with pytest.raises(Refused, match=r"offline\.nothing_aside"):
        act(node, "offline.let_in", own(payee))
    check_books(node)


def test_a_spent_wallet_lets_it_in_on_demand_and_at_the_close_of_the_day(
    node: Node, clock: FixedClock
) -> None:
    _, payee, texts = fair(node, 0)
    sync(node, texts)
    spend = {**own(payee), "amount_minor": 2_000}
    act(node, "payment.withdraw", spend)
    done = act(node, "offline.let_in", own(payee))
    assert (done.moved_minor, done.left_minor) == (2_000, 3_600)
    assert aside(node, payee) == 3_600
    act(node, "payment.withdraw", {**spend, "amount_minor": 1_000_000})
    moved(clock, DAY_US)
    close_day(node, business_date(clock.now_us()))
    assert aside(node, payee) == 0
    assert balance_of(node, payee.account_id) == 3_600


def test_it_is_paid_out_to_the_own_bank_account(node: Node) -> None:
    _, payee, texts = fair(node, 1_000)
    sync(node, texts)
    before = balance_of(node, own_account("funding", "CNY"))
    done = act(node, "offline.pay_out_excess", own(payee))
    assert (done.moved_minor, done.left_minor) == (4_600, 0)
    assert balance_of(node, own_account("funding", "CNY")) - before == 4_600
    assert aside(node, payee) == 0
    for verb in ("let_in", "pay_out_excess"):
        with pytest.raises(Refused, match=r"offline\.nothing_aside"):
            act(node, f"offline.{verb}", own(payee))


def test_a_closed_wallet_still_gets_what_is_its_own(node: Node) -> None:
    """Closed between the voucher and its synchronisation: all is kept aside and paid out."""
    _, payee, texts = fair(node, 0)
    everything = {**own(payee), "amount_minor": TIER_4_MINOR}
    act(node, "payment.withdraw", everything)
    act(node, "payment.close_wallet", own(payee))
    sync(node, texts)
    assert aside(node, payee) == 5_600
    assert balance_of(node, payee.account_id) == 0
    assert act(node, "offline.pay_out_excess", own(payee)).moved_minor == 5_600
    assert balance_of(node, excess_account(payee.account_id)) == 0


@pytest.mark.parametrize("way", ["let_in", "pay_out_excess"])
def test_nobody_is_erased_while_money_of_theirs_is_kept_aside(node: Node, way: str) -> None:
    """Also where the wallet was closed first; once it has moved on they are."""
    (payee,) = identified(node, "B")
    (payer,) = people(node, "A")
    act(node, "offline.fund_cover", {"currency": "CNY", "amount_minor": 100_000})
    full(node, payee, 0)
    grant(node, payer)
    texts = paid_texts(payer, payee, [4_000, 1_600], node.clock.now_us())
    everything = {**own(payee), "amount_minor": TIER_4_MINOR}
    act(node, "payment.withdraw", everything)
    if way == "pay_out_excess":
        act(node, "payment.close_wallet", own(payee))
        sync(node, texts)
    else:
        act(node, "payment.top_up", everything)
        sync(node, texts)
        act(node, "payment.withdraw", everything)
    told = {"party_id": payee.party_id}
    with node.read() as tx:
        (kept,) = asides(tx)
    assert kept == Aside(payee.party_id, "CNY", 5_600, node.clock.now_us())
    for _ in range(2):
        with pytest.raises(Refused, match=r"party\.money_aside"):
            act(node, "party.erase_person", told)
    act(node, f"offline.{way}", own(payee))
    with node.read() as tx:
        assert asides(tx) == ()
    if way == "let_in":
        act(node, "payment.withdraw", {**own(payee), "amount_minor": 5_600})
        act(node, "payment.close_wallet", own(payee))
    act(node, "party.erase_person", told)
    check_books(node)


def test_waiting_vouchers_are_kept_aside_at_the_close(node: Node, clock: FixedClock) -> None:
    """The tier that pays at its close, as the one that pays at once."""
    (payer,) = identified(node, "A")
    (payee,) = people(node, "B")
    act(node, "offline.fund_cover", {"currency": "CNY", "amount_minor": 100_000})
    full(node, payee, 1_000)
    granted = grant(node, payer, 10_000, tier="standard")
    texts = paid_texts(payer, payee, [3_000, 500], clock.now_us())
    assert {one.status for one in sync(node, texts).vouchers} == {"waiting"}
    assert aside(node, payee) == 0
    moved(clock, 30 * DAY_US)
    ended = act(node, "offline.close_allowance", {"allowance_id": granted.allowance_id})
    assert (ended.paid_minor, ended.unpaid_minor) == (3_500, 0)
    assert aside(node, payee) == 2_500
    assert {one.status for one in sync(node, texts).vouchers} == {"paid"}


def test_nobody_else_moves_it(sqlite_node: Node) -> None:
    payer, payee, texts = fair(sqlite_node, 0)
    sync(sqlite_node, texts)
    stranger = Actor(payer.party_id, frozenset({"customer"}))
    for verb in ("let_in", "pay_out_excess"):
        with pytest.raises(Refused, match=r"party\.not_yours"):
            act(sqlite_node, f"offline.{verb}", own(payee), actor=stranger)
    assert aside(sqlite_node, payee) == 5_600
    with sqlite_node.read() as tx:
        assert excess_of(tx, payer.party_id, "CNY") == 0


def test_room_is_that_of_the_tier(sqlite_node: Node) -> None:
    one, other, none = people(sqlite_node, "A", "B", "C")
    full(sqlite_node, one, 70)
    with sqlite_node.read() as tx:
        found = payment.room_in(tx, [one.account_id, other.account_id, none.account_id])
        assert payment.room_in(tx, []) == {}
    assert found == {one.account_id: 70, other.account_id: None, none.account_id: None}


@PATIENT
@given(st.lists(st.integers(1, 10**6)), st.none() | st.integers(-5, 10**6))
def test_nothing_is_lost_whatever_the_room(amounts: list[int], room: int | None) -> None:
    left, inside = room, 0
    for amount in amounts:
        within, beside = rules.split_award(amount, left)
        assert within + beside == amount
        assert min(within, beside) >= 0
        inside += within
        left = None if left is None else left - within
    assert inside == (sum(amounts) if room is None else min(sum(amounts), max(room, 0)))


def test_a_journal_with_excess_replays(
    sqlite_node: Node, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    _, payee, texts = fair(sqlite_node, 500)
    sync(sqlite_node, texts)
    act(sqlite_node, "payment.withdraw", {**own(payee), "amount_minor": 300})
    act(sqlite_node, "offline.let_in", own(payee))
    target = open_at(f"sqlite:///{tmp_path / 'again.sqlite'}", writers=1)
    sqlite_node.store.settle_positions()
    assert replay(sqlite_node, target).differences == ()
    assert aside(target, payee) == aside(sqlite_node, payee) == 4_800
