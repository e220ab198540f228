"""Legs: held, fulfilled, given up or ended by time; positions come back to where they were.

Scenarios of the Mojaloop test kit, told as our own: each name says which one it stands for.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from puhui.exchange.desk.account import own_account
from puhui.exchange.window import leg, open_legs
from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger.desk.upkeep import ExpirePendings
from tests.exchange.scheme import MINUTE_US, STAFF, Scheme, act, own_balance

PREIMAGE = "11" * 32
CONDITION = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()
OTHER = "22" * 32


def prepare(scheme: Scheme, leg_id: str, **changes: Any) -> str:
    told = scheme.leg(leg_id, CONDITION, **changes)
    return str(act(scheme.node, "prepare_leg", told).state)


def fulfil(scheme: Scheme, leg_id: str, preimage: str = PREIMAGE) -> str:
    told = {"leg_id": leg_id, "preimage": preimage}
    return str(act(scheme.node, "fulfil_leg", told).state)


def abort(scheme: Scheme, leg_id: str) -> str:
    return str(act(scheme.node, "abort_leg", {"leg_id": leg_id}).state)


def expire(scheme: Scheme) -> tuple[str, ...]:
    """End what is past its time, and have the ledger release what ended by itself."""
    found = tuple(act(scheme.node, "expire_legs", {}).leg_ids)
    key = f"upkeep {scheme.node.clock.now_us()} {found}"
    scheme.node.act("ledger.expire_pendings", ExpirePendings(), key=key, actor=STAFF)
    return found


def state(scheme: Scheme, leg_id: str) -> str:
    with scheme.node.read() as tx:
        return leg(tx, leg_id).state


def owed(scheme: Scheme) -> list[int]:
    return scheme.owed(scheme.payer_bank, scheme.payee_bank, scheme.one.id)


def held(scheme: Scheme) -> int:
    return scheme.position(scheme.payer_bank).held_minor


def test_a_payment_between_banks_with_balance_checks(node: Node) -> None:
    """p2p-balance-checks: the payer owes more, the payee less, by the amount."""
    scheme = Scheme(node)
    assert prepare(scheme, "a") == "prepared"
    assert (owed(scheme), held(scheme)) == ([0, 0, 0], 10_000)
    assert fulfil(scheme, "a") == "posted"
    assert (owed(scheme), held(scheme)) == ([10_000, -10_000, 0], 0)


def test_a_fulfilment_sent_twice_is_answered_the_same(sqlite_node: Node) -> None:
    """duplicate handling, fulfil commit: positive and negative."""
    node = sqlite_node
    scheme = Scheme(node)
    prepare(scheme, "a")
    assert fulfil(scheme, "a") == fulfil(scheme, "a") == "posted"
    with pytest.raises(Refused, match="wrong_fulfilment"):
        fulfil(scheme, "a", OTHER)
    assert owed(scheme) == [10_000, -10_000, 0]


def test_a_leg_sent_twice_is_one_leg(node: Node) -> None:
    """duplicate handling: the original at committed; the same id with other terms is refused."""
    scheme = Scheme(node)
    assert prepare(scheme, "a") == prepare(scheme, "a") == "prepared"
    assert held(scheme) == 10_000
    for changes in (
        {"amount_minor": 10_001},
        {"payee": f"participant:{scheme.one.id}"},
        {"condition": "00" * 32},
        {"currency": "USD"},
        {"awaits": "here"},
        {"expires_us": node.clock.now_us() + 2 * MINUTE_US},
    ):
        told = {**scheme.leg("a", CONDITION), **changes}
        with pytest.raises(Refused, match="leg_differs"):
            act(node, "prepare_leg", told)
    fulfil(scheme, "a")
    assert prepare(scheme, "a") == "posted"
    assert owed(scheme) == [10_000, -10_000, 0]


def test_an_abort_sent_twice_is_one_abort(node: Node) -> None:
    """payee abort, and duplicate handling of a rejection: positive and negative."""
    scheme = Scheme(node)
    prepare(scheme, "a")
    assert abort(scheme, "a") == abort(scheme, "a") == "aborted"
    with pytest.raises(Refused, match="leg_ended"):
        fulfil(scheme, "a")
    assert (owed(scheme), held(scheme)) == ([0, 0, 0], 0)
    prepare(scheme, "b")
    fulfil(scheme, "b")
    with pytest.raises(Refused, match="leg_posted"):
        abort(scheme, "b")
    assert owed(scheme) == [10_000, -10_000, 0]


@pytest.mark.parametrize("wrong", [OTHER, "", "xyz", PREIMAGE.upper() + "00", "1" * 63])
def test_a_wrong_or_missing_fulfilment_pays_nobody(sqlite_node: Node, wrong: str) -> None:
    """payee invalid fulfilment, payee missing fulfilment."""
    scheme = Scheme(sqlite_node)
    prepare(scheme, "a")
    with pytest.raises(Refused, match="wrong_fulfilment"):
        fulfil(scheme, "a", wrong)
    assert state(scheme, "a") == "prepared"
    assert abort(scheme, "a") == "aborted"
    assert (owed(scheme), held(scheme)) == ([0, 0, 0], 0)


def test_a_leg_past_its_time_is_paid_no_more(node: Node, clock: FixedClock) -> None:
    """payer transfer timeout, payee invalid timestamp."""
    scheme = Scheme(node)
    prepare(scheme, "a")
    prepare(scheme, "b", expires_us=clock.now_us() + 2 * MINUTE_US)
    assert expire(scheme) == ()
    clock.set_us(clock.now_us() + MINUTE_US)
    with pytest.raises(Refused, match="leg_expired"):
        fulfil(scheme, "a")
    assert expire(scheme) == ("a",)
    assert expire(scheme) == ()
    assert (state(scheme, "a"), state(scheme, "b")) == ("expired", "prepared")
    assert abort(scheme, "a") == "expired"
    assert (owed(scheme), held(scheme)) == ([0, 0, 0], 10_000)
    with pytest.raises(Refused, match="leg_expired"):
        prepare(scheme, "c", expires_us=clock.now_us())


def test_the_net_debit_cap_stops_a_payment(node: Node) -> None:
    """block transfer due to the net debit cap: held amounts count, and a raised cap lets it by."""
    scheme = Scheme(node)
    prepare(scheme, "a", amount_minor=300_000)
    with pytest.raises(Refused, match="payer_short"):
        prepare(scheme, "b", amount_minor=100_001)
    assert prepare(scheme, "c", amount_minor=100_000) == "prepared"
    fulfil(scheme, "a")
    fulfil(scheme, "c")
    assert owed(scheme) == [400_000, -400_000, 0]
    with pytest.raises(Refused, match="payer_short"):
        prepare(scheme, "d", amount_minor=1)
    told = {"participant_id": scheme.payer_bank, "currency": "CNY"}
    act(node, "set_cap", {**told, "cap_minor": 400_001})
    assert prepare(scheme, "e", amount_minor=1) == "prepared"
    with pytest.raises(Refused, match="cap_below_position"):
        act(node, "set_cap", {**told, "cap_minor": 400_000})
    with pytest.raises(Refused, match="funds_short"):
        act(node, "set_cap", {**told, "cap_minor": 1_000_001})


def test_a_suspended_participant_pays_and_is_paid_no_more(sqlite_node: Node) -> None:
    """block transfer: what is held already is still ended."""
    node = sqlite_node
    scheme = Scheme(node)
    prepare(scheme, "a")
    act(node, "suspend_participant", {"participant_id": scheme.payee_bank})
    for ends in ({}, {"payer": f"participant:{scheme.payee_bank}", "payee": "participant:x"}):
        with pytest.raises(Refused, match="participant_suspended"):
            prepare(scheme, "b", **ends)
    assert fulfil(scheme, "a") == "posted"
    act(node, "resume_participant", {"participant_id": scheme.payee_bank})
    assert prepare(scheme, "b") == "prepared"


def fx(scheme: Scheme, *, target_minutes: int = 1) -> None:
    """An exchange of two legs on one node: the source leg waits for the target leg."""
    now_us = scheme.node.clock.now_us()
    provider = f"participant:{scheme.one.id}"
    prepare(
        scheme, "fx", deal_id="deal", payee=provider, awaits="here", amount_minor=70_000,
        expires_us=now_us + 2 * MINUTE_US,
    )  # fmt: skip
    prepare(
        scheme, "pay", deal_id="deal", payer=provider, currency="USD", amount_minor=9_800,
        expires_us=now_us + target_minutes * MINUTE_US,
    )  # fmt: skip


def unchanged(scheme: Scheme) -> bool:
    everybody = (scheme.payer_bank, scheme.payee_bank, scheme.one.id)
    both = [scheme.position(one, c) for one in everybody for c in ("CNY", "USD")]
    return all(one.position_minor == one.held_minor == 0 for one in both)


def test_an_exchange_pays_both_legs_at_once(node: Node) -> None:
    """FX happy path: the source leg moves nothing until the target leg is fulfilled."""
    scheme = Scheme(node)
    fx(scheme)
    with pytest.raises(Refused, match="dependent_not_fulfilled"):
        fulfil(scheme, "pay")
    assert fulfil(scheme, "fx") == "fulfilled"
    assert owed(scheme) == [0, 0, 0]
    with pytest.raises(Refused, match="leg_fulfilled"):
        abort(scheme, "fx")
    assert fulfil(scheme, "pay") == "posted"
    assert (state(scheme, "fx"), owed(scheme)) == ("posted", [70_000, 0, -70_000])
    assert scheme.owed(scheme.one.id, scheme.payee_bank, currency="USD") == [9_800, -9_800]
    assert fulfil(scheme, "fx") == fulfil(scheme, "pay") == "posted", "duplicate FX transfer"


def test_an_exchange_that_the_provider_refuses_changes_nothing(sqlite_node: Node) -> None:
    """FX transfer error; FXP invalid fulfilment; the dependent transfer can then never be paid."""
    node = sqlite_node
    scheme = Scheme(node)
    fx(scheme)
    with pytest.raises(Refused, match="wrong_fulfilment"):
        fulfil(scheme, "fx", OTHER)
    assert abort(scheme, "fx") == "aborted"
    with pytest.raises(Refused, match="dependent_not_fulfilled"):
        fulfil(scheme, "pay")
    assert abort(scheme, "pay") == "aborted"
    assert unchanged(scheme)


def test_an_exchange_whose_payee_refuses_changes_nothing(sqlite_node: Node) -> None:
    """FX success, transfer error; payee invalid fulfilment: all three positions unchanged."""
    node = sqlite_node
    scheme = Scheme(node)
    fx(scheme)
    fulfil(scheme, "fx")
    with pytest.raises(Refused, match="wrong_fulfilment"):
        fulfil(scheme, "pay", OTHER)
    assert abort(scheme, "pay") == "aborted"
    assert state(scheme, "fx") == "aborted", "what waited for it is given up with it"
    assert unchanged(scheme)


def test_a_source_leg_nobody_fulfils_expires(sqlite_node: Node, clock: FixedClock) -> None:
    """FX timeout: the payer's position is unchanged after the FX transfer has expired."""
    node = sqlite_node
    scheme = Scheme(node)
    fx(scheme, target_minutes=3)
    clock.set_us(clock.now_us() + 2 * MINUTE_US)
    assert expire(scheme) == ("fx",)
    with pytest.raises(Refused, match="dependent_not_fulfilled"):
        fulfil(scheme, "pay")
    clock.set_us(clock.now_us() + MINUTE_US)
    assert expire(scheme) == ("pay",)
    assert unchanged(scheme)


def test_a_target_leg_past_its_time_takes_the_source_leg_along(
    node: Node, clock: FixedClock
) -> None:
    """FX timeout: positions of provider, payer and payee unchanged after the transfer expired."""
    scheme = Scheme(node)
    fx(scheme)
    fulfil(scheme, "fx")
    clock.set_us(clock.now_us() + MINUTE_US)
    assert expire(scheme) == ("pay", "fx")
    assert (state(scheme, "pay"), state(scheme, "fx")) == ("expired", "expired")
    assert unchanged(scheme)


def test_a_fulfilled_leg_does_not_expire(sqlite_node: Node, clock: FixedClock) -> None:
    """FX timeout (error 3303 of Mojaloop): even when there is no dependent transfer."""
    node = sqlite_node
    scheme = Scheme(node)
    provider = f"participant:{scheme.one.id}"
    prepare(scheme, "fx", payee=provider, awaits="here")
    fulfil(scheme, "fx")
    clock.set_us(clock.now_us() + 24 * 60 * MINUTE_US)
    assert expire(scheme) == ()
    with node.read() as tx:
        assert [one.id for one in open_legs(tx)] == ["fx"]
    assert held(scheme) == 10_000
    assert abort(scheme, "fx") == "aborted", "no other leg is here: it may be given up by hand"
    assert unchanged(scheme)


def test_legs_that_are_none_are_refused(sqlite_node: Node) -> None:
    scheme = Scheme(sqlite_node)
    now_us = sqlite_node.clock.now_us()
    for changes, code in (
        ({"leg_id": "a b"}, "bad_leg"),
        ({"deal_id": ""}, "bad_leg"),
        ({"condition": "00"}, "bad_condition"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"currency": "EUR"}, "no_position"),
        ({"amount_minor": 0}, "bad_amount"),
        ({"payee": f"participant:{scheme.payer_bank}"}, "same_end"),
        ({"payee": "nobody"}, "bad_end"),
        ({"payee": "party:nobody"}, "unknown_party"),
        ({"expires_us": now_us + 32 * 24 * 60 * MINUTE_US}, "bad_leg"),
        ({"awaits": "nobody"}, "unknown_peer"),
        ({"awaits": scheme.one.id}, "unknown_peer"),
    ):
        with pytest.raises(Refused, match=code):
            act(sqlite_node, "prepare_leg", {**scheme.leg("a", CONDITION), **changes})
    for name, told in (
        ("fulfil_leg", {"leg_id": "x", "preimage": PREIMAGE}),
        ("abort_leg", {"leg_id": "x"}),
    ):
        with pytest.raises(Refused, match="unknown_leg"):
            act(sqlite_node, name, told)
    with sqlite_node.read() as tx, pytest.raises(Refused, match="unknown_leg"):
        leg(tx, "x")


def test_the_fee_of_a_leg_is_held_paid_and_given_back_with_it(node: Node) -> None:
    """A fee is a part of what is given: to the operator when the leg is paid, else to nobody."""
    scheme = Scheme(node)
    fee_income = own_account("fee_income", "CNY")
    assert prepare(scheme, "a", fee_minor=300) == "prepared"
    assert (owed(scheme), held(scheme)) == ([0, 0, 0], 10_000)
    with pytest.raises(Refused, match="leg_differs"):
        prepare(scheme, "a", fee_minor=200)
    assert fulfil(scheme, "a") == "posted"
    assert (owed(scheme), own_balance(node, fee_income)) == ([10_000, -9_700, 0], 300)
    prepare(scheme, "b", fee_minor=300, awaits="here")
    assert abort(scheme, "b") == "aborted"
    assert (owed(scheme), held(scheme)) == ([10_000, -9_700, 0], 0)
    assert own_balance(node, fee_income) == 300
    for fee_minor in (-1, 10_000):
        with pytest.raises(Refused, match="bad_amount"):
            prepare(scheme, "c", fee_minor=fee_minor)
