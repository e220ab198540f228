"""Rules of exchange: prices by worked cases, and what holds of all of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.exchange.nouns.participant import SettlementKind
from puhui.exchange.nouns.quote import AmountKind, Quote, SchemeFee
from puhui.exchange.nouns.window import SettlementLine
from puhui.exchange.rules.leg import fulfils
from puhui.exchange.rules.position import Share, deferred
from puhui.exchange.rules.quote import (
    changed_for,
    check_quote,
    check_room,
    price_of,
    ranked,
    rate_of,
    scheme_fee_of,
    target_of,
)
from puhui.exchange.rules.settlement import cover_change
from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX
from tests.exchange.scheme import PATIENT

FREE = SchemeFee(Decimal(0), 0, MINOR_MAX)
FEE = SchemeFee(Decimal("0.0005"), 100, 20_000)
QUOTE = Quote("q", "p", "CNY", "USD", "0.14", 1, MINOR_MAX - 1, 0, 1_000)


@pytest.mark.parametrize(
    "changed, rate, source, target, found",
    [
        (10_000, "82.42135", "USD", "INR", 824_214),  # TigerBeetle's currency exchange recipe
        (10_000, "82.42134", "USD", "INR", 824_213),
        (10_000, "0.0485", "JPY", "CNY", 48_500),  # no decimals to two, by hand
        (48_500, "20.5", "CNY", "JPY", 9_943),  # 9,942.5 yen, halves up, by hand
        (1, "0.4", "CNY", "USD", 0),
    ],
)
def test_an_amount_is_changed_to_the_nearest_minor_unit(
    changed: int, rate: str, source: str, target: str, found: int
) -> None:
    made = target_of(changed, Decimal(rate), source_currency=source, target_currency=target)
    assert made == found


@pytest.mark.parametrize(
    "target, rate, source, found", [(824_214, "82.42135", "USD", 10_001), (14, "0.14", "CNY", 100)]
)
def test_a_fixed_target_is_paid_for_in_favour_of_the_liquidity(
    target: int, rate: str, source: str, found: int
) -> None:
    currency = "INR" if source == "USD" else "USD"
    assert (
        changed_for(target, Decimal(rate), source_currency=source, target_currency=currency)
        == found
    )


rates = st.decimals("0.0001", "9999", places=5).map(str)
amounts = st.integers(1, 10**12)
quotes = st.builds(
    lambda rate, fee, number: replace(QUOTE, id=f"q{number}", rate=rate, fee_minor=fee),
    rates,
    st.integers(0, 10_000),
    st.integers(0, 10**6),
)


@PATIENT
@given(rates, amounts)
def test_the_liquidity_loses_at_most_half_a_minor_unit(rate: str, amount: int) -> None:
    pair = {"source_currency": "CNY", "target_currency": "USD"}
    exact = Fraction(Decimal(rate)) * amount
    assert abs(target_of(amount, Decimal(rate), **pair) - exact) <= Fraction(1, 2)
    paid = changed_for(amount, Decimal(rate), **pair)
    assert paid * Fraction(Decimal(rate)) >= amount, "a fixed target never costs it anything"
    assert (paid - 1) * Fraction(Decimal(rate)) < amount, "and the payer nothing more than needed"


@PATIENT
@given(quotes, amounts)
def test_who_sends_never_pays_more_than_that(quote: Quote, amount: int) -> None:
    price = price_of(quote, FEE, amount, AmountKind.SEND)
    if price is not None:
        assert amount - 1 <= price.total_minor <= amount
        assert price.scheme_fee_minor == scheme_fee_of(price.changed_minor, FEE)


@PATIENT
@given(st.lists(quotes, max_size=8, unique_by=lambda q: q.id), amounts, st.booleans())
def test_no_quote_is_better_than_the_first(
    offered: list[Quote], amount: int, is_send: bool
) -> None:
    kind = AmountKind.SEND if is_send else AmountKind.RECEIVE
    prices = ranked(offered, FEE, amount, kind, 0)
    each = [p for q in offered if (p := price_of(q, FEE, amount, kind)) is not None]
    assert sorted(p.quote_id for p in prices) == sorted(p.quote_id for p in each)
    if not prices:
        return
    if is_send:
        assert prices[0].target_minor == max(p.target_minor for p in each)
    else:
        assert prices[0].total_minor == min(p.total_minor for p in each)


def test_a_quote_covers_its_range_and_its_time() -> None:
    quote = replace(QUOTE, minimum_minor=100, maximum_minor=200)
    for amount, is_covered in ((99, False), (100, True), (200, True), (201, False)):
        assert (price_of(quote, FREE, amount, AmountKind.SEND) is not None) is is_covered
    assert ranked([quote], FREE, 150, AmountKind.SEND, 999) != []
    assert ranked([quote], FREE, 150, AmountKind.SEND, 1_000) == []
    assert price_of(replace(QUOTE, fee_minor=200), FREE, 100, AmountKind.SEND) is None
    with pytest.raises(Refused, match="bad_amount"):
        ranked([quote], FREE, 0, AmountKind.SEND, 0)


@pytest.mark.parametrize("text", ["0", "-1", "1e5", "", "1.", ".5", "01", "NaN", "1" * 10, "１"])
def test_a_rate_is_a_plain_decimal(text: str) -> None:
    with pytest.raises(Refused, match="bad_rate"):
        rate_of(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "a b"},
        {"minimum_minor": 0},
        {"maximum_minor": 0},
        {"maximum_minor": MINOR_MAX},
        {"fee_minor": -1},
    ],
)
def test_a_quote_is_well_made(changes: dict[str, object]) -> None:
    with pytest.raises(Refused, match="bad_quote"):
        check_quote(replace(QUOTE, **changes), 0)


def test_the_book_of_a_pair_has_an_end() -> None:
    check_room(9, 99, provider_max=10, pair_max=100)
    for own, everybody in ((10, 10), (1, 100)):
        with pytest.raises(Refused, match="too_many_quotes"):
            check_room(own, everybody, provider_max=10, pair_max=100)


def test_a_fulfilment_is_the_bytes_behind_the_digest() -> None:
    preimage = "ab" * 32
    condition = hashlib.sha256(bytes.fromhex(preimage)).hexdigest()
    assert fulfils(preimage, condition)
    for wrong in ("ac" * 32, "ab" * 31, preimage.upper(), condition, "", "ab" * 33):
        assert not fulfils(wrong, condition)


@PATIENT
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.integers(1, 10**9)),
        max_size=30,
    )
)
def test_what_some_owe_others_are_owed(payments: list[tuple[str, str, int]]) -> None:
    kind = SettlementKind.NET_DEFERRED
    shares = [
        Share(position, kind, "CNY", sign * amount)
        for payer, payee, amount in payments
        for position, sign in ((payer, 1), (payee, -1))
    ]
    nets = deferred(shares)
    assert sum(nets.values()) == 0
    assert all(nets.values()), "who owes nothing is left out"
    gross = [replace(one, settlement_kind=SettlementKind.GROSS_CONTINUOUS) for one in shares]
    assert deferred(gross) == {}, "what settles gross is never kept for later"


@pytest.mark.parametrize(
    "net, paid, change", [(100, 100, 0), (100, 30, -70), (-100, 100, 0), (-100, 0, 100)]
)
def test_cover_takes_what_is_not_paid(net: int, paid: int, change: int) -> None:
    assert cover_change(SettlementLine("p", net, paid)) == change
