"""Payment versus payment on one node: the cheapest quote, both sides or neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from puhui.exchange.desk.account import own_account
from puhui.exchange.desk.lists import tariff
from puhui.exchange.desk.read import price
from puhui.exchange.window import quotes, remittance_of, remittances
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock
from tests.exchange.scheme import MINUTE_US, STAFF, Scheme, act, balance, own_balance, top_up
from tests.party.people import register_person


def ask(payer: str, payee: str, **changes: Any) -> dict[str, Any]:
    return {
        "payer": f"party:{payer}",
        "payee": f"party:{payee}",
        "source_currency": "CNY",
        "target_currency": "USD",
        "amount_kind": "send",
        "amount_minor": 100_000,
        **changes,
    }


def people(node: Node) -> tuple[str, str]:
    payer, payee = register_person(node, 1), register_person(node, 2)
    top_up(node, payer, "CNY", 500_000)
    return payer, payee


def test_both_sides_move_and_the_cheapest_quote_is_taken(node: Node) -> None:
    scheme = Scheme(node)
    payer, payee = people(node)
    scheme.one.offer(node, "0.13990")
    best = scheme.two.offer(node, "0.14010", fee_minor=50)
    made = act(node, "remit", ask(payer, payee))
    # 1,000.00 CNY less 1.00 of the scheme and 0.50 of the provider: 998.50 at 0.14010.
    assert (made.quote_id, made.changed_minor, made.target_minor) == (best.id, 99_850, 13_989)
    assert (made.provider_fee_minor, made.scheme_fee_minor) == (50, 100)
    assert balance(node, payer, "CNY") == 400_000
    assert balance(node, payee, "USD") == 13_989
    assert own_balance(node, own_account("fee_income", "CNY")) == 100
    assert scheme.owed(scheme.two.id) == [-99_900], "the provider is owed what it was paid"
    assert scheme.owed(scheme.two.id, currency="USD") == [13_989]
    assert scheme.owed(scheme.one.id, scheme.payer_bank) == [0, 0]
    with node.read() as tx:
        assert remittance_of(tx, made.id) == made
        assert remittances(tx, end=f"party:{payee}") == (made,)
        assert [one.provider_id for one in quotes(tx, now_us=node.clock.now_us())] == [
            scheme.one.id
        ]


def test_a_fixed_amount_arrives_and_the_payer_pays_the_least(node: Node) -> None:
    scheme = Scheme(node)
    payer, payee = people(node)
    scheme.one.offer(node, "0.15", fee_minor=100_000)
    cheap = scheme.two.offer(node, "0.14")
    told = ask(payer, payee, amount_kind="receive", amount_minor=10_000)
    with node.read() as tx:
        shown = price(
            tx,
            source_currency="CNY",
            target_currency="USD",
            amount_minor=10_000,
            amount_kind=told["amount_kind"],
            now_us=node.clock.now_us(),
        )
    made = act(node, "remit", told)
    assert (made.quote_id, made.target_minor, made.changed_minor) == (cheap.id, 10_000, 71_429)
    assert shown.total_minor == 71_429 + 100
    assert balance(node, payer, "CNY") == 500_000 - shown.total_minor


def test_one_changes_the_own_money(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    payer, other = people(node)
    scheme.one.offer(node)
    told = {
        "party_id": payer,
        "source_currency": "CNY",
        "target_currency": "USD",
        "amount_kind": "send",
        "amount_minor": 10_100,
    }
    customer = Actor(payer, frozenset({"customer"}))
    made = node.act("exchange.convert", told, key="own", actor=customer)
    assert balance(node, payer, "USD") == made.target_minor == 1_400
    with pytest.raises(Refused, match="not_yours"):
        node.act("exchange.convert", {**told, "party_id": other}, key="x", actor=customer)
    with pytest.raises(Refused, match="not_yours"):
        node.act("exchange.remit", ask(other, payer), key="y", actor=customer)


def test_a_bank_pays_for_its_customer(node: Node) -> None:
    scheme = Scheme(node)
    scheme.one.offer(node)
    payer, payee = f"participant:{scheme.payer_bank}", f"participant:{scheme.payee_bank}"
    act(node, "remit", {**ask("", ""), "payer": payer, "payee": payee})
    assert scheme.owed(scheme.payer_bank) == [100_000]
    assert scheme.owed(scheme.one.id) == [-99_900]
    assert scheme.owed(scheme.payee_bank, currency="USD") == [-13_986]


def test_a_provider_without_cover_is_passed_over(node: Node) -> None:
    scheme = Scheme(node)
    payer, payee = people(node)
    told = {"participant_id": scheme.one.id, "currency": "USD", "cap_minor": 10_000}
    act(node, "set_cap", told)
    scheme.one.offer(node, "0.15")
    second = scheme.two.offer(node, "0.14")
    assert act(node, "remit", ask(payer, payee)).quote_id == second.id
    with pytest.raises(Refused, match="provider_short"):
        act(node, "remit", ask(payer, payee))
    assert balance(node, payer, "CNY") == 400_000, "nothing moved"
    act(node, "remit", ask(payer, payee, amount_minor=50_000))


def test_neither_side_moves_when_one_cannot(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    payer, payee = people(node)
    scheme.one.offer(node)
    with pytest.raises(Refused, match="payer_short"):
        act(node, "remit", ask(payer, payee, amount_minor=500_001))
    with pytest.raises(Refused, match="worse_than_asked"):
        act(node, "remit", ask(payer, payee, worst_minor=13_987))
    told = ask(payer, payee, amount_kind="receive", amount_minor=14_000, worst_minor=100_000)
    with pytest.raises(Refused, match="worse_than_asked"):
        act(node, "remit", told)
    assert balance(node, payer, "CNY") == 500_000
    assert balance(node, payee, "USD") == 0
    assert scheme.owed(scheme.one.id) == scheme.owed(scheme.one.id, currency="USD") == [0]
    assert act(node, "remit", ask(payer, payee, worst_minor=13_986)).target_minor == 13_986


def test_a_payment_happens_once_under_its_key(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    payer, payee = people(node)
    scheme.one.offer(node)
    scheme.one.offer(node)
    first = act(node, "remit", ask(payer, payee), key="one")
    assert act(node, "remit", ask(payer, payee), key="one") == first
    assert balance(node, payer, "CNY") == 400_000


def test_quotes_that_are_forged_late_or_used_are_refused(node: Node, clock: FixedClock) -> None:
    scheme = Scheme(node)
    payer, payee = people(node)
    good = scheme.one.quote(node)

    def post(quote: object) -> str:
        return str(act(node, "post_quote", {"quote": quote}).state)

    for changes in ({"rate": "0.10"}, {"maximum_minor": 5}, {"provider_id": scheme.two.id}):
        with pytest.raises(Refused, match="bad_signature"):
            post(replace(good, **changes))
    with pytest.raises(Refused, match="bad_signature"):
        post(replace(good, signature=scheme.two.sign(good).signature))
    with pytest.raises(Refused, match="bad_signature"):
        post(replace(good, signature="no signature"))
    with pytest.raises(Refused, match="unknown_provider"):
        post(replace(good, provider_id=scheme.payer_bank))
    assert post(good) == post(good) == "open", "twice the same is once"
    with pytest.raises(Refused, match="quote_reused"):
        post(scheme.one.sign(replace(good, rate="0.2")))
    act(node, "remit", ask(payer, payee, quote_id=good.id))
    assert post(good) == "taken"
    with pytest.raises(Refused, match="quote_taken"):
        act(node, "remit", ask(payer, payee, quote_id=good.id))
    with pytest.raises(Refused, match="quote_taken"):
        act(node, "withdraw_quote", {"quote_id": good.id})
    late = scheme.one.offer(node)
    unposted = scheme.one.quote(node)
    clock.set_us(clock.now_us() + MINUTE_US)
    for quote_id, code in ((late.id, "quote_expired"), ("", "no_quote"), ("q", "unknown_quote")):
        with pytest.raises(Refused, match=code):
            act(node, "remit", ask(payer, payee, quote_id=quote_id))
    with pytest.raises(Refused, match="quote_expired"):
        post(unposted)


def test_no_provider_fills_the_book(sqlite_node: Node, clock: FixedClock) -> None:
    scheme = Scheme(sqlite_node)
    for _ in range(tariff().quotes_provider_max):
        scheme.one.offer(sqlite_node)
    with pytest.raises(Refused, match="too_many_quotes"):
        scheme.one.offer(sqlite_node)
    scheme.two.offer(sqlite_node)
    scheme.one.offer(sqlite_node, "7", source_currency="USD", target_currency="CNY")
    clock.set_us(clock.now_us() + MINUTE_US)
    scheme.one.offer(sqlite_node)


def test_a_quote_taken_back_is_not_used(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    payer, payee = people(node)
    quote = scheme.one.offer(node)
    act(node, "withdraw_quote", {"quote_id": quote.id})
    with pytest.raises(Refused, match="no_quote"):
        act(node, "remit", ask(payer, payee))
    with pytest.raises(Refused, match="unknown_quote"):
        act(node, "withdraw_quote", {"quote_id": "none"})


def test_what_is_not_asked_well_is_refused(sqlite_node: Node) -> None:
    node = sqlite_node
    scheme = Scheme(node)
    payer, payee = people(node)
    quote = scheme.one.offer(node)
    itself = f"participant:{scheme.one.id}"
    for changes, code in (
        ({"payer": payer}, "bad_end"),
        ({"payee": "party:"}, "bad_end"),
        ({"payee": "party:nobody"}, "unknown_party"),
        ({"payee": "participant:nobody"}, "no_position"),
        ({"target_currency": "CNY"}, "same_currency"),
        ({"target_currency": "XXX"}, "unknown_currency"),
        ({"target_currency": "EUR"}, "no_quote"),
        ({"target_currency": "EUR", "quote_id": quote.id}, "other_currency"),
        ({"amount_minor": 0}, "bad_amount"),
        ({"remark": "x" * 141}, "bad_remark"),
        ({"payer": itself, "payee": itself}, "same_end"),
    ):
        with pytest.raises(Refused, match=code):
            act(node, "remit", {**ask(payer, payee), **changes})
    with pytest.raises(Refused, match=r"kernel\.role_missing"):
        stranger = Actor("x", frozenset({"visitor"}))
        node.act("exchange.remit", ask(payer, payee), key="z", actor=stranger)
    assert STAFF.roles
