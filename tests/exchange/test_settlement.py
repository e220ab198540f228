"""Positions, funds, windows and settlement: deferred net and continuous gross, never mixed."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from puhui.exchange.window import settlements, windows
from puhui.kernel import Node, Refused
from puhui.kernel.money import Money
from tests.exchange.scheme import SECOND, STAFF, Scheme, act

PREIMAGE = "33" * 32
CONDITION = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()


class Sender:
    """Pays between banks of a scheme, one fulfilled leg after another."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self.count = 0

    def send(self, payer: str, payee: str, amount_minor: int, currency: str = "CNY") -> None:
        """A leg that is held and fulfilled."""
        self.count += 1
        leg_id = f"s{self.count}"
        told = self.scheme.leg(
            leg_id,
            CONDITION,
            payer=f"participant:{payer}",
            payee=f"participant:{payee}",
            amount_minor=amount_minor,
            currency=currency,
        )
        act(self.scheme.node, "prepare_leg", told)
        told = {"leg_id": leg_id, "preimage": PREIMAGE}
        assert act(self.scheme.node, "fulfil_leg", told).state == "posted"


def close(scheme: Scheme, currency: str = "CNY") -> str:
    """Close the open window of a currency; the id of what was closed."""
    closed = scheme.windows[currency]
    made = act(scheme.node, "close_window", {"window_id": closed})
    scheme.windows[currency] = made.next_window_id
    return closed


def reserve(scheme: Scheme, *window_ids: str, currency: str = "CNY") -> Any:
    """Reserve the settlement of windows."""
    told = {"currency": currency, "window_ids": list(window_ids)}
    return act(scheme.node, "reserve_settlement", told)


def settle(scheme: Scheme, settlement_id: str) -> Any:
    """Pay a reserved settlement."""
    return act(scheme.node, "settle", {"settlement_id": settlement_id})


def nets(made: Any) -> dict[str, tuple[int, int]]:
    """Net and paid of each line, by participant."""
    return {
        line.position_id.partition(":")[0]: (line.net_minor, line.paid_minor) for line in made.lines
    }


def both(scheme: Scheme, currency: str = "CNY") -> list[tuple[int, int]]:
    """Position and free funds of payer, payee and the first provider."""
    found = (scheme.payer_bank, scheme.payee_bank, scheme.one.id)
    places = [scheme.position(one, currency) for one in found]
    return [(one.position_minor, one.funds_minor) for one in places]


def test_deferred_net_settles_what_is_left_over(node: Node) -> None:
    """Settlement management: positions after transfers, after reserving, after settling."""
    scheme = Scheme(node)
    sender = Sender(scheme)
    a, b, c = scheme.payer_bank, scheme.payee_bank, scheme.one.id
    for payer, payee, amount in ((a, b, 50_000), (b, c, 20_000), (c, a, 5_000), (b, a, 1_000)):
        sender.send(payer, payee, amount)
    after = [(44_000, 600_000), (-29_000, 600_000), (-15_000, 600_000)]
    assert both(scheme) == after
    window = close(scheme)
    sender.send(a, b, 7_000)
    made = reserve(scheme, window)
    assert nets(made) == {a: (44_000, 44_000), b: (-29_000, 0), c: (-15_000, 0)}
    assert both(scheme)[0] == (51_000, 556_000), "what is owed is held of the free funds"
    settled = settle(scheme, made.settlement_id)
    assert nets(settled) == {a: (44_000, 44_000), b: (-29_000, 29_000), c: (-15_000, 15_000)}
    assert both(scheme) == [(7_000, 556_000), (-7_000, 629_000), (0, 615_000)]
    assert settle(scheme, made.settlement_id) == settled, "a second time is nothing"
    with pytest.raises(Refused, match="window_not_closed"):
        reserve(scheme, window)
    with node.read() as tx:
        assert [one.state for one in windows(tx)].count("settled") == 1
        (found,) = settlements(tx)
    assert (found.state, found.window_ids, found.currency) == ("settled", (window,), "CNY")


def test_several_windows_settle_together(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    sender = Sender(scheme)
    a, b = scheme.payer_bank, scheme.payee_bank
    closed = []
    for amount in (10_000, 20_000, 30_000):
        sender.send(a, b, amount)
        closed.append(close(scheme))
    sender.send(b, a, 60_000)
    closed.append(close(scheme))
    made = reserve(scheme, *closed[:2])
    assert nets(made)[a] == (30_000, 30_000)
    settle(scheme, made.settlement_id)
    last = reserve(scheme, *closed[2:])
    assert nets(last) == {a: (-30_000, 0), b: (30_000, 30_000)}
    settle(scheme, last.settlement_id)
    assert both(scheme)[:2] == [(0, 600_000), (0, 600_000)]


def test_an_aborted_settlement_gives_everything_back(node: Node) -> None:
    scheme = Scheme(node)
    Sender(scheme).send(scheme.payer_bank, scheme.payee_bank, 10_000)
    window = close(scheme)
    made = reserve(scheme, window)
    told = {"settlement_id": made.settlement_id}
    with pytest.raises(Refused, match="window_not_closed"):
        reserve(scheme, window)
    assert act(node, "abort_settlement", told).state == "aborted"
    assert act(node, "abort_settlement", told).state == "aborted"
    with pytest.raises(Refused, match="settlement_ended"):
        settle(scheme, made.settlement_id)
    assert both(scheme)[0] == (10_000, 600_000)
    again = reserve(scheme, window)
    settle(scheme, again.settlement_id)
    with pytest.raises(Refused, match="settlement_ended"):
        act(node, "abort_settlement", {"settlement_id": again.settlement_id})
    assert both(scheme)[0] == (0, 590_000)


def test_who_is_short_keeps_nobody_from_being_settled(node: Node) -> None:
    """Cover falls by what was not paid, and rises by what was spent before it was settled."""
    scheme = Scheme(node, funds_minor=100_000, cap_minor=100_000)
    sender = Sender(scheme)
    a, b = scheme.payer_bank, scheme.payee_bank
    sender.send(a, b, 80_000)
    first = close(scheme)
    sender.send(b, a, 150_000)
    made = settle(scheme, reserve(scheme, first).settlement_id)
    assert nets(made) == {a: (80_000, 0), b: (-80_000, 30_000)}
    payer, payee = scheme.position(a), scheme.position(b)
    assert (payer.cap_minor, payer.cover_minor, payer.position_minor) == (100_000, 20_000, -150_000)
    assert (payee.cover_minor, payee.position_minor) == (150_000, 150_000)
    assert (payer.funds_minor, payee.funds_minor) == (0, 30_000)
    second = settle(scheme, reserve(scheme, close(scheme)).settlement_id)
    assert nets(second) == {a: (-150_000, 150_000), b: (150_000, 30_000)}
    payer, payee = scheme.position(a), scheme.position(b)
    assert (payer.position_minor, payee.position_minor) == (0, 0)
    assert payer.cover_minor + payer.funds_minor == 170_000
    assert payee.cover_minor + payee.funds_minor == 30_000


def test_gross_settles_every_payment_at_once(node: Node) -> None:
    """CGS: positions stay level, free funds move, and there is no window."""
    scheme = Scheme(node, usd_kind="gross_continuous")
    sender = Sender(scheme)
    a, b = scheme.payer_bank, scheme.payee_bank
    for amount in (30_000, 20_000):
        sender.send(a, b, amount, "USD")
    sender.send(b, a, 1_000, "USD")
    assert both(scheme, "USD")[:2] == [(0, 551_000), (0, 649_000)]
    with pytest.raises(Refused, match="payer_short"):
        sender.send(a, b, 400_001, "USD")
    sender.send(a, b, 400_000, "USD")
    with pytest.raises(Refused, match="payer_short"):
        sender.send(a, b, 151_001, "USD")
    assert both(scheme, "USD")[0] == (0, 151_000), "free funds bound what settles gross"
    assert scheme.windows["USD"] == ""


def test_gross_holds_the_funds_that_settle_it(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node, usd_kind="gross_continuous")
    told = scheme.leg("g", CONDITION, currency="USD", amount_minor=300_000)
    act(node, "prepare_leg", told)
    assert both(scheme, "USD")[0] == (0, 300_000)
    funds = {"participant_id": scheme.payer_bank, "currency": "USD", "reference": "out"}
    with pytest.raises(Refused, match="funds_short"):
        act(node, "reserve_funds_out", {**funds, "amount_minor": 300_001})
    act(node, "abort_leg", {"leg_id": "g"})
    assert both(scheme, "USD")[0] == (0, 600_000)


def test_kinds_of_settlement_cannot_mix(sqlite_node: Node) -> None:
    """No default kind, one kind a currency, one currency a settlement (as a switch once mixed)."""
    node = sqlite_node
    scheme = Scheme(node, usd_kind="gross_continuous")
    fresh = scheme.register("Another Bank", "bank")
    told = {"participant_id": fresh, "currency": "USD"}
    with pytest.raises(Refused, match="mixed_settlement"):
        act(node, "open_position", {**told, "settlement_kind": "net_deferred"})
    with pytest.raises(Refused, match=r"kernel\.bad_input"):
        act(node, "open_position", told)
    with pytest.raises(Refused, match=r"kernel\.bad_input"):
        act(node, "open_currency", {"currency": "EUR"})
    with pytest.raises(Refused, match="currency_open"):
        act(node, "open_currency", {"currency": "USD", "settlement_kind": "net_deferred"})
    eur = act(node, "open_currency", {"currency": "EUR", "settlement_kind": "net_deferred"})
    scheme.windows["EUR"], scheme.kinds["EUR"] = eur.window_id, "net_deferred"
    cny_window, eur_window = close(scheme), close(scheme, "EUR")
    with pytest.raises(Refused, match="mixed_settlement"):
        reserve(scheme, cny_window, currency="USD")
    for ids in ((cny_window, eur_window), (eur_window,)):
        with pytest.raises(Refused, match="other_currency"):
            reserve(scheme, *ids)
    for ids, code in (
        ((), "no_windows"),
        ((cny_window, cny_window), "no_windows"),
        (("none",), "unknown_window"),
        ((scheme.windows["CNY"],), "window_not_closed"),
    ):
        with pytest.raises(Refused, match=code):
            reserve(scheme, *ids)
    with pytest.raises(Refused, match="currency_closed"):
        reserve(scheme, cny_window, currency="HKD")
    one, two = reserve(scheme, cny_window), reserve(scheme, eur_window, currency="EUR")
    assert one.settlement_id != two.settlement_id
    assert (one.lines, two.lines) == ((), ()), "nothing was owed in either"
    assert settle(scheme, two.settlement_id).state == "settled"
    with node.read() as tx:
        assert {s.currency: s.state for s in settlements(tx)} == {
            "CNY": "reserved",
            "EUR": "settled",
        }


def test_two_currencies_settle_apart(sqlite_node: Node) -> None:
    """Settlement management in a second currency: the first one's positions do not move."""
    node = sqlite_node
    scheme = Scheme(node)
    sender = Sender(scheme)
    a, b = scheme.payer_bank, scheme.payee_bank
    sender.send(a, b, 10_000, "CNY")
    sender.send(b, a, 3_000, "USD")
    made = reserve(scheme, close(scheme, "USD"), currency="USD")
    assert nets(settle(scheme, made.settlement_id)) == {a: (-3_000, 3_000), b: (3_000, 3_000)}
    assert both(scheme, "USD")[:2] == [(0, 603_000), (0, 597_000)]
    assert both(scheme, "CNY")[:2] == [(10_000, 600_000), (-10_000, 600_000)]


def test_an_exchange_settles_in_each_currency_by_itself(node: Node) -> None:
    """Settlement of FX: the provider is paid in one currency and pays in the other."""
    scheme = Scheme(node)
    a, b, provider = scheme.payer_bank, scheme.payee_bank, scheme.one.id
    quote = scheme.one.offer(node, fee_minor=50)
    told = {
        "payer": f"participant:{a}",
        "payee": f"participant:{b}",
        "source_currency": "CNY",
        "target_currency": "USD",
        "amount_kind": "receive",
        "amount_minor": 14_000,
        "quote_id": quote.id,
    }
    act(node, "remit", told)
    made = reserve(scheme, close(scheme))
    assert nets(made) == {a: (100_150, 100_150), provider: (-100_050, 0)}
    settle(scheme, made.settlement_id)
    assert both(scheme)[0] == (0, 499_850)
    assert both(scheme, "USD") == [(0, 600_000), (-14_000, 600_000), (14_000, 600_000)]
    made = reserve(scheme, close(scheme, "USD"), currency="USD")
    assert nets(settle(scheme, made.settlement_id)) == {
        b: (-14_000, 14_000),
        provider: (14_000, 14_000),
    }
    assert both(scheme, "USD") == [(0, 600_000), (0, 614_000), (0, 586_000)]
    assert both(scheme)[2] == (0, 700_050)


def test_a_window_is_closed_once(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    closed = close(scheme)
    with pytest.raises(Refused, match="window_not_open"):
        act(node, "close_window", {"window_id": closed})
    with pytest.raises(Refused, match="unknown_window"):
        act(node, "close_window", {"window_id": "none"})
    for name in ("settle", "abort_settlement"):
        with pytest.raises(Refused, match="unknown_settlement"):
            act(node, name, {"settlement_id": "none"})


def test_funds_come_in_once_and_go_out_in_two_steps(node: Node) -> None:
    """Funds-out: reserve and commit, reserve and abort; duplicates answer the same."""
    scheme = Scheme(node)
    told = {"participant_id": scheme.payer_bank, "currency": "CNY"}
    first = {**told, "amount_minor": 1_000_000, "reference": "first"}
    assert act(node, "put_funds_in", first).state == "in"
    for changes in ({"amount_minor": 1}, {"amount_minor": 999_999}):
        with pytest.raises(Refused, match="reference_used"):
            act(node, "put_funds_in", {**first, **changes})
    with pytest.raises(Refused, match="reference_used"):
        act(node, "reserve_funds_out", first)
    assert both(scheme)[0] == (0, 600_000)
    out = {**told, "amount_minor": 200_000, "reference": "out 1".replace(" ", "-")}
    made = act(node, "reserve_funds_out", out)
    assert act(node, "reserve_funds_out", out) == made
    assert both(scheme)[0] == (0, 400_000)
    ended = {"funds_id": made.funds_id}
    assert act(node, "abort_funds_out", ended).state == "aborted"
    assert act(node, "abort_funds_out", ended).state == "aborted"
    assert both(scheme)[0] == (0, 600_000)
    with pytest.raises(Refused, match="funds_ended"):
        act(node, "commit_funds_out", ended)
    paid = act(node, "reserve_funds_out", {**out, "reference": "out-2"})
    assert act(node, "commit_funds_out", {"funds_id": paid.funds_id}).state == "committed"
    with pytest.raises(Refused, match="funds_ended"):
        act(node, "abort_funds_out", {"funds_id": paid.funds_id})
    assert both(scheme)[0] == (0, 400_000)
    with pytest.raises(Refused, match="funds_short"):
        act(node, "reserve_funds_out", {**out, "amount_minor": 400_001, "reference": "out-3"})
    assert str(Money(400_000, "CNY")) == "4,000.00 元"


def test_participants_and_positions_are_what_they_say(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    bank = {"participant_id": scheme.payer_bank, "currency": "CNY"}
    nobody = {"participant_id": "nobody", "currency": "CNY"}
    key = scheme.one.public_key
    for name, told, code in (
        ("register_participant", {"name": " ", "kind": "bank"}, "bad_participant"),
        ("register_participant", {"name": "X", "kind": "shop"}, "bad_participant"),
        ("register_participant", {"name": "X", "kind": "provider"}, "bad_key"),
        ("register_participant", {"name": "X", "kind": "bank", "public_key": "k"}, "bad_key"),
        (
            "register_participant",
            {"name": "Provider One", "kind": "provider", "public_key": key},
            "name_taken",
        ),
        ("suspend_participant", {"participant_id": "nobody"}, "unknown_participant"),
        ("resume_participant", {"participant_id": "nobody"}, "unknown_participant"),
        ("open_currency", {"currency": "XXX", "settlement_kind": "net_deferred"}, "unknown_curr"),
        ("open_position", {**bank, "settlement_kind": "net_deferred"}, "position_open"),
        (
            "open_position",
            {**bank, "currency": "HKD", "settlement_kind": "net_deferred"},
            "currency_closed",
        ),
        ("set_cap", {**nobody, "cap_minor": 1}, "no_position"),
        ("set_cap", {**bank, "cap_minor": -1}, "bad_amount"),
        ("put_funds_in", {**bank, "amount_minor": 0, "reference": "x"}, "bad_amount"),
        ("put_funds_in", {**bank, "amount_minor": 1, "reference": ""}, "bad_reference"),
        ("put_funds_in", {**nobody, "amount_minor": 1, "reference": "x"}, "no_position"),
        ("commit_funds_out", {"funds_id": "none"}, "unknown_funds"),
    ):
        with pytest.raises(Refused, match=code):
            act(node, name, told)


def test_who_reserved_does_not_settle(node: Node) -> None:
    """Four eyes in the use case itself, whatever channel asks; giving up is free to both."""
    scheme = Scheme(node)
    made = reserve(scheme, close(scheme))
    told = {"settlement_id": made.settlement_id}
    with pytest.raises(Refused, match=r"^party\.four_eyes"):
        node.act("exchange.settle", told, key="own", actor=STAFF)
    assert node.act("exchange.settle", told, key="other", actor=SECOND).state == "settled"
    assert node.act("exchange.settle", told, key="late", actor=STAFF).state == "settled"
    again = reserve(scheme, close(scheme))
    told = {"settlement_id": again.settlement_id}
    assert node.act("exchange.abort_settlement", told, key="up", actor=STAFF).state == "aborted"
