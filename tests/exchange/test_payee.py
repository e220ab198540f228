"""Payees asked about by other nodes: told in part, bounded, and on record on both sides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from puhui.api import build_api, caller
from puhui.api.rate import Rates
from puhui.channel import Gate
from puhui.channel.engines.shown import ShownGateway
from puhui.channel.payee import hide_name
from puhui.data.window import accesses_of
from puhui.exchange.window import payees
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.payment import wallet_account
from puhui.payment.desk.lists import tiers
from puhui.payment.rules import number as numbers
from tests.exchange.asking import Asking
from tests.exchange.scheme import act, top_up
from tests.party.people import person, register_person

WALLETS = Actor("wallets", frozenset({"operator", "system"}))


@pytest.fixture
def asking(node: Node, clock: FixedClock) -> Asking:
    """A node that peers ask, on each kind of store."""
    return Asking(node, clock)


def test_a_peer_asks_about_a_payee_before_money_moves(asking: Asking) -> None:
    """Whether they are there and may take it in, a name in part, and a line in their log."""
    node = asking.node
    wallet = {"party_id": asking.payee, "currency": "USD"}

    def told(payee: str, currency: str = "USD", amount: int | str = 1_400) -> tuple[int, str]:
        status, answer = asking.read(f"/api/exchange/payees/{payee}/{currency}/{amount}")
        return status, answer["code"] if status != 200 else answer["name"]

    payee = f"party:{asking.payee}"
    assert told(payee) == (200, ""), "a wallet that nobody put on record shows no name"
    node.act("payment.open_wallet", {**wallet, "tier": 4}, key="open", actor=WALLETS)
    hidden = hide_name(person(1).name)
    number = numbers.number_of(wallet_account(asking.payee, "USD"))
    for one in (payee, f"party:{number}"):
        assert told(one) == told(one, "XXX", 0) == (200, hidden)
    assert person(1).name not in hidden
    with node.read() as tx:
        looks = accesses_of(tx, asking.payee)
    assert {(one.actor, one.purpose) for one in looks} == {(asking.peer, "payee_check")}
    most = tiers().by_number[4].balance_minor_max
    assert most is not None
    unused = numbers.number_of(4711)
    for wrong, code in (
        ((payee, "USD", most + 1), "exchange.payee_not_admitted"),
        ((f"party:{unused}", "XXX", 0), "exchange.no_such_payee"),
        (("party:party-nobody", "USD", 1), "exchange.no_such_payee"),
        ((f"party:{number[:-1]}{(int(number[-1]) + 1) % 10}", "USD", 1), "exchange.no_such_payee"),
        ((f"participant:{asking.scheme.two.id}", "USD", 1), "exchange.bad_end"),
        ((payee, "ABC", 1), "exchange.unknown_currency"),
        ((payee, "USD", 2**53 - 1), "exchange.payee_not_admitted"),
        ((payee, "USD", -1), "exchange.bad_amount"),
    ):
        assert told(*wrong) == (422, code), wrong
    node.act("payment.close_wallet", wallet, key="close", actor=WALLETS)
    assert told(payee) == (422, "exchange.payee_not_admitted")
    assert told(payee, "XXX", 0)[0] == 200
    pair = {"peer_id": asking.peer, "participant_id": asking.scheme.one.id}
    act(node, "forbid_draw", pair)
    assert told(payee) == (422, "exchange.not_drawn"), "who may pay nobody asks about nobody"


def test_nobody_finds_by_asking_what_is_in_a_wallet(asking: Asking) -> None:
    """Ever other amounts, halved each time, would tell it to the cent: none of them hangs on it."""
    wallet = {"party_id": asking.payee, "currency": "USD"}
    asking.node.act("payment.open_wallet", {**wallet, "tier": 4}, key="open", actor=WALLETS)
    most = tiers().by_number[4].balance_minor_max
    assert most is not None
    amounts = (1, most // 2, most - 1, most, most + 1)

    def told() -> list[int]:
        path = f"/api/exchange/payees/party:{asking.payee}/USD"
        return [asking.read(f"{path}/{amount}")[0] for amount in amounts]

    empty = told()
    assert empty == [200, 200, 200, 200, 422]
    top_up(asking.node, asking.payee, "USD", most - 1)
    assert told() == empty


def test_a_peer_asks_about_payees_only_so_often(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many asks in a minute are a search; every other question is still answered."""
    monkeypatch.setattr(caller, "Rates", lambda: Rates(lambda: 0.0))
    monkeypatch.setattr(caller, "PEER_PAYEES_PER_MINUTE", 3)
    asking.client = TestClient(build_api(asking.node, Gate(asking.node, ShownGateway())))
    path = f"/api/exchange/payees/party:{asking.payee}/XXX/0"
    assert [asking.read(path)[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert asking.read("/api/exchange/standing")[0] == 200


def test_only_their_own_customers_ask(sqlite_node: Node) -> None:
    """A customer asks for nobody else, and of counts that are old none is kept."""
    one, two = register_person(sqlite_node, 1), register_person(sqlite_node, 2)
    asked = {"party_id": two, "peer": "bangkok", "payee": "party:x"}
    customer = Actor(one, frozenset({"customer"}))
    with pytest.raises(Refused, match="not_yours"):
        sqlite_node.act("exchange.ask_payee", asked, key="a", actor=customer)
    own = {**asked, "party_id": one}
    assert sqlite_node.act("exchange.ask_payee", own, key="b", actor=customer).asks == 1
    day = business_date(sqlite_node.clock.now_us())
    for before, rows in ((day, 0), (day + timedelta(days=1), 1)):
        assert act(sqlite_node, "forget_asks", {"before": before}).rows == rows
    with pytest.raises(Refused, match="unknown_peer"):
        payees.ask_there(sqlite_node, payees.AskPayee(one, "bangkok", "party:x"))
    with pytest.raises(Refused, match="bad_end"):
        payees.ask_there(sqlite_node, payees.AskPayee(one, "bangkok", "party:a/b"))
