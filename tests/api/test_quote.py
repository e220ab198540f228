"""Signed quotes over the API, as a provider's own program posts them: forged, late, replayed."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from tests.api.exchange_things import scheme_of
from tests.api.town import Town
from tests.exchange.scheme import MINUTE_US

PATH = "/api/exchange/post_quote"


def posted(town: Town, quote: Any, *, who: str = "quoter", key: str = "") -> tuple[int, str]:
    """POST a quote; its status, and where it stands or the code of why not."""
    answer = town.post(who, PATH, {"quote": asdict(quote)}, key)
    told = answer.json()
    return answer.status_code, told["code"] if answer.status_code != 200 else told["state"]


def test_a_program_of_a_provider_posts_what_it_signed(town: Town) -> None:
    """Signature, provider, time and id are held; the same again answers where it stands."""
    scheme = scheme_of(town)
    one, two = scheme.one, scheme.two
    town.machine("quoter", "provider", "exchange.post_quote", "exchange.recall_quote")
    now_us = town.node.clock.now_us()
    good = one.quote(town.node)
    for forged in (
        replace(good, signature=two.sign(good).signature),
        replace(good, signature=""),
        replace(good, signature="A" * 88),
        replace(good, rate="9.99"),
        replace(good, fee_minor=good.fee_minor + 1),
        replace(good, maximum_minor=good.maximum_minor + 1),
        replace(good, expires_us=good.expires_us + 1),
        replace(good, provider_id=two.id),
    ):
        assert posted(town, forged) == (422, "exchange.bad_signature"), forged
    for provider_id in (scheme.payer_bank, "participant-nobody"):
        wrong = one.sign(replace(good, provider_id=provider_id))
        assert posted(town, wrong) == (422, "exchange.unknown_provider")
    late = one.sign(replace(good, id="late", expires_us=now_us))
    assert posted(town, late) == (422, "exchange.quote_expired")
    narrow = one.sign(replace(good, id="narrow", minimum_minor=good.maximum_minor + 1))
    assert posted(town, narrow) == (422, "exchange.bad_quote")
    assert posted(town, good, key="once") == (200, "open")
    assert posted(town, good, key="once") == (200, "open"), "one key, one answer"
    assert posted(town, good) == (200, "open"), "shown again it is one quote"
    assert posted(town, two.sign(replace(good, provider_id=two.id))) == (
        422, "exchange.quote_reused",
    )  # fmt: skip
    assert posted(town, one.sign(replace(good, rate="0.2"))) == (422, "exchange.quote_reused")
    assert posted(town, replace(good, id="x" * 90), key="once") == (409, "kernel.key_reused")


def test_what_was_taken_back_or_has_ended_is_not_revived(town: Town) -> None:
    """A signed quote that somebody kept is worth nothing once it was withdrawn or is over."""
    scheme = scheme_of(town)
    town.machine("quoter", "provider", "exchange.post_quote", "exchange.recall_quote")
    clock: Any = town.node.clock
    quote, unposted = scheme.one.quote(town.node), scheme.one.quote(town.node)
    assert posted(town, quote) == (200, "open")
    recall = town.post("quoter", "/api/exchange/recall_quote", scheme.one.recall(quote.id))
    assert recall.json()["state"] == "withdrawn"
    assert posted(town, quote) == (200, "withdrawn")
    clock.set_us(clock.now_us() + MINUTE_US)
    assert posted(town, unposted) == (422, "exchange.quote_expired")


def test_who_may_not_post(town: Town) -> None:
    """Nobody, a customer, and a program whose key does not cover it."""
    scheme = scheme_of(town)
    quote = scheme.one.quote(town.node)
    town.machine("reader", "provider", "exchange.read_prices")
    assert posted(town, quote, who="")[0] == 401
    assert posted(town, quote, who="ann") == (403, "kernel.role_missing")
    assert posted(town, quote, who="reader") == (403, "api.scope_missing")
    assert posted(town, quote, who="operator") == (200, "open"), "staff hand it in as well"
