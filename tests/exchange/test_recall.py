"""A provider takes its quotes back itself: by its signature alone, as it made them."""

from __future__ import annotations

import pytest

from puhui.kernel import Actor, Node, Refused
from tests.exchange.scheme import Scheme, act

MACHINE = Actor("key-of-provider", frozenset({"provider"}))


def test_a_quote_is_recalled_by_who_signed_it(node: Node) -> None:
    scheme = Scheme(node)
    quote = scheme.one.quote(node)
    posted = node.act("exchange.post_quote", {"quote": quote}, key="post", actor=MACHINE)
    assert posted.state == "open"
    for told, code in (
        (scheme.two.recall(quote.id), "exchange.bad_signature"),
        ({"quote_id": quote.id, "signature": quote.signature}, "exchange.bad_signature"),
        ({"quote_id": quote.id, "signature": ""}, "exchange.bad_signature"),
        (scheme.one.recall("nothing"), "exchange.unknown_quote"),
    ):
        with pytest.raises(Refused) as refused:
            node.act("exchange.recall_quote", told, key=f"{code}{told}", actor=MACHINE)
        assert refused.value.code == code
    told = scheme.one.recall(quote.id)
    assert node.act("exchange.recall_quote", told, key="r", actor=MACHINE).state == "withdrawn"
    assert node.act("exchange.recall_quote", told, key="again", actor=MACHINE).state == "withdrawn"


def test_a_machine_of_a_provider_may_do_nothing_else(node: Node) -> None:
    scheme = Scheme(node)
    quote = scheme.one.offer(node)
    for name, told in (
        ("withdraw_quote", {"quote_id": quote.id}),
        ("suspend_participant", {"participant_id": scheme.two.id}),
    ):
        with pytest.raises(Refused) as refused:
            node.act(f"exchange.{name}", told, key=name, actor=MACHINE)
        assert refused.value.code == "kernel.role_missing"


def test_a_suspended_or_taken_one_is_not_recalled(node: Node) -> None:
    scheme = Scheme(node)
    taken, held = scheme.one.offer(node, rate="0.15"), scheme.two.offer(node)
    asked = {
        "payer": f"participant:{scheme.payer_bank}",
        "payee": f"participant:{scheme.payee_bank}",
        "source_currency": "CNY",
        "target_currency": "USD",
        "amount_kind": "send",
        "amount_minor": 1_000,
    }
    assert act(node, "remit", asked).quote_id == taken.id
    act(node, "suspend_participant", {"participant_id": scheme.two.id})
    for told, code in (
        (scheme.one.recall(taken.id), "exchange.quote_taken"),
        (scheme.two.recall(held.id), "exchange.participant_suspended"),
    ):
        with pytest.raises(Refused) as refused:
            node.act("exchange.recall_quote", told, key=code, actor=MACHINE)
        assert refused.value.code == code
