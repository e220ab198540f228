"""Exchange as a whole: replayed, asked at once by many, held to wallets' limits, closed by day."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from puhui import exchange
from puhui.exchange.nouns.quote import Remit
from puhui.exchange.window import (
    leg,
    open_legs,
    participants,
    positions,
    remittance_of,
    remittances,
)
from puhui.kernel import Actor, Fault, Node, Refused, use_case
from puhui.kernel.act import USE_CASES, Act
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.crypto import Keys
from puhui.kernel.replay import replay
from puhui.node import open_node
from puhui.worker import close_day
from tests.conftest import KEYS
from tests.exchange.scheme import MINUTE_US, Scheme, act, balance
from tests.exchange.test_deal import Corridor
from tests.exchange.test_remit import ask, people
from tests.payment.purse import open_books, person

CONDITION = hashlib.sha256(bytes(32)).hexdigest()


def test_a_journal_of_exchange_replays(
    sqlite_node: Node, open_at: Callable[..., Node], tmp_path: Path, clock: FixedClock
) -> None:
    """Quotes, payments, legs, deals with sealed preimages and receipts: all the same again."""
    there = open_at(f"sqlite:///{tmp_path / 'there.sqlite'}", keys=Keys(b"2" * 32))
    corridor = Corridor(sqlite_node, there, clock)
    corridor.drive(corridor.peers())
    corridor.first.one.offer(sqlite_node)
    told = ask(corridor.payer, corridor.payer)
    act(sqlite_node, "remit", told)
    with pytest.raises(Refused):
        act(sqlite_node, "remit", told)
    url = f"sqlite:///{tmp_path / 'again.sqlite'}"
    again = open_node(tmp_path / "again", store_url=url, keys=KEYS, clock=clock, writers=1)
    try:
        assert replay(sqlite_node, again).differences == ()
    finally:
        again.close()


def test_many_at_once_take_each_quote_once(node: Node) -> None:
    """Eight callers and four quotes: four payments, and no cap passed."""
    scheme = Scheme(node)
    payer, payee = people(node)
    for _ in range(4):
        scheme.one.offer(node)

    def pay(at: int) -> str:
        try:
            told = ask(payer, payee, amount_minor=10_000)
            return str(act(node, "remit", told, key=f"many {at}").quote_id)
        except (Refused, Fault) as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(pay, range(8)))
    paid = [one for one in ended if one.startswith("q")]
    assert len(paid) == len(set(paid)) == 4, ended
    with node.read() as tx:
        assert len(remittances(tx)) == 4
    assert balance(node, payer, "CNY") == 500_000 - 40_000


def test_many_at_once_never_pass_a_cap(node: Node) -> None:
    """Ten legs of 100,000 at once on a cap of 400,000: four are held."""
    scheme = Scheme(node)

    def hold(at: int) -> bool:
        told = scheme.leg(f"at-once-{at}", CONDITION, amount_minor=100_000)
        try:
            act(node, "prepare_leg", told, key=f"hold {at}")
        except Refused as refused:
            assert refused.code == "exchange.payer_short"
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(hold, range(10))) == 4
    assert scheme.position(scheme.payer_bank).held_minor == 400_000


def test_wallets_keep_to_their_limits(node: Node) -> None:
    """Single and daily limits bound what is sent, the balance limit what comes in."""
    scheme = Scheme(node, funds_minor=10**8, cap_minor=10**8)
    for currency in ("CNY", "USD"):
        open_books(node, currency)
    payer = person(node, 1, tier=3, money=2_000_000)
    payee = person(node, 2, tier=4, currency="USD")
    for _ in range(6):
        scheme.one.offer(node, "2")
    with pytest.raises(Refused, match="single_limit"):
        act(node, "remit", ask(payer, payee, amount_minor=500_001))
    with pytest.raises(Refused, match="tier_balance"):
        act(node, "remit", ask(payer, payee, amount_kind="receive", amount_minor=1_000_001))
    act(node, "remit", ask(payer, payer, amount_minor=600_000))  # the own money: no payment
    told = ask(payer, payee, amount_minor=300_000)
    act(node, "remit", told)
    own = scheme.leg("own", CONDITION, payer=f"party:{payer}", amount_minor=500_001)
    with pytest.raises(Refused, match="single_limit"):
        act(node, "prepare_leg", own)
    act(node, "prepare_leg", {**own, "amount_minor": 300_000})
    with pytest.raises(Refused, match="daily_limit"):
        act(node, "prepare_leg", {**own, "leg_id": "more", "amount_minor": 400_001})
    act(node, "abort_leg", {"leg_id": "own"})
    act(node, "prepare_leg", {**own, "leg_id": "more", "amount_minor": 400_001})
    with node.read() as tx:
        assert (leg(tx, "own").state, leg(tx, "more").state) == ("aborted", "prepared")


def test_closing_a_day_ends_what_is_past_its_time(sqlite_node: Node, clock: FixedClock) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    told = scheme.leg("late", CONDITION)
    act(node, "prepare_leg", told)
    clock.set_us(clock.now_us() + MINUTE_US)
    close_day(node, business_date(clock.now_us()))
    with node.read() as tx:
        assert leg(tx, "late").state == "expired"
        assert open_legs(tx) == ()


if "exchange.remit_in_test" not in USE_CASES:

    @use_case("exchange.remit_in_test", roles=("operator",))
    def _remit_in_test(act: Act, input: Remit) -> str:
        return exchange.remit_and_tell(act, input).id


def test_other_rooms_pay_in_their_own_act(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    payer, payee = people(node)
    quote = scheme.one.offer(node)
    assert isinstance(quote, exchange.Quote)
    told: dict[str, Any] = ask(payer, payee)
    actor = Actor("room", frozenset({"operator"}))
    made = node.act("exchange.remit_in_test", told, key="room", actor=actor)
    with node.read() as tx:
        assert remittance_of(tx, made).quote_id == quote.id
        with pytest.raises(Refused, match="unknown_remittance"):
            remittance_of(tx, "none")
        names = [one.name for one in participants(tx)]
        assert names == ["Payee Bank", "Payer Bank", "Provider One", "Provider Two"]
        found = positions(tx)
    assert len(found) == 8
    assert [one.currency for one in found] == ["CNY"] * 4 + ["USD"] * 4
